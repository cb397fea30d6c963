"""Plays a video through an engine: decode, infer, compose and sink at once, each on a thread of its own.

    source -> [decoded] -> [inferring] -> [composed] -> [delivered] -> main thread
      decode            infer          compose         sink            window, progress

Frames, batches and pictures live in pools of reused buffers, so memory does not grow with the video, and a step that
finds its pool empty waits: the slowest sets the pace. Order is kept: compose waits for the answers in frame order.

Of a live source one frame is on its way at a time, and the next is asked for when that one has been shown: what is
shown is never older than the frame before took, plus one frame of the camera.
"""

import itertools
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np

from src.hardware import cores
from src.runtime.engines.base import Engine
from src.runtime.frames import prepare
from src.runtime.interrupts import Interrupts, heeding_interrupts
from src.runtime.postprocess import PostProcessor
from src.runtime.video.channel import Broken, Channel
from src.runtime.video.compositing import Compositor
from src.runtime.video.cpu_clock import cpu_seconds
from src.runtime.video.flight import Batch, Item, Pools
from src.runtime.video.sink import Sink
from src.runtime.video.source import VideoSource
from src.runtime.video.stats import BusyTime, Durations, RunStats, summarise
from src.runtime.video.window import Window

PREVIEW_FPS = 20  # painting a picture takes 3 to 5 ms of CPU at 1280x720, in part the display's: 5 % of two cores


def play(
    source: VideoSource,
    engine: Engine,
    *,
    postprocess: PostProcessor | None = None,
    compositor: Compositor | None = None,
    sinks: Sequence[Sink] = (),
    window: Window | None = None,
    max_frames: int | None = None,
    batch: int = 1,
    shown_fps: float | None = None,
    on_frame: Callable[[], None] | None = None,
    began: float | None = None,
) -> RunStats:
    """Plays a source to its end, or for `max_frames` frames, and hands every frame to every sink in order.

    Call it from the main thread. Quitting the window stops decoding, and frames on their way are still
    delivered; so does Ctrl-C, which marks the figures `interrupted`. A second Ctrl-C breaks off at once.
    Sinks are not closed here: they are the caller's context managers. A live source is closed by whatever ends
    the run before the source does, because its `read` may be waiting for a frame that never comes.

    Args:
        source: just opened.
        engine: gets up to `engine.requests` batches at a time.
        postprocess: makes labels of the answers; None takes the model's own threshold and nothing else.
        compositor: makes the pictures; needed by a window and by sinks that take pictures.
        sinks: written to on the sink thread.
        window: shown on the calling thread.
        max_frames: None is all.
        batch: frames per inference; of a live source always 1.
        shown_fps: show no more pictures a second, such as `PREVIEW_FPS`; None shows every one.
        on_frame: called on the calling thread after each delivered frame.
        began: `time.perf_counter` from which `first_frame_s` counts; None is now.

    Raises:
        UserError, EngineError: whatever any step raised first; by then all threads have ended.
    """
    opencv_threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # its pool would fight the engine's for the same cores
    try:
        with heeding_interrupts() as interrupts:
            postprocess = postprocess or PostProcessor(engine.info.card, source.width, source.height)
            run = _Run(source, engine, postprocess, compositor, sinks, max_frames, batch, interrupts)
            return run.play(_Screen(window, shown_fps), on_frame, began)
    finally:
        cv2.setNumThreads(opencv_threads)


