"""TensorRT on an NVIDIA GPU, where `auto` measures it beside the others. `tensorrt` comes with the first call alone.

Each request in flight has a stream of its own, and on it for each batch size pinned buffers, an execution context and
a CUDA graph of copy, inference and copy back: an inference is one launch and one wait. Two requests are the double
buffering: one's copies run beside the other's kernels.

Works with TensorRT 10.12 and later 10, and 11, by the calls both have. Not yet executed on a GPU: see docs/deploy.md.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import numpy as np

from src.errors import EngineError
from src.model_card import ModelCard
from src.runtime.engines.base import INPUT, OUT_OF_MEMORY_FIX, OUTPUTS, Engine, EngineInfo, Masks, Options, check_ports
from src.runtime.engines.cuda import Buffer, CudaError, Graph, Stream, driver_present, gpu

if TYPE_CHECKING:
    import tensorrt as trt

OLDEST = (10, 12)  # strongly typed networks with what the model file needs
TIMED_LAUNCHES = 50
INSTALL = "uv pip install -r pyproject.toml --extra tensorrt"


class TensorRTEngine(Engine):
    """A TensorRT plan.

    Args:
        plan: a serialised engine, as `src.runtime.engines.tensorrt_build` makes it.
        info: its precision and origin.
        options: requests are taken; batch sizes are the plan's own.

    Raises:
        EngineError: the plan is not for this TensorRT or GPU, breaks the model file contract, or the GPU's memory
            does not suffice.
    """

    def __init__(self, plan: bytes, info: EngineInfo, options: Options) -> None:
        trt = load_tensorrt()
        self._logger = trt.Logger(trt.Logger.ERROR)
        self._runtime: trt.Runtime = trt.Runtime(self._logger)
        self._cuda_engine: trt.ICudaEngine = self._runtime.deserialize_cuda_engine(plan)
        if self._cuda_engine is None:
            raise EngineError(f"{info.path}: TensorRT cannot load the plan", f"TensorRT {version()} refused it")
        ports = _ports(self._cuda_engine)
        check_ports(info.path, info.card, *ports)
        super().__init__(info, options.requests)
        self.plan, self._opened = plan, ExitStack()
        self.batch_sizes = profile_sizes(self._cuda_engine)
        self._free: SimpleQueue[_Request] = SimpleQueue()
        try:
            for _ in range(options.requests):
                request = _Request(self._cuda_engine, info.card, self.batch_sizes)
                self._opened.callback(request.close)
                self._free.put(request)
        except CudaError as error:
            self._opened.close()
            raise EngineError(f"{info.path}: the GPU refuses the plan", str(error)) from error
        except BaseException:
            self._opened.close()
            raise
        graphs = all(lane.graph for lane in request.lanes.values())
        self.settings = {"tf32": False, "batch_sizes": list(self.batch_sizes), "cuda_graphs": graphs}

    def close(self) -> None:
        super().close()
        # After a fault every call of CUDA answers with it, those that free included; it has been told by then.
        with suppress(CudaError):
            self._opened.close()

    def raw_call(self) -> Callable[[np.ndarray], Any]:
        request = self._free.get()
        self._free.put(request)

        def call(frames: np.ndarray) -> None:
            for lane, part in request.lanes_for(frames):
                lane.answer(part)

        return call

    def kernel_ms(self, frames: np.ndarray) -> float:
        request = self._free.get()
        try:
            return sum(lane.kernel_ms() for lane, _ in request.lanes_for(frames))
        finally:
            self._free.put(request)

    def _run(self, frames: np.ndarray) -> Masks:
        shape = frames.shape[:3]
        masks = Masks(np.empty(shape, np.uint8), np.empty(shape, np.uint8))
        request, done = self._free.get(), 0
        try:
            for lane, part in request.lanes_for(frames):
                taken = slice(done, done + len(part))
                masks.labels[taken], masks.confidence[taken] = lane.answer(part)
                done += len(part)
        finally:
            self._free.put(request)
        return masks


class _Request:
    """What one inference in flight owns: a stream, and a lane for each batch size."""

    def __init__(self, engine: "trt.ICudaEngine", card: ModelCard, batch_sizes: Sequence[int]) -> None:
        with ExitStack() as opened:
            self._stream = Stream()
            opened.callback(self._stream.close)
            self.lanes: dict[int, _Lane] = {}
            for profile, size in enumerate(batch_sizes):
                self.lanes[size] = _Lane(engine, card, self._stream, profile, size)
                opened.callback(self.lanes[size].close)
            self.close = opened.pop_all().close

    def lanes_for(self, frames: np.ndarray) -> "Iterator[tuple[_Lane, np.ndarray]]":
        """Cuts a batch into sizes that the plan has, the largest first; the last piece may leave a lane part empty."""
        done, sizes = 0, sorted(self.lanes)
        while done < len(frames):
            left = len(frames) - done
            size = max((s for s in sizes if s <= left), default=sizes[0])
            yield self.lanes[size], frames[done : done + size]
            done += size


class _Lane:
    """One batch size on one stream: buffers, an execution context on the size's profile, and its CUDA graph.

    Attributes:
        graph: None where TensorRT's kernels for this plan cannot be captured; they are enqueued one by one then.
    """

    def __init__(self, engine: "trt.ICudaEngine", card: ModelCard, stream: Stream, profile: int, size: int) -> None:
        self._stream = stream
        with ExitStack() as opened:
            self._buffers: dict[str, Buffer] = {}
            for name in (INPUT, *OUTPUTS):
                channels = (3,) if name == INPUT else ()
                self._buffers[name] = Buffer((size, card.height, card.width, *channels))
                opened.callback(self._buffers[name].close)
            self._context = self._bound_context(engine, profile)
            self.graph = self._captured(self._enqueue)
            if self.graph:
                opened.callback(self.graph.close)
            self.close = opened.pop_all().close

    def answer(self, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Labels and confidence of at most `size` frames, in buffers that the next call overwrites."""
        np.copyto(self._buffers[INPUT].host[: len(frames)], frames)
        if self.graph:
            self.graph.launch()
        else:
            self._enqueue()
        self._stream.synchronize()
        labels, confidence = (self._buffers[name].host[: len(frames)] for name in OUTPUTS)
        return labels, confidence

    def kernel_ms(self) -> float:
        """Time on the GPU of the inference without its copies."""
        graph = self._captured(self._execute)
        work = graph.launch if graph else self._execute
        try:
            self._stream.milliseconds(work, TIMED_LAUNCHES)  # warms up
            return self._stream.milliseconds(work, TIMED_LAUNCHES)
        finally:
            if graph:
                graph.close()

    def _bound_context(self, engine: "trt.ICudaEngine", profile: int) -> "trt.IExecutionContext":
        context: trt.IExecutionContext | None = engine.create_execution_context()
        if context is None:
            raise EngineError(
                "TensorRT cannot make an execution context", "the GPU's memory may not do", OUT_OF_MEMORY_FIX
            )
        frames = self._buffers[INPUT].host
        fits = context.set_optimization_profile_async(profile, self._stream.handle)
        self._stream.synchronize()
        fits = fits and context.set_input_shape(INPUT, frames.shape)
        for name, buffer in self._buffers.items():
            fits = fits and context.set_tensor_address(name, buffer.device)
        if not fits:
            raise EngineError(f"TensorRT refuses frames of {list(frames.shape)} in profile {profile} of the plan")
        return context

    def _captured(self, enqueue: Callable[[], None]) -> Graph | None:
        enqueue()  # once outside: TensorRT finishes its set-up for a shape in the first call, which cannot be captured
        self._stream.synchronize()
        try:
            return self._stream.capture(enqueue)
        except CudaError as error:
            print(f"tensorrt: runs without a CUDA graph, which is slower: {error}", file=sys.stderr)
            return None

    def _enqueue(self) -> None:
        self._buffers[INPUT].upload(self._stream)
        self._execute()
        for name in OUTPUTS:
            self._buffers[name].download(self._stream)

    def _execute(self) -> None:
        if not self._context.execute_async_v3(self._stream.handle):
            raise CudaError("TensorRT could not enqueue the inference")


