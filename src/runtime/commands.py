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
    from src.runtime.video.source import Source
    from src.runtime.video.sources.inputs import VideoInput
    from src.runtime.video.sources.selection import Selection
    from src.runtime.video.stats import RunStats
    from src.runtime.video.window import Window

MOST_REQUESTS = 8  # each holds a decoded frame: 25 MB at 4K


def play_video(options: argparse.Namespace) -> "RunStats":
    """--video: plays one video or several, one after another, into the outputs asked for.

    Of several, those that cannot be read are passed over and named.

    Raises:
        UserError: nothing could be played, an output cannot be written, or a stream dropped for good; what was
            saved of it until then is complete.
    """
    from src.runtime.video.source import open_source
    from src.runtime.video.sources.inputs import find_videos
    from src.runtime.video.stats import summed

    videos = find_videos(
        options.video, [folder for folder in (options.save, options.save_masks, options.alpha) if folder]
    )
    plans = _plan_outputs(options, videos)
    show, runs, notes, refused, lost = _shows(options), [], [], [], None
    with ExitStack() as open_things:
        engine = None
        for plan in plans:
            try:
                source = open_source(plan.video, _selection(plan), plan.reconnect)
            except UserError as error:
                refused.append(error)
                continue
            with source:
                # After the first video was opened: what is wrong with it is told before the model is loaded.
                engine = engine or open_things.enter_context(_open_engine(options, pipelined=not source.live))
                plan.max_frames = options.max_frames and options.max_frames - sum(run.frames for run in runs)
                stats, more, quit_by_user = _play_one(plan, source, engine, show)
            runs.append(stats)
            notes += more
            lost = source.lost
            if stats.interrupted or quit_by_user or (options.max_frames and stats.frames >= plan.max_frames):
                break
    if not runs:
        raise refused[0]
    notes += [f"skipped: {error.what}" for error in refused]
    total = summed(runs)
    _report(options, total, "frames", notes)
    if lost and not total.interrupted:
        raise lost
    return total


def _play_one(
    options: argparse.Namespace, source: "Source", engine: "Engine", show: bool
) -> "tuple[RunStats, list[str], bool]":
    """The figures, notes for the summary, and whether the user closed the window."""
    from src.runtime.postprocess import PostProcessor
    from src.runtime.video.compositing import Compositor
    from src.runtime.video.pipeline import play
    from src.runtime.video.sink import MaskFolder, VideoFile
    from src.runtime.video.writer import VideoWriter

    with ExitStack() as open_things:
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
        pace = None if sinks or source.live else source.fps
        window = open_things.enter_context(_window(source.name, pace)) if show else None
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
                on_frame=advance,
            )
    notes = [f"saved: {path}" for path in (options.save, options.save_masks) if path]
    if source.ended_early:
        notes.append(source.ended_early)
    return stats, notes, window is not None and window.quit


def _selection(options: argparse.Namespace) -> "Selection":
    from src.runtime.video.sources.selection import Selection

    return Selection(options.start or 0.0, options.end, options.stride or 1, options.fps, options.loop or 1)


def _plan_outputs(options: argparse.Namespace, videos: "Sequence[VideoInput]") -> list[argparse.Namespace]:
    """The options of each video: its own outputs below the folders asked for, if there are several.

    Raises:
        UserError: an output onto an input, or a file where a folder is needed.
    """
    from src.runtime.video.sources.inputs import SUFFIXES, mirrored

    plans = [argparse.Namespace(**vars(options) | {"video": video.given}) for video in videos]
    if videos[0].below is not None:
        for option, suffix in (("save", None), ("save_masks", ""), ("alpha", ""), ("csv", ".csv")):
            folder = getattr(options, option)
            if folder is None:
                continue
            if folder.is_file() or folder.suffix.lower() in (*SUFFIXES, ".csv"):
                name = f"--{option.replace('_', '-')} {folder}"
                raise UserError(f"{name}: several videos are saved into a folder, not a file", fix="name a folder")
            for plan, name in zip(plans, mirrored(videos, suffix), strict=True):
                setattr(plan, option, folder / name)
    inputs = {Path(video.given).resolve() for video in videos if Path(video.given).is_file()}
    for plan in plans:
        if plan.save and plan.save.resolve() in inputs:
            raise UserError(f"{plan.save}: is the input itself", fix="save to another file")
    return plans


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
    from src.runtime.report import model_line
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
        print(model_line(engine.info), flush=True)
    return engine


def _window(title: Path | str, fps: float | None = None, hold: bool = False) -> "Window":
    from src.runtime.video.window import HINT, Window

    return Window(f"{Path(title).name} ({HINT})", fps, hold)


@contextmanager
def _progress(total: int, unit: str, quiet: bool) -> Iterator[Callable[[], None]]:
    from tqdm import tqdm

    known = None if total == sys.maxsize else total
    with tqdm(total=known, unit=f" {unit}", disable=quiet, dynamic_ncols=True, leave=False) as bar:
        yield lambda: bar.update() and None


def _report(options: argparse.Namespace, stats: "RunStats", unit: str, notes: Sequence[str]) -> None:
    from src.runtime.report import summary

    if not options.quiet:
        print(summary(stats, unit, notes), flush=True)
