"""A bounded queue between two threads that can end, or break, without anyone left waiting."""

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Broken(Exception):
    """The channel was broken by another thread, which holds the reason."""


class Channel(Generic[T]):
    """First in, first out; iterate to take items until the end.

    Args:
        capacity: items held; `put` waits while it is full.
        items: held from the start.
    """

    def __init__(self, capacity: int, items: Iterable[T] = ()) -> None:
        self._items = deque(items)
        self._capacity = capacity
        self._changed = threading.Condition()
        self._ended = self._broken = False

    def put(self, item: T) -> None:
        """Adds an item; raises Broken once the channel is broken."""
        with self._changed:
            self._changed.wait_for(lambda: self._broken or len(self._items) < self._capacity)
            if self._broken:
                raise Broken
            self._items.append(item)
            self._changed.notify_all()

    def get(self) -> T:
        """Takes an item, waiting for one; raises Broken once the channel is broken, or has ended and is empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._broken or self._ended or self._items)
            if self._broken or not self._items:
                raise Broken
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    def __iter__(self) -> Iterator[T]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._broken or self._ended or self._items)
                if self._ended and not self._items and not self._broken:
                    return
            yield self.get()

    def end(self) -> None:
        """No more items will come; what is held is still taken."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def break_off(self) -> None:
        """Wakes everyone who waits, with Broken."""
        with self._changed:
            self._broken = True
            self._changed.notify_all()
