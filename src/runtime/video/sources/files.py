"""Frames from a video file, or from an address of one."""

import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from src.errors import UserError
from src.runtime.video.cpu_clock import cpu_seconds, threads_started
from src.runtime.video.frame import Frame
from src.runtime.video.sources.native import native_path, silence_native_complaints, usable_fps
from src.runtime.video.sources.selection import SAME_TIME_S, ConstantRate, Selection
from src.runtime.video.sources.urls import is_url, shown

PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
NETWORK_PATIENCE_MS = 10_000
WITHOUT_TIMES = (
    ".avi",
    ".divx",
)  # their frames come at the frame rate; cv2 gives decoding times, which B-frames shuffle
CUT_SHARE, CUT_S = 0.95, 0.5  # a file that ends before both is reported as cut


class VideoSource:
    """A video of known length, open and with its first frame decoded.

    Rotation metadata is applied, so `width` and `height` are those of the frames as they are shown. Frames are
    never left out but by the selection.

    Args:
        path: of the file, or an http(s) address.
        selection: which frames to take.

    Attributes:
        name: for people, without secrets.
        live, drops, lost: see `Source`.
        width, height: in pixels.
        fps: frames taken per second; `DEFAULT_FPS`, with a message, where the file does not say.
        frame_count: how many frames to expect, which may be wrong; None where the file does not say.
        thread_ids, ended_cpu_s: of the decoder's own threads; see `Source`.
        ended_early: a message if the file was found to be cut or damaged; empty so far, or if it was not.

    Raises:
        UserError: no file, not a video, or a video without a frame.
    """

    live, drops, lost = False, 0, None

    def __init__(self, path: str | Path, selection: Selection | None = None) -> None:
        self.selection = selection or Selection()
        self.name = shown(str(path))
        self._address = str(path)
        if not is_url(self._address):
            _refuse_unless_video(Path(path))
            self._address = native_path(path)
        silence_native_complaints()
        self.thread_ids: set[int] = set()
        self.ended_cpu_s = 0.0
        self._capture = self._open()
        if not self._capture.grab():
            self.close()
            raise UserError(
                f"{self.name}: no frame can be read from it",
                "it is not a video, is damaged, or its codec is unknown here",
                "check that it plays elsewhere; 'ffmpeg -i IN -c:v libx264 OUT.mp4' re-encodes it",
            )
        self._native_fps = usable_fps(self._capture.get(cv2.CAP_PROP_FPS), self.name)
        promised = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self._duration = promised / self._native_fps if promised > 0 else None
        self.fps = self.selection.rate(self._native_fps)
        self.frame_count = self.selection.expected(promised if promised > 0 else None, self._native_fps)
        self.ended_early = ""
        self._has_times, self._clock = Path(self.name).suffix.lower() not in WITHOUT_TIMES, 0.0
        self._grabbed, self._time, self._shift = 1, 0.0, 0.0
        self._given = 0
        self._times = self._taken()
        self._first = self._take_first()
        self._constant = ConstantRate(self._next, self.fps, 1 / self._native_fps) if self.selection.fps else None

    def read(self, into: np.ndarray | None = None) -> Frame | None:
        """The next frame, or None after the last.

        Args:
            into: uint8 [height, width, 3] to decode into; the image may still come back as another array.
        """
        return self._constant.read(into) if self._constant else self._next(into)

    def __iter__(self) -> Iterator[Frame]:
        while (frame := self.read()) is not None:
            yield frame

    def close(self) -> None:
        self._capture.release()

    def __enter__(self) -> "VideoSource":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> cv2.VideoCapture:
        patience = (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, cv2.CAP_PROP_READ_TIMEOUT_MSEC) if is_url(self._address) else ()
        parameters = [value for name in patience for value in (name, NETWORK_PATIENCE_MS)]
        with threads_started() as started:
            capture = cv2.VideoCapture(self._address, cv2.CAP_FFMPEG, parameters)
        self.thread_ids |= started
        return capture

    def _take_first(self) -> Frame:
        for time in self._times:
            decoded, image = self._capture.retrieve()
            if decoded:
                self.height, self.width = image.shape[:2]  # cv2 resizes all others to the first
                return self._numbered(image, time)
        self.close()
        length = f"it is {self._duration:.2f} s long" if self._duration else f"it ends after {self._time:.2f} s"
        raise UserError(f"{self.name}: nothing to play from --start {self.selection.start:g} on", length)

    def _next(self, into: np.ndarray | None) -> Frame | None:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        for time in self._times:
            decoded, image = self._capture.retrieve(into)
            if decoded:
                return self._numbered(image, time)
        return None

    def _numbered(self, image: np.ndarray, time: float) -> Frame:
        self._given += 1
        return Frame(image, self._given - 1, time)

    def _taken(self) -> Iterator[float]:
        """Stands at one taken frame after the other, ready to be retrieved, and gives its time."""
        wanted, played = self.selection, 0.0
        stop = float("inf") if wanted.end is None else wanted.end - SAME_TIME_S
        for turn in range(wanted.loop):
            found = self._seek(wanted.start) if turn or wanted.start else True
            number = 0
            while found and self._time < stop:
                if number % wanted.stride == 0:
                    yield played + self._time
                number += 1
                found = self._grab()
            if number == 0:
                return  # and so it would be in every turn
            if not found:
                self._note_if_cut()
            played += self._time + 1 / self._native_fps - wanted.start if not found else wanted.end - wanted.start

    def _grab(self) -> bool:
        if not self._capture.grab():
            return False
        # cv2's clock stands at the frame just grabbed; it is 0 throughout for raw streams.
        self._clock = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000 if self._has_times else 0.0
        time = self._clock + self._shift if self._clock > 0 else self._grabbed / self._native_fps
        if time < self._time:  # recordings that were joined begin anew in their middle
            time = self._time + 1 / self._native_fps
            self._shift = time - self._clock
        self._time = time
        self._grabbed += 1
        return True

    def _seek(self, target: float) -> bool:
        """Stands at the first frame that is not before a time; False if there is none.

        cv2 seeks by frame numbers that it computes from the average rate, and where frames come unevenly that
        lands anywhere. So each landing is checked, the next try begins further ahead, and the rest is decoded.
        """
        ahead, landing = 0.0, target
        while landing > 0:
            self._time = self._shift = 0.0
            sought = self._capture.set(cv2.CAP_PROP_POS_MSEC, landing * 1000)
            if sought and self._grab() and 0 < self._clock <= target + SAME_TIME_S:
                break
            ahead = max(1.0, 4 * ahead)
            landing = max(0.0, target - ahead)
        else:
            self.ended_cpu_s += cpu_seconds(self.thread_ids)
            self.thread_ids.clear()
            self._capture.release()
            self._capture = self._open()
            self._grabbed, self._time, self._shift = 0, 0.0, 0.0
            if not self._grab():
                return False
        while self._time < target - SAME_TIME_S:
            if not self._grab():
                return False
        return True

    def _note_if_cut(self) -> None:
        reached = self._time + 1 / self._native_fps
        if self._duration and reached < min(CUT_SHARE * self._duration, self._duration - CUT_S):
            self.ended_early = (
                f"note: {self.name}: cut or damaged, ends after {reached:.1f} of its {self._duration:.1f} seconds"
            )


def _refuse_unless_video(path: Path) -> None:
    if path.is_dir():
        raise UserError(f"{path}: a folder, not a video", fix="for pictures use --images PATH")
    if not path.is_file():
        raise UserError(f"{path}: no such video", fix="check the path; quote a pattern")
    if not os.access(path, os.R_OK):
        raise UserError(f"{path}: may not be read", fix=f"chmod +r {path}")
    if path.stat().st_size == 0:
        raise UserError(f"{path}: an empty file", fix="copy or download it again")
    if path.suffix.lower() in PICTURES:
        raise UserError(f"{path}: a picture, not a video", fix=f"--images {path}")
