"""TensorRT and CUDA's runtime acted out in host memory: copies copy, captures record, launches replay.

Their public names are held to the real ones by tests/runtime/test_tensorrt_bindings.py, so that code which runs here
calls nothing that is not there.
"""

import ctypes
from types import SimpleNamespace

import numpy as np


class FakeCudart:
    """cuda.bindings.runtime over host memory. Constants and enums are the real module's.

    Args:
        real: the module `cuda.bindings.runtime`, which loads without a GPU.
        device_bytes: cudaMalloc fails beyond them.
        captures: whether work can be captured.
    """

    def __init__(self, real, device_bytes: int = 1 << 30, captures: bool = True) -> None:
        self._real, self._left, self._captures = real, device_bytes, captures
        self._memory: dict[int, ctypes.Array] = {}
        self._recording: dict[int, list] = {}
        self._streams = 0
        self.calls: list[str] = []

    def __getattr__(self, name):
        value = getattr(self._real, name)
        if callable(value) and name.startswith("cuda") and not isinstance(value, type):
            raise AssertionError(f"{name} would call the real CUDA")
        return value

    def put(self, stream: int, work) -> None:
        """Runs work, or records it if the stream is being captured."""
        if int(stream) in self._recording:
            self._recording[int(stream)].append(work)
        else:
            work()

    @property
    def allocated(self) -> int:
        return len(self._memory)

    def _ok(self, *values):
        return (self._real.cudaError_t.cudaSuccess, *values)

    def _allocate(self, size):
        array = (ctypes.c_uint8 * size)()
        self._memory[ctypes.addressof(array)] = array
        return self._ok(ctypes.addressof(array))

    def cudaMalloc(self, size):
        if size > self._left:
            return self._real.cudaError_t.cudaErrorMemoryAllocation, None
        self._left -= size
        return self._allocate(size)

    def cudaHostAlloc(self, size, flags):
        return self._allocate(size)

    def cudaFree(self, address):
        del self._memory[address]
        return self._ok()

    cudaFreeHost = cudaFree

    def cudaStreamCreateWithFlags(self, flags):
        self._streams += 1
        return self._ok(self._streams)

    def cudaStreamDestroy(self, stream):
        return self._ok()

    def cudaStreamSynchronize(self, stream):
        assert int(stream) not in self._recording, "waiting within a capture spoils it"
        return self._ok()

    def cudaMemcpyAsync(self, target, source, size, kind, stream):
        assert isinstance(kind, self._real.cudaMemcpyKind)
        self.calls.append("copy")
        self.put(stream, lambda: ctypes.memmove(target, source, size))
        return self._ok()

    def cudaStreamBeginCapture(self, stream, mode):
        self._recording[int(stream)] = []
        return self._ok()

    def cudaStreamEndCapture(self, stream):
        recorded = self._recording.pop(int(stream))
        if not self._captures:
            return self._real.cudaError_t.cudaErrorStreamCaptureInvalidated, None
        return self._ok(recorded)

    def cudaGraphInstantiate(self, graph, flags):
        return self._ok(graph)

    def cudaGraphDestroy(self, graph):
        return self._ok()

    cudaGraphExecDestroy = cudaGraphDestroy

    def cudaGraphLaunch(self, executable, stream):
        self.calls.append("launch")
        for work in executable:
            work()
        return self._ok()

    def cudaEventCreate(self):
        return self._ok(object())

    def cudaEventRecord(self, event, stream):
        return self._ok()

    def cudaEventDestroy(self, event):
        return self._ok()

    def cudaEventElapsedTime(self, start, end):
        return self._ok(100.0)

    def cudaGetDeviceProperties(self, device):
        return self._ok(SimpleNamespace(name=b"Fake H200\0\0", major=9, minor=0))

    def cudaGetErrorString(self, error):
        return self._ok(b"words for it")


class FakeContext:
    """Sky is where blue is above 127; confidence is the blue itself."""

    def __init__(self, engine: "FakeEngine") -> None:
        self._engine, self._addresses, self._shape, self._profile = engine, {}, None, 0

    def set_optimization_profile_async(self, profile_index, stream_handle):
        self._profile = profile_index
        return profile_index < self._engine.num_optimization_profiles

    def set_input_shape(self, name, shape):
        self._shape = tuple(shape)
        return name == "frames" and shape[0] == self._engine._sizes[self._profile]

    def set_tensor_address(self, name, memory):
        self._addresses[name] = memory
        return name in ("frames", "labels", "confidence")

    def execute_async_v3(self, stream_handle):
        self._engine._cudart.put(stream_handle, self._compute)
        return True

    def _compute(self):
        def array(name, *shape):
            size = int(np.prod(shape))
            return np.frombuffer((ctypes.c_uint8 * size).from_address(self._addresses[name]), np.uint8).reshape(shape)

        blue = array("frames", *self._shape)[..., 2]
        array("labels", *self._shape[:3])[:] = blue > 127
        array("confidence", *self._shape[:3])[:] = blue


class FakeEngine:
    num_io_tensors = 3

    def __init__(self, cudart: FakeCudart, sizes, height: int, width: int) -> None:
        self._cudart, self._sizes, self._frame = cudart, sizes, (height, width)
        self.num_optimization_profiles = len(sizes)

    def create_execution_context(self):
        return FakeContext(self)

    def get_tensor_name(self, index):
        return ("frames", "labels", "confidence")[index]

    def get_tensor_mode(self, name):
        return "input" if name == "frames" else "output"

    def get_tensor_shape(self, name):
        return (-1, *self._frame, 3) if name == "frames" else (-1, *self._frame)

    def get_tensor_profile_shape(self, name, profile_index):
        return [(self._sizes[profile_index], *self._frame, 3)] * 3


class FakeTensorRT:
    """The module `tensorrt`; a plan is its batch sizes as text, such as b"plan 1,4"."""

    TensorIOMode = SimpleNamespace(INPUT="input", OUTPUT="output")

    def __init__(self, cudart: FakeCudart, height: int, width: int, version: str = "11.4.0") -> None:
        self.__version__ = version
        fake = self

        class Logger:
            ERROR = 1

            def __init__(self, severity):
                pass

        class Runtime:
            def __init__(self, logger):
                pass

            def deserialize_cuda_engine(self, plan):
                if not plan.startswith(b"plan "):
                    return None
                return FakeEngine(cudart, [int(size) for size in plan[5:].decode().split(",")], height, width)

        fake.Logger, fake.Runtime = Logger, Runtime
