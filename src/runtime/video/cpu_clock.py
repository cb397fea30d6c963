"""CPU time of native threads, so that a codec's own workers are charged to the step that uses them."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

TASKS = Path("/proc/self/task")


@contextmanager
def threads_started() -> Iterator[set[int]]:
    """Gives a set that holds, after the block, the ids of the threads it started; empty where not on Linux."""
    before, started = _thread_ids(), set()
    yield started
    started |= _thread_ids() - before


def cpu_seconds(thread_ids: Iterable[int]) -> float:
    """CPU seconds that these threads have used so far; those that have ended count nothing."""
    ticks = 0
    for thread_id in thread_ids:
        try:
            fields = (TASKS / str(thread_id) / "stat").read_text().rpartition(") ")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])  # utime and stime, see proc(5)
    return ticks / os.sysconf("SC_CLK_TCK") if ticks else 0.0


def _thread_ids() -> set[int]:
    return {int(entry.name) for entry in TASKS.iterdir()} if TASKS.is_dir() else set()
