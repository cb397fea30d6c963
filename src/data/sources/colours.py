"""Masks whose classes are colours, turned into masks of class indices."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from src.data.images import encode
from src.data.sources.trees import some
from src.errors import UserError

REST = "rest"
UNLISTED = 255  # the index of colours without a class; in no vocabulary, so that the filter drops the image

ClassValue = int | Sequence[int] | Literal["rest"]


def is_by_colour(classes: Mapping[str, ClassValue]) -> bool:
    """Whether any class is given by its colour, or as the rest of the colours."""
    return any(not isinstance(value, int) for value in classes.values())


class ColourTable:
    """Colours of a set's masks -> indices, which follow the order of the class names.

    Args:
        classes: class name -> colour (R, G, B), each 0..255; or "rest", for one name, which takes all other colours.
        key: the key in params, for errors.

    Attributes:
        indices: class name -> index, 0..254.

    Raises:
        UserError: a value among the colours, a colour or "rest" given twice, or more than 255 classes.
    """

    def __init__(self, classes: Mapping[str, ClassValue], key: str) -> None:
        self.key = key
        self.indices = {name: index for index, name in enumerate(classes)}
        if len(classes) > UNLISTED:
            raise UserError(f"{key}: {len(classes)} classes", f"an 8-bit mask holds at most {UNLISTED}")
        rest = [name for name, value in classes.items() if value == REST]
        if len(rest) > 1:
            raise UserError(f"{key}: {' and '.join(rest)} are both the rest", "one class can take all other colours")
        # By B + 256 G + 65536 R: 16 MB, and one look-up a pixel however many classes there are.
        self._table = np.full(1 << 24, self.indices[rest[0]] if rest else UNLISTED, np.uint8)
        self._unlisted: list[tuple[Path, str]] = []
        owners: dict[int, str] = {}
        for name, colour in classes.items():
            if colour == REST:
                continue
            code = self._code(name, colour)
            twin = owners.setdefault(code, name)
            if twin != name:
                raise UserError(f"{key}: {twin} and {name} have the same colour {list(colour)}")
            self._table[code] = self.indices[name]

    def convert(self, mask: Path) -> bytes | None:
        """A colour mask as a PNG of indices; None for a file that is no image. Notes colours without a class."""
        try:
            colours = cv2.imdecode(np.fromfile(mask, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        except cv2.error:
            return None
        if colours is None:
            return None
        codes = cv2.cvtColor(colours, cv2.COLOR_BGR2BGRA).view("<u4")[..., 0] & 0xFFFFFF
        found = self._table[codes]
        if (found == UNLISTED).any():
            code = int(codes[found == UNLISTED][0])
            self._unlisted.append((mask, str([code >> 16, code >> 8 & 255, code & 255])))
        return encode(found, ".png")

    def report(self, name: str, masks: int) -> None:
        """Says which of so many masks had colours without a class.

        Raises:
            UserError: all of them had.
        """
        if not self._unlisted:
            return
        unlisted = sorted(self._unlisted)
        paths = [path for path, _ in unlisted]
        what = f"{len(unlisted)} of {masks} masks have colours that {self.key} does not list"
        example = f"{unlisted[0][1]} in {paths[0]}"
        fix = f"list them, or give one class the value {REST}; JPEG masks have blurred colours and cannot be used"
        if len(unlisted) == masks:
            raise UserError(f"{self.key}: {what}", f"for example {example}", fix)
        print(f"{name}: {what}, and will be dropped by the filter ({fix}): {example}; {some(paths)}", flush=True)

    def _code(self, name: str, colour: ClassValue) -> int:
        triple = isinstance(colour, Sequence) and not isinstance(colour, str) and len(colour) == 3
        if not triple or not all(isinstance(part, int) and 0 <= part <= 255 for part in colour):
            raise UserError(
                f"{self.key}.{name}: {colour} is not a colour",
                f"either every class is a value, or every class is a colour [R, G, B] of 0..255, or {REST}",
            )
        red, green, blue = colour
        return red << 16 | green << 8 | blue
