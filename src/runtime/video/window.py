"""A window on the screen."""

import ctypes
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import cv2
import numpy as np

from src.runtime.interrupts import Interrupts
from src.runtime.video.look import Look

KEY_ESCAPE, KEY_SPACE, NO_KEY = 27, ord(" "), 255
OPACITY_STEP = 0.1
POLL_MS = 50
LAST_S = 1.0  # that the last picture stands, at most
DISPLAY_S = 5.0  # for the display's answer, which takes a millisecond on the same machine
LARGEST = (1600, 900)  # pixels, in which a picture is shown at first
SQUARE, LIGHT, DARK = 16, 204, 153  # of the checkerboard behind what is transparent
KEYS = "space pauses, q quits"
VIEW_KEYS = "s: next view, o/p: opacity"


class Window:
    """Shows pictures; must be used from the main thread, where some systems keep their event loop.

    Keys: space pauses and plays; s goes on to the next view, o and p take and give opacity; q and Esc quit, as
    closing the window does.

    Args:
        name: what is played, for the title.
        fps: nominally, of a source whose pictures are shown at their times; None shows them as they come.
        hold: wait for a key after each picture (for photographs).
        look: what s, o and p change.
        fixed: why they change nothing; said in the title when one is pressed.
        interrupts: end every wait.

    Attributes:
        quit: the user has closed it.
    """

    def __init__(
        self,
        name: str,
        fps: float | None = None,
        hold: bool = False,
        look: Look | None = None,
        fixed: str = "",
        interrupts: Interrupts | None = None,
    ) -> None:
        self.name, self.hold, self.quit = name.encode(errors="replace").decode(), hold, False  # OpenCV wants UTF-8
        self._interrupts = interrupts or Interrupts()
        self._look, self._fixed = look, fixed
        self._interval = 1 / fps if fps else 0.0
        self._due, self._time = 0.0, None  # of the picture that stands
        self._open = False
        self._shape: tuple[int, ...] = ()
        self._checkerboard: np.ndarray | None = None
        self._title = ""

    @staticmethod
    def unavailable() -> str:
        """Why no window can be opened here; empty if one can. Asked first, because Qt aborts the process."""
        if not sys.platform.startswith("linux") or (os.environ.get("WAYLAND_DISPLAY") and _speaks_wayland()):
            return ""
        if display := os.environ.get("DISPLAY"):
            return "" if _x_answers() else f"the display {display} (DISPLAY) does not answer, or lets no one in"
        if os.environ.get("WAYLAND_DISPLAY"):
            return "this build of OpenCV needs an X server, and DISPLAY is not set"
        return "there is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set)"

    def show(
        self, picture: np.ndarray, time: float | None = None, redraw: Callable[[], np.ndarray] | None = None
    ) -> bool:
        """Shows a picture, with `fps` once it is due, and answers keys; False once the user has quit.

        Args:
            picture: uint8 [H, W, 3] BGR or [H, W, 4] BGRA, of any size; put on a checkerboard where transparent.
            time: of the picture in its source, in seconds.
            redraw: the same picture as the keys have changed it, while it stands still; None: they change the next.
        """
        self._await(time)
        if not self.quit:
            self._draw(picture)
            self._heed(cv2.waitKey(1) & 0xFF, redraw)
        return not self.quit

    def poll(self) -> bool:
        """Answers keys while no picture comes; False once the user has quit."""
        if self._open and not self.quit:
            self._heed(cv2.waitKey(1) & 0xFF)
        return not self.quit

    def close(self) -> None:
        if self._open and not self._closed():
            cv2.destroyWindow(self.name)
        self._open = False

    def __enter__(self) -> "Window":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and self._time is not None and not self.quit:
            self._await(self._time + min(self._interval, LAST_S))
        self.close()

    def _draw(self, picture: np.ndarray) -> None:
        if not self._open:
            cv2.namedWindow(self.name, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
            self._open, self._due = True, perf_counter()
            self._say()
        if picture.shape[:2] != self._shape:
            self._shape = picture.shape[:2]
            self._fit(*self._shape)
        cv2.imshow(self.name, picture if picture.shape[2] == 3 else self._on_checkerboard(picture))

    def _fit(self, height: int, width: int) -> None:
        fit = min(1.0, LARGEST[0] / width, LARGEST[1] / height)
        cv2.resizeWindow(self.name, max(1, round(width * fit)), max(1, round(height * fit)))

    def _on_checkerboard(self, picture: np.ndarray) -> np.ndarray:
        height, width = picture.shape[:2]
        if self._checkerboard is None or self._checkerboard.shape[:2] != (height, width):
            down, across = np.ogrid[:height, :width]
            light = (down // SQUARE + across // SQUARE) % 2 == 0
            self._checkerboard = cv2.cvtColor(np.where(light, LIGHT, DARK).astype(np.uint8), cv2.COLOR_GRAY2BGR)
        opaque = cv2.extractChannel(picture, 3).astype(np.float32) * (1 / 255)
        return cv2.blendLinear(cv2.cvtColor(picture, cv2.COLOR_BGRA2BGR), self._checkerboard, opaque, 1 - opaque)

    def _say(self, state: str = "") -> None:
        shown = [self.name, *([str(self._look)] if self._look else []), *([state] if state else [])]
        keys = KEYS if self._look is None or self._fixed else f"{KEYS}, {VIEW_KEYS}"
        title = f"{' - '.join(shown)} ({keys})"
        if title != self._title and self._open:
            cv2.setWindowTitle(self.name, title)
            self._title = title

    def _answer(self, key: int, redraw: Callable[[], np.ndarray] | None, state: str = "") -> bool:
        """Whether the key was one of the view's."""
        changes = {
            ord("s"): lambda: self._look.next_view(),
            ord("o"): lambda: self._look.change_opacity(-OPACITY_STEP),
            ord("p"): lambda: self._look.change_opacity(OPACITY_STEP),
        }
        change = changes.get(ord(chr(key).lower()))
        if change is None or self._look is None:
            return False
        if self._fixed:
            self._say(self._fixed)
            return True
        change()
        self._say(state)
        if redraw is not None:
            self._draw(redraw())
        return True

    def _await(self, time: float | None) -> None:
        """Answers keys until the picture of a time is due; one that comes late is caught up with, but no more."""
        if not self._interval or time is None:
            return
        step = max(0.0, time - (time if self._time is None else self._time))
        self._due, self._time = max(self._due + step, perf_counter() - step), time
        while not (self.quit or self._interrupts.requested) and (left := self._due - perf_counter()) > 0:
            self._heed(cv2.waitKey(max(1, min(POLL_MS, int(1000 * left)))) & 0xFF)

    def _heed(self, key: int, redraw: Callable[[], np.ndarray] | None = None) -> None:
        """Does what a key asks for while a picture stands; a photo stands until there is one."""
        self._answer(key, redraw if self.hold else None)
        if (self.hold or key == KEY_SPACE) and not _quits(key):
            self._say("any other key: the next" if self.hold else "paused")
            key = self._stand_still(redraw)
            self._say()
            self._due = perf_counter()
        self.quit = _quits(key) or self._closed()

    def _stand_still(self, redraw: Callable[[], np.ndarray] | None) -> int:
        """The key that ends the pause, or none after an interrupt; one that changes the view does not end it."""
        while not (self._interrupts.requested or self._closed()):
            key = cv2.waitKey(POLL_MS)
            if key == -1 or self._answer(key & 0xFF, redraw, "" if redraw else "from the next frame on"):
                continue
            return key & 0xFF
        return NO_KEY if self._interrupts.requested else KEY_ESCAPE

    def _closed(self) -> bool:
        try:
            return cv2.getWindowProperty(self.name, cv2.WND_PROP_VISIBLE) < 1
        except cv2.error:  # what OpenCV 5 with Qt answers for a window that is gone
            return True


def _speaks_wayland() -> bool:
    """Whether OpenCV does; that of its wheels, which bring a Qt of their own, does not."""
    plugins = Path(cv2.__file__).parent / "qt" / "plugins" / "platforms"
    return not plugins.is_dir() or any(plugins.glob("libqwayland*"))


def _x_answers() -> bool:
    """Whether the X server of DISPLAY is there and lets us in, as Qt is going to find out: through libxcb."""
    answers = []

    def ask() -> None:
        try:
            xcb = ctypes.CDLL("libxcb.so.1")
        except OSError:  # Qt has no use for the display without it either
            return
        xcb.xcb_connect.restype = ctypes.c_void_p
        connection = ctypes.c_void_p(xcb.xcb_connect(None, None))
        answers.append(xcb.xcb_connection_has_error(connection) == 0)
        xcb.xcb_disconnect(connection)

    asking = threading.Thread(target=ask, daemon=True)  # a display beyond a network may leave it waiting
    asking.start()
    asking.join(DISPLAY_S)
    return answers == [True]


def _quits(key: int) -> bool:
    return key in (ord("q"), ord("Q"), KEY_ESCAPE)
