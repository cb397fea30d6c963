"""Compiled OpenVINO models kept between runs: a file each, with its SHA-256 before it.

OpenVINO's own cache (CACHE_DIR) plays a damaged file, shares it with other processes while it is being written and is
never cleared.
"""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from src.errors import UserError
from src.files import write_whole

KEPT = 8  # the newest, of precisions, numbers of requests and releases; some MB each
_SEAL = hashlib.sha256().digest_size


def kept_file(folder: Path, facts: Mapping[str, Any]) -> Path:
    """Where the model is kept that was compiled from and for `facts`, which JSON can say."""
    return folder / f"{hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]}.blob"


def kept(file: Path) -> bytes | None:
    """What `keep` wrote; None where nothing is, or not as it was written."""
    with suppress(OSError):
        content = file.read_bytes()
        seal, blob = content[:_SEAL], content[_SEAL:]
        if hashlib.sha256(blob).digest() == seal:
            return blob
    return None


def keep(file: Path, blob: bytes) -> None:
    """Writes a compiled model, complete or not at all, and removes the oldest beyond `KEPT`; where that cannot be done,
    the next opening compiles again."""
    with suppress(OSError, UserError):
        write_whole(file, hashlib.sha256(blob).digest() + blob)
        for old in sorted(file.parent.glob("*.blob"), key=lambda one: one.stat().st_mtime)[:-KEPT]:
            old.unlink(missing_ok=True)
