"""What a run cost: time and CPU per step, and how near it came to what the processor allows.

Nothing here grows with the number of frames: a camera may run for weeks.
"""

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

STEPS = ("decode", "infer", "compose", "sink")


class Durations:
    """Percentiles of any number of durations within 1 %, from counts in buckets that are each 2 % wider.

    Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees",
    PVLDB 12(12), 2019. From a microsecond to an hour there are 1,100 buckets, and a run fills a few dozen.
    """

    RATIO = 1.02
    SHORTEST_S = 1e-6

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._total = 0

    def add(self, seconds: float) -> None:
        bucket = math.ceil(math.log(max(seconds, self.SHORTEST_S)) / math.log(self.RATIO))
        self._counts[bucket] = self._counts.get(bucket, 0) + 1
        self._total += 1

    def percentile(self, share: float) -> float:
        """Seconds that this share (0..1) of the durations do not exceed; 0 where there are none."""
        rank = share * (self._total - 1)
        for bucket in sorted(self._counts):
            rank -= self._counts[bucket]
            if rank < 0:
                return 2 * self.RATIO**bucket / (1 + self.RATIO)
        return 0.0

    def __len__(self) -> int:
        return self._total


class BusyTime:
    """Seconds in which at least one interval was open.

    Attributes:
        seconds: so far; overlaps count once.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._reached = float("-inf")

    def add(self, start: float, end: float) -> None:
        """An interval, which begins no earlier than those before."""
        self.seconds += max(0.0, end - max(start, self._reached))
        self._reached = max(self._reached, end)


@dataclass(frozen=True)
class StepStats:
    """Milliseconds per frame: median and 95th percentile of the wall time, mean of the CPU time."""

    p50_ms: float
    p95_ms: float
    cpu_ms: float


@dataclass(frozen=True)
class RunStats:
    """The figures of one run.

    Attributes:
        frames: delivered to every output.
        seconds: from the start of the run to its last frame.
        fps: frames / seconds.
        model_fps: frames / seconds in which at least one inference was in flight.
        share_of_limit: fps / (cores / CPU seconds per frame): 1.0 is every core at work all the time.
        drops: frames of a live source that came while another was at work; always 0 for files.
        peak_rss_mb: of the process, MiB.
        first_frame_s: to the first frame delivered: shown, or handed to every sink. From the start of the command
            where it was run as one, so imports and the opening of engine and video count; else from the run's start.
        steps: by name in `STEPS`. Codec and engine threads are charged to their step on Linux; elsewhere
            their CPU time all falls to infer.
        interrupted: ended by Ctrl-C or SIGTERM before the last frame.
    """

    frames: int
    seconds: float
    fps: float
    model_fps: float
    share_of_limit: float
    drops: int
    peak_rss_mb: float
    first_frame_s: float
    steps: dict[str, StepStats]
    interrupted: bool = False

    def to_dict(self) -> dict:
        """For --stats-json: the attributes above without `interrupted`."""
        digits = {"seconds": 3, "fps": 2, "model_fps": 2, "share_of_limit": 3, "peak_rss_mb": 1, "first_frame_s": 4}
        return {
            "frames": self.frames,
            **{name: round(getattr(self, name), digits[name]) for name in ("seconds", "fps", "model_fps")},
            "share_of_limit": round(self.share_of_limit, digits["share_of_limit"]),
            "drops": self.drops,
            "peak_rss_mb": round(self.peak_rss_mb, digits["peak_rss_mb"]),
            "first_frame_s": round(self.first_frame_s, digits["first_frame_s"]),
            "steps": {
                name: {key: round(value, 3) for key, value in vars(step).items()} for name, step in self.steps.items()
            },
        }


def summarise(
    *,
    seconds: float,
    first_frame_s: float,
    frames: int,
    wall: Mapping[str, Durations],
    cpu: Mapping[str, float],
    model_busy_s: float,
    cores: int,
    drops: int = 0,
    interrupted: bool = False,
) -> RunStats:
    """Makes the figures of a run.

    Args:
        seconds, first_frame_s, frames, drops, interrupted: as in `RunStats`.
        wall: by step, the frames' durations.
        cpu: by step, CPU seconds of all frames together.
        model_busy_s: seconds in which at least one inference was in flight.
        cores: that the process may use.
    """
    steps = {name: _step(wall[name], cpu[name] / max(frames, 1)) for name in STEPS}
    return RunStats(
        frames=frames,
        seconds=seconds,
        fps=frames / seconds if seconds else 0.0,
        model_fps=frames / model_busy_s if model_busy_s else 0.0,
        share_of_limit=sum(cpu.values()) / (cores * seconds) if seconds else 0.0,
        drops=drops,
        peak_rss_mb=peak_rss_mb(),
        first_frame_s=first_frame_s,
        steps=steps,
        interrupted=interrupted,
    )


def summed(runs: Sequence[RunStats]) -> RunStats:
    """One run's figures from those of videos played one after another.

    Sums are exact; a step's median and percentile are the means of the videos' own, weighted by their frames.
    """
    if len(runs) == 1:
        return runs[0]
    frames, seconds = sum(run.frames for run in runs), sum(run.seconds for run in runs)
    model_busy_s = sum(run.frames / run.model_fps for run in runs if run.model_fps)

    def mean(name: str, figure: str) -> float:
        return sum(getattr(run.steps[name], figure) * run.frames for run in runs) / max(frames, 1)

    return replace(
        runs[0],
        frames=frames,
        seconds=seconds,
        fps=frames / seconds if seconds else 0.0,
        model_fps=frames / model_busy_s if model_busy_s else 0.0,
        share_of_limit=sum(run.share_of_limit * run.seconds for run in runs) / seconds if seconds else 0.0,
        drops=sum(run.drops for run in runs),
        peak_rss_mb=max(run.peak_rss_mb for run in runs),
        steps={name: StepStats(*(mean(name, figure) for figure in ("p50_ms", "p95_ms", "cpu_ms"))) for name in STEPS},
        interrupted=any(run.interrupted for run in runs),
    )


def _step(wall: Durations, cpu_s: float) -> StepStats:
    return StepStats(wall.percentile(0.5) * 1000, wall.percentile(0.95) * 1000, cpu_s * 1000)


def peak_rss_mb() -> float:
    """Peak resident memory of this process, MiB."""
    status = Path("/proc/self/status")
    if status.is_file():  # getrusage would report a larger parent's peak
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    import psutil

    memory = psutil.Process().memory_info()
    return getattr(memory, "peak_wset" if sys.platform == "win32" else "rss") / 2**20
