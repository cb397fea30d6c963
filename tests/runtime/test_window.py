import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from src.runtime.video.window import Window

ROOT = Path(__file__).resolve().parents[2]
on_a_display = pytest.mark.skipif(not shutil.which("xvfb-run"), reason="xvfb-run is not installed")

# A user's hand: each entry is what the next cv2.waitKey answers, or None to close the window meanwhile.
HAND = """
import time, cv2, numpy as np
from src.runtime.video.window import Window

def answer(wait_ms):
    press = presses.pop(0) if presses else -1
    if press is None:
        cv2.destroyAllWindows()
        press = -1
    return press

cv2.waitKey = answer
picture = np.zeros((48, 64, 3), np.uint8)
def shows(*keys, **options):
    global presses
    presses = list(keys)
    with Window("hand", **options) as window:
        return window.show(picture), len(presses)
"""


def by_hand(code: str) -> None:
    command = ["xvfb-run", "-a", sys.executable, "-c", HAND + code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr


@on_a_display
def test_keys_and_closing_answer_as_the_title_says():
    by_hand("""
assert shows(-1) == (True, 0)
assert shows(ord("q")) == shows(ord("Q")) == shows(27) == (False, 0)
assert shows(ord("x")) == (True, 0)
assert shows(ord(" "), -1, -1, ord(" ")) == (True, 0), "space pauses until a key"
assert shows(ord(" "), ord("q")) == (False, 0), "and q quits a pause"
assert shows(None) == (False, 0), "closing quits"
assert shows(ord(" "), None) == (False, 0), "and so it does in a pause"
assert shows(-1, -1, ord("x"), hold=True) == (True, 0), "a photo waits for a key"
""")


@on_a_display
def test_a_pace_is_kept():
    by_hand("""
waits = []
cv2.waitKey = lambda wait_ms: waits.append(wait_ms) or time.sleep(wait_ms / 1000) or -1
with Window("pace", fps=50) as window:
    began = time.perf_counter()
    for _ in range(20):
        assert window.show(picture)
    assert 0.3 < time.perf_counter() - began < 1.5
""")


def test_without_a_display_no_window_is_tried(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert "no display" in Window.unavailable()
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert not Window.unavailable()
