"""Where there is no display, the benchmark brings its own and takes it away again."""

import os
import shutil
import subprocess
import sys

import pytest

from src.benchmark import display as displays
from src.runtime.video import window
from tests.import_graph import ROOT

IN_A_WINDOW = """
import os
import numpy as np
from src.benchmark.display import display
from src.runtime.video.window import Window

with display() as trouble:
    assert trouble == "", trouble
    assert os.environ["DISPLAY"].startswith(":")
    with Window("picture") as window:
        assert all(window.show(np.full((48, 64, 3), grey, np.uint8)) for grey in range(5))
assert "DISPLAY" not in os.environ
print("went on")
"""


@pytest.fixture
def without_display(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.skipif(not shutil.which("Xvfb"), reason="Xvfb is not installed")
def test_a_window_is_shown_off_screen_and_the_process_goes_on(without_display):
    command = [sys.executable, "-c", IN_A_WINDOW]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert (done.stdout, done.returncode) == ("went on\n", 0), done.stderr


def test_the_users_own_display_is_taken(without_display, monkeypatch):
    monkeypatch.setenv("DISPLAY", ":7")
    monkeypatch.setattr(window, "_x_answers", lambda: True)
    with displays.display() as trouble:
        assert (trouble, os.environ["DISPLAY"]) == ("", ":7")


def test_without_xvfb_it_says_what_to_install(without_display, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with displays.display() as trouble:
        assert "there is no display here" in trouble
        assert "install xvfb" in trouble


def test_a_server_that_does_not_start_is_told(without_display, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: "/bin/false")
    with displays.display() as trouble:
        assert trouble == "/bin/false does not start"
        assert "DISPLAY" not in os.environ
