"""Plays a video through an engine: decode, infer, compose and sink at once, each on a thread of its own.

    source -> [decoded] -> [inferring] -> [composed] -> [delivered] -> main thread
      decode            infer          compose         sink            window, progress

Queues are bounded and frames and pictures live in pools of reused buffers, so memory does not grow with the
video and the slowest step sets the pace. Order is kept: compose waits for the answers in frame order.
"""

import itertools
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import cv2
import numpy as np

from src.hardware import cores
from src.runtime.engines.base import Engine, Masks
from src.runtime.frames import prepare
from src.runtime.interrupts import Interrupts, heeding_interrupts
from src.runtime.postprocess import PostProcessor
from src.runtime.video.channel import Broken, Channel
from src.runtime.video.compositing import Compositor
from src.runtime.video.cpu_clock import cpu_seconds
from src.runtime.video.frame import Frame, Result
from src.runtime.video.sink import Sink
from src.runtime.video.source import VideoSource
from src.runtime.video.stats import RunStats, covered_seconds, summarise
from src.runtime.video.window import Window

QUEUE_DEPTH = 2


@dataclass
class _Item:
    """A frame on its way; each step fills in what is its own."""

    frame: Frame
    buffer: np.ndarray
    prepared: np.ndarray | None = None
    started: float = 0.0
    preparing: float = 0.0
    answer: "Future[Masks] | None" = None
    answered_at: float = 0.0
    answered: threading.Event = field(default_factory=threading.Event)
    result: Result | None = None


def play(
    source: VideoSource,
    engine: Engine,
    *,
    postprocess: PostProcessor | None = None,
    compositor: Compositor | None = None,
    sinks: Sequence[Sink] = (),
    window: Window | None = None,
    max_frames: int | None = None,
    on_frame: Callable[[], None] | None = None,
) -> RunStats:
    """Plays a source to its end, or for `max_frames` frames, and hands every frame to every sink in order.

    Call it from the main thread. Quitting the window stops decoding, and frames on their way are still
    delivered; so does Ctrl-C, which marks the figures `interrupted`. A second Ctrl-C breaks off at once.
    Sinks are not closed here: they are the caller's context managers.

    Args:
        source: just opened.
        engine: gets up to `engine.requests` frames at a time.
        postprocess: makes labels of the answers; None takes the model's own threshold and nothing else.
        compositor: makes the pictures; needed by a window and by sinks that take pictures.
        sinks: written to on the sink thread.
        window: shown on the calling thread.
        max_frames: None is all.
        on_frame: called on the calling thread after each delivered frame.

    Raises:
        UserError, EngineError: whatever any step raised first; by then all threads have ended.
    """
    opencv_threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # its pool would fight the engine's for the same cores
    try:
        with heeding_interrupts() as interrupts:
            postprocess = postprocess or PostProcessor(engine.info.card, source.width, source.height)
            return _Run(source, engine, postprocess, compositor, sinks, max_frames, interrupts).play(window, on_frame)
    finally:
        cv2.setNumThreads(opencv_threads)


