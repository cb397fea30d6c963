"""Ctrl-C and SIGTERM as a flag that loops look at, so that they cannot strike between taking a lock and giving it back.

A command lets SIGTERM be another Ctrl-C (`sigterm_is_ctrl_c`); what must be finished in good order runs within
`heeding_interrupts`.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Attributes:
    requested: Ctrl-C was pressed, or SIGTERM sent; end in good order.
    """

    def __init__(self) -> None:
        self.requested = False
        self._before = {}

    def note(self, *_: object) -> None:
        """Handles a signal: the first is noted, whichever comes next raises KeyboardInterrupt as ever."""
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True

    def heed(self) -> None:
        for number in SIGNALS:
            if signal.getsignal(number) is signal.default_int_handler:
                self._before[number] = signal.signal(number, self.note)

    def restore(self) -> None:
        while self._before:
            signal.signal(*self._before.popitem())


@contextmanager
def heeding_interrupts() -> Iterator[Interrupts]:
    """Inside, the first Ctrl-C sets `requested`; a second one raises KeyboardInterrupt as ever. So does SIGTERM
    within `sigterm_is_ctrl_c`. Within another such block, it is that block's flag.

    Outside the main thread, where Python delivers no signals, and where a signal is not Python's to handle
    (ignored, as in a background job, or taken by a program around us), everything stays as it is.
    """
    handlers = [getattr(signal.getsignal(number), "__self__", None) for number in SIGNALS]
    if around := next((owner for owner in handlers if isinstance(owner, Interrupts)), None):
        yield around
        return
    heard = Interrupts()
    if threading.current_thread() is threading.main_thread():
        heard.heed()
    try:
        yield heard
    finally:
        heard.restore()


@contextmanager
def sigterm_is_ctrl_c() -> Iterator[None]:
    """Inside, SIGTERM raises KeyboardInterrupt, unless the system's default was already replaced."""
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
