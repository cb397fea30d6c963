"""An H.264 video file, complete or absent."""

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import cv2
import numpy as np

from src.errors import UserError
from src.files import make_writable
from src.runtime.video.cpu_clock import threads_started

VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv")
# Measured at 1280x720 on 2 cores, CPU per frame: ultrafast 6 ms, superfast 13 ms, veryfast 22 ms. Any but the
# first costs more than the model; its files are twice as large.
PRESET = "ultrafast"
QUALITY = "20"  # libx264's constant rate factor
FASTSTART = {"movflags": "faststart"}  # the index first, so that a player can begin before the file is whole
BT601, LIMITED_RANGE = 6, 1  # what COLOR_BGR2YUV_I420 produces, as ITU-T H.273 numbers it


class VideoWriter:
    """An H.264 video file that is complete or absent.

    As a context manager it keeps the file on success and on Ctrl-C, and on any other exception removes what
    it wrote; an existing file at `path` stays untouched until then.

    Args:
        path: ends in one of `VIDEO_SUFFIXES`; missing folders are made.
        width, height: of the pictures, in pixels; an odd size gets its last column or row doubled, because
            4:2:0 video has even sizes only.
        fps: frames per second.

    Raises:
        UserError: another suffix, or nothing can be written there.
    """

    def __init__(self, path: str | Path, width: int, height: int, fps: float) -> None:
        self.path = Path(path)
        if self.path.suffix.lower() not in VIDEO_SUFFIXES:
            raise UserError(
                f"{self.path}: cannot write a video of this kind", fix=f"end it in one of: {', '.join(VIDEO_SUFFIXES)}"
            )
        if self.path.is_dir():
            raise UserError(f"{self.path}: a folder of this name is in the way", fix="name a file")
        self.width, self.height = width, height
        self._part = self.path.with_name(f".{self.path.stem}.part{self.path.suffix.lower()}")
        self._padding = (height % 2, width % 2)
        self._frames = 0
        make_writable(self.path.parent)
        try:
            self._container = av.open(self._part, "w", options=FASTSTART if self.path.suffix.lower() != ".mkv" else {})
            self._stream = self._open_stream(fps)
        except OSError as error:  # av.FFmpegError for a path is one
            self._part.unlink(missing_ok=True)
            raise UserError(f"{self.path}: cannot write there", str(error), "choose another folder") from error

    def write(self, image: np.ndarray) -> None:
        """Appends a picture, uint8 [height, width, 3] BGR.

        Raises:
            UserError: the disk is full, or the like.
        """
        down, right = self._padding
        if down or right:
            image = cv2.copyMakeBorder(image, 0, down, 0, right, cv2.BORDER_REPLICATE)
        planes = cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420)
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts, frame.time_base = self._frames, 1 / self._stream.average_rate
        self._frames += 1
        self._mux(frame)

    def finish(self) -> None:
        """Ends the file and puts it in place; without a frame there is nothing to keep, and no file."""
        if self._frames == 0:
            self.abort()
            return
        self._mux(None)
        try:
            self._container.close()
            self._part.replace(self.path)
        except OSError as error:
            self._part.unlink(missing_ok=True)
            raise UserError(f"{self.path}: cannot be finished", str(error), "free some space") from error

    def abort(self) -> None:
        """Removes what was written; an earlier file at `path` stays."""
        with suppress(OSError):  # a full disk refuses the file's end too
            self._container.close()
        self._part.unlink(missing_ok=True)

    def __enter__(self) -> "VideoWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None or issubclass(kind, KeyboardInterrupt):
            self.finish()
        else:
            self.abort()

    def _open_stream(self, fps: float) -> av.VideoStream:
        # Up to 1001, so that 30000/1001 and its kin come out exactly.
        rate = Fraction(fps).limit_denominator(1001)
        stream = self._container.add_stream("libx264", rate=rate, options={"preset": PRESET, "crf": QUALITY})
        stream.width, stream.height = self.width + self._padding[1], self.height + self._padding[0]
        stream.pix_fmt = "yuv420p"
        codec = stream.codec_context
        codec.colorspace = codec.color_primaries = codec.color_trc = BT601
        codec.color_range = LIMITED_RANGE
        with threads_started() as self.thread_ids:
            self._container.start_encoding()  # opens the file too, which would else wait for the first frame
        return stream

    def _mux(self, frame: av.VideoFrame | None) -> None:
        try:
            self._container.mux(self._stream.encode(frame))
        except OSError as error:
            raise UserError(f"{self.path}: cannot be written to", str(error), "free some space") from error
