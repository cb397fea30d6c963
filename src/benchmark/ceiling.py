"""What the processor's cores give at most: on each a process of its own, with an engine of one thread.

Cores that are in truth two threads of one, or share a matrix unit, do less together than one by one; no way of keeping
several requests in flight gets around that.
"""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import numpy as np

from src.hardware import cores
from src.runtime.engines import open_engine

START_S = 240  # for all to open their engines
WARM_UP = 5

_own: dict[str, Any] = {}  # of a process: its engine, its frames, and the barrier where all start


@contextmanager
def one_per_core(engine_folder: Path, frames: np.ndarray) -> Iterator[Callable[[int], float]]:
    """Opens the engine once per core.

    Args:
        engine_folder: the built engine.
        frames: uint8 [N, H, W, 3] RGB at the model's size.

    Yields:
        a function from a number of calls that each process makes to the frames per second of all together.
    """
    spawn, processes = get_context("spawn"), cores()
    places: Queue = spawn.Queue()
    for core in _usable_cores():
        places.put(core)
    given = (engine_folder, frames, places, spawn.Barrier(processes))
    with ProcessPoolExecutor(processes, mp_context=spawn, initializer=_open, initargs=given) as pool:

        def rate(runs: int) -> float:
            # None ends before all have begun, so each process takes one.
            return sum(pool.map(_rate, [runs] * processes))

        rate(WARM_UP)
        yield rate


def _open(engine_folder: Path, frames: np.ndarray, places: Queue, together: Barrier) -> None:
    core = places.get()
    if core is not None:
        os.sched_setaffinity(0, {core})
    _own.update(engine=open_engine(engine_folder, threads=1), frames=[frame[None] for frame in frames], start=together)


def _rate(runs: int) -> float:
    frames = _own["frames"]
    _own["start"].wait(START_S)
    began = time.perf_counter()
    for i in range(runs):
        _own["engine"].infer(frames[i % len(frames)])
    return runs / (time.perf_counter() - began)


def _usable_cores() -> list[int | None]:
    """Their numbers; None for each where the system does not tie a process to one (not Linux)."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [None] * cores()
