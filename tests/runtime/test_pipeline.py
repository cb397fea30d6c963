import signal
import threading
import time
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from src.errors import EngineError, UserError
from src.runtime import open_engine
from src.runtime.engines.base import Engine, EngineInfo, Masks
from src.runtime.video.compositing import Compositor
from src.runtime.video.cpu_clock import TASKS
from src.runtime.video.flight import MOST_WAITING
from src.runtime.video.frame import Frame, Result
from src.runtime.video.pipeline import play
from src.runtime.video.sink import VideoFile
from src.runtime.video.source import VideoSource
from src.runtime.video.sources import files
from src.runtime.video.sources.selection import Selection
from src.runtime.video.stats import STEPS
from src.runtime.video.writer import VideoWriter
from tests.model_file import binary_card
from tests.runtime.clips import FRAMES, horizon, horizon_in

KEYS = {
    "frames", "seconds", "fps", "model_fps", "share_of_limit", "drops", "peak_rss_mb", "first_frame_s", "steps",
}  # fmt: skip


class Recorder:
    """A sink that keeps copies."""

    needs_confidence = False

    def __init__(self, keeps: str, fail_at: int | None = None, delay: float = 0) -> None:
        self.keeps, self.fail_at, self.delay = keeps, fail_at, delay
        self.thread_ids: set[int] = set()
        self.images: list[np.ndarray] = []

    def write(self, result: Result) -> None:
        if len(self.images) == self.fail_at:
            raise UserError("the disk is full")
        time.sleep(self.delay)
        self.images.append(getattr(result, self.keeps).copy())


class FakeWindow:
    def __init__(self, quit_at: int) -> None:
        self.quit_at, self.shown, self.threads = quit_at, 0, set()

    def show(self, picture: np.ndarray, time: float) -> bool:
        self.threads.add(threading.current_thread())
        self.shown += 1
        return self.shown < self.quit_at


class FakeEngine(Engine):
    """Answers out of order in time, and raises at the frame asked for."""

    def __init__(self, requests: int = 3, fail_at: int | None = None) -> None:
        super().__init__(EngineInfo("fake", "fp32", "none", binary_card(), "", "fake"), requests)
        self.fail_at, self.count, self.lock = fail_at, 0, threading.Lock()
        self.batches: list[int] = []

    def _run(self, frames: np.ndarray) -> Masks:
        with self.lock:
            self.batches.append(len(frames))
            index, self.count = self.count, self.count + 1
        if index == self.fail_at:
            raise RuntimeError("the device is lost")
        time.sleep(0.01 if index % 3 == 0 else 0.001)
        sky = frames[..., 2] > frames[..., 0]
        return Masks(sky.astype(np.uint8), sky.astype(np.uint8) * 255)


@pytest.fixture(autouse=True)
def no_hang():
    """A hang must fail this test, not stop the suite; no thread of ours may outlive a run."""

    def give_up(*_: object) -> None:
        raise TimeoutError("the pipeline hangs")

    previous = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(240)  # generous: the machine may be busy
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("skyseg-")]


@pytest.mark.parametrize("requests", [1, 2, 4])
def test_every_frame_arrives_once_and_in_order(requests, clip, binary_model):
    labels, pictures, delivered = Recorder("labels"), Recorder("picture"), []
    with VideoSource(clip) as source, open_engine(binary_model, requests=requests) as engine:
        compositor = Compositor(engine.info.card, "side-by-side", source.width, source.height)
        stats = play(
            source,
            engine,
            compositor=compositor,
            sinks=[labels, pictures],
            on_frame=lambda: delivered.append(threading.current_thread()),
        )
    assert stats.frames == len(labels.images) == len(pictures.images) == len(delivered) == FRAMES
    assert set(delivered) == {threading.main_thread()}
    for index, mask in enumerate(labels.images):
        assert abs(horizon_in(mask) - horizon(index)) <= 3, f"frame {index}"
    assert pictures.images[0].shape == (source.height, 2 * source.width, 3)


def test_answers_out_of_order_are_put_in_order(clip):
    labels = Recorder("labels")
    with VideoSource(clip) as source, FakeEngine(requests=4) as engine:
        play(source, engine, sinks=[labels])
    assert [round((horizon_in(mask) - horizon(0)) / 4) for mask in labels.images] == list(range(FRAMES))


