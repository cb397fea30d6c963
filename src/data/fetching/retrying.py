"""Another try, later and later, while tries bring something or few have failed in a row."""

import random
from collections.abc import Callable
from typing import TypeVar

from src.data.fetching.faults import Passing

Sleep = Callable[[float], None]
Result = TypeVar("Result")

LONGEST_BACK_OFF = 30.0  # seconds


def with_retries(work: Callable[[], Result], retries: int, sleep: Sleep, progress: Callable[[], int] = int) -> Result:
    """Runs `work` until it does not raise Passing.

    Args:
        work: what to run.
        retries: further tries in a row that bring no progress, before giving up.
        sleep: waits so many seconds.
        progress: what has been reached so far; by default nothing ever is.

    Raises:
        UserError: the one that the last Passing carries.
    """
    failed, best = 0, progress()
    while True:
        try:
            return work()
        except Passing as fault:
            reached = progress()
            failed, best = (1 if reached > best else failed + 1), max(best, reached)
            if failed > retries:
                raise fault.error from None
            wait = fault.wait
            if wait is None:
                # Jitter, so that the clients of a server that fell do not all come back at once.
                wait = min(2.0 ** (failed - 1), LONGEST_BACK_OFF) * random.uniform(0.75, 1.25)
            print(f"{fault}; again in {wait:.0f} s ({failed} of {retries})", flush=True)
            sleep(wait)
