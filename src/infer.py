"""Plays the sky mask on a video, or writes it for photographs.

    python -m src.infer --video clip.mp4                          in a window, in real time
    python -m src.infer --video clip.mp4 --save out.mp4           as a video with the sky tinted
    python -m src.infer --video clip.mp4 --view side-by-side --save out.mp4
    python -m src.infer --video clip.mp4 --save-masks masks/      as masks/000000.png, 000001.png, ...
    python -m src.infer --images photos/images --save-masks masks/    photos/images/a/b.jpg as masks/a/b.png
    python -m src.infer --images photos/images --save-masks masks/ --mask-naming colmap    a/b.jpg as masks/a/b.jpg.png
    python -m src.infer --images 'photos/images/*.jpg' --save pictures/    tinted pictures

Masks have the size of their frame or photo; 255 is sky (of a model with more classes: the class index).
In a window, q or Esc quits and space pauses; photos wait for a key.
In Python: src.infer.SkySegmenter().predict(image_bgr).
"""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from src.errors import user_errors
from src.runtime.interrupts import sigterm_is_ctrl_c
from src.runtime.options import check, parse
from src.runtime.unheard import stderr_may_be_unheard

if TYPE_CHECKING:
    from src.runtime.segmenter import SkySegmenter


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line; ends in SystemExit with one of `options.EXIT_CODES`, or returns for 0."""
    options = parse(arguments, __doc__)
    with stderr_may_be_unheard(), user_errors(), sigterm_is_ctrl_c():
        check(options)
        from src.runtime.commands.photos import segment_images
        from src.runtime.commands.videos import play_videos
        from src.runtime.video.cpu_clock import process_age_s

        # As a command of its own it began before Python did.
        began = time.perf_counter() - (process_age_s() if arguments is None else 0.0)

        stats = play_videos(options, began) if options.video else segment_images(options, began)
        if stats.interrupted:
            raise KeyboardInterrupt


def __getattr__(name: str) -> "type[SkySegmenter]":
    # On demand, because its imports would double the time that --help takes.
    if name == "SkySegmenter":
        from src.runtime.segmenter import SkySegmenter

        return SkySegmenter
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


if __name__ == "__main__":
    main()
