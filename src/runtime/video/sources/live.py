"""Frames from a camera or a stream as they happen: the newest one, whatever became of those before."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import numpy as np

from src.errors import UserError
from src.runtime.video.frame import Frame
from src.runtime.video.sources.feeds import Feed, Origin
from src.runtime.video.sources.native import usable_fps, words
from src.runtime.video.sources.selection import Selection
from src.runtime.video.sources.sizes import OneSize
from src.runtime.video.sources.urls import redacted

RECONNECT_S = 30.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 8.0


class LiveSource:
    """A camera or stream, open and with its first frame there.

    A thread reads it and keeps the newest frame alone. When it drops, the thread connects again, waiting 0.5, 1,
    2, ... seconds between its attempts, and says so on stderr.

    Args:
        origin: opens it.
        selection: `start` and `loop` have no meaning here. `stride` counts the frames as they come; `fps` is the
            most to take.
        reconnect_s: how long to try to connect again before the loss is final.

    Attributes:
        name: for people, without secrets.
        live, drops, lost: see `Source`.
        width, height: in pixels, of the first frame.
        fps: as the source says; `DEFAULT_FPS`, with a message, where it does not.
        frame_count: None.
        thread_ids, ended_cpu_s: none are known.
        ended_early: always empty.

    Raises:
        UserError: it cannot be opened, or gives no frame within `reconnect_s`.
    """

    live, frame_count, ended_early, ended_cpu_s = True, None, "", 0.0

    def __init__(self, origin: Origin, selection: Selection | None = None, reconnect_s: float = RECONNECT_S) -> None:
        self.name, self.selection, self.reconnect_s = origin.name, selection or Selection(), reconnect_s
        self.drops, self.lost, self.thread_ids = 0, None, set()
        self._origin, self._feed = origin, None
        self._newest: tuple[np.ndarray, float] | None = None  # and when it came
        self._came, self._given, self._due = 0, 0, 0.0
        self._began: float | None = None  # when the first frame given came
        self._dropped_at: float | None = None
        self._wait = FIRST_WAIT_S
        self._error: BaseException | None = None
        self._ended = False
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="live-source", daemon=True)
        self._thread.start()
        try:
            self._await_first()
        except BaseException:
            self.close()
            raise

    def read(self, into: np.ndarray | None = None) -> Frame | None:
        """The newest frame, waiting for one that was not given before; None after the end, or once closed.

        Args:
            into: taken for frames that must be resized; the image mostly comes back as another array.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._newest or self._ended)
            if self._error is not None:
                raise self._error
            if self._newest is None:
                return None
            (image, came), self._newest = self._newest, None
            if self._began is None:
                # Those before it came while the model was loaded: neither time nor drops count from there.
                self._began, self._came, self._due = came, 1, 1 / self.selection.fps if self.selection.fps else 0.0
            moment = came - self._began
        if self.selection.end is not None and moment >= self.selection.end:
            return None
        self._given += 1
        return Frame(self._size.fit(image, into), self._given - 1, moment)

    def __iter__(self) -> Iterator[Frame]:
        while (frame := self.read()) is not None:
            yield frame

    def close(self) -> None:
        """Ends the reading, and wakes whoever waits in `read`; from any thread, any number of times."""
        self._closing.set()
        with self._changed:
            self._newest, self._ended = None, True
            self._changed.notify_all()
        self._thread.join(self._origin.stuck_s)

    def __enter__(self) -> "LiveSource":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _await_first(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._newest or self._ended)
            if self._newest is None:
                raise self._error or self.lost or UserError(f"{self.name}: ends before its first frame")
            self._size = OneSize(self.name, self._newest[0])
        self.width, self.height = self._size.width, self._size.height
        self.fps = self.selection.rate(usable_fps(self._feed.fps, self.name))

    def _work(self) -> None:
        try:
            self._feed = self._origin.open()
            while why := self._follow(self._feed):
                if not self._connect_again(why):
                    break
        except BaseException as error:
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _follow(self, feed: Feed) -> str:
        """Reads to the end; then why it broke off, or nothing if that is how it should end."""
        with closing(feed):
            try:
                while not self._closing.is_set():
                    image = feed.read()
                    if image is None:
                        return "" if feed.finite else "it has ended"
                    self._offer(image)
            except OSError as error:
                return redacted(words(error))
        return ""

    def _offer(self, image: np.ndarray) -> None:
        now = time.monotonic()
        if self._dropped_at is not None:
            self._say(f"back after {now - self._dropped_at:.1f} s")
            self._dropped_at = None
        with self._changed:
            if self._closing.is_set():
                return
            self._came += 1
            if self._began is not None:
                moment = now - self._began
                if (self._came - 1) % self.selection.stride or moment < self._due:
                    return
                if self.selection.fps:
                    self._due = max(self._due + 1 / self.selection.fps, moment)
                self.drops += self._newest is not None
            self._newest = (image, now)
            self._changed.notify_all()

    def _connect_again(self, why: str) -> bool:
        """Tries until it opens, or `reconnect_s` have passed; False if it was for nothing, or closed meanwhile.

        What opens and gives no frame is not back: the time goes on from the first loss.
        """
        if self._dropped_at is None:
            self._dropped_at, self._wait = time.monotonic(), FIRST_WAIT_S
            if self.reconnect_s:
                happened = "the stream has dropped" if self._came else "no picture comes"
                self._say(f"{happened} ({why}); trying again for {self.reconnect_s:g} s")
        while (left := self._dropped_at + self.reconnect_s - time.monotonic()) > 0:
            if self._closing.wait(min(self._wait, left)):
                return False
            self._wait = min(2 * self._wait, LONGEST_WAIT_S)
            try:
                self._feed = self._origin.open()
            except UserError as error:
                why = error.why or error.what
            except OSError as error:
                why = redacted(words(error))
            else:
                return True
        happened = "the stream has dropped, and is not back" if self._came else "gives no picture"
        self.lost = UserError(
            f"{self.name}: {happened} within {self.reconnect_s:g} s",
            why,
            "what was saved until then is complete; --reconnect SECONDS waits longer",
        )
        return False

    def _say(self, message: str) -> None:
        print(f"\n{self.name}: {message}", file=sys.stderr, flush=True)  # the progress bar has the line before
