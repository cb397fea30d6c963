"""What every backend offers: `infer` for one answer now, `submit` for several in flight."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from src.errors import EngineError
from src.model_card import EXPORT_FIX, ModelCard

INPUT = "frames"
OUTPUTS = ("labels", "confidence")
OUT_OF_MEMORY_FIX = "close what else uses the device's memory, or take smaller batches and fewer requests"


@dataclass(frozen=True)
class EngineInfo:
    """What plays.

    Attributes:
        backend: tensorrt, openvino or onnxruntime.
        precision: of the arithmetic, fp32, bf16, fp16 or int8 (the graph's own precision is `card.precision`).
        device: the processor or the GPU, for people.
        card: the model card from inside the model file.
        onnx_sha256: of the model file, hexadecimal.
        path: the engine folder or the model file that was opened.
    """

    backend: str
    precision: str
    device: str
    card: ModelCard
    onnx_sha256: str
    path: Path


@dataclass(frozen=True)
class Options:
    """How an engine is to run; every backend takes what concerns it.

    Attributes:
        threads: of the processor, for inference.
        requests: inferences in flight, 1 or more; 1 gives the lowest latency.
        batch_sizes: TensorRT alone: a profile, buffers and a CUDA graph for each; others take any batch.
        cache: OpenVINO alone: a folder to keep compiled models in, if it can be written; None keeps none.
        timings: TensorRT alone: a folder for what its builder measured, for the next build; None keeps nothing.
        gpu: False keeps ONNX Runtime on the processor, where it is the reference.
    """

    threads: int
    requests: int = 1
    batch_sizes: tuple[int, ...] = (1,)
    cache: Path | None = None
    timings: Path | None = None
    gpu: bool = True

    @property
    def at_work(self) -> int:
        """Requests that compute at a time. Of three and more one waits, so that no turn stands empty."""
        return min(self.threads, self.requests - (self.requests > 2))


@dataclass
class Masks:
    """The answer to N frames, at the model's size; or, from `SkySegmenter`, to one picture at its own: [H, W].

    Attributes:
        labels: uint8 [N, H, W], class index, 0 is background.
        confidence: uint8 [N, H, W], 0..255; binary: probability of class 1; multi-class: of the winning class.
    """

    labels: np.ndarray
    confidence: np.ndarray


class Engine(ABC):
    """A model ready to run, with room for `requests` inferences at a time; safe to share between threads.

    A backend implements `_run`. Its native call releases the GIL, so `requests` Python
    threads keep as many native requests busy (OpenVINO's own AsyncInferQueue is no faster: 107..119 FPS against
    110..118).

    Attributes:
        info: what plays.
        requests: inferences in flight at most.
        settings: what the backend was told and would else decide by itself, for the record.
    """

    settings: Mapping[str, Any] = {}

    def __init__(self, info: EngineInfo, requests: int) -> None:
        self.info = info
        self.requests = requests
        self._slots = threading.BoundedSemaphore(requests)
        self._workers = ThreadPoolExecutor(requests, thread_name_prefix=f"{info.backend}-request")
        self._closed, self._closing = False, threading.Lock()

    def infer(self, frames: np.ndarray) -> Masks:
        """Answers now, on the calling thread.

        Args:
            frames: uint8 [N, H, W, 3], RGB, H and W the model's.

        Raises:
            EngineError: wrong type or shape, the engine is closed, or the backend failed.
        """
        self._check(frames)
        with self._slots:
            self._refuse_if_closed()  # by another thread, while this one waited
            return self._run_named(frames)

    def submit(self, frames: np.ndarray) -> "Future[Masks]":
        """Starts an inference; the future brings its `Masks`, or the `EngineError` it ended with.

        Blocks while `requests` inferences are in flight. `frames` (as for `infer`) must stay unchanged
        until the future is done.

        Raises:
            EngineError: wrong type or shape, or the engine is closed.
        """
        self._check(frames)
        self._slots.acquire()
        try:
            future = self._workers.submit(self._run_named, frames)
        except RuntimeError as error:  # closed by another thread since the check
            self._slots.release()
            raise EngineError(f"{self.info.path}: the engine is closed") from error
        future.add_done_callback(lambda _: self._slots.release())
        return future

    def close(self) -> None:
        """Waits for what is in flight and frees the workers; closing twice does nothing."""
        with self._closing:
            self._closed = True
            self._workers.shutdown(wait=True)
            for _ in range(self.requests):  # those of `infer` on other threads
                self._slots.acquire()
            self._slots.release(self.requests)

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def raw_call(self) -> Callable[[np.ndarray], Any]:
        """The backend's own call on valid frames, without this class around it: what overhead is measured against."""
        return self._run

    def kernel_ms(self, frames: np.ndarray) -> float | None:
        """Milliseconds that a GPU computes for these frames, copies apart: the limit. None on a processor."""
        return None

    @abstractmethod
    def _run(self, frames: np.ndarray) -> Masks:
        """One inference on valid frames, with arrays of its own; called from up to `requests` threads at a time."""

    def _run_named(self, frames: np.ndarray) -> Masks:
        try:
            return self._run(frames)
        except EngineError:
            raise
        except Exception as error:  # the native libraries' exceptions have no base class in common
            raise engine_error(f"{self.info.path}: {self.info.backend} failed", error) from error

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise EngineError(f"{self.info.path}: the engine is closed")

    def _check(self, frames: np.ndarray) -> None:
        card = self.info.card
        self._refuse_if_closed()
        if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[1:] != (card.height, card.width, 3):
            raise EngineError(
                f"frames are {frames.dtype} {list(frames.shape)}, not uint8 [N, {card.height}, {card.width}, 3]",
                fix="resize each frame with src.runtime.frames.prepare and stack them",
            )
        if len(frames) == 0:
            raise EngineError("frames is an empty batch")


def check_ports(path: Path, card: ModelCard, inputs: Mapping[str, Sequence], outputs: Mapping[str, Sequence]) -> None:
    """Holds a loaded graph to the model file contract.

    Args:
        inputs, outputs: shape by name; a dynamic dimension is anything but an int.

    Raises:
        EngineError: other names than the contract's, or sizes other than the card's.
    """
    size = [card.height, card.width]
    agrees = (
        set(inputs) == {INPUT}
        and list(inputs[INPUT][1:]) == [*size, 3]
        and set(outputs) == set(OUTPUTS)
        and all(list(outputs[name][1:]) == size for name in OUTPUTS)
    )
    if not agrees:
        raise EngineError(
            f"{path}: not a skyseg graph",
            f"it takes {dict(inputs)} and gives {dict(outputs)}; "
            f"its card asks for '{INPUT}' [N, {size[0]}, {size[1]}, 3] to {OUTPUTS} [N, {size[0]}, {size[1]}]",
            EXPORT_FIX,
        )


def memory_fix(error: BaseException) -> str:
    """What to do if an error of a native library is a lack of memory; "" if it is another."""
    text = str(error).lower()
    short = any(sign in text for sign in ("out of memory", "failed to allocate", "bad allocation", "outofmemory"))
    return OUT_OF_MEMORY_FIX if short else ""


def engine_error(what: str, error: BaseException, fix: str = "") -> EngineError:
    """What to raise for an error of a native library; `fix` where it is no lack of memory."""
    return EngineError(what, first_line(error), memory_fix(error) or fix)


def first_line(error: BaseException) -> str:
    """The first telling line of a native library's message, which may run to pages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith(("Exception from", "Check '"))]
    return (telling or lines or [type(error).__name__])[0]
