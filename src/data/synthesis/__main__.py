"""Writes procedural scenes to look at, and clips with exact masks to play.

python -m src.data.synthesis --clip street.mp4 --masks street_masks --frames 250 --size 1280x720 --seed 3
python -m src.data.synthesis --gallery scenes.png --rows 4 --cols 6
"""

import argparse
import re
from pathlib import Path

from src.errors import UserError, user_errors


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m src.data.synthesis", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clip", type=Path, metavar="OUT.mp4", help="write a moving clip, H.264")
    parser.add_argument(
        "--masks", type=Path, metavar="DIR", help="write the clip's masks as DIR/000000.png, ... (255 sky)"
    )
    parser.add_argument("--frames", type=int, default=250, help="length of the clip (default: %(default)s)")
    parser.add_argument("--fps", type=int, default=25, help="frame rate of the clip (default: %(default)s)")
    parser.add_argument("--size", metavar="WxH", help="size of the clip (1280x720) or of each scene (512x288)")
    parser.add_argument(
        "--seed", type=int, default=0, help="which clip, or the gallery's first scene (default: %(default)s)"
    )
    parser.add_argument(
        "--gallery", type=Path, metavar="OUT.png", help="write a sheet of scenes, the sky tinted on the right half"
    )
    parser.add_argument("--rows", type=int, default=4, help="of the gallery (default: %(default)s)")
    parser.add_argument("--cols", type=int, default=6, help="of the gallery (default: %(default)s)")
    options = parser.parse_args(arguments)
    with user_errors():
        _check(options)
        if options.gallery:
            from src.data.synthesis.export import write_gallery

            write_gallery(options.gallery, options.rows, options.cols, options.seed, *_size(options.size or "512x288"))
            print(f"wrote {options.gallery}")
        if options.clip:
            from src.data.synthesis.export import write_clip

            size = _size(options.size or "1280x720", even=True)
            write_clip(
                options.clip,
                options.masks,
                frames=options.frames,
                fps=options.fps,
                seed=options.seed,
                width=size[0],
                height=size[1],
            )
            print(
                f"wrote {options.clip}" + (f" and {options.frames} masks in {options.masks}" if options.masks else "")
            )


def _check(options: argparse.Namespace) -> None:
    if not options.clip and not options.gallery:
        raise UserError("nothing to write", fix="give --clip OUT.mp4 or --gallery OUT.png")
    if options.masks and not options.clip:
        raise UserError(
            "--masks needs --clip", why="masks are written frame by frame beside a clip", fix="add --clip OUT.mp4"
        )
    for name in ("frames", "fps", "rows", "cols"):
        if getattr(options, name) < 1:
            raise UserError(
                f"--{name} {getattr(options, name)} is not a positive number", fix=f"give --{name} 1 or more"
            )
    if options.seed < 0:
        raise UserError(f"--seed {options.seed} is negative", fix="give 0 or more")
    for path, ending in ((options.clip, ".mp4"), (options.gallery, ".png")):
        if path and path.suffix.lower() != ending:
            raise UserError(f"{path} does not end in {ending}", fix=f"name it {path.with_suffix(ending)}")


def _size(text: str, even: bool = False) -> tuple[int, int]:
    """Width and height from "1280x720"."""
    match = re.fullmatch(r"(\d{1,5})[xX](\d{1,5})", text)
    if not match:
        raise UserError(f"--size {text!r} is not a size", fix="write it as WIDTHxHEIGHT, such as 1280x720")
    width, height = int(match[1]), int(match[2])
    if not all(16 <= side <= 8192 for side in (width, height)):
        raise UserError(
            f"--size {text} is out of range", why="each side must be 16 to 8192 pixels", fix="try --size 1280x720"
        )
    if even and (width % 2 or height % 2):
        raise UserError(
            f"--size {text} is odd",
            why="H.264 with 4:2:0 colour needs even sides",
            fix=f"try --size {width + width % 2}x{height + height % 2}",
        )
    return width, height


if __name__ == "__main__":
    main()
