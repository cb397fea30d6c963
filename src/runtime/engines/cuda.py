"""The part of CUDA's runtime that engines need, over NVIDIA's cuda-bindings: streams, graphs, pinned and device memory.

Importing this module loads nothing of CUDA; the first call does.
"""

import ctypes
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from src.errors import EngineError
from src.runtime.engines.base import OUT_OF_MEMORY_FIX

NEEDS = "TensorRT's extra brings it: uv pip install -r pyproject.toml --extra tensorrt"


class CudaError(RuntimeError):
    """A CUDA call failed; the message has CUDA's name and words for it."""


class Stream:
    """A stream of its own: work on it waits for no other stream."""

    def __init__(self) -> None:
        cudart = _cudart()
        self._stream = check(cudart.cudaStreamCreateWithFlags(cudart.cudaStreamNonBlocking))
        self.handle = int(self._stream)

    def synchronize(self) -> None:
        """Waits for everything on the stream; other Python threads run meanwhile."""
        check(_cudart().cudaStreamSynchronize(self._stream))

    def capture(self, enqueue: Callable[[], None]) -> "Graph":
        """Records what `enqueue` puts on this stream, without running it, as a graph that runs on it.

        Raises:
            CudaError: something in it cannot be captured.
        """
        cudart = _cudart()
        # Thread-local: another thread may allocate meanwhile without spoiling the capture.
        check(
            cudart.cudaStreamBeginCapture(self._stream, cudart.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal)
        )
        try:
            enqueue()
        finally:
            ended = cudart.cudaStreamEndCapture(self._stream)
        graph = check(ended)
        try:
            return Graph(check(cudart.cudaGraphInstantiate(graph, 0)), self._stream)
        finally:
            check(cudart.cudaGraphDestroy(graph))

    def milliseconds(self, work: Callable[[], None], repeats: int) -> float:
        """Time on the GPU for one `work`, from events around `repeats` of them."""
        cudart = _cudart()
        start, end = check(cudart.cudaEventCreate()), check(cudart.cudaEventCreate())
        try:
            check(cudart.cudaEventRecord(start, self._stream))
            for _ in range(repeats):
                work()
            check(cudart.cudaEventRecord(end, self._stream))
            self.synchronize()
            return check(cudart.cudaEventElapsedTime(start, end)) / repeats
        finally:
            check(cudart.cudaEventDestroy(start))
            check(cudart.cudaEventDestroy(end))

    def close(self) -> None:
        check(_cudart().cudaStreamDestroy(self._stream))


class Graph:
    """Captured work, launched by one call."""

    def __init__(self, executable: Any, stream: Any) -> None:
        self._executable, self._stream = executable, stream

    def launch(self) -> None:
        check(_cudart().cudaGraphLaunch(self._executable, self._stream))

    def close(self) -> None:
        check(_cudart().cudaGraphExecDestroy(self._executable))


class Buffer:
    """An array twice: page-locked on the host, so that copies need no staging, and on the device.

    Attributes:
        host: uint8 array of `shape`.
        device: address on the GPU.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        cudart = _cudart()
        self._bytes = int(np.prod(shape))
        self.device = int(check(cudart.cudaMalloc(self._bytes)))
        try:
            self._pinned = int(check(cudart.cudaHostAlloc(self._bytes, cudart.cudaHostAllocDefault)))
        except BaseException:
            cudart.cudaFree(self.device)
            raise
        memory = (ctypes.c_uint8 * self._bytes).from_address(self._pinned)
        self.host = np.frombuffer(memory, np.uint8).reshape(shape)

    def upload(self, stream: Stream) -> None:
        """Puts the copy to the device on the stream."""
        self._copy(self.device, self._pinned, _cudart().cudaMemcpyKind.cudaMemcpyHostToDevice, stream)

    def download(self, stream: Stream) -> None:
        """Puts the copy from the device on the stream."""
        self._copy(self._pinned, self.device, _cudart().cudaMemcpyKind.cudaMemcpyDeviceToHost, stream)

    def _copy(self, target: int, source: int, kind: Any, stream: Stream) -> None:
        check(_cudart().cudaMemcpyAsync(target, source, self._bytes, kind, stream.handle))

    def close(self) -> None:
        cudart = _cudart()
        check(cudart.cudaFree(self.device))
        check(cudart.cudaFreeHost(self._pinned))


@cache
def driver_present() -> bool:
    """Whether an NVIDIA driver is installed, found without loading anything of CUDA or TensorRT."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


def gpu() -> dict[str, Any]:
    """{gpu, compute_capability} of the first GPU: what a TensorRT plan is bound to.

    Raises:
        EngineError: no driver, no GPU, or cuda-bindings is not installed.
    """
    if not driver_present():
        raise EngineError("no NVIDIA GPU here", "its driver is not installed", "choose openvino or onnxruntime")
    try:
        facts = check(_cudart().cudaGetDeviceProperties(0))
    except CudaError as error:
        fix = "check it with: nvidia-smi; or choose openvino or onnxruntime"
        raise EngineError("no usable NVIDIA GPU here", str(error), fix) from error
    return {"gpu": facts.name.rstrip(b"\0").decode(), "compute_capability": f"{facts.major}.{facts.minor}"}


def check(answer: tuple) -> Any:
    """The value of a cuda-bindings call, None if it has none.

    Raises:
        EngineError: the GPU is out of memory.
        CudaError: any other failure.
    """
    error, *values = answer
    cudart = _cudart()
    if error == cudart.cudaError_t.cudaErrorMemoryAllocation:
        raise EngineError("the GPU is out of memory", error.name, OUT_OF_MEMORY_FIX)
    if error != cudart.cudaError_t.cudaSuccess:
        words = cudart.cudaGetErrorString(error)[1]
        raise CudaError(f"{error.name}: {words.decode() if isinstance(words, bytes) else words}")
    return values[0] if values else None


def _cudart() -> Any:
    try:
        from cuda.bindings import runtime
    except ImportError as error:
        raise EngineError("cuda-bindings is not installed", str(error), NEEDS) from error
    return runtime
