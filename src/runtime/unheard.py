"""Output that ends nothing when its reader has left, as `head` does."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr
from typing import Any, TextIO


class Unheard:
    """A stream, such as stdout, that goes on without a reader who has left (`| head`)."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with self._perhaps_unheard():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with self._perhaps_unheard():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @contextmanager
    def _perhaps_unheard(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            # What is still in its buffer goes nowhere too, or the interpreter would fall over it when it ends.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


@contextmanager
def stderr_may_be_unheard() -> Iterator[None]:
    """Inside, whoever writes to stderr, from any thread, goes on without a reader who has left (`2>&1 | head`)."""
    with nullcontext() if sys.stderr is None else redirect_stderr(Unheard(sys.stderr)):
        yield
