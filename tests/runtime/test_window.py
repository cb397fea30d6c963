import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from src.runtime.video import window as windows
from src.runtime.video.window import Window

ROOT = Path(__file__).resolve().parents[2]
on_a_display = pytest.mark.skipif(not shutil.which("xvfb-run"), reason="xvfb-run is not installed")

# A user's hand: each entry is what the next cv2.waitKey answers, or None to close the window meanwhile.
HAND = """
import cv2, numpy as np
from src.runtime.video.look import Look
from src.runtime.video import window as windows
from src.runtime.video.window import Window

titles, set_title = [], cv2.setWindowTitle
cv2.setWindowTitle = lambda name, title: titles.append(title) or set_title(name, title)
shown, imshow = [], cv2.imshow
cv2.imshow = lambda name, picture: shown.append(picture.copy()) or imshow(name, picture)

def answer(wait_ms):
    press = presses.pop(0) if presses else -1
    if press is None:
        cv2.destroyAllWindows()
        press = -1
    return press

cv2.waitKey = answer
picture = np.zeros((48, 64, 3), np.uint8)
def shows(*keys, redraw=None, **options):
    global presses
    presses = list(keys)
    with Window("hand", **options) as window:
        return window.show(picture, redraw=redraw), len(presses)
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
def test_keys_are_answered_while_no_picture_comes():
    by_hand("""
look, presses = Look("overlay", 0.5, ["overlay", "mask"]), []
with Window("away", look=look) as window:
    assert window.poll(), "nothing is open yet"
    window.show(picture)
    presses = [-1, ord("s"), ord(" "), -1, ord("x"), ord("q")]
    assert window.poll() and look.view == "overlay"
    assert window.poll() and look.view == "mask"
    assert window.poll() and len(presses) == 1, "space pauses until a key"
    assert not window.poll() and not window.poll()
""")


@on_a_display
def test_an_interrupt_ends_every_wait():
    by_hand("""
import signal
from src.runtime.interrupts import heeding_interrupts
signal.signal(signal.SIGINT, signal.default_int_handler)
def wait(wait_ms):
    if wait_ms < 50:
        return key
    signal.raise_signal(signal.SIGINT)  # a second one would break off
    return -1
cv2.waitKey = wait
for key, options, times in ((ord(" "), {}, [None]), (-1, {"hold": True}, [None]), (-1, {"fps": 0.001}, [0, 1000])):
    with heeding_interrupts() as interrupts, Window("away", interrupts=interrupts, **options) as window:
        for time in times:
            assert window.show(picture, time), "no one has quit"
        assert interrupts.requested
""")


@on_a_display
def test_keys_change_the_view_and_the_title_says_so():
    by_hand("""
look = Look("overlay", 0.5, ["overlay", "mask"])
assert shows(ord("p"), look=look) == (True, 0)
assert "hand - overlay 60% (space pauses, q quits, s: next view" in titles[-1]
shows(ord("O"), look=look)
shows(ord("o"), look=look)
assert look.opacity == 0.4
shows(ord("s"), look=look)
assert look.view == "mask" and "hand - mask (" in titles[-1]
shows(ord(" "), ord("s"), ord("x"), look=look)
assert look.view == "overlay" and any("overlay 40% - from the next frame on" in title for title in titles)
""")


@on_a_display
def test_what_stands_still_is_drawn_anew():
    by_hand("""
look = Look("overlay", 0.5, ["overlay", "mask"])
white = np.full((48, 128, 3), 255, np.uint8)
assert shows(-1, ord("s"), ord("x"), hold=True, look=look, redraw=lambda: white) == (True, 0)
assert look.view == "mask" and shown[-1].shape == (48, 128, 3)
shows(ord("s"), ord("q"), hold=True, look=look, redraw=lambda: white)
assert look.view == "overlay" and shown[-1].all()
""")


@on_a_display
def test_a_fixed_view_stays_and_the_title_says_why():
    by_hand("""
look = Look("overlay", 0.5, ["overlay", "mask"])
for key in "sop":
    assert shows(ord(key), look=look, fixed="the view stays as it is saved") == (True, 0)
    assert "the view stays" in titles[-1]
assert str(look) == "overlay 50%"
""")


@on_a_display
def test_what_is_transparent_lies_on_a_checkerboard():
    by_hand("""
picture = np.full((48, 64, 4), (10, 20, 30, 255), np.uint8)
picture[:, :32] = 0
shows(-1)
assert shown[-1].shape == (48, 64, 3)
assert (shown[-1][:, 32:] == (10, 20, 30)).all()
assert len(np.unique(shown[-1][:, :32])) == 2 and shown[-1][:, :32].min() > 100
""")


@on_a_display
def test_pictures_are_shown_at_their_times_and_the_last_stands_as_long_as_any():
    by_hand("""
now, shown_at = [100.0], []
windows.perf_counter = lambda: now[0]
def wait(wait_ms):
    assert 1 <= wait_ms <= 50, "keys and signals are heard"
    now[0] += wait_ms / 1000
    return -1
cv2.waitKey = wait
times = [7.0, 7.1, 7.3, 9.0, 9.05, 9.1, 9.2]  # of a file with a variable frame rate, after --start 7
with Window("pace", fps=10) as window:
    for time in times:
        assert window.show(picture, time)
        shown_at.append(now[0])
shift = shown_at[0] - times[0]
assert np.allclose(shown_at, [time + shift for time in times], atol=0.003), shown_at
assert 0.095 <= now[0] - shown_at[-1] <= 0.105
now[0] += 5  # someone was slow
with Window("late", fps=10) as window:
    for time in (0.0, 0.1):
        window.show(picture, time)
    now[0] += 5
    began = now[0]
    for time in (0.2, 0.3, 0.4, 0.5):
        window.show(picture, time)
    assert 0.19 <= now[0] - began <= 0.31, "no more than a picture is caught up with"
""")


@on_a_display
def test_a_display_is_asked_whether_it_lets_us_in():
    by_hand("""
import os
assert Window.unavailable() == ""
os.environ["XAUTHORITY"] = os.devnull
assert "lets no one in" in Window.unavailable()
""")


def test_without_a_display_no_window_is_tried(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert "no display" in Window.unavailable()
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    monkeypatch.setattr(windows, "_speaks_wayland", lambda: False)
    assert "needs an X server" in Window.unavailable()
    monkeypatch.setattr(windows, "_speaks_wayland", lambda: True)
    assert not Window.unavailable()
    monkeypatch.delenv("WAYLAND_DISPLAY")
    for gone in (":7777", "127.0.0.1:7777", "nonsense"):  # a TCP port that no one listens to, and no name of a display
        monkeypatch.setenv("DISPLAY", gone)
        assert f"the display {gone} (DISPLAY) does not answer" in Window.unavailable()
