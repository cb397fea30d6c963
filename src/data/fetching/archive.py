"""Archives of strangers, unpacked so that nothing leaves the folder, fills the disk or is half there."""

import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from tqdm import tqdm

from src.data.fetching.faults import disk_fault
from src.errors import UserError
from src.files import make_writable

CHUNK = 1 << 20
_TARS = (".tar", ".tar.gz", ".tgz")
_SMALL = 1 << 20  # bytes; below it no ratio is suspicious
_BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)

Chooser = Callable[[str], bool]


@dataclass(frozen=True)
class _Member:
    """A file in an archive; `special` says what it is if not a plain one."""

    name: str
    size: int
    special: str
    open: Callable[[], IO[bytes]]


@dataclass
class _Limits:
    """What an archive may grow to; counts what it declares and what it turns out to hold."""

    archive: Path
    max_bytes: int
    max_files: int
    max_ratio: float
    declared: int = 0
    written: int = 0
    files: int = 0

    def declare(self, member: _Member) -> None:
        self.declared += member.size
        self.files += 1
        self._check(self.declared, member.name)

    def write(self, count: int, name: str) -> None:
        self.written += count
        self._check(self.written, name)

    def _check(self, size: int, name: str) -> None:
        why = ""
        if self.files > self.max_files:
            why = f"more than {self.max_files} files"
        elif size > self.max_bytes:
            why = f"more than {self.max_bytes / 1e9:.1f} GB unpacked"
        elif size > max(_SMALL, self.max_ratio * self.archive.stat().st_size):
            why = f"unpacks to more than {self.max_ratio:g} times its size"
        if why:
            raise _refusal(self.archive, name, f"{why}: it may be a bomb")


def names(archive: Path) -> list[str]:
    """The files in an archive, in its order.

    Raises:
        UserError: no archive, or a broken one.
    """
    with _opened(archive) as members:
        return [member.name for member in members]


def extract(
    archive: Path,
    into: Path,
    *,
    members: Chooser | None = None,
    max_bytes: int = 200 * 10**9,
    max_files: int = 2_000_000,
    max_ratio: float = 200.0,
) -> list[Path]:
    """Unpacks files of a .zip, .tar, .tar.gz or .tgz into a new folder, which is complete or absent.

    Args:
        archive: the file.
        into: the folder, which must be absent or empty.
        members: chooses by the name in the archive; None takes all. What is not chosen is not looked at.
        max_bytes: of all files unpacked.
        max_files: how many.
        max_ratio: of the bytes unpacked to those of the archive.

    Returns:
        the files, by path.

    Raises:
        UserError: an absolute path, `..`, a link or a device, a bomb, a broken or truncated archive (all of which
            name archive and member), a full disk, or `into` holds something.
    """
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise UserError(f"{into}: not an empty folder", f"{archive.name} is to be unpacked there", "remove it")
    make_writable(into.parent)
    work = into.with_name(f".{into.name}.extracting")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        paths = _unpack(archive, work, members, _Limits(archive, max_bytes, max_files, max_ratio))
        work.replace(into)
    except OSError as fault:
        raise disk_fault(fault, into) from fault
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return sorted(into / path for path in paths)


def _unpack(archive: Path, work: Path, choose: Chooser | None, limits: _Limits) -> list[PurePosixPath]:
    done: dict[PurePosixPath, str] = {}
    with _opened(archive) as found, tqdm(desc=f"unpack {archive.name}", unit="file", mininterval=0.5) as bar:
        for member in found:
            if choose is not None and not choose(member.name):
                continue
            path = _safe_path(archive, member)
            if path in done:
                raise _refusal(archive, member.name, "it is there twice")
            limits.declare(member)
            _write(archive, member, work / path, limits)
            done[path] = member.name
            bar.update()
    return list(done)


