"""Interleaved timing: what else the machine does falls on all alike."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

BLOCK = 10  # calls of one in a row before the next has its turn

Call = Callable[[np.ndarray], Any]


def interleaved(
    calls: Sequence[Call], batches: Sequence[np.ndarray], *, runs: int, warmup: int, block: int = BLOCK
) -> list[list[float]]:
    """Times calls in blocks that take turns; a block's first call is not timed, as it finds the caches cold.

    Args:
        calls: what to time.
        batches: what they take in turn, uint8 [N, H, W, 3] each.
        runs: timed calls of each.
        warmup: untimed calls of each, first.

    Returns:
        seconds of each timed call, by `calls`.
    """
    for call in calls:
        for i in range(warmup):
            call(batches[i % len(batches)])
    seconds: list[list[float]] = [[] for _ in calls]
    for start in range(0, runs, block):
        for call, taken in zip(calls, seconds, strict=True):
            call(batches[0])
            for i in range(start, min(start + block, runs)):
                began = time.perf_counter()
                call(batches[i % len(batches)])
                taken.append(time.perf_counter() - began)
    return seconds
