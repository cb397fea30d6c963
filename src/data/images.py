"""Reading and writing of photographs and label masks."""

from pathlib import Path

import cv2
import numpy as np

from src.errors import UserError

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})


class UnreadableImage(UserError):
    """A file that is missing, or that no image decoder takes."""


def read_image(path: Path) -> np.ndarray:
    """A photograph as BGR uint8 [H, W, 3], on its stored pixel grid: a mask beside it knows no EXIF rotation.

    Raises:
        UnreadableImage
    """
    return _decode(path, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)


def read_mask(path: Path) -> np.ndarray:
    """A label mask as uint8 [H, W] with the source's native values.

    A mask saved as colour of three equal channels is read as the one channel that it is.

    Raises:
        UnreadableImage: also for a mask whose channels differ or whose values need more than 8 bits.
    """
    mask = _decode(path, cv2.IMREAD_UNCHANGED)
    if mask.dtype != np.uint8:
        raise UnreadableImage(f"{path}: mask has {mask.dtype} values", "class values are 8-bit, 0 to 255")
    if mask.ndim == 3:
        first = mask[..., 0]
        if not all(np.array_equal(first, mask[..., c]) for c in range(1, min(3, mask.shape[2]))):
            raise UnreadableImage(f"{path}: mask is a colour picture", "one channel of class values is needed")
        mask = np.ascontiguousarray(first)
    return mask


def _decode(path: Path, flags: int) -> np.ndarray:
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise UnreadableImage(f"{path}: cannot be read", str(error)) from error
    try:
        image = cv2.imdecode(data, flags) if data.size else None
    except cv2.error:
        image = None
    if image is None:
        raise UnreadableImage(f"{path}: not an image that can be decoded", "the file is empty, cut short or no image")
    return image


def encode(image: np.ndarray, suffix: str, options: tuple[int, ...] = ()) -> bytes:
    """An image (BGR uint8 [H, W, 3] or uint8 [H, W]) as the bytes of a `.jpg` or `.png` file."""
    ok, data = cv2.imencode(suffix, image, list(options))
    if not ok:
        raise ValueError(f"cannot encode {image.dtype} {image.shape} as {suffix}")
    return data.tobytes()
