"""Picture files: read as a viewer shows them, and written complete or not at all."""

import struct
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from src.errors import UserError
from src.files import write_whole

READABLE = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".dib", ".tif", ".tiff", ".webp", ".avif", ".gif", ".jp2"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".hdr"),
)
# Photographs too, but nothing here decodes them. They are named, so that nobody takes them for segmented.
UNREADABLE = (".heic", ".heif", ".jxl")
WRITABLE = (".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".dib", ".tif", ".tiff", ".webp", ".avif", ".jp2")
# Lossless, which is OpenCV's default, takes 5 s for 12 megapixels.
PARAMETERS = {".webp": (cv2.IMWRITE_WEBP_QUALITY, 90)}
# Pixels a side, least and most, that OpenCV's libraries encode (OpenJPEG has six resolutions, each half of the former).
SIDES = {
    **dict.fromkeys((".jpg", ".jpeg", ".jpe"), (1, 65_500)),
    ".webp": (1, 16_383),
    ".avif": (1, 65_536),
    ".png": (1, 1_000_000),
    ".jp2": (32, 2**31),
}
ORIENTATION = 0x112  # Exif 2.32, table 4; TIFF 6.0, section 8
TIFF_HEADERS = (b"II*\0", b"MM\0*")


@dataclass(frozen=True)
class Picture:
    """A picture as it is shown.

    Attributes:
        image: uint8 [H, W, 3], BGR.
        orientation: Exif's, 1..8: how the file's own pixel grid was turned to show it; 1 is not at all.
    """

    image: np.ndarray
    orientation: int = 1


def read_picture(path: Path) -> Picture:
    """Reads the first, or only, picture of a file, whatever its suffix says.

    Transparency is left out and the colours below it kept; 16-bit values are scaled to 8, floating-point
    ones from 0..1; grey, palettes and CMYK become BGR.

    Raises:
        UserError: no file, an empty one, no permission, or no picture that OpenCV knows.
    """
    try:
        # Not cv2.imread, which cannot open every path that Python can.
        encoded = np.fromfile(path, np.uint8)
    except OSError as error:
        raise UserError(f"{path}: cannot be read", error.strerror or str(error)) from error
    if not encoded.size:
        raise UserError(f"{path}: cannot be read", "an empty file")
    try:
        image, kinds, contents = cv2.imdecodeWithMetadata(encoded, flags=cv2.IMREAD_COLOR)
        image = _decode_float(encoded) if image is None else image
    except (cv2.error, MemoryError):
        image = None
    if image is None:
        why = "OpenCV has no decoder for it" if path.suffix.lower() in UNREADABLE else "not a picture, or damaged"
        raise UserError(f"{path}: cannot be read", why)
    metadata = dict(zip(kinds, contents, strict=False))
    if _is_avif(encoded):  # the one kind that OpenCV does not turn
        orientation = _avif_orientation(path)
        return Picture(_turn(image, orientation), orientation)
    return Picture(image, _orientation(encoded, metadata))


def read_if_possible(path: Path) -> Picture | None:
    """As `read_picture`, but None for what cannot be read."""
    try:
        return read_picture(path)
    except UserError:
        return None


def to_stored_grid(mask: np.ndarray, orientation: int) -> np.ndarray:
    """Turns a mask of a picture as shown, [H, W], back onto the pixel grid that the picture's file stores."""
    return _turn(mask, {6: 8, 8: 6}.get(orientation, orientation))


def write_picture(path: Path, image: np.ndarray) -> None:
    """Writes a picture, uint8 [H, W] or [H, W, 3 or 4] BGR(A), in the format of its suffix, complete or not at all.

    Raises:
        UserError: unknown suffix, a picture of a size that its format does not hold, or the disk refuses.
    """
    suffix = path.suffix.lower()
    try:
        done, encoded = cv2.imencode(suffix, image, PARAMETERS.get(suffix, ()))
    except cv2.error as error:
        raise UserError(f"{path}: cannot write pictures of this kind", fix="use .png or .jpg") from error
    if not done:
        height, width = image.shape[:2]
        raise UserError(
            f"{path}: a picture of {width}x{height} cannot be written",
            _why_not_encoded(suffix, *sorted((height, width))),
            "save as .png (of a photo: convert it first); --view side-by-side is twice as wide as the photo",
        )
    write_whole(path, encoded.tobytes())


def _why_not_encoded(suffix: str, shorter: int, longer: int) -> str:
    least, most = SIDES.get(suffix, (1, longer))
    if longer > most:
        return f"{suffix} holds at most {most} pixels a side"
    return f"{suffix} holds at least {least} pixels a side" if shorter < least else "OpenCV cannot encode it"


def _decode_float(encoded: np.ndarray) -> np.ndarray | None:
    """A TIFF of floating-point samples, which OpenCV reads as it is or not at all."""
    image = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None or image.dtype not in (np.float32, np.float64):
        return None
    image = np.nan_to_num(np.clip(image, 0, 1) * 255).round().astype(np.uint8)
    image = image if image.ndim == 3 else image[..., None]
    return np.ascontiguousarray(image[..., :3]) if image.shape[2] >= 3 else np.repeat(image[..., :1], 3, axis=2)


def _orientation(encoded: np.ndarray, metadata: dict[int, np.ndarray]) -> int:
    if encoded[:4].tobytes() in TIFF_HEADERS:
        exif = encoded  # a TIFF's own header has the structure of Exif
    elif (exif := metadata.get(cv2.IMAGE_METADATA_EXIF)) is None:
        return 1
    content = exif.tobytes()
    order = "<" if content[:2] == b"II" else ">"
    try:
        (directory,) = struct.unpack_from(f"{order}I", content, 4)
        (entries,) = struct.unpack_from(f"{order}H", content, directory)
        for place in range(directory + 2, directory + 2 + 12 * entries, 12):
            tag, _, _, value = struct.unpack_from(f"{order}HHIH", content, place)
            if tag == ORIENTATION:
                return _valid(value)
    except struct.error:
        pass  # cut short; a viewer shows such a picture unturned
    return 1


def _is_avif(encoded: np.ndarray) -> bool:
    return encoded[4:8].tobytes() == b"ftyp"


def _avif_orientation(path: Path) -> int:
    from PIL import Image

    try:
        with Image.open(path) as header:
            return _valid(header.getexif().get(ORIENTATION))
    except Exception:  # whatever Pillow trips over; a viewer shows such a picture unturned
        return 1


def _valid(orientation: object) -> int:
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1


def _turn(image: np.ndarray, orientation: int) -> np.ndarray:
    """Turns a stored picture as its Exif orientation asks, so that it is upright."""
    if orientation >= 5:
        image = cv2.transpose(image)
    flip = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}.get(orientation)
    return image if flip is None else cv2.flip(image, flip)
