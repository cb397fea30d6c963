"""A live source: what is shown is fresh, nothing waits for a camera that is silent.

Time is logical: the camera, the model and the screen move one clock on, and nothing looks at the wall's.
"""

import signal
import threading

import numpy as np
import pytest

from src.errors import UserError
from src.runtime.engines.base import Engine, EngineInfo, Masks
from src.runtime.interrupts import sigterm_is_ctrl_c
from src.runtime.video.frame import Frame, Result
from src.runtime.video.pipeline import play
from tests.model_file import binary_card


class Clock:
    def __init__(self) -> None:
        self.now, self._lock = 0, threading.Lock()

    def advance(self, ticks: int) -> None:
        with self._lock:
            self.now += ticks


class Camera:
    """A frame per tick; `read` gives the newest, waits a tick if that was given, and falls silent after `frames`."""

    width, height, live, thread_ids, ended_cpu_s = 64, 48, True, frozenset(), 0.0

    def __init__(self, clock: Clock, frames: int, *, silent: bool = False) -> None:
        self.clock, self.frames, self.silent = clock, frames, silent
        self.drops, self.given, self.last = 0, 0, -1
        self.awaited, self.closed = threading.Event(), threading.Event()

    def read(self, into: np.ndarray) -> Frame | None:
        if self.given == self.frames:
            if self.silent:
                self.awaited.set()
                assert self.closed.wait(240), "a run that ends wakes the camera's reader"
            return None
        if self.clock.now == self.last:
            self.clock.advance(1)
        newest = self.clock.now
        self.drops += newest - self.last - 1
        self.last, self.given = newest, self.given + 1
        into[:] = 0
        return Frame(into, self.given - 1, float(newest))

    def close(self) -> None:
        self.closed.set()


class SlowEngine(Engine):
    """Takes so many ticks for a frame."""

    def __init__(self, clock: Clock, ticks: int, requests: int) -> None:
        super().__init__(EngineInfo("slow", "fp32", "none", binary_card(), "", "slow"), requests)
        self.clock, self.ticks = clock, ticks

    def _run(self, frames: np.ndarray) -> Masks:
        assert len(frames) == 1, "no frame waits for others"
        self.clock.advance(self.ticks)
        labels = np.zeros(frames.shape[:3], np.uint8)
        return Masks(labels, labels)


class Screen:
    """Notes when it shows and how old the frame is then; takes so many ticks."""

    needs_confidence, thread_ids = False, frozenset()

    def __init__(self, clock: Clock, ticks: int) -> None:
        self.clock, self.ticks, self.shown, self.ages = clock, ticks, [], []

    def write(self, result: Result) -> None:
        self.clock.advance(self.ticks)
        self.shown.append(self.clock.now)
        self.ages.append(self.clock.now - result.time)


@pytest.mark.parametrize("requests", [1, 3])
@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize(("model", "screen"), [(0, 0), (1, 0), (7, 2), (50, 1), (3, 20)])
def test_what_is_shown_is_never_two_frame_times_old(model, screen, batch, requests):
    clock = Clock()
    camera, shows = Camera(clock, frames=40), Screen(clock, screen)
    with SlowEngine(clock, model, requests) as engine:
        stats = play(camera, engine, sinks=[shows], batch=batch)
    assert stats.frames == len(shows.shown) == 40
    between = np.diff([0, *shows.shown])
    assert all(shows.ages[1:] < 2 * np.maximum(between[1:], 1)), (shows.ages, between)
    assert max(shows.ages) == model + screen, "and no older than the work on it takes"
    assert stats.drops == camera.drops == max(0, camera.last + 1 - 40)


def test_what_quits_the_window_ends_a_live_source():
    class Window:
        shown = 0

        def show(self, picture: np.ndarray, time: float) -> bool:
            self.shown += 1
            return self.shown < 5

        def poll(self) -> bool:
            return True

    clock, window = Clock(), Window()
    with SlowEngine(clock, 2, 1) as engine:
        stats = play(Camera(clock, frames=10**9), engine, window=window)
    assert stats.frames == window.shown == 5


def test_a_key_that_quits_ends_a_camera_that_is_silent():
    class Window:
        def show(self, picture: np.ndarray, time: float) -> bool:
            return True

        def poll(self) -> bool:
            return not camera.awaited.is_set()

    clock = Clock()
    camera = Camera(clock, frames=3, silent=True)
    with SlowEngine(clock, 2, 1) as engine:
        stats = play(camera, engine, window=Window())
    assert (stats.frames, stats.interrupted) == (3, False)
    assert camera.closed.is_set()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_camera_that_is_silent(sent):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    clock, delivered = Clock(), []

    def on_frame() -> None:
        delivered.append(1)
        if len(delivered) == 3:
            assert camera.awaited.wait(240)
            signal.raise_signal(sent)

    camera = Camera(clock, frames=3, silent=True)
    try:
        with sigterm_is_ctrl_c(), SlowEngine(clock, 2, 1) as engine:
            stats = play(camera, engine, on_frame=on_frame)
    finally:
        signal.signal(signal.SIGINT, before)
    assert stats.interrupted
    assert stats.frames == 3
    assert camera.closed.is_set()


def test_an_error_ends_a_camera_that_is_silent():
    def fail() -> None:
        assert camera.awaited.wait(240)
        raise UserError("the progress bar fell over")

    clock = Clock()
    camera = Camera(clock, frames=1, silent=True)
    with SlowEngine(clock, 2, 1) as engine, pytest.raises(UserError, match="fell over"):
        play(camera, engine, on_frame=fail)
    assert camera.closed.is_set()