def _safe_path(archive: Path, member: _Member) -> PurePosixPath:
    if member.special:
        raise _refusal(archive, member.name, f"it is {member.special}")
    path, windows = PurePosixPath(member.name), PureWindowsPath(member.name)
    if path.is_absolute() or windows.drive or windows.root or ".." in windows.parts or "\0" in member.name:
        raise _refusal(archive, member.name, "its path leads out of the folder")
    if not path.parts:
        raise _refusal(archive, member.name, "it has no name")
    return path


def _write(archive: Path, member: _Member, target: Path, limits: _Limits) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with target.open("wb") as file:
        for piece in _pieces(archive, member):
            limits.write(len(piece), member.name)
            written += len(piece)
            file.write(piece)
    if written != member.size:
        raise _broken(archive, EOFError(f"{written} of {member.size} bytes"), member.name)


def _pieces(archive: Path, member: _Member) -> Iterator[bytes]:
    """A member's content; faults of reading are told apart here from faults of writing."""
    try:
        with member.open() as content:
            while piece := content.read(CHUNK):
                yield piece
    except (*_BROKEN, OSError) as fault:
        raise _broken(archive, fault, member.name) from fault


class _opened:
    """The members of an archive, one by one; every fault on the way is a UserError naming the archive."""

    def __init__(self, archive: Path) -> None:
        self.archive = archive

    def __enter__(self) -> Iterator[_Member]:
        name = self.archive.name.lower()
        if not name.endswith((".zip", *_TARS)):
            raise UserError(f"{self.archive}: not an archive of a known kind", f"known: .zip, {', '.join(_TARS)}")
        if not self.archive.is_file():
            raise UserError(f"{self.archive}: no such archive", fix="check the path")
        try:
            if name.endswith(".zip"):
                self.file = zipfile.ZipFile(self.archive)
                return self._guarded(_zip_members(self.file))
            self.file = tarfile.open(self.archive, "r:" if name.endswith(".tar") else "r:gz")
            return self._guarded(_tar_members(self.file, self.archive))
        except (*_BROKEN, OSError) as fault:
            raise _broken(self.archive, fault) from fault

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def _guarded(self, members: Iterator[_Member]) -> Iterator[_Member]:
        while True:
            try:
                member = next(members)
            except StopIteration:
                return
            except (*_BROKEN, OSError) as fault:
                raise _broken(self.archive, fault) from fault
            yield member


def _zip_members(file: zipfile.ZipFile) -> Iterator[_Member]:
    for info in file.infolist():
        if info.is_dir():
            continue
        kind = stat.S_IFMT(info.external_attr >> 16)
        special = "" if kind in (0, stat.S_IFREG) else "a link" if kind == stat.S_IFLNK else "a device"
        if info.flag_bits & 0x1:
            special = "encrypted"
        yield _Member(info.filename, info.file_size, special, lambda info=info: file.open(info))


def _tar_members(file: tarfile.TarFile, archive: Path) -> Iterator[_Member]:
    if archive.name.lower().endswith(".tar"):
        _check_tar_end(archive)
    for info in file:
        if info.isdir():
            continue
        special = "" if info.isreg() else "a link" if info.issym() or info.islnk() else "a device"
        yield _Member(info.name, info.size, special, lambda info=info: file.extractfile(info))
        file.members = []  # tarfile keeps every header otherwise
    while file.fileobj.read(CHUNK):
        pass  # to its very end, where gzip keeps its checksum


def _check_tar_end(archive: Path) -> None:
    """A tar cut between two members reads as a shorter one; only the zero blocks at its end tell."""
    with archive.open("rb") as file:
        file.seek(-min(512, archive.stat().st_size), os.SEEK_END)
        if any(file.read()):
            raise EOFError("its end is missing")


def _refusal(archive: Path, member: str, why: str) -> UserError:
    return UserError(f"{archive}: {member!r} is refused", why, "get the archive from its publisher again")


def _broken(archive: Path, fault: Exception, member: str = "") -> UserError:
    at = f" at {member!r}" if member else ""
    return UserError(
        f"{archive}: broken or truncated{at}",
        f"{type(fault).__name__}: {fault}",
        "delete it, and it is downloaded again; or get it from its publisher",
    )
