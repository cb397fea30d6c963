"""What `python -m src.infer` does with its options: plays videos, or segments photographs."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from src.errors import UserError
from src.files import write_whole

if TYPE_CHECKING:
    from src.runtime.engines.base import Engine
    from src.runtime.video.stats import RunStats
    from src.runtime.video.window import Window


def play_video(options: argparse.Namespace) -> "RunStats":
    """--video: plays it through the pipeline into the outputs asked for."""
    from src.runtime.postprocess import PostProcessor
    from src.runtime.video.compositing import Compositor
    from src.runtime.video.outputs import open_outputs, refuse_video_outputs
    from src.runtime.video.pipeline import play
    from src.runtime.video.source import VideoSource

    refuse_video_outputs(options, [Path(options.video)])
    show = _shows(options)
    with ExitStack() as open_things:
        source = open_things.enter_context(VideoSource(options.video))
        engine = open_things.enter_context(_open_engine(options, pipelined=True))
        card, compositor = engine.info.card, None
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
        outputs = open_things.enter_context(open_outputs(options, source, card, compositor))
        saving = bool(outputs.sinks)
        window = open_things.enter_context(_window(options.video, None if saving else source.fps)) if show else None
        total = min(options.max_frames or sys.maxsize, source.frame_count or sys.maxsize)
        with _progress(total, "frame", options.quiet) as advance:
            stats = play(
                source,
                engine,
                postprocess=postprocess,
                compositor=compositor,
                sinks=outputs.sinks,
                window=window,
                max_frames=options.max_frames,
                on_frame=advance,
            )
    notes = outputs.notes
    if not (stats.interrupted or show) and total != sys.maxsize and stats.frames < 0.95 * total:
        notes.append(f"note: {options.video} promises {total} frames, but ends or is damaged after {stats.frames}")
    _report(options, stats, "frames", notes)
    return stats


def segment_images(options: argparse.Namespace) -> "RunStats":
    """--images: one mask, matte or composed picture for each photo.

    Raises:
        UserError: photos that could not be read, by name; the others are done by then.
    """
    from src.runtime.photo_plan import plan_photos
    from src.runtime.photos import segment_photos
    from src.runtime.segmenter import SkySegmenter
    from src.runtime.tables import share_columns
    from src.runtime.video.compositing import Compositor
    from src.runtime.video.outputs import is_transparent, open_table, refuse_places, saved_notes

    show = _shows(options)
    plan = plan_photos(
        options.images,
        masks=options.save_masks,
        mattes=options.alpha,
        pictures=options.save,
        naming=options.mask_naming,
        transparent=is_transparent(options),
        limit=options.max_frames,
    )
    refuse_places(options, [photo.path for photo in plan.photos])
    with ExitStack() as open_things:
        engine = open_things.enter_context(_open_engine(options, pipelined=False))
        card = engine.info.card
        if options.mask_naming == "colmap" and not card.binary:
            raise UserError(f"--mask-naming colmap: {card.name} has {len(card.classes) - 1} classes, not the sky alone")
        window = open_things.enter_context(_window(options.images, hold=True)) if show else None
        table = open_table(options, ["photo", *share_columns(card), "infer_ms"], open_things)
        with _progress(len(plan.photos), "photo", options.quiet) as advance:
            run = segment_photos(
                plan.photos,
                SkySegmenter(engine, threshold=options.threshold, refine=options.refine),
                compositor=lambda width, height: Compositor(card, options.view, width, height, options.opacity),
                for_colmap=options.mask_naming == "colmap",
                window=window,
                table=table,
                on_photo=advance,
            )
    _report(options, run.stats, "photos", plan.notes + saved_notes(options))
    if unreadable := plan.unreadable + run.unreadable:
        problem = UserError(
            f"{len(unreadable)} of {len(plan.photos) + len(plan.unreadable)} cannot be read, and have no mask",
            "\n       ".join(f"{path}: {why}" for path, why in unreadable),
            "mend, convert (to .jpg or .png) or remove them; the others are done" if run.stats.frames else "",
        )
        if not run.stats.interrupted:
            raise problem
        print(problem, file=sys.stderr, flush=True)
    return run.stats


def _shows(options: argparse.Namespace) -> bool:
    """Whether to open a window: if asked to, or if nothing is saved and there is a display."""
    if options.show or not any((options.save, options.save_masks, options.alpha, options.csv)):
        from src.runtime.video.window import Window

        if reason := Window.unavailable():
            what = "cannot open a window" if options.show else "nothing to do with the result"
            raise UserError(what, reason, "add --save OUT or --save-masks DIR" + (" and drop --show" * options.show))
        return True
    return False


def _open_engine(options: argparse.Namespace, pipelined: bool) -> "Engine":
    from src.hardware import cores
    from src.runtime.engines import open_engine, requests_for_video
    from src.runtime.report import model_line
    from src.runtime.segmenter import built_engine

    threads = options.threads or cores()
    requests = requests_for_video(threads) if pipelined else 1
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

    if options.stats_json:
        write_whole(options.stats_json, (json.dumps(stats.to_dict(), indent=2) + "\n").encode())
    if not options.quiet:
        text = summary(stats, unit, notes)
        # Names of files may hold what the terminal's encoding cannot.
        print(text.encode(sys.stdout.encoding or "utf-8", "backslashreplace").decode(sys.stdout.encoding), flush=True)
