"""CPU time of native threads, so that a codec's own workers are charged to the step that uses them; a process's age."""

import os
import time
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


def process_age_s() -> float:
    """Seconds since the system started this process, to 10 ms."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(") ")[2].split()
        return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")  # see proc(5)
    except OSError:  # not Linux
        import psutil

        return time.time() - psutil.Process().create_time()


def _thread_ids() -> set[int]:
    return {int(entry.name) for entry in TASKS.iterdir()} if TASKS.is_dir() else set()
