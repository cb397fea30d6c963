"""Live sources with a scripted feed behind them: what is shown, dropped, waited for and given up."""

import threading
from collections import deque
from typing import ClassVar

import cv2
import numpy as np
import pytest

from src.errors import UserError
from src.runtime.video.source import open_source
from src.runtime.video.sources import feeds, live
from src.runtime.video.sources.live import LiveSource
from src.runtime.video.sources.selection import Selection

PATIENCE_S = 240  # the machine may be busy


class Script:
    """An origin: each opening takes the next feed of the script; an error in its place is raised."""

    name, stuck_s = "rtsp://***@camera/1", PATIENCE_S

    def __init__(self, *feeds) -> None:
        self.feeds, self.opened = deque(feeds), 0

    def open(self):
        self.opened += 1
        feed = self.feeds.popleft() if self.feeds else UserError("rtsp://***@camera/1: cannot be opened", "refused")
        if isinstance(feed, Exception):
            raise feed
        return feed


class Pushed:
    """A feed that gives what a test pushes."""

    def __init__(self, fps: float = 25.0, finite: bool = False) -> None:
        self.fps, self.finite, self.closed = fps, finite, False
        self.pushed, self.idle, self.changed = deque(), False, threading.Condition()

    def push(self, *images) -> None:
        """Returns when the reader has dealt with them all: it is back for more, or an error sent it away."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.idle and not self.pushed, PATIENCE_S)
            self.pushed.extend(images)
            self.changed.notify_all()
            back = isinstance(images[-1], np.ndarray)
            assert self.changed.wait_for(lambda: not self.pushed and self.idle == back, PATIENCE_S)

    def let_go(self) -> None:
        """Ends the reader's wait without waiting for it."""
        with self.changed:
            self.pushed.append(OSError("the end"))
            self.changed.notify_all()

    def read(self):
        with self.changed:
            self.idle = True
            self.changed.notify_all()
            assert self.changed.wait_for(lambda: self.pushed, PATIENCE_S)
            image, self.idle = self.pushed.popleft(), False
            self.changed.notify_all()
        if isinstance(image, Exception):
            raise image
        return image

    def close(self) -> None:
        self.closed = True


def picture(number: int, size=(48, 64)) -> np.ndarray:
    return np.full((*size, 3), number, np.uint8)


def started(feed: Pushed, first: int = 0) -> Pushed:
    feed.pushed.append(picture(first))
    return feed


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(live, "FIRST_WAIT_S", 0.001)
    before = set(threading.enumerate())
    yield
    assert not [thread for thread in set(threading.enumerate()) - before if thread.name == "live-source"]


def number(frame) -> int:
    return int(frame.image[0, 0, 0])


def test_the_newest_frame_is_given_and_the_others_are_counted():
    feed = started(Pushed())
    with LiveSource(Script(feed)) as source:
        assert (source.live, source.width, source.height, source.fps, source.frame_count) == (True, 64, 48, 25, None)
        assert number(source.read()) == 0
        feed.push(*(picture(k) for k in range(1, 6)))
        frame = source.read()
        assert (number(frame), frame.index, source.drops) == (5, 1, 4)
        assert frame.time >= 0
        feed.push(picture(6))
        assert (number(source.read()), source.drops) == (6, 4)
        feed.let_go()
    assert feed.closed


def test_close_wakes_who_waits_for_a_frame():
    feed, answers = started(Pushed()), []
    source = LiveSource(Script(feed))
    source.read()
    waiting = threading.Thread(target=lambda: answers.append(source.read()))
    waiting.start()
    feed.push(OSError("the cable"))  # so that the reader ends too
    source.close()
    waiting.join(PATIENCE_S)
    assert answers == [None]
    assert source.lost is None


def test_a_dropped_stream_is_connected_again_with_a_message(capsys):
    first, second = started(Pushed()), started(Pushed(), 9)
    script = Script(first, UserError("x", "refused"), OSError("no such device"), second)
    with LiveSource(script) as source:
        assert number(source.read()) == 0
        first.push(OSError("Connection reset by peer"))
        assert number(source.read()) == 9
        assert (script.opened, source.lost) == (4, None)
        second.push(picture(1, (96, 80)))
        assert source.read().image.shape == (48, 64, 3)
        second.let_go()
    said = capsys.readouterr().err
    assert "rtsp://***@camera/1: the stream has dropped (Connection reset by peer); trying again for 30 s" in said
    assert "rtsp://***@camera/1: back after " in said
    assert said.count("from 64x48 to 80x96 in mid-stream; resized to the first") == 1


@pytest.mark.parametrize("patience", [0.0, 0.05])
def test_a_stream_that_stays_away_is_given_up(patience):
    feed = started(Pushed())
    with LiveSource(Script(feed), reconnect_s=patience) as source:
        assert number(source.read()) == 0
        feed.push(OSError("gone"))
        assert source.read() is None
        assert source.lost.what == f"rtsp://***@camera/1: the stream has dropped, and is not back within {patience:g} s"
        assert "--reconnect" in source.lost.fix


class Empty:
    """A feed that opens and gives nothing, as a camera does that another program uses."""

    fps, finite = 25.0, False

    def read(self):
        raise OSError("the camera gives no picture")

    def close(self) -> None: ...


class Hollow(Script):
    """An origin that goes on with empty feeds."""

    def open(self):
        return super().open() if self.feeds else Empty()


