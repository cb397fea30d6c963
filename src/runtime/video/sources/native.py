"""What OpenCV and FFmpeg say on their own, and how fast a source says it is."""

import os
import sys
from pathlib import Path

import cv2

from src.errors import UserError

DEFAULT_FPS = 25.0
HIGHEST_FPS = 1000.0


def silence_native_complaints() -> None:
    """Keeps OpenCV and its FFmpeg from writing above our own messages, addresses with passwords among it."""
    # FFmpeg's level is read when the first video is opened.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def native_path(path: str | Path) -> str:
    """A file's name as OpenCV and FFmpeg take it: absolute, since "12:30.mp4" would be of the protocol "12".

    Raises:
        UserError: a name that is no UTF-8, on which OpenCV crashes.
    """
    name = str(Path(path).absolute())
    try:
        name.encode()
    except UnicodeEncodeError:
        raise UserError(f"{path}: its name is no UTF-8, and OpenCV takes no other", fix="rename it") from None
    return name


def words(error: Exception) -> str:
    """What FFmpeg or the system says of an error, without the name of a file, which people may not know."""
    return getattr(error, "strerror", None) or str(error)


def usable_fps(fps: float | None, name: str) -> float:
    """Frames per second as the source says; `DEFAULT_FPS`, with a message, where that makes no sense."""
    if fps is not None and 0 < fps <= HIGHEST_FPS:  # false for NaN too
        return float(fps)
    print(f"{name}: no usable frame rate inside ({fps}); taking {DEFAULT_FPS:g} FPS", file=sys.stderr)
    return DEFAULT_FPS
