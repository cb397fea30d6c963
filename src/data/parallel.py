"""Work on many images by threads: cv2 decodes and resizes outside the interpreter lock."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from src.hardware import cores

Item, Result = TypeVar("Item"), TypeVar("Result")

AHEAD = 8  # images in work per thread


def in_order(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """`map(work, items)` by a thread per core, a bounded number of items ahead of the consumer.

    However many items there are, only `AHEAD` results per thread lie in memory at once. The first exception ends it.
    """
    threads = cores()
    coming = iter(items)
    with ThreadPoolExecutor(threads) as pool:
        under_way: deque[Future[Result]] = deque(pool.submit(work, item) for item in islice(coming, AHEAD * threads))
        try:
            while under_way:
                result = under_way.popleft().result()
                under_way.extend(pool.submit(work, item) for item in islice(coming, 1))
                yield result
        finally:
            for waiting in under_way:
                waiting.cancel()
