"""Errors a user can act on: what is wrong, why, and how to put it right.

Code below a command's entry point raises `UserError` (or a subclass); the entry point runs inside
`user_errors()`, which prints the three parts without a traceback and exits with the error's code.
Anything else that escapes is a defect of ours and keeps its traceback.
"""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager

REFUSALS = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.ENAMETOOLONG, errno.EIO)


class UserError(Exception):
    """Something the user gave, or lacks, stops the work.

    Args:
        what: what is wrong, naming the file, key or option.
        why: the cause, if it says more than `what`.
        fix: what to type or change.
    """

    exit_code = 2

    def __init__(self, what: str, why: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what, self.why, self.fix = what, why, fix

    def __str__(self) -> str:
        lines = [f"error: {self.what}"]
        if self.why:
            lines.append(f"  why: {self.why}")
        if self.fix:
            lines.append(f"  fix: {self.fix}")
        return "\n".join(lines)

    def __reduce__(self):
        # Exception's own pickling keeps `what` alone; worker processes must hand over all three parts.
        return type(self), (self.what, self.why, self.fix)


class EngineError(UserError):
    """A model file or engine that cannot be used on this machine."""

    exit_code = 3


@contextmanager
def user_errors() -> Iterator[None]:
    """Turns a `UserError` into its message on stderr and its exit code, and Ctrl-C into 130.

    So too what the system refuses of a file (`REFUSALS`), which comes from any call on a path.
    """
    try:
        yield
    except UserError as error:
        print(error, file=sys.stderr, flush=True)
        raise SystemExit(error.exit_code) from None
    except OSError as error:
        if error.errno not in REFUSALS or error.filename is None:
            raise
        print(UserError(f"{error.filename}: {error.strerror}"), file=sys.stderr, flush=True)
        raise SystemExit(UserError.exit_code) from None
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr, flush=True)
        raise SystemExit(130) from None