def test_what_opens_and_gives_no_frame_is_not_back(capsys):
    with pytest.raises(UserError, match=r"gives no picture within 0\.05 s") as caught:
        LiveSource(Hollow(), reconnect_s=0.05)
    assert caught.value.why == "the camera gives no picture"
    feed = started(Pushed())
    with LiveSource(Hollow(feed), reconnect_s=0.05) as source:
        source.read()
        feed.push(OSError("gone"))
        assert source.read() is None
        assert "is not back within 0.05 s" in source.lost.what
    said = capsys.readouterr().err
    assert said.count("trying again") == 2
    assert "back after" not in said


def test_time_and_drops_count_from_the_first_frame_given(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(live.time, "monotonic", lambda: clock[0])
    feed = started(Pushed())
    with LiveSource(Script(feed), Selection(end=0.5, stride=2)) as source:
        for k in range(1, 4):  # as they come while the model is loaded
            clock[0] = 100.0 + k
            feed.push(picture(k))
        frame = source.read()
        assert (number(frame), frame.time, source.drops) == (3, 0.0, 0)
        for k in range(4, 7):
            clock[0] += 0.1
            feed.push(picture(k))
        frame = source.read()
        assert (number(frame), round(frame.time, 3), source.drops) == (5, 0.2, 0)
        clock[0] = 104.0
        feed.push(picture(7))
        assert source.read() is None
        feed.let_go()


class FakeCapture:
    """cv2.VideoCapture of a camera that gives so many frames and then none."""

    opened: ClassVar[list["FakeCapture"]] = []

    def __init__(self, index: int) -> None:
        self.index, self.left, self.settings, self.released = index, 3, {}, False
        self.opened.append(self)

    def isOpened(self) -> bool:
        return len(self.opened) != 2  # once it is lost it cannot be opened at first

    def set(self, name: int, value: float) -> bool:
        self.settings[name] = value
        return True

    def get(self, name: int) -> float:
        return 15.0

    def read(self) -> tuple[bool, np.ndarray | None]:
        self.left -= 1
        return (True, picture(9 - self.left)) if self.left >= 0 else (False, None)

    def release(self) -> None:
        self.released = True


def test_a_camera_is_live_and_comes_back(monkeypatch, capsys):
    monkeypatch.setattr(FakeCapture, "opened", [])
    monkeypatch.setattr(feeds.cv2, "VideoCapture", FakeCapture)
    with open_source("/dev/video2") as source:
        assert (source.name, source.live, source.fps, source.width) == ("camera 2", True, 15.0, 64)
        while len(FakeCapture.opened) < 3:
            assert source.read() is not None
        assert source.read() is not None
    assert [camera.index for camera in FakeCapture.opened[:3]] == [2, 2, 2]
    assert FakeCapture.opened[0].settings[cv2.CAP_PROP_BUFFERSIZE] == 1
    assert all(camera.released for camera in FakeCapture.opened)
    said = capsys.readouterr().err
    assert "camera 2: the stream has dropped (the camera gives no picture)" in said
    assert "camera 2: back after" in said


def test_close_ends_the_wait_between_attempts_at_once(monkeypatch):
    monkeypatch.setattr(live, "FIRST_WAIT_S", 10 * PATIENCE_S)
    feed = started(Pushed())
    source = LiveSource(Script(feed), reconnect_s=20 * PATIENCE_S)
    source.read()
    feed.push(OSError("gone"))
    source.close()  # joins the reader within PATIENCE_S; `quick` sees that it is gone
    assert source.read() is None
    assert source.lost is None


def test_the_end_of_something_finite_is_no_loss():
    feed = started(Pushed(finite=True))
    feed.pushed.append(None)
    with LiveSource(Script(feed)) as source:
        assert [number(frame) for frame in source] == [0]
        assert source.lost is None


def test_what_cannot_be_opened_and_what_fails_is_raised():
    with pytest.raises(UserError, match="cannot be opened"):
        LiveSource(Script())
    feed = started(Pushed())
    with LiveSource(Script(feed)) as source:
        source.read()
        feed.push(ZeroDivisionError())
        with pytest.raises(ZeroDivisionError):
            source.read()


def test_stride_counts_what_comes_and_end_ends():
    feed = started(Pushed())
    with LiveSource(Script(feed), Selection(stride=3)) as source:
        assert number(source.read()) == 0
        feed.push(*(picture(k) for k in range(1, 6)))
        assert (number(source.read()), source.drops) == (3, 0)
        assert source.fps == pytest.approx(25 / 3)
        feed.let_go()
    feed = started(Pushed())
    with LiveSource(Script(feed), Selection(end=0.0)) as source:
        assert source.read() is None
        feed.let_go()


def test_fps_is_the_most_of_a_live_source(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(live.time, "monotonic", lambda: clock[0])
    feed = started(Pushed())
    with LiveSource(Script(feed), Selection(fps=10)) as source:
        taken = [number(source.read())]
        for k in range(1, 11):
            clock[0] = 100 + 0.04 * k
            feed.push(picture(k))
            if source._newest:
                taken.append(number(source.read()))
        assert taken == [0, 3, 5, 8, 10]
        assert source.fps == 10
        feed.let_go()


@pytest.mark.parametrize(("selection", "option"), [(Selection(start=1.0), "--start"), (Selection(loop=2), "--loop")])
def test_what_makes_no_sense_live_is_refused_by_name(selection, option):
    with pytest.raises(UserError, match=f"{option}: rtsp://\\*\\*\\*@camera/1 is live") as caught:
        open_source("rtsp://user:secret@camera/1", selection)
    assert "secret" not in str(caught.value)


def test_reconnect_is_refused_for_files(tmp_path):
    with pytest.raises(UserError, match="--reconnect: is for cameras and streams"):
        open_source(tmp_path / "clip.mp4", None, 5.0)
