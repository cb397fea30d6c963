"""The options of `python -m src.infer`. Nothing heavy is imported here, so that --help answers at once."""

import argparse
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from src.errors import UserError

VIEWS = ("overlay", "mask", "side-by-side", "outline", "cut-out", "replace")
OPACITY = 0.5
MOST_BATCH = 64  # several batches are on their way, and each frame of 4K takes 25 MB and more
EXIT_CODES = """exit codes:
  0    done
  2    something is wrong with an option or the input; what cannot be read is named, after the others are done
  3    the engine or model file cannot be used here
  130  interrupted by Ctrl-C or SIGTERM; what was saved until then is complete
"""


def parse(arguments: Sequence[str] | None, description: str) -> argparse.Namespace:
    """The options, each within its range; ends in SystemExit 2 with a message where one is not."""
    parser = argparse.ArgumentParser(
        prog="python -m src.infer",
        description=description,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _input(parser)
    _output(parser)
    _pictures(parser)
    _model(parser)
    return parser.parse_args(arguments)


def check(options: argparse.Namespace) -> None:
    """Refuses options that do not go together, and addresses where a file is meant.

    Raises:
        UserError: naming them.
    """
    for name in FILES:
        # A Path has one slash left. Shown in a message, the address may tell a password.
        if re.match(r"[a-z][a-z0-9+.-]+:/", str(getattr(options, name) or ""), re.IGNORECASE):
            raise UserError(f"--{name.replace('_', '-')}: is for files here, not for addresses", fix="name a path")
    if options.images and (wrong := [name for name in VIDEO_ONLY if _given(options, name)]):
        raise UserError(f"--{wrong[0].replace('_', '-')}: is for videos", fix="leave it out, or give --video")
    if options.view == "replace" and options.sky is None:
        raise UserError("--view replace: no new sky", fix="name a picture or a clip: --sky sunset.jpg")
    if options.sky is not None and options.view != "replace":
        raise UserError(f"--sky: --view {options.view} has no use for it", fix="add --view replace")
    for name, views in USED_BY.items():
        if getattr(options, name) is not None and options.view not in views and not _view_may_change(options):
            raise UserError(
                f"--{name}: --view {options.view} has no use for it",
                fix=f"leave it out, or choose --view {' or '.join(views)}",
            )
    if options.end == 0:
        raise UserError("--end 0: no frame comes before it", fix="give seconds above 0, or leave it out")
    if options.start is not None and options.end is not None and options.end <= options.start:
        raise UserError(f"--end {options.end:g}: not after --start {options.start:g}", fix="give seconds, later")
    if options.stride is not None and options.fps is not None:
        raise UserError("--stride and --fps: both choose the frames", fix="leave one out")
    if options.mask_naming == "colmap" and not options.save_masks:
        raise UserError("--mask-naming: no masks are saved", fix="add --save-masks DIR")
    if options.mask_naming == "colmap" and options.video:
        raise UserError(
            "--mask-naming colmap: is for photos, whose names it repeats",
            fix="save the frames that COLMAP will read, and give their folder: --images frames/",
        )


FILES = ("images", "save", "save_masks", "alpha", "stats_json", "csv", "sky", "engine")
VIDEO_ONLY = ("smooth", "fps", "stride", "start", "end", "loop", "reconnect", "batch")
USED_BY = {
    "opacity": ("overlay", "side-by-side"),
    "colour": ("overlay", "side-by-side", "outline"),
    "background": ("cut-out",),
}


def _given(options: argparse.Namespace, name: str) -> bool:
    return getattr(options, name) not in (None, False)


def saves(options: argparse.Namespace) -> bool:
    """Whether anything but figures of the run is saved; if not, a window opens without --show too."""
    return bool(options.save or options.save_masks or options.alpha or options.csv)


def _view_may_change(options: argparse.Namespace) -> bool:
    """Whether keys of a window can go on to another view."""
    return not options.save and (options.show or not saves(options))


def _input(parser: argparse.ArgumentParser) -> None:
    given = parser.add_argument_group("input").add_mutually_exclusive_group(required=True)
    given.add_argument(
        "--video",
        metavar="SOURCE",
        help="a video file, a folder or quoted glob of them, a camera's number, or an rtsp, rtmp or http URL",
    )
    given.add_argument("--images", metavar="PATH", help="a picture, a folder (with its subfolders), or a quoted glob")
    part = parser.add_argument_group("which frames")
    part.add_argument("--start", type=_seconds, metavar="S", help="begin S seconds into the video")
    part.add_argument("--end", type=_seconds, metavar="S", help="end S seconds into the video")
    part.add_argument("--stride", type=positive, metavar="N", help="take every Nth frame")
    part.add_argument(
        "--fps",
        type=_rate,
        metavar="RATE",
        help="take and save this many frames per second of video, leaving out or repeating; live: at most this many",
    )
    part.add_argument("--loop", type=positive, metavar="N", help="play the file N times")
    part.add_argument("--max-frames", type=positive, metavar="N", help="end after N frames or photos")
    part.add_argument(
        "--reconnect",
        type=_seconds,
        metavar="S",
        help="when a camera or stream drops, try for S seconds to get it back (default: 30)",
    )


def _output(parser: argparse.ArgumentParser) -> None:
    out = parser.add_argument_group("output")
    out.add_argument(
        "--save", type=Path, metavar="OUT", help="a video file (of several videos: a folder); of --images: a folder"
    )
    out.add_argument("--save-masks", type=Path, metavar="DIR", help="a folder of PNG masks; 255 is sky")
    out.add_argument(
        "--mask-naming",
        choices=("plain", "colmap"),
        default="plain",
        help="colmap: name.jpg.png, and sky black, as COLMAP's mask_path wants them (default: plain)",
    )
    out.add_argument(
        "--alpha",
        type=Path,
        metavar="DIR",
        help="a folder of PNG mattes: the probability of sky (of several classes: of the winner) x 255",
    )
    out.add_argument("--show", action="store_true", help="play in a window (the default if nothing is saved)")
    out.add_argument("--stats-json", type=Path, metavar="FILE", help="write the figures of the run there")
    out.add_argument(
        "--csv", type=Path, metavar="FILE", help="write each frame's time (or photo's name), sky share and milliseconds"
    )
    out.add_argument("--quiet", action="store_true", help="say nothing but errors")


def _pictures(parser: argparse.ArgumentParser) -> None:
    look = parser.add_argument_group("what is shown and saved")
    look.add_argument("--view", choices=VIEWS, default="overlay", help="(default: %(default)s)")
    look.add_argument("--opacity", type=share, metavar="0..1", help=f"of the tint (default: {OPACITY})")
    look.add_argument(
        "--colour", type=_colour, metavar="#RRGGBB", help="of the tint and the outline (default: the model's)"
    )
    look.add_argument(
        "--background",
        type=_background,
        metavar="#RRGGBB",
        help="of --view cut-out, in the place of the sky (default: transparent)",
    )
    look.add_argument("--sky", type=Path, metavar="FILE", help="the new sky of --view replace: a picture or a clip")
    edges = parser.add_argument_group("the mask")
    edges.add_argument("--threshold", type=share, metavar="0..1", help="probability of sky (default: the model's)")
    edges.add_argument(
        "--refine",
        choices=("none", "guided"),
        default="none",
        help="guided: edges at the frame's own resolution (default: %(default)s)",
    )
    edges.add_argument("--smooth", action="store_true", help="steady the mask in time, following the camera")


def _model(parser: argparse.ArgumentParser) -> None:
    model = parser.add_argument_group("model and machine")
    model.add_argument(
        "--engine",
        type=Path,
        metavar="PATH",
        help="an engine folder or .onnx file (default: models/engine; where none is built, the released model)",
    )
    model.add_argument("--backend", choices=("tensorrt", "openvino", "onnxruntime"), help="(default: the engine's)")
    model.add_argument("--precision", choices=("fp32", "bf16", "fp16", "int8"), help="(default: the engine's)")
    model.add_argument("--threads", type=positive, metavar="N", help="for inference (default: every core)")
    model.add_argument(
        "--batch", type=_batch, metavar="N", help=f"frames per inference, at most {MOST_BATCH} (default: 1)"
    )


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1")
    return int(text)


def _batch(text: str) -> int:
    if (frames := positive(text)) > MOST_BATCH:
        raise argparse.ArgumentTypeError(f"{text} frames at once would fill the memory; the most is {MOST_BATCH}")
    return frames


def _number(text: str, accept: Callable[[float], bool], what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not accept(value):
        raise argparse.ArgumentTypeError(f"'{text}' is not {what}")
    return value


def share(text: str) -> float:
    return _number(text, lambda value: 0 <= value <= 1, "between 0 and 1")


def _seconds(text: str) -> float:
    return _number(text, lambda value: 0 <= value < float("inf"), "a number of seconds from 0")


def _rate(text: str) -> float:
    return _number(text, lambda value: 0 < value <= 1000, "a frame rate above 0, at most 1000")


def _colour(text: str) -> tuple[int, int, int]:
    """#RRGGBB as (red, green, blue)."""
    try:
        if len(digits := text.removeprefix("#")) == 6:
            return tuple(bytes.fromhex(digits))
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"'{text}' is not a colour like #00a0ff")


def _background(text: str) -> str | tuple[int, int, int]:
    return text if text == "transparent" else _colour(text)