class _Screen:
    """The window, if there is one, at no more pictures a second than asked for."""

    def __init__(self, window: Window | None, fps: float | None) -> None:
        self._window, self._interval_s = window, 1 / fps if fps else 0.0
        self._due = float("-inf")

    def show(self, picture: np.ndarray, time_s: float) -> bool:
        """False once the user has quit."""
        now = time.perf_counter()
        if self._window is None or now < self._due:
            return True
        self._due = now + self._interval_s
        return self._window.show(picture, time_s)

    def poll(self) -> bool:
        """Answers keys; False once the user has quit."""
        return self._window is None or self._window.poll()


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
        batch: int,
        interrupts: Interrupts,
    ) -> None:
        self.source, self.engine, self.postprocess = source, engine, postprocess
        self.compositor, self.sinks = compositor, sinks
        self.frame_limit, self.interrupts = max_frames, interrupts
        self.live = source.live
        self.batch = 1 if self.live else batch
        self.decoded: Channel[Item] = Channel()
        self.inferring: Channel[Batch] = Channel()
        self.composed: Channel[Item] = Channel()
        self.delivered: Channel[Item] = Channel()
        self.pools = Pools(source, engine, compositor, sinks, batch=self.batch, live=self.live)
        self.error: BaseException | None = None
        self.window_quit = False
        self.wall: dict[str, Durations] = defaultdict(Durations)
        self.cpu: dict[str, float] = defaultdict(float)
        self.model_busy = BusyTime()
        self.frames, self.first_frame_s, self.seconds = 0, 0.0, 0.0

    def play(self, screen: "_Screen", on_frame: Callable[[], None] | None, began: float | None) -> RunStats:
        started, process_cpu, main_cpu = time.perf_counter(), time.process_time(), time.thread_time()
        native_cpu = self._native_cpu()
        threads = [self._start(step) for step in (self._decode, self._infer, self._compose, self._sink)]
        try:
            self._deliver(screen, on_frame, started, started if began is None else began)
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
            model_busy_s=self.model_busy.seconds,
            cores=cores(),
            drops=self.source.drops,
            interrupted=self.interrupts.requested,
        )

    @property
    def _stopping(self) -> bool:
        return self.window_quit or self.interrupts.requested

    def _deliver(self, screen: "_Screen", on_frame: Callable[[], None] | None, started: float, began: float) -> None:
        for item in self.delivered.items(meanwhile=(lambda: self._await_live(screen)) if self.live else None):
            if not self._stopping:
                self.window_quit = not screen.show(item.result.picture, item.result.time)
            self.pools.results.put(item.result)
            if self.live:
                self.pools.frames.put(item.buffer)
            now = time.perf_counter()
            self.frames += 1
            self.seconds = now - started
            self.first_frame_s = self.first_frame_s or now - began
            if on_frame is not None:
                on_frame()

    def _decode(self) -> None:
        for _ in itertools.count() if self.frame_limit is None else range(self.frame_limit):
            buffer = self.pools.frames.get()
            if self._stopping:
                break
            began = time.perf_counter()
            frame = self.source.read(buffer)
            if frame is None:
                break
            self.wall["decode"].add(time.perf_counter() - began)
            self.decoded.put(Item(frame, buffer))
        self.decoded.end()

    def _infer(self) -> None:
        for items in self._batches():
            batch = Batch(self.pools.inputs.get(), items)
            for item, place in zip(items, batch.prepared, strict=False):
                began = time.perf_counter()
                prepare(item.frame.image, self.engine.info.card, place)
                item.preparing_s = time.perf_counter() - began
            batch.submit_to(self.engine)
            self.inferring.put(batch)
        self.inferring.end()

    def _batches(self) -> Iterator[list[Item]]:
        decoded = iter(self.decoded)
        while items := list(itertools.islice(decoded, self.batch)):
            yield items

    def _compose(self) -> None:
        for batch in self.inferring:
            masks = batch.masks()
            self.model_busy.add(batch.started, batch.answered_at)
            for item, prepared, labels, confidence in zip(
                batch.items, batch.prepared, masks.labels, masks.confidence, strict=False
            ):
                infer_s = item.preparing_s + batch.answered_at - batch.started
                self.wall["infer"].add(infer_s)
                item.result = self.pools.results.get()
                began = time.perf_counter()
                item.result.infer_ms = infer_s * 1000
                self._compose_one(item, prepared, labels, confidence)
                self.wall["compose"].add(time.perf_counter() - began)
                if not self.live:
                    self.pools.frames.put(item.buffer)
                self.composed.put(item)
            self.pools.inputs.put(batch.prepared)
        self.composed.end()

    def _compose_one(self, item: Item, prepared: np.ndarray, labels: np.ndarray, confidence: np.ndarray) -> None:
        frame, result = item.frame, item.result
        result.index, result.time = frame.index, frame.time
        self.postprocess(frame.image, prepared, labels, confidence, result.labels, result.confidence)
        if self.compositor is not None:
            result.picture = self.compositor.compose(frame.image, result, result.picture)

    def _sink(self) -> None:
        for item in self.composed:
            began = time.perf_counter()
            for sink in self.sinks:
                sink.write(item.result)
            self.wall["sink"].add(time.perf_counter() - began)
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
        for channel in (self.decoded, self.inferring, self.composed, self.delivered, self.pools):
            channel.break_off()
        if self.live:
            self.source.close()

    def _await_live(self, screen: "_Screen") -> None:
        """A camera may be silent, and a stream away, for long: meanwhile keys and interrupts are heeded."""
        if not self._stopping:
            self.window_quit = not screen.poll()
        if self._stopping:
            self.source.close()

    def _native_cpu(self) -> dict[str, float]:
        writers = itertools.chain.from_iterable(sink.thread_ids for sink in self.sinks)
        decode = cpu_seconds(self.source.thread_ids) + self.source.ended_cpu_s
        return {"decode": decode, "sink": cpu_seconds(writers)}
