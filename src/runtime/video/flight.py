"""What is on its way through the pipeline, and the pools of buffers that bound it."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np

from src.runtime.engines.base import Engine, Masks
from src.runtime.video.channel import Channel
from src.runtime.video.compositing import Compositor
from src.runtime.video.frame import Frame, Result
from src.runtime.video.sink import Sink
from src.runtime.video.source import VideoSource

# Frames that wait before inference and pictures before a sink, so that steps of uneven length need not wait for
# each other; fewer of large frames.
MOST_WAITING, LEAST_WAITING = 4, 2
WAITING_BYTES = 32 * 2**20


@dataclass
class Item:
    """A frame on its way; each step fills in what is its own.

    Attributes:
        frame: decoded.
        buffer: of the pool, taken for it.
        preparing_s: seconds that resizing it took.
        result: composed.
    """

    frame: Frame
    buffer: np.ndarray
    preparing_s: float = 0.0
    result: Result | None = None


@dataclass
class Batch:
    """Frames that are inferred together.

    Attributes:
        prepared: uint8 [N, h, w, 3] RGB, of the pool; as many of them as there are items.
        items: the frames.
        started, answered_at: `time.perf_counter` then.
        answer: to come.
    """

    prepared: np.ndarray
    items: Sequence[Item]
    started: float = 0.0
    answered_at: float = 0.0
    answer: "Future[Masks] | None" = None
    _answered: threading.Event = field(default_factory=threading.Event)

    def submit_to(self, engine: Engine) -> None:
        """Starts the inference, once the engine has a free request; raises as `Engine.submit`."""
        self.answer = engine.submit(self.prepared[: len(self.items)])
        # After submit, which waits for a free request: waiting is no part of the inference.
        self.started = time.perf_counter()
        self.answer.add_done_callback(self._note_answer)

    def masks(self) -> Masks:
        """The answer, waiting for it; raises the error that the inference ended with."""
        self._answered.wait()
        return self.answer.result()

    def _note_answer(self, _: Future) -> None:
        self.answered_at = time.perf_counter()
        self._answered.set()


class Pools:
    """Buffers of one run.

    Args:
        source, engine, compositor, sinks: of the run.
        batch: frames per inference.
        live: room for a single frame, so that none waits.

    Attributes:
        frames: uint8 [height, width, 3].
        inputs: uint8 [batch, h, w, 3], h and w the model's.
        results: to compose into.
    """

    def __init__(
        self,
        source: VideoSource,
        engine: Engine,
        compositor: Compositor | None,
        sinks: Sequence[Sink],
        *,
        batch: int,
        live: bool,
    ) -> None:
        card = engine.info.card
        size = (source.height, source.width)
        needs_confidence = any(user.needs_confidence for user in (compositor, *sinks) if user)
        waiting = min(max(WAITING_BYTES // (3 * source.height * source.width), LEAST_WAITING), MOST_WAITING)
        inputs = 1 if live else engine.requests + 2  # in flight, being gathered, being composed
        frames = 1 if live else waiting + inputs * batch
        results = 1 if live else waiting + 3  # being composed, written, shown
        self.frames = Channel(np.empty((*size, 3), np.uint8) for _ in range(frames))
        self.inputs = Channel(np.empty((batch, card.height, card.width, 3), np.uint8) for _ in range(inputs))
        self.results = Channel(
            Result(
                labels=np.empty(size, np.uint8),
                confidence=np.empty(size, np.uint8) if needs_confidence else None,
                picture=compositor.buffer() if compositor else None,
            )
            for _ in range(results)
        )

    def break_off(self) -> None:
        """Wakes everyone who waits for a buffer, with Broken."""
        for pool in (self.frames, self.inputs, self.results):
            pool.break_off()