class _Run:
    """The state that the threads of one run share."""

    def __init__(
        self,
        source: VideoSource,
        engine: Engine,
        postprocess: PostProcessor,
        compositor: Compositor | None,
        sinks: Sequence[Sink],
        max_frames: int | None,
        interrupts: Interrupts,
    ) -> None:
        self.source, self.engine, self.postprocess = source, engine, postprocess
        self.compositor, self.sinks = compositor, sinks
        self.frame_limit, self.interrupts = max_frames, interrupts
        self.decoded: Channel[_Item] = Channel(QUEUE_DEPTH)
        self.inferring: Channel[_Item] = Channel(engine.requests)
        self.composed: Channel[_Item] = Channel(QUEUE_DEPTH)
        self.delivered: Channel[_Item] = Channel(QUEUE_DEPTH)
        # One for each place in a queue, and one in the hands of each thread that holds it.
        self.buffers = _pool(self._frame_buffer() for _ in range(QUEUE_DEPTH + engine.requests + 3))
        self.results = _pool(self._result() for _ in range(2 * QUEUE_DEPTH + 3))
        self.error: BaseException | None = None
        self.window_quit = False
        self.wall: dict[str, list[float]] = defaultdict(list)
        self.cpu: dict[str, float] = defaultdict(float)
        self.intervals: list[tuple[float, float]] = []
        self.frames, self.first_frame_s, self.seconds = 0, 0.0, 0.0

    def play(self, window: Window | None, on_frame: Callable[[], None] | None) -> RunStats:
        started, process_cpu, main_cpu = time.perf_counter(), time.process_time(), time.thread_time()
        native_cpu = self._native_cpu()
        threads = [self._start(step) for step in (self._decode, self._infer, self._compose, self._sink)]
        try:
            self._deliver(window, on_frame, started)
        except Broken:
            pass  # the thread that broke the channels left the reason
        except BaseException as error:
            self._fail(error)
        finally:
            for thread in threads:
                thread.join()
        if self.error is not None:
            raise self.error
        self.cpu["sink"] += time.thread_time() - main_cpu
        for step, seconds in self._native_cpu().items():
            self.cpu[step] += seconds - native_cpu[step]
        # The engine's threads are whatever no one else has claimed.
        self.cpu["infer"] = max(0.0, time.process_time() - process_cpu - sum(self.cpu.values()))
        return summarise(
            seconds=self.seconds,
            first_frame_s=self.first_frame_s,
            frames=self.frames,
            wall=self.wall,
            cpu=self.cpu,
            model_busy_s=covered_seconds(self.intervals),
            cores=cores(),
            interrupted=self.interrupts.requested,
        )

    @property
    def _stopping(self) -> bool:
        return self.window_quit or self.interrupts.requested

    def _deliver(self, window: Window | None, on_frame: Callable[[], None] | None, started: float) -> None:
        for item in self.delivered:
            if window is not None and not self._stopping and not window.show(item.result.picture):
                self.window_quit = True
            self.results.put(item.result)
            self.frames += 1
            self.seconds = time.perf_counter() - started
            self.first_frame_s = self.first_frame_s or self.seconds
            if on_frame is not None:
                on_frame()

    def _decode(self) -> None:
        indices = itertools.count() if self.frame_limit is None else range(self.frame_limit)
        for _ in indices:
            buffer = self.buffers.get()
            if self._stopping:
                break
            began = time.perf_counter()
            frame = self.source.read(buffer)
            if frame is None:
                break
            self.wall["decode"].append(time.perf_counter() - began)
            self.decoded.put(_Item(frame, buffer))
        self.decoded.end()

    def _infer(self) -> None:
        for item in self.decoded:
            began = time.perf_counter()
            item.prepared = prepare(item.frame.image, self.engine.info.card)
            item.preparing = time.perf_counter() - began
            answer = self.engine.submit(item.prepared[None])
            # After submit, which waits for a free request: waiting is no part of the inference.
            item.started = time.perf_counter()
            item.answer = answer
            answer.add_done_callback(lambda _, item=item: _note_answer(item))
            self.inferring.put(item)
        self.inferring.end()

    def _compose(self) -> None:
        for item in self.inferring:
            item.answered.wait()
            masks = item.answer.result()
            self.intervals.append((item.started, item.answered_at))
            infer_s = item.preparing + item.answered_at - item.started
            self.wall["infer"].append(infer_s)
            item.result = result = self.results.get()
            began = time.perf_counter()
            result.index, result.time, result.infer_ms = item.frame.index, item.frame.time, infer_s * 1000
            image, labels, confidence = item.frame.image, masks.labels[0], masks.confidence[0]
            self.postprocess(image, item.prepared, labels, confidence, result.labels, result.confidence)
            if self.compositor is not None:
                result.picture = self.compositor.compose(image, result, result.picture)
            self.wall["compose"].append(time.perf_counter() - began)
            self.buffers.put(item.buffer)
            self.composed.put(item)
        self.composed.end()

    def _sink(self) -> None:
        for item in self.composed:
            began = time.perf_counter()
            for sink in self.sinks:
                sink.write(item.result)
            self.wall["sink"].append(time.perf_counter() - began)
            self.delivered.put(item)
        self.delivered.end()

    def _start(self, step: Callable[[], None]) -> threading.Thread:
        name = step.__name__.strip("_")

        def work() -> None:
            try:
                step()
            except Broken:
                pass  # another thread failed and said why
            except BaseException as error:
                self._fail(error)
            finally:
                if name != "infer":
                    self.cpu[name] += time.thread_time()

        thread = threading.Thread(target=work, name=f"skyseg-{name}")
        thread.start()
        return thread

    def _fail(self, error: BaseException) -> None:
        self.error = self.error or error
        for channel in (self.decoded, self.inferring, self.composed, self.delivered, self.buffers, self.results):
            channel.break_off()

    def _native_cpu(self) -> dict[str, float]:
        writers = itertools.chain.from_iterable(sink.thread_ids for sink in self.sinks)
        return {"decode": cpu_seconds(self.source.thread_ids), "sink": cpu_seconds(writers)}

    def _frame_buffer(self) -> np.ndarray:
        return np.empty((self.source.height, self.source.width, 3), np.uint8)

    def _result(self) -> Result:
        size = (self.source.height, self.source.width)
        needed = any(user.needs_confidence for user in (self.compositor, *self.sinks) if user)
        return Result(
            labels=np.empty(size, np.uint8),
            confidence=np.empty(size, np.uint8) if needed else None,
            picture=self.compositor.buffer() if self.compositor else None,
        )


def _pool(items: Iterable) -> Channel:
    held = list(items)
    return Channel(len(held), held)


def _note_answer(item: _Item) -> None:
    item.answered_at = time.perf_counter()
    item.answered.set()
