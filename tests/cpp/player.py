"""The built C++ player, run as people run it."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.import_graph import ROOT

BUILD = ROOT / "cpp" / "build"
PLAYER = BUILD / "skyseg_play"

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
    """The backends that the player was built with, as its CMake cache and the library's symbols would say."""
    ninja = (BUILD / "build.ninja").read_text(encoding="utf-8") if (BUILD / "build.ninja").is_file() else ""
    return [name for name in ("openvino", "onnxruntime") if f"SKYSEG_{name.upper()}" in ninja]


def parts_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if ".part" in path.name]
