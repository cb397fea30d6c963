"""Which frames of a source are taken, and at which rate."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from src.runtime.video.frame import Frame

SAME_TIME_S = 5e-4  # containers round times to a millisecond; two frames are further apart


@dataclass(frozen=True)
class Selection:
    """Which frames are taken.

    Attributes:
        start, end: in seconds into the source; a frame at `end` is not taken. None is its own end.
        stride: every so many of the frames between them.
        fps: so many frames for each second, as `ConstantRate` picks and repeats them; None is the source's own.
        loop: how many times to play.
    """

    start: float = 0.0
    end: float | None = None
    stride: int = 1
    fps: float | None = None
    loop: int = 1

    def rate(self, fps: float) -> float:
        """Frames per second that are taken of a source with `fps`."""
        return self.fps or fps / self.stride

    def expected(self, frames: int | None, fps: float) -> int | None:
        """How many frames will be taken of a source that promises `frames`; None where it does not say."""
        if frames is None:
            return None
        seconds = min(frames / fps, math.inf if self.end is None else self.end) - self.start
        # Rounded first: 2.0000001 frames are 2, and 2.5 are 3.
        return self.loop * max(1, math.ceil(round(seconds * self.rate(fps), 3)))


class ConstantRate:
    """Frames at a constant rate from frames at any times: each moment shows what was on the screen then.

    Frames in between are left out, and those that stay longer are repeated, as `ffmpeg -r` does.

    Args:
        read: gives the next frame, decoded into the array given if there is one.
        rate: frames per second to give.
        last_s: how long the last frame stays, in seconds.
    """

    def __init__(self, read: Callable[[np.ndarray | None], Frame | None], rate: float, last_s: float) -> None:
        self._read, self._rate, self._last_s = read, rate, last_s
        self._shown, self._coming = read(None), read(None)
        self._given = 0

    def read(self, into: np.ndarray | None = None) -> Frame | None:
        """The next frame, its image a copy; None after the last."""
        if self._shown is None:
            return None
        if self._given == 0:
            self._origin = self._shown.time
        time = self._origin + self._given / self._rate
        while self._coming is not None and self._coming.time <= time + SAME_TIME_S:
            self._shown, free = self._coming, self._shown.image
            self._coming = self._read(free)
        if self._coming is None and time > self._shown.time + self._last_s - SAME_TIME_S:
            return None
        image = np.empty_like(self._shown.image) if into is None else into
        np.copyto(image, self._shown.image)
        self._given += 1
        return Frame(image, self._given - 1, time)
