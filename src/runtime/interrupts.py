"""Ctrl-C as a flag that loops look at, so that it cannot strike between taking a lock and giving it back."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Interrupts:
    """Attributes:
    requested: Ctrl-C was pressed; end in good order.
    """

    requested = False


@contextmanager
def heeding_interrupts() -> Iterator[Interrupts]:
    """Inside, the first Ctrl-C sets `requested`; a second one raises KeyboardInterrupt as ever.

    Outside the main thread, where Python delivers no signals, and where Ctrl-C is not Python's to handle
    (ignored, as in a background job, or taken by a program around us), everything stays as it is.
    """
    heard = Interrupts()
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        yield heard
        return

    def note(*_: object) -> None:
        heard.requested = True
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield heard
    finally:
        signal.signal(signal.SIGINT, before)
