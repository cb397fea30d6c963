"""Plays the sky mask on a video, or writes it for photographs.

    python -m src.infer --video clip.mp4                          in a window, in real time
    python -m src.infer --video clip.mp4 --save out.mp4           as a video with the sky tinted
    python -m src.infer --video clip.mp4 --view side-by-side --save out.mp4
    python -m src.infer --video clip.mp4 --save-masks masks/      as masks/000000.png, 000001.png, ...
    python -m src.infer --images photos/ --save-masks masks/      photos/a/b.jpg as masks/a/b.png
    python -m src.infer --images 'photos/*.jpg' --save pictures/  tinted pictures

Masks have the size of their frame or photo; 255 is sky (of a model with more classes: the class index).
In a window, q or Esc quits and space pauses; photos wait for a key.
In Python: src.infer.SkySegmenter().predict(image_bgr).
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from src.errors import UserError, user_errors
from src.files import make_writable, write_whole

if TYPE_CHECKING:
    from src.runtime.engines.base import Engine
    from src.runtime.segmenter import SkySegmenter
    from src.runtime.video.stats import RunStats
    from src.runtime.video.window import Window

VIEWS = ("overlay", "mask", "side-by-side")
MOST_REQUESTS = 8  # each holds a decoded frame: 25 MB at 4K
EXIT_CODES = """exit codes:
  0    done; photos that could not be read are named in the summary
  2    something is wrong with the input or an option
  3    the engine or model file cannot be used here
  130  interrupted by Ctrl-C; what was saved until then is complete
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line; ends in SystemExit with one of `EXIT_CODES`, or returns for 0."""
    options = parse(arguments)
    with user_errors():
        if options.stats_json:
            make_writable(options.stats_json.parent)
        stats = play_video(options) if options.video else segment_images(options)
        if options.stats_json:
            write_whole(options.stats_json, (json.dumps(stats.to_dict(), indent=2) + "\n").encode())
        if stats.interrupted:
            raise KeyboardInterrupt


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m src.infer",
        description=__doc__,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    given = parser.add_mutually_exclusive_group(required=True)
    given.add_argument("--video", type=Path, metavar="FILE", help="a video file")
    given.add_argument("--images", metavar="PATH", help="a picture, a folder (with its subfolders), or a quoted glob")
    parser.add_argument("--save", type=Path, metavar="OUT", help="a video file, or for --images a folder of pictures")
    parser.add_argument("--save-masks", type=Path, metavar="DIR", help="a folder of PNG masks")
    parser.add_argument("--show", action="store_true", help="play in a window (the default if nothing is saved)")
    parser.add_argument(
        "--engine",
        type=Path,
        metavar="PATH",
        help="an engine folder or .onnx file (default: models/engine; where none is built, models/release/skyseg.onnx)",
    )
    parser.add_argument("--view", choices=VIEWS, default="overlay", help="what is saved and shown (default: overlay)")
    parser.add_argument(
        "--opacity", type=_share, default=0.5, metavar="0..1", help="of the tint in an overlay (default: 0.5)"
    )
    parser.add_argument("--threads", type=_positive, metavar="N", help="for inference (default: every core)")
    parser.add_argument("--max-frames", type=_positive, metavar="N", help="end after N frames or photos")
    parser.add_argument("--stats-json", type=Path, metavar="FILE", help="write the figures of the run there")
    parser.add_argument("--quiet", action="store_true", help="say nothing but errors")
    return parser.parse_args(arguments)


def play_video(options: argparse.Namespace) -> "RunStats":
    """--video: plays it through the pipeline into the outputs asked for."""
    from src.runtime.video.compositing import Compositor
    from src.runtime.video.pipeline import play
    from src.runtime.video.sink import MaskFolder, VideoWriter
    from src.runtime.video.source import VideoSource

    if options.save and _same_file(options.save, options.video):
        raise UserError(f"{options.save}: is the input itself", fix="save to another file")
    show = _shows(options)
    with ExitStack() as open_things:
        source = open_things.enter_context(VideoSource(options.video))
        engine = open_things.enter_context(_open_engine(options, pipelined=True))
        card, sinks, compositor = engine.info.card, [], None
        if options.save or show:
            compositor = Compositor(card, options.view, source.width, source.height, options.opacity)
        if options.save_masks:
            sinks.append(MaskFolder(options.save_masks, card))
        if options.save:
            writer = VideoWriter(options.save, compositor.width, compositor.height, source.fps)
            sinks.append(open_things.enter_context(writer))
        saving = bool(sinks)
        window = open_things.enter_context(_window(options.video, None if saving else source.fps)) if show else None
        total = min(options.max_frames or sys.maxsize, source.frame_count or sys.maxsize)
        with _progress(total, "frame", options.quiet) as advance:
            stats = play(
                source,
                engine,
                compositor=compositor,
                sinks=sinks,
                window=window,
                max_frames=options.max_frames,
                on_frame=advance,
            )
    notes = [f"saved: {path}" for path in (options.save, options.save_masks) if path]
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
                SkySegmenter(engine),
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
    engine = open_engine(options.engine or built_engine(), threads=threads, requests=requests)
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


def _same_file(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1")
    return int(text)


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not between 0 and 1")
    return value


def __getattr__(name: str) -> "type[SkySegmenter]":
    # On demand, because its imports would double the time that --help takes.
    if name == "SkySegmenter":
        from src.runtime.segmenter import SkySegmenter

        return SkySegmenter
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


if __name__ == "__main__":
    main()
