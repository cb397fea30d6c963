"""What can be wrong with a photograph itself: cut short, black, over-exposed, blurred.

A photograph is decoded once, as grey, and reduced while it is decoded where its format can do that.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from src.data.images import UnreadableImage

WORKING_SIDE = 160  # pixels of the shorter side at which a photograph is judged; models see about that much
DARK, BRIGHT = 16, 250  # grey values below and above which a pixel shows nothing
LEAST_PIXELS = 500  # fewer working pixels outside the target classes say nothing about blur

PNG_HEAD, PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xae\x42\x60\x82"
JPEG_HEAD, JPEG_END = b"\xff\xd8", b"\xff\xd9"
_START_OF_SCAN = 0xDA
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xD8)})  # no length follows them
_REDUCED = {
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    1: cv2.IMREAD_GRAYSCALE,
}


class CutShort(UnreadableImage):
    """A JPEG or PNG file that ends before its picture does."""


@dataclass(frozen=True)
class Look:
    """What a photograph looks like, at the working size.

    Attributes:
        width, height: pixels of the file.
        grey: uint8 [h, w], the shorter side at most `WORKING_SIDE`.
    """

    width: int
    height: int
    grey: np.ndarray

    @property
    def black(self) -> float:
        """Share of the pixels darker than `DARK`, 0..1."""
        return cv2.countNonZero(cv2.compare(self.grey, DARK, cv2.CMP_LT)) / self.grey.size

    @property
    def white(self) -> float:
        """Share of the pixels brighter than `BRIGHT`, 0..1."""
        return cv2.countNonZero(cv2.compare(self.grey, BRIGHT, cv2.CMP_GT)) / self.grey.size

    def sharpness(self, target: np.ndarray) -> float:
        """Variance of the Laplacian outside the target classes, > 0; NaN where they leave too little to judge.

        After Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield microscopy". A clear sky has no edges
        however sharp the picture is, so it has no say.

        Args:
            target: uint8 [height, width] of target indices and void.
        """
        rest = cv2.compare(cv2.resize(target, self.grey.shape[::-1], interpolation=cv2.INTER_NEAREST), 0, cv2.CMP_EQ)
        if cv2.countNonZero(rest) < LEAST_PIXELS:
            return float("nan")
        edges = cv2.Laplacian(self.grey, cv2.CV_16S)
        return float(cv2.meanStdDev(edges, mask=rest)[1][0, 0] ** 2)


def look_at(path: Path) -> Look:
    """Reads and decodes a photograph, on its stored pixel grid.

    Raises:
        CutShort
        UnreadableImage
    """
    data = _read_whole(path)
    header = _jpeg_header(data)
    flag = cv2.IMREAD_GRAYSCALE
    if header:
        side = min(header[:2])
        flag = next(flag for factor, flag in _REDUCED.items() if factor == 1 or side >= factor * WORKING_SIDE)
    try:
        grey = cv2.imdecode(np.frombuffer(data, np.uint8), flag | cv2.IMREAD_IGNORE_ORIENTATION) if data else None
    except cv2.error:
        grey = None
    if grey is None:
        raise UnreadableImage(f"{path}: not an image that can be decoded", "the file is empty or no image")
    height, width = header[:2] if header else grey.shape
    return Look(width, height, _working_size(grey))


def refuse_cut_short(path: Path) -> None:
    """Raises `CutShort` for a JPEG or PNG file that ends before its picture does, `UnreadableImage` for a missing one.

    Some decoders fill the missing part of such a file with grey and say nothing. A JPEG is whole if its scan is
    followed by an end-of-image marker; what cameras append after it does no harm, and the marker of the thumbnail
    inside its header does not count. A PNG is whole if it has its IEND chunk. Other formats are taken as whole.
    """
    _read_whole(path)


def _read_whole(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableImage(f"{path}: cannot be read", str(error)) from error
    cut = False
    if data.startswith(JPEG_HEAD) and not data.endswith(JPEG_END):
        header = _jpeg_header(data)
        cut = data.rfind(JPEG_END, header[2] if header else 0) < 0
    elif data.startswith(PNG_HEAD) and not data.endswith(PNG_END):
        cut = PNG_END not in data
    if cut:
        raise CutShort(f"{path}: cut short", f"the file ends after {len(data)} bytes, before its picture does")
    return data


def _jpeg_header(data: bytes) -> tuple[int, int, int] | None:
    """(height, width, where the first scan begins) of a JPEG; None for other files and broken headers."""
    if not data.startswith(JPEG_HEAD):
        return None
    height = width = 0
    at = len(JPEG_HEAD)
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == _START_OF_SCAN:
            return (height, width, at) if height and width else None
        if marker in _START_OF_FRAME:
            height, width = (int.from_bytes(data[at + i : at + i + 2], "big") for i in (5, 7))
        # A second 0xFF before a marker is padding.
        at += (
            1 if marker == 0xFF else 2 if marker in _BARE_MARKERS else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        )
    return None


def _working_size(grey: np.ndarray) -> np.ndarray:
    height, width = grey.shape
    factor = min(height, width) // WORKING_SIDE
    if factor > 1:
        # By a whole factor first: there INTER_AREA is exact and fast.
        grey = grey[: height // factor * factor, : width // factor * factor]
        grey = cv2.resize(grey, (width // factor, height // factor), interpolation=cv2.INTER_AREA)
    scale = WORKING_SIDE / min(grey.shape)
    if scale < 1:
        size = (round(grey.shape[1] * scale), round(grey.shape[0] * scale))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_LINEAR)
    return grey
