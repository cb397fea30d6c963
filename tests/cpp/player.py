"""The built C++ player, run as people run it."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.import_graph import ROOT

PLAYER = ROOT / "cpp" / "build" / "skyseg_play"

built = pytest.mark.skipif(not PLAYER.is_file(), reason="the C++ player is not built: make cpp")


def play(*arguments: object, **popen) -> subprocess.CompletedProcess:
    """Runs the player on no display."""
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return subprocess.run(
        [str(PLAYER), *map(str, arguments)],
        env=environment, capture_output=True, text=True, timeout=240, check=False, **popen,
    )  # fmt: skip


def fails(code: int, *arguments: object) -> str:
    """Runs the player, holds it to the exit code and to a message of ours, and returns the message."""
    done = play(*arguments)
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith(("error: ", "usage: ")), done.stderr
    assert done.stdout == ""
    return done.stderr


def backends() -> list[str]:
    """The backends that the player was built with; none if it is not built."""
    if not PLAYER.is_file():
        return []
    return re.search(r"built in: (.*)", play("--help").stdout)[1].split(", ")


def parts_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if ".part" in path.name]
