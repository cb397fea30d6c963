"""Sizes as users type them."""

import re

from src.errors import UserError


def parse_size(text: str, even: bool = False) -> tuple[int, int]:
    """Width and height in pixels from "1280x720".

    Args:
        text: what the user gave for --size.
        even: refuse odd sides.

    Raises:
        UserError: it is not a size, or out of range.
    """
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
