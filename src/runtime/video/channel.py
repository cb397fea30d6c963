"""A queue to one thread that can end, or break, without anyone left waiting."""

from collections.abc import Callable, Iterable, Iterator
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")
_END = object()


class Broken(Exception):
    """The channel was broken by another thread, which holds the reason."""


class Channel(Generic[T]):
    """First in, first out, from any number of threads to one; iterate to take items until the end.

    It has no bound of its own, and `put` never waits: what travels holds a buffer, and whoever fills buffers takes
    them from a pool, itself a channel of so many items. A hand-over is then one lock taken in C; a condition
    variable's waking, looking and waiting again happens in Python, all threads holding each other up meanwhile.

    Args:
        items: held from the start.
    """

    def __init__(self, items: Iterable[T] = ()) -> None:
        self._queue: SimpleQueue = SimpleQueue()
        self._broken = False
        for item in items:
            self._queue.put(item)

    def put(self, item: T) -> None:
        """Adds an item; raises Broken once the channel is broken."""
        if self._broken:
            raise Broken
        self._queue.put(item)

    def get(self) -> T:
        """Takes an item, waiting for one; raises Broken once the channel is broken, or has ended and is empty."""
        return self._taken(None)

    def __iter__(self) -> Iterator[T]:
        return self.items()

    def items(self, meanwhile: Callable[[], None] | None = None, every_s: float = 0.1) -> Iterator[T]:
        """Takes items until the end, and calls `meanwhile` again and again while there are none to take."""
        while True:
            try:
                item = self._taken(every_s if meanwhile else None)
            except Empty:
                meanwhile()
            except _Ended:
                return
            else:
                yield item

    def end(self) -> None:
        """No more items will come; what is held is still taken."""
        self._queue.put(_END)

    def break_off(self) -> None:
        """Wakes whoever waits, with Broken."""
        self._broken = True
        self._queue.put(_END)

    def _taken(self, timeout_s: float | None) -> T:
        item = self._queue.get(timeout=timeout_s)
        if item is _END:
            self._queue.put(_END)  # for whoever asks next
        if self._broken:
            raise Broken
        if item is _END:
            raise _Ended
        return item


class _Ended(Broken):
    pass
