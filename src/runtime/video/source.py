"""Frames from a video file."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from src.errors import UserError
from src.runtime.video.cpu_clock import threads_started
from src.runtime.video.frame import Frame

DEFAULT_FPS = 25.0
HIGHEST_FPS = 1000.0


class VideoSource:
    """A video file, open and with its first frame decoded.

    Rotation metadata is applied, so `width` and `height` are those of the frames as they are shown.

    Args:
        path: of the file.

    Attributes:
        width, height: in pixels.
        fps: frames per second; `DEFAULT_FPS`, with a message, where the file does not say.
        frame_count: what the file promises, which may be wrong; None where it does not say.
        thread_ids: of the decoder's own threads.

    Raises:
        UserError: no file, not a video, or a video without a frame.
    """

    live, drops = False, 0

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        _refuse_unless_file(self.path)
        _silence_native_complaints()
        with threads_started() as self.thread_ids:
            self._capture = cv2.VideoCapture(str(self.path), cv2.CAP_FFMPEG)
            opened, self._first = self._capture.read() if self._capture.isOpened() else (False, None)
        if not opened:
            self.close()
            raise UserError(
                f"{self.path}: no frame can be read from it",
                "it is not a video, is damaged, or its codec is unknown here",
                "check that it plays elsewhere; 'ffmpeg -i IN -c:v libx264 OUT.mp4' re-encodes it",
            )
        self._index, self._time = -1, 0.0
        self.height, self.width = self._first.shape[:2]
        promised = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self.frame_count = promised if promised > 0 else None
        self.fps = self._frames_per_second()

    def read(self, into: np.ndarray | None = None) -> Frame | None:
        """The next frame, or None after the last.

        Args:
            into: uint8 [height, width, 3] to decode into; the image may still come back as another array.
        """
        if self._first is not None:
            image, self._first = self._first, None
        else:
            grabbed, image = self._capture.read(into)
            if not grabbed:
                return None
        # cv2's clock stands at the frame just read; it is 0 throughout for some formats.
        self._time = max(self._time, self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000, 0.0)
        self._index += 1
        if image.shape[:2] != (self.height, self.width):  # a stream may change its size; the outputs cannot
            image = cv2.resize(image, (self.width, self.height), dst=into)
        return Frame(image, self._index, self._time)

    def __iter__(self) -> Iterator[Frame]:
        while (frame := self.read()) is not None:
            yield frame

    def close(self) -> None:
        self._capture.release()

    def __enter__(self) -> "VideoSource":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _frames_per_second(self) -> float:
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        if 0 < fps <= HIGHEST_FPS:  # false for NaN too
            return fps
        print(f"{self.path}: no usable frame rate inside ({fps}); taking {DEFAULT_FPS:g} FPS", file=sys.stderr)
        return DEFAULT_FPS


def _silence_native_complaints() -> None:
    # They would stand above our own message. FFmpeg's level is read when the first video is opened.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def _refuse_unless_file(path: Path) -> None:
    if path.is_dir():
        raise UserError(f"{path}: a folder, not a video", fix="for pictures use --images PATH")
    if not path.is_file():
        raise UserError(f"{path}: no such video", fix="check the path")
    if path.stat().st_size == 0:
        raise UserError(f"{path}: an empty file", fix="copy or download it again")
