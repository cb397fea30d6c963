"""A window on the screen."""

import os
import sys
import time

import cv2
import numpy as np

KEY_ESCAPE, KEY_SPACE = 27, ord(" ")
HINT = "q or Esc quits, space pauses"


class Window:
    """Shows pictures; must be used from the main thread, where some systems keep their event loop.

    Args:
        title: of the window.
        fps: the pace to show pictures at, at most; None shows them as they come.
        hold: wait for a key after each picture (for photographs).

    Attributes:
        quit: the user has closed it.
    """

    def __init__(self, title: str, fps: float | None = None, hold: bool = False) -> None:
        self.title, self.hold, self.quit = title, hold, False
        self._interval = 1 / fps if fps else 0.0
        self._due = 0.0
        self._open = False

    @staticmethod
    def unavailable() -> str:
        """Why no window can be opened here; empty if one can. Asked first, because Qt aborts the process."""
        if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            return "there is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set)"
        return ""

    @classmethod
    def available(cls) -> bool:
        return not cls.unavailable()

    def show(self, picture: np.ndarray) -> bool:
        """Shows a picture, uint8 [H, W, 3] BGR, and answers keys; False once the user has quit."""
        if not self._open:
            self._create(picture)
        cv2.imshow(self.title, picture)
        key = self._wait_until_due()
        if self.hold or key == KEY_SPACE:
            key = self._wait_for_key()
            self._due = time.perf_counter()
        self.quit = self._quits(key) or self._closed()
        return not self.quit

    def close(self) -> None:
        if self._open and not self._closed():
            cv2.destroyWindow(self.title)
        self._open = False

    def __enter__(self) -> "Window":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _create(self, picture: np.ndarray) -> None:
        cv2.namedWindow(self.title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        height, width = picture.shape[:2]
        fit = min(1.0, 1600 / width, 900 / height)
        cv2.resizeWindow(self.title, round(width * fit), round(height * fit))
        self._open, self._due = True, time.perf_counter()

    def _wait_until_due(self) -> int:
        self._due = max(self._due + self._interval, time.perf_counter() - self._interval)
        wait_ms = int((self._due - time.perf_counter()) * 1000)
        return cv2.waitKey(max(1, wait_ms)) & 0xFF

    def _wait_for_key(self) -> int:
        while not self._closed():
            key = cv2.waitKey(50)
            if key != -1:
                return key & 0xFF
        return KEY_ESCAPE

    def _closed(self) -> bool:
        try:
            return cv2.getWindowProperty(self.title, cv2.WND_PROP_VISIBLE) < 1
        except cv2.error:  # what OpenCV 5 with Qt answers for a window that is gone
            return True

    @staticmethod
    def _quits(key: int) -> bool:
        return key in (ord("q"), ord("Q"), KEY_ESCAPE)
