"""What is checked about a file before and after it comes: room on the disk, size and checksum, nobody else at it."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from src.errors import UserError
from src.files import digest


def check_form(checksum: str | None) -> None:
    """Raises UserError for what is neither None nor "sha256:<64 hex digits>" nor "md5:<32 hex digits>"."""
    if checksum is not None and not re.fullmatch(r"sha256:[0-9a-fA-F]{64}|md5:[0-9a-fA-F]{32}", checksum):
        raise UserError(f"not a checksum that is known: {checksum}", "", "give sha256:<64 hex digits> or md5:<32>")


def difference(file: Path, checksum: str | None, size: int | None) -> str:
    """How the file differs from what the publisher says; "" if it does not."""
    found = file.stat().st_size
    if size is not None and found != size:
        return f"{found} bytes, {size} expected"
    if checksum is None:
        return ""
    kind, _, wanted = checksum.partition(":")
    have = digest(file, kind)
    return "" if have == wanted.lower() else f"wrong {kind} checksum {have}, {wanted.lower()} expected"


def check_space(folder: Path, wanted: int) -> None:
    """Raises UserError if fewer than `wanted` bytes are free below the folder."""
    free = shutil.disk_usage(folder).free
    if wanted > free:
        raise UserError(
            f"{folder}: not enough space on the disk",
            f"{wanted / 1e9:.2f} GB are to come, {free / 1e9:.2f} GB are free",
            f"free space below {folder}",
        )


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Two runs may want the same file: the second waits, and finds it there."""
    held = FileLock(lock)
    try:
        held.acquire(timeout=1)
    except Timeout:
        print(f"waiting for another download ({lock})", flush=True)
        held.acquire()
    try:
        yield
    finally:
        held.release()
