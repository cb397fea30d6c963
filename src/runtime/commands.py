"""What `python -m src.infer` does with its options: plays videos, or segments photographs."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from src.errors import UserError
from src.files import make_writable

if TYPE_CHECKING:
    from src.runtime.engines.base import Engine
    from src.runtime.video.stats import RunStats
    from src.runtime.video.window import Window

MOST_REQUESTS = 8  # each holds a decoded frame: 25 MB at 4K


def play_video(options: argparse.Namespace, began: float) -> "RunStats":
    """--video: plays it through the pipeline into the outputs asked for.

    Args:
        began: `time.perf_counter` when the command was started, from which `first_frame_s` counts.
    """
    from src.runtime.interrupts import heeding_interrupts
    from src.runtime.postprocess import PostProcessor
    from src.runtime.video.compositing import Compositor
    from src.runtime.video.pipeline import PREVIEW_FPS, play
    from src.runtime.video.sink import MaskFolder, VideoFile
    from src.runtime.video.source import VideoSource
    from src.runtime.video.writer import VideoWriter

    if options.save and _same_file(options.save, Path(options.video)):
        raise UserError(f"{options.save}: is the input itself", fix="save to another file")
    show = _shows(options)
    with ExitStack() as open_things:
        source = open_things.enter_context(VideoSource(options.video))
        engine = open_things.enter_context(_open_engine(options, pipelined=not source.live))
        open_things.enter_context(heeding_interrupts())  # outputs are finished within it
        card, sinks, compositor = engine.info.card, [], None
        postprocess = PostProcessor(
            card,
            source.width,
            source.height,
            threshold=options.threshold,
            refine=options.refine,
            smooth=options.smooth,
        )
        if options.save or show:
            compositor = Compositor(card, options.view, source.width, source.height, options.opacity)
        if options.save_masks:
            sinks.append(MaskFolder(options.save_masks, card))
        if options.save:
            writer = VideoWriter(options.save, compositor.width, compositor.height, source.fps)
            sinks.append(VideoFile(open_things.enter_context(writer)))
        saving = bool(sinks)
        window = open_things.enter_context(_window(options.video, None if saving else source.fps)) if show else None
        total = min(options.max_frames or sys.maxsize, source.frame_count or sys.maxsize)
        with _progress(total, "frame", options.quiet) as advance:
            stats = play(
                source,
                engine,
                postprocess=postprocess,
                compositor=compositor,
                sinks=sinks,
                window=window,
                max_frames=options.max_frames,
                batch=options.batch or 1,
                shown_fps=PREVIEW_FPS if saving else None,
                on_frame=advance,
                began=began,
            )
    notes = [f"saved: {path}" for path in (options.save, options.save_masks) if path]
    if options.batch and options.batch > 1:
        notes.append(_about_batch(options.batch, source.live))
    if not (stats.interrupted or show) and total != sys.maxsize and stats.frames < 0.95 * total:
        notes.append(f"note: {options.video} promises {total} frames, but ends or is damaged after {stats.frames}")
    _report(options, stats, "frames", notes)
    return stats


def segment_images(options: argparse.Namespace) -> "RunStats":
    """--images: one mask or composed picture for each photo."""
    from src.runtime.photos import plan_photos, segment_photos
    from src.runtime.segmenter import SkySegmenter

    show = _shows(options)
    photos = plan_photos(options.images, options.save_masks, options.save, options.max_frames)
    with ExitStack() as open_things:
        engine = open_things.enter_context(_open_engine(options, pipelined=False))
        for folder in (options.save, options.save_masks):
            if folder:
                make_writable(folder)
        window = open_things.enter_context(_window(options.images, hold=True)) if show else None
        with _progress(len(photos), "photo", options.quiet) as advance:
            run = segment_photos(
                photos,
                SkySegmenter(engine, threshold=options.threshold, refine=options.refine),
                view=options.view,
                opacity=options.opacity,
                window=window,
                on_photo=advance,
            )
    notes = [f"saved: {folder}" for folder in (options.save, options.save_masks) if folder]
    if run.unreadable:
        notes.append(f"skipped {len(run.unreadable)} unreadable: {', '.join(map(str, run.unreadable))}")
    _report(options, run.stats, "photos", notes)
    return run.stats


def _shows(options: argparse.Namespace) -> bool:
    """Whether to open a window: if asked to, or if nothing is saved and there is a display."""
    if options.show or not (options.save or options.save_masks):
        from src.runtime.video.window import Window

        if reason := Window.unavailable():
            what = "cannot open a window" if options.show else "nothing to do with the result"
            raise UserError(what, reason, "add --save OUT or --save-masks DIR" + (" and drop --show" * options.show))
        return True
    return False


def _open_engine(options: argparse.Namespace, pipelined: bool) -> "Engine":
    from src.hardware import cores
    from src.runtime.engines import open_engine
    from src.runtime.report import model_line, say
    from src.runtime.segmenter import built_engine

    threads = options.threads or cores()
    # A frame's latency counts nowhere in a pipeline: two requests keep the cores busy between frames.
    requests = min(max(2, threads // 2), MOST_REQUESTS) if pipelined else 1
    engine = open_engine(
        options.engine or built_engine(),
        backend=options.backend,
        precision=options.precision,
        threads=threads,
        requests=requests,
    )
    if not options.quiet:
        say(model_line(engine.info))
    return engine


def _window(title: Path | str, fps: float | None = None, hold: bool = False) -> "Window":
    from src.runtime.video.window import HINT, Window

    return Window(f"{Path(title).name} ({HINT})", fps, hold)


@contextmanager
def _progress(total: int, unit: str, quiet: bool) -> Iterator[Callable[[], None]]:
    from tqdm import tqdm

    from src.runtime.report import Unheard

    known = None if total == sys.maxsize else total
    quiet = quiet or sys.stderr is None
    with tqdm(
        total=known, unit=f" {unit}", disable=quiet, dynamic_ncols=True, leave=False, file=Unheard(sys.stderr)
    ) as bar:
        yield lambda: bar.update() and None


def _report(options: argparse.Namespace, stats: "RunStats", unit: str, notes: Sequence[str]) -> None:
    from src.runtime.report import say, summary

    if not options.quiet:
        say(summary(stats, unit, notes))


def _about_batch(batch: int, live: bool) -> str:
    if live:
        return f"note: --batch {batch}: left out, a live source is shown frame by frame"
    return f"note: --batch {batch}: a frame's mask waits for the {batch - 1} after it"


def _same_file(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)