@pytest.mark.parametrize("batch", [2, 5, FRAMES, 100])
def test_batches_are_gathered_and_split_again(batch, clip):
    labels = Recorder("labels")
    with VideoSource(clip) as source, FakeEngine(requests=2) as engine:
        stats = play(source, engine, sinks=[labels], batch=batch)
    assert [round((horizon_in(mask) - horizon(0)) / 4) for mask in labels.images] == list(range(FRAMES))
    assert max(engine.batches) == min(batch, FRAMES)
    assert len(engine.batches) == -(-FRAMES // batch)
    assert sum(engine.batches) == stats.frames == FRAMES


def test_a_last_batch_may_be_smaller_and_max_frames_cut_it(clip):
    with VideoSource(clip) as source, FakeEngine(requests=1) as engine:
        assert play(source, engine, batch=4, max_frames=10).frames == 10
    assert engine.batches == [4, 4, 2]


@pytest.mark.parametrize("batch", [1, 3])
def test_buffers_are_reused_however_many_frames(batch):
    class Endless:
        """Frames of nothing, which notes the buffers that it is given."""

        width, height, live, drops, thread_ids, ended_cpu_s = 64, 48, False, 0, frozenset(), 0.0

        def __init__(self) -> None:
            self.buffers, self.frames = set(), 0

        def read(self, into: np.ndarray) -> Frame:
            self.buffers.add(into.ctypes.data)
            self.frames += 1
            return Frame(into, self.frames - 1, 0.0)

    class Watcher(Recorder):
        def write(self, result: Result) -> None:
            self.results.add(result.labels.ctypes.data)

        results: ClassVar[set[int]] = set()

    source, watcher = Endless(), Watcher("labels")
    with FakeEngine(requests=2) as engine:
        assert play(source, engine, sinks=[watcher], batch=batch, max_frames=300).frames == 300
    assert len(source.buffers) <= MOST_WAITING + batch * (engine.requests + 2)
    assert len(watcher.results) <= MOST_WAITING + 3


def test_the_figures_have_their_agreed_names_and_add_up(clip, binary_model):
    with VideoSource(clip) as source, open_engine(binary_model, requests=2) as engine:
        stats = play(source, engine, sinks=[Recorder("labels")])
    figures = stats.to_dict()
    assert set(figures) == KEYS
    assert set(figures["steps"]) == set(STEPS)
    assert all(set(step) == {"p50_ms", "p95_ms", "cpu_ms"} for step in figures["steps"].values())
    assert figures["drops"] == 0
    assert figures["fps"] == pytest.approx(stats.frames / stats.seconds, rel=0.01)
    assert figures["model_fps"] >= figures["fps"]
    assert 0 < figures["first_frame_s"] <= figures["seconds"]
    assert figures["peak_rss_mb"] > 10
    assert figures["steps"]["infer"]["p95_ms"] >= figures["steps"]["infer"]["p50_ms"] > 0
    assert not stats.interrupted


@pytest.mark.skipif(not TASKS.is_dir(), reason="threads are told apart on Linux only")
def test_decoders_that_a_loop_has_ended_are_charged_to_decoding(clip, binary_model, monkeypatch):
    monkeypatch.setattr(files, "cpu_seconds", lambda ids: 100.0 * bool(ids))
    with VideoSource(clip, Selection(loop=3)) as source, open_engine(binary_model) as engine:
        decode = play(source, engine).steps["decode"]
    assert 200_000 <= decode.cpu_ms * 3 * FRAMES < 300_000


def test_max_frames_ends_early(clip, binary_model):
    with VideoSource(clip) as source, open_engine(binary_model) as engine:
        assert play(source, engine, max_frames=5).frames == 5


@pytest.mark.parametrize("fail_at", [0, 7, FRAMES - 1])
def test_an_engine_that_fails_ends_the_run_with_its_error(fail_at, clip):
    with (
        VideoSource(clip) as source,
        FakeEngine(fail_at=fail_at) as engine,
        pytest.raises(EngineError, match="fake failed") as caught,
    ):
        play(source, engine, sinks=[Recorder("labels")])
    assert "the device is lost" in caught.value.why


@pytest.mark.parametrize("fail_at", [0, 9])
def test_a_sink_that_fails_ends_the_run_with_its_error(fail_at, clip, binary_model):
    with (
        VideoSource(clip) as source,
        open_engine(binary_model, requests=2) as engine,
        pytest.raises(UserError, match="the disk is full"),
    ):
        play(source, engine, sinks=[Recorder("labels", fail_at=fail_at)])


def test_a_source_that_fails_ends_the_run_with_its_error(clip, binary_model, monkeypatch):
    with VideoSource(clip) as source, open_engine(binary_model) as engine:
        monkeypatch.setattr(source, "read", lambda buffer: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            play(source, engine)


def test_an_error_on_the_calling_thread_ends_the_others(clip, binary_model):
    def fail() -> None:
        raise ValueError("progress")

    with (
        VideoSource(clip) as source,
        open_engine(binary_model) as engine,
        pytest.raises(ValueError, match="progress"),
    ):
        play(source, engine, on_frame=fail)


def test_a_preview_shows_the_first_picture_and_not_every_one(clip, binary_model):
    window = FakeWindow(quit_at=FRAMES + 1)
    with VideoSource(clip) as source, open_engine(binary_model) as engine:
        compositor = Compositor(engine.info.card, "overlay", source.width, source.height)
        assert play(source, engine, compositor=compositor, window=window, shown_fps=1e-3).frames == FRAMES
    assert window.shown == 1


def test_a_window_that_fails_ends_the_others(clip, binary_model):
    class Torn(FakeWindow):
        def show(self, picture: np.ndarray, time: float) -> bool:
            raise UserError("the display is gone")

    with (
        VideoSource(clip) as source,
        open_engine(binary_model) as engine,
        pytest.raises(UserError, match="the display is gone"),
    ):
        compositor = Compositor(engine.info.card, "overlay", source.width, source.height)
        play(source, engine, compositor=compositor, window=Torn(quit_at=1))


def test_an_engine_closed_meanwhile_ends_the_run_with_that_error(clip):
    with (
        VideoSource(clip) as source,
        FakeEngine() as engine,
        pytest.raises(EngineError, match="the engine is closed"),
    ):
        play(source, engine, on_frame=engine.close)


def test_an_output_that_cannot_be_finished_leaves_that_error_and_no_file(clip, binary_model, tmp_path, monkeypatch):
    with (
        pytest.raises(UserError, match="cannot be finished"),
        VideoSource(clip) as source,
        open_engine(binary_model) as engine,
        VideoWriter(tmp_path / "out.mp4", source.width, source.height, source.fps) as writer,
    ):
        compositor = Compositor(engine.info.card, "overlay", source.width, source.height)
        play(source, engine, compositor=compositor, sinks=[VideoFile(writer)])
        monkeypatch.setattr(Path, "replace", refuse)
    assert not list(tmp_path.iterdir())


def refuse(*_: object) -> None:
    raise OSError("the disk is full")


def test_quitting_the_window_ends_the_run_in_good_order(clip, binary_model):
    window, labels = FakeWindow(quit_at=4), Recorder("labels")
    with VideoSource(clip) as source, open_engine(binary_model) as engine:
        compositor = Compositor(engine.info.card, "overlay", source.width, source.height)
        stats = play(source, engine, compositor=compositor, sinks=[labels], window=window)
    assert window.shown == 4
    assert window.threads == {threading.main_thread()}
    assert 4 <= stats.frames == len(labels.images) < FRAMES
    assert not stats.interrupted


def test_ctrl_c_delivers_what_is_on_its_way_and_a_second_breaks_off(clip, binary_model):
    def interrupt_at(*counts: int):
        seen = []

        def on_frame() -> None:
            seen.append(1)
            if len(seen) in counts:
                signal.raise_signal(signal.SIGINT)

        return on_frame

    labels = Recorder("labels", delay=0.005)
    with VideoSource(clip) as source, open_engine(binary_model) as engine:
        stats = play(source, engine, sinks=[labels], on_frame=interrupt_at(3))
    assert stats.interrupted
    assert 3 <= stats.frames == len(labels.images) < FRAMES
    with (
        VideoSource(clip) as source,
        open_engine(binary_model) as engine,
        pytest.raises(KeyboardInterrupt),
    ):
        play(source, engine, sinks=[Recorder("labels")], on_frame=interrupt_at(3, 4))
