"""Photographs through the segmenter: read, composed and written on threads of their own beside the inference."""

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from src.errors import UserError
from src.hardware import cores
from src.runtime.engines.base import Masks
from src.runtime.interrupts import heeding_interrupts
from src.runtime.photo_plan import Photo
from src.runtime.pictures import Picture, read_picture, to_stored_grid, write_picture
from src.runtime.segmenter import SkySegmenter
from src.runtime.tables import Table, shares
from src.runtime.video.compositing import Compositor, mask_picture
from src.runtime.video.frame import Result
from src.runtime.video.stats import BusyTime, Durations, RunStats, summarise
from src.runtime.video.window import Window

# Pixels on their way at a time; each takes up to 10 bytes: the picture, what is composed of it, its masks.
BUDGET = 96_000_000


@dataclass
class PhotoRun:
    """What came of a run: the figures, and (file, why) of those that could not be read."""

    stats: RunStats
    unreadable: list[tuple[Path, str]]


@dataclass
class _Meter:
    """Wall and CPU seconds by step, and when the model was at work."""

    wall: dict[str, Durations] = field(default_factory=lambda: defaultdict(Durations))
    cpu: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    busy: BusyTime = field(default_factory=BusyTime)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def time(self, step: str, work: Callable, *arguments: object):
        began, cpu_began = time.perf_counter(), time.thread_time()
        try:
            return work(*arguments)
        finally:
            ended, used = time.perf_counter(), time.thread_time() - cpu_began
            with self.lock:
                self.wall[step].add(ended - began)
                self.cpu[step] += used
                if step == "infer":
                    self.busy.add(began, ended)


def segment_photos(
    photos: Sequence[Photo],
    segmenter: SkySegmenter,
    *,
    compositor: Callable[[int, int], Compositor] | None = None,
    for_colmap: bool = False,
    window: Window | None = None,
    table: Table | None = None,
    on_photo: Callable[[], None] | None = None,
    began: float | None = None,
) -> PhotoRun:
    """Segments pictures in order and writes what was planned; each file is complete or absent.

    Pictures that cannot be read are passed over and listed. A mask has the size of the picture as it is
    shown, turned as its Exif says. Ctrl-C ends the run after the files on their way, marked `interrupted`.
    Call it from the main thread. Memory holds at most about `BUDGET` pixels, or one picture that is larger.

    Args:
        photos: from `plan_photos`.
        compositor: makes one for pictures of a width and a height; needed where photos have a `picture`, and
            by a window.
        for_colmap: masks are 0 in the sky and 255 elsewhere, on the grid of pixels that the file stores.
        window: shows each composed picture until a key is pressed.
        table: gets a row per picture: its name, the classes' shares, milliseconds of inference.
        on_photo: called after each picture, read or not.
        began: `time.perf_counter` from which `first_frame_s` counts; None is now.

    Raises:
        UserError: an output cannot be written.
        EngineError: the engine failed.
    """
    opencv_threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # its pool would fight the engine's and ours for the same cores
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        return _Run(segmenter, compositor, for_colmap, window, table).play(photos, on_photo, began)
    finally:
        cv2.setNumThreads(opencv_threads)


