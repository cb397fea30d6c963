"""Files that are complete or absent, in folders that can be written."""

import os
from pathlib import Path

from src.errors import UserError


def make_writable(folder: Path) -> None:
    """Makes a folder; raises UserError if that fails or nothing can be written in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be made a folder", str(error), "choose another place") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UserError(f"{folder}: not writable", fix="choose another folder")


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file, with the folders above it, complete or not at all; an earlier one stays until then.

    Raises:
        UserError: the folder or the disk refuses.
    """
    make_writable(path.parent)
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise UserError(f"{path}: cannot be written", str(error), "free space, or choose another place") from error
