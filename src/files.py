"""Files found by a pattern or below a folder; names that do not meet; files complete or absent."""

import glob
import hashlib
import os
import re
import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from src.errors import UserError


def split_pattern(pattern: Path) -> tuple[Path, str]:
    """The folder above the first part of a glob pattern that holds a wildcard, and the rest.

    Raises:
        UserError: ** within a name, which pathlib's glob refuses before Python 3.13.
    """
    parts = pattern.parts
    if within := [part for part in parts if "**" in part and part != "**"]:
        meant = Path(*(f"**/{re.sub('[*]+', '*', part)}" if part in within else part for part in parts))
        raise UserError(
            f"{pattern}: ** stands within a name",
            "* is any part of a name, and ** any number of folders, between slashes",
            f"for subfolders too: '{meant}'",
        )
    wild = next(place for place, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[:wild]), str(Path(*parts[wild:]))


def apart(short: Sequence[Path], whole: Sequence[Path]) -> list[Path]:
    """The short names, and the whole ones where short ones would meet, on file systems that fold case too."""
    chosen = list(short)
    while True:
        users = Counter(str(name).casefold() for name in chosen)
        meeting = [place for place, name in enumerate(chosen) if users[str(name).casefold()] > 1]
        if all(chosen[place] == whole[place] for place in meeting):
            return chosen
        for place in meeting:
            chosen[place] = whole[place]


def walk(
    folder: Path, skipped: Collection[Path], unreadable: list[tuple[Path, str]], _above: tuple[Path, ...] = ()
) -> Iterator[Path]:
    """Every file below a folder, through links too, but not round in circles.

    Args:
        skipped: real paths of folders below it that are left out.
        unreadable: gets (folder, why) of each that may not be looked into.
    """
    real = Path(os.path.realpath(folder))
    if real in _above or (_above and real in skipped):
        return
    try:
        entries = sorted((entry, entry.is_dir()) for entry in folder.iterdir())
    except OSError as error:
        unreadable.append((folder, error.strerror or str(error)))
        return
    for entry, is_folder in entries:
        if is_folder:
            yield from walk(entry, skipped, unreadable, (*_above, real))
        elif entry.is_file() or (entry.is_symlink() and not entry.exists()):
            yield entry  # a link to nowhere too: it is named, not passed over


def check_writable(folder: Path) -> None:
    """Raises UserError if a folder cannot be written in, or cannot be made; makes nothing."""
    existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not existing.is_dir():
        raise UserError(f"{folder}: cannot be made a folder", f"{existing} is a file", "choose another place")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise UserError(f"{folder}: not writable", fix="choose another folder")


def make_writable(folder: Path) -> None:
    """Makes a folder; raises UserError if that fails or nothing can be written in it."""
    check_writable(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be made a folder", str(error), "choose another place") from error


def check_file_writable(path: Path) -> None:
    """Raises UserError if no file could be written there, nor a device that is there; makes nothing."""
    if not _is_device(path):
        check_writable(path.parent)
    elif not os.access(path, os.W_OK):
        raise UserError(f"{path}: not writable", fix="choose another place")


def _is_device(path: Path) -> bool:
    """Whether something is there that cannot be replaced, but written to: /dev/null, /dev/stdout, a pipe."""
    replaceable = path.is_dir() or (path.is_file() and _open_here(path) is None)
    return path.exists() and not replaceable


def _open_here(path: Path) -> int | None:
    """N of /dev/fd/N, /dev/stdout and their kin, which lead to whatever this process has open: a file, maybe."""
    for link in [path, path.readlink()] if path.is_symlink() else []:
        if link.name.isdecimal() and os.path.realpath(link.parent) == os.path.realpath("/proc/self/fd"):
            return int(link.name)
    return None


class PartFile:
    """A file that grows under another name, `part`, until it is whole; an earlier one at `path` stays until then.

    Makes the folders that are missing, and removes them again if nothing comes of the file. A device or pipe is written
    to as it is; a link is replaced, since what it leads to may be DVC's cache.

    Args:
        path: of the file.

    Raises:
        UserError: the folder cannot be made or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = self.part = path
        self._made: list[Path] = []
        self._device = _is_device(path)
        if self._device:
            return
        # The suffix stays last: writers choose the format by it. A long name leaves no room for more.
        name = path.name if len(os.fsencode(path.name)) < 240 else f"{zlib.crc32(os.fsencode(path.name)):08x}"
        self.part = path.with_name(f".{Path(name).stem}.part{path.suffix}")
        for folder in path.parents:
            if folder.exists():
                break
            self._made.append(folder)
        make_writable(path.parent)

    def open(self, mode: str, **how: Any) -> IO:
        """`part` opened to write. Of /dev/stdout and its kin a copy of what is open there, where others who write to it
        go on behind: a file that is opened anew is written from its start again."""
        descriptor = _open_here(self.part) if self._device else None
        return self.part.open(mode, **how) if descriptor is None else os.fdopen(os.dup(descriptor), mode, **how)

    def keep(self) -> None:
        """Puts the file in place; raises OSError where the system refuses."""
        if not self._device:
            self.part.replace(self.path)

    def discard(self) -> None:
        """Removes what was written."""
        if not self._device:
            self.part.unlink(missing_ok=True)
        for folder in self._made:
            with suppress(OSError):  # others may have written there meanwhile
                folder.rmdir()


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file, with the folders above it, complete or not at all; an earlier one stays until then.

    Raises:
        UserError: the folder or the disk refuses.
    """
    file = PartFile(path)
    try:
        with file.open("wb") as stream:
            stream.write(content)
        file.keep()
    except OSError as error:
        file.discard()
        raise UserError(f"{path}: cannot be written", str(error), "free space, or choose another place") from error


def digest(path: Path, kind: str) -> str:
    """Of a file's content, hexadecimal; of kind "md5" it is DVC's name for the file.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()