class _Run:
    """The state that the threads of one run share."""

    def __init__(
        self,
        segmenter: SkySegmenter,
        compositor: Callable[[int, int], Compositor] | None,
        for_colmap: bool,
        window: Window | None,
        table: Table | None,
    ) -> None:
        self.segmenter, self.make_compositor, self.for_colmap = segmenter, compositor, for_colmap
        self.window, self.table = window, table
        self.meter, self.unreadable = _Meter(), []
        self.workers = max(2, cores())
        self.composing = threading.Lock()  # a compositor's scratch buffers are for one picture at a time
        self.compositor: Compositor | None = None
        self.first_done_at: float | None = None  # all its files written
        self.pixels = BUDGET  # of the latest picture: what the next one is expected to have; the first may be huge

    def play(self, photos: Sequence[Photo], on_photo: Callable[[], None] | None, began: float | None) -> PhotoRun:
        frames, quit_window = 0, False
        started, process_cpu = time.perf_counter(), time.process_time()
        writing: deque[Future] = deque()
        with heeding_interrupts() as interrupts, ThreadPoolExecutor(self.workers, "skyseg-photo") as pool:
            try:
                for photo, picture in self._read_ahead(photos, pool):
                    if interrupts.requested or quit_window:
                        break
                    if picture is not None:
                        work = self._segment(photo, picture)
                        writing.append(pool.submit(self._finish, photo, picture, work))
                        if self.window is not None:
                            redraw = partial(self._compose, picture.image, work)
                            quit_window = not self.window.show(writing[-1].result(), redraw=redraw)
                        while len(writing) > self._allowed(self.workers):
                            writing.popleft().result()
                        frames += 1
                    if on_photo is not None:
                        on_photo()
                while writing:
                    writing.popleft().result()
            finally:
                pool.shutdown(cancel_futures=True)
        first_done_at, began = self.first_done_at, started if began is None else began
        cpu = self.meter.cpu
        others = sum(seconds for step, seconds in cpu.items() if step != "infer")
        cpu["infer"] = max(0.0, time.process_time() - process_cpu - others)  # the engine's threads too
        stats = summarise(
            seconds=time.perf_counter() - started,
            first_frame_s=0.0 if first_done_at is None else first_done_at - began,
            frames=frames,
            wall=self.meter.wall,
            cpu=cpu,
            model_busy_s=self.meter.busy.seconds,
            cores=cores(),
            interrupted=interrupts.requested,
        )
        return PhotoRun(stats, self.unreadable)

    def _allowed(self, most: int) -> int:
        """How many pictures may be on their way, as large as they are now."""
        return min(most, BUDGET // (2 * self.pixels))

    def _read_ahead(self, photos: Sequence[Photo], pool: ThreadPoolExecutor) -> Iterator[tuple[Photo, Picture | None]]:
        """Photos with their pictures, in order; None for one that could not be read."""
        waiting = iter(photos)
        reading: deque[tuple[Photo, Future[Picture]]] = deque()
        while True:
            while len(reading) < max(1, self._allowed(self.workers)) and (photo := next(waiting, None)):
                reading.append((photo, pool.submit(self.meter.time, "decode", read_picture, photo.path)))
            if not reading:
                return
            photo, future = reading.popleft()
            try:
                picture = future.result()
                self.pixels = picture.image.shape[0] * picture.image.shape[1]
            except UserError as error:
                self.unreadable.append((photo.path, error.why))
                picture = None
            yield photo, picture

    def _segment(self, photo: Photo, picture: Picture) -> Masks:
        began = time.perf_counter()
        masks = self.meter.time("infer", self.segmenter.predict, picture.image)
        if self.table is not None:
            milliseconds = (time.perf_counter() - began) * 1000
            name = photo.name.as_posix()
            self.table.add(name, *shares(masks.labels, self.segmenter.card), f"{milliseconds:.3f}")
        return masks

    def _finish(self, photo: Photo, picture: Picture, masks: Masks) -> np.ndarray | None:
        composed = None
        if photo.picture or self.window:
            composed = self.meter.time("compose", self._compose, picture.image, masks)
        self.meter.time("sink", self._write, photo, picture, masks, composed)
        if self.first_done_at is None:
            self.first_done_at = time.perf_counter()
        return composed

    def _compose(self, image: np.ndarray, masks: Masks) -> np.ndarray:
        height, width = image.shape[:2]
        with self.composing:
            if self.compositor is None:
                self.compositor = self.make_compositor(width, height)
            self.compositor.resize(width, height)
            return self.compositor.compose(image, Result(masks.labels, masks.confidence))

    def _write(self, photo: Photo, picture: Picture, masks: Masks, composed: np.ndarray | None) -> None:
        if photo.mask:
            mask = mask_picture(masks.labels, self.segmenter.card)
            if self.for_colmap:
                mask = to_stored_grid(cv2.bitwise_not(mask), picture.orientation)
            write_picture(photo.mask, mask)
        if photo.matte:
            write_picture(photo.matte, masks.confidence)
        if photo.picture:
            write_picture(photo.picture, composed)
