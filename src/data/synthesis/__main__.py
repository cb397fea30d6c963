"""Writes procedural scenes to look at, and clips with exact masks to play.

python -m src.data.synthesis --clip street.mp4 --masks street_masks --frames 250 --size 1280x720 --seed 3
python -m src.data.synthesis --gallery scenes.png --rows 4 --cols 6
python -m src.data.synthesis --gallery nights.png --sky night --place street coast --plain
python -m src.data.synthesis --gallery chosen.png --cols 3 --seeds 3 17 21 40 56 98
"""

import argparse
from pathlib import Path

from src.data.synthesis.options import PLACES, SKIES
from src.errors import UserError, user_errors
from src.sizes import parse_size


def main(arguments: list[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    with user_errors():
        _check(options)
        if options.gallery:
            _write_gallery(options)
        if options.clip:
            _write_clip(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m src.data.synthesis", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", metavar="WxH", help="size of the clip (1280x720) or of each scene (512x288)")
    parser.add_argument(
        "--seed", type=int, default=0, help="which clip, or the gallery's first scene (default: %(default)s)"
    )
    clip = parser.add_argument_group("a clip")
    clip.add_argument("--clip", type=Path, metavar="OUT.mp4", help="write a moving clip, H.264")
    clip.add_argument(
        "--masks", type=Path, metavar="DIR", help="write the clip's masks as DIR/000000.png, ... (255 sky)"
    )
    clip.add_argument("--frames", type=int, default=250, help="length of the clip (default: %(default)s)")
    clip.add_argument("--fps", type=int, default=25, help="frame rate of the clip (default: %(default)s)")
    gallery = parser.add_argument_group("a gallery")
    gallery.add_argument(
        "--gallery", type=Path, metavar="OUT.png", help="write a sheet of scenes, the sky tinted on the right half"
    )
    gallery.add_argument("--rows", type=int, default=4, help="of the gallery (default: %(default)s)")
    gallery.add_argument("--cols", type=int, default=6, help="of the gallery (default: %(default)s)")
    gallery.add_argument(
        "--seeds", type=int, nargs="+", metavar="N", help="these scenes, in place of --rows and --seed"
    )
    gallery.add_argument("--sky", nargs="+", metavar="KIND", help=f"these skies alone: {', '.join(SKIES)}")
    gallery.add_argument("--place", nargs="+", metavar="NAME", help=f"these places alone: {', '.join(PLACES)}")
    gallery.add_argument("--plain", action="store_true", help="no tint on the sky")
    return parser


def _write_gallery(options: argparse.Namespace) -> None:
    from src.data.synthesis.export import write_gallery
    from src.data.synthesis.options import SceneOptions

    chosen: dict[str, object] = {}
    if options.sky:
        chosen["skies"] = {kind: SKIES[kind] for kind in options.sky}
    if options.place:
        chosen["places"] = {name: PLACES[name] for name in options.place}
    if chosen:
        chosen["no_sky_share"] = 0.0
    seeds = options.seeds or range(options.seed, options.seed + options.rows * options.cols)
    size = parse_size(options.size or "512x288")
    write_gallery(options.gallery, options.cols, seeds, *size, SceneOptions(**chosen), tinted=not options.plain)
    print(f"wrote {options.gallery}")


def _write_clip(options: argparse.Namespace) -> None:
    from src.data.synthesis.export import write_clip

    width, height = parse_size(options.size or "1280x720", even=True)
    length = {"frames": options.frames, "fps": options.fps}
    write_clip(options.clip, options.masks, **length, seed=options.seed, width=width, height=height)
    print(f"wrote {options.clip}" + (f" and {options.frames} masks in {options.masks}" if options.masks else ""))


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
    for seed in (options.seed, *(options.seeds or ())):
        if seed < 0:
            raise UserError(f"seed {seed} is negative", fix="give 0 or more")
    for flag, given, known in (("--sky", options.sky, SKIES), ("--place", options.place, PLACES)):
        for name in given or ():
            if name not in known:
                raise UserError(f"{flag} {name} is not known", fix=f"give some of: {', '.join(known)}")
    for path, ending in ((options.clip, ".mp4"), (options.gallery, ".png")):
        if path and path.suffix.lower() != ending:
            raise UserError(f"{path} does not end in {ending}", fix=f"name it {path.with_suffix(ending)}")


if __name__ == "__main__":
    main()