def open_model(path: Path, info: EngineInfo, options: Options) -> TensorRTEngine:
    """Builds a plan from an ONNX file, which takes minutes, and opens it.

    Raises:
        EngineError: it cannot be built, or as `TensorRTEngine`.
    """
    gpu()
    from src.runtime.engines.tensorrt_build import build_plan

    return TensorRTEngine(build_plan(path, info.card, options.batch_sizes, options.timings), info, options)


def open_payload(payload: Path, info: EngineInfo, options: Options) -> TensorRTEngine:
    return TensorRTEngine(payload.read_bytes(), info, options)


def save(engine: TensorRTEngine, onnx_path: Path, folder: Path) -> Path:
    """Writes the plan, which fits this GPU and TensorRT version alone; `onnx_path` is not needed."""
    payload = folder / "model.plan"
    payload.write_bytes(engine.plan)
    return payload


def unavailable(precision: str) -> str:
    """Why TensorRT cannot run here in a precision, or ""; on a machine without NVIDIA nothing is imported."""
    return "" if driver_present() else "there is no NVIDIA driver here"


def version() -> str:
    return load_tensorrt().__version__


def hardware() -> dict[str, Any]:
    return gpu()


def profile_sizes(engine: "trt.ICudaEngine") -> tuple[int, ...]:
    """The batch size of each profile of a plan, in their order (smallest, best and largest shape are one)."""
    profiles = range(engine.num_optimization_profiles)
    return tuple(int(engine.get_tensor_profile_shape(INPUT, index)[1][0]) for index in profiles)


def _ports(engine: "trt.ICudaEngine") -> tuple[dict[str, list], dict[str, list]]:
    trt = load_tensorrt()
    inputs: dict[str, list] = {}
    outputs: dict[str, list] = {}
    for index in range(engine.num_io_tensors):
        name = engine.get_tensor_name(index)
        side = inputs if engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT else outputs
        side[name] = list(engine.get_tensor_shape(name))
    return inputs, outputs


def load_tensorrt() -> Any:
    """The library; raises EngineError if it is missing, does not load or is too old."""
    try:
        import tensorrt
    except (ImportError, OSError) as error:  # OSError: its libraries are missing or do not load
        raise EngineError("TensorRT cannot be loaded", str(error).splitlines()[0], INSTALL) from error
    if tuple(int(part) for part in tensorrt.__version__.split(".")[:2]) < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise EngineError(f"TensorRT {tensorrt.__version__} is too old", f"{wanted} or later is needed", INSTALL)
    return tensorrt
