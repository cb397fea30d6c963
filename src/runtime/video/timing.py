"""Times of frames as the time stamps of a video file."""

from fractions import Fraction

TICKS_PER_SECOND = 10_000  # at least; most players count in no finer steps
LARGEST_DENOMINATOR = 1001  # 30000/1001 and its kin come out exactly
SLOWEST = Fraction(1, LARGEST_DENOMINATOR)  # frames further apart keep their times nevertheless
# Matroska, WebM and FLV round to milliseconds, so that a constant rate arrives jittering by as much.
JITTER_S = 0.001


class OutputClock:
    """Counts time stamps that fall on the exact multiples of a constant rate, and follow a variable one.

    Args:
        fps: frames per second, nominally.
        most_ticks: per second, where the codec has a limit.

    Attributes:
        rate: of the frames, nominally.
        time_base: seconds per tick.
        frame_ticks: of a frame at the nominal rate.
    """

    def __init__(self, fps: float, most_ticks: int | None = None) -> None:
        self.rate = max(Fraction(fps).limit_denominator(LARGEST_DENOMINATOR), SLOWEST)
        if most_ticks and self.rate.numerator > most_ticks:
            self.rate = Fraction(round(fps), 1) or Fraction(1, 1)
        steps = -(-TICKS_PER_SECOND // self.rate.numerator)
        self.time_base = Fraction(1, self.rate.numerator * steps)
        self.frame_ticks = self.rate.denominator * steps
        self._tolerance = min(JITTER_S, 0.2 / float(self.rate))
        self._first = self._latest = 0.0
        self._tick: int | None = None

    def tick(self, time: float | None = None) -> int:
        """The time stamp of the next frame: 0 for the first, and more with each.

        Args:
            time: of the frame, in seconds from any beginning; None is one nominal frame after the last.
        """
        if self._tick is None:
            self._first = self._latest = time or 0.0
            self._tick = 0
        elif time is None or time <= self._latest:  # a source whose clock stands still has its nominal rate
            self._tick += self.frame_ticks
        else:
            self._tick = max(self._at(time - self._first), self._tick + 1)
            self._latest = time
        return self._tick

    def seconds(self, ticks: int) -> float:
        return float(ticks * self.time_base)

    def _at(self, seconds: float) -> int:
        frames = round(seconds * self.rate)
        if abs(seconds - float(frames / self.rate)) < self._tolerance:
            return frames * self.frame_ticks
        return round(seconds / self.time_base)
