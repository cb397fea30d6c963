"""OpenVINO on the CPU: the default without an NVIDIA GPU.

The graph is compiled for batch 1 and a batch is answered frame by frame: on a CPU a larger batch gains
nothing, and a batch left dynamic costs 5 to 10 % of every frame (Unet-mobilenetv2 bf16: 9.4 against 8.4 ms).
"""

import functools
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from src.files import digest
from src.hardware import bf16_flag, overflows_int8, processor
from src.model_card import EXPORT_FIX
from src.runtime.engines import load_library, openvino_int8
from src.runtime.engines.base import INPUT, OUTPUTS, Engine, EngineInfo, Masks, Options, check_ports, engine_error
from src.runtime.engines.openvino_cache import keep, kept, kept_file
from src.runtime.engines.openvino_int8 import fit_into_16_bits

if TYPE_CHECKING:
    import openvino

FP16_FLAGS = ("avx512_fp16", "amx_fp16")
HINT = "INFERENCE_PRECISION_HINT"


class OpenVINOEngine(Engine):
    """A compiled OpenVINO model.

    Args:
        compiled: for batch 1 and `options.requests` requests.
        info: its precision and origin.
        options: it was compiled with.

    Raises:
        EngineError: the graph does not hold the model file contract.
    """

    def __init__(self, compiled: "openvino.CompiledModel", info: EngineInfo, options: Options) -> None:
        inputs = {_name(port): _shape(port) for port in compiled.inputs}
        outputs = {_name(port): _shape(port) for port in compiled.outputs}
        check_ports(info.path, info.card, inputs, outputs)
        super().__init__(info, options.requests)
        _set_up_numpy()
        # The precision as it is: a processor without the one that was asked for computes in f32 instead.
        self.settings = _settings(info.precision, options) | {HINT: compiled.get_property(HINT).get_type_name()}
        if (computes := self.settings[HINT]) != _hint(info.precision):
            missing = f"this processor has no {info.precision} arithmetic"
            print(f"warning: {missing}: OpenVINO computes in {computes}", file=sys.stderr)
        self.compiled = compiled
        self._places = [list(outputs).index(name) for name in OUTPUTS]
        self._requests = threading.local()

    def raw_call(self) -> Callable[[np.ndarray], Any]:
        request = self.compiled.create_infer_request()

        def call(frames: np.ndarray) -> None:
            for index in range(len(frames)):
                request.infer([frames[index : index + 1]], share_inputs=True, share_outputs=True)

        return call

    def _run(self, frames: np.ndarray) -> Masks:
        request = self._request_of_thread()
        shape = frames.shape[:3]
        masks = Masks(np.empty(shape, np.uint8), np.empty(shape, np.uint8))
        for index in range(len(frames)):
            request.infer([frames[index : index + 1]], share_inputs=True, share_outputs=True)
            # By position: the answer's look-up by name costs 20 microseconds.
            masks.labels[index] = request.get_output_tensor(self._places[0]).data[0]
            masks.confidence[index] = request.get_output_tensor(self._places[1]).data[0]
        return masks

    def _request_of_thread(self) -> "openvino.InferRequest":
        if not hasattr(self._requests, "own"):
            self._requests.own = self.compiled.create_infer_request()
        return self._requests.own


_LOADING = threading.Lock()


def shared_core() -> "openvino.Core":
    """OpenVINO's one core of this process, which is never let go.

    Where the processor has AMX, the CPU plugin gives the thread that loads it a stack for signals, and frees it with
    the core, also if that happens on another thread. Python's handlers run on that stack: a Ctrl-C would be a SIGSEGV.
    """
    with _LOADING:  # or two threads that come first together make two
        return _core()


@functools.cache
def _core() -> "openvino.Core":
    return load_library("openvino").Core()


def _set_up_numpy() -> None:
    """Makes OpenVINO's bindings look numpy up here and now, on one thread.

    On first use they do it under a C++ guard that knows nothing of the interpreter's lock: of two requests that come
    first together, one holds the guard and waits for the lock, the other the lock and waits for the guard, for ever.
    """
    import openvino

    openvino.Type.u8.to_dtype()


def open_model(path: Path, info: EngineInfo, options: Options) -> OpenVINOEngine:
    """Compiles an ONNX file for batch 1 on the CPU, or takes what was kept of it in `options.cache`.

    Raises:
        EngineError: OpenVINO cannot read or compile it.
    """
    file = options.cache and kept_file(options.cache, _compiled_for(info, options))
    if file and (blob := kept(file)):
        with suppress(RuntimeError):  # of another build of OpenVINO than its version says
            return _imported(blob, info, options)
    try:
        model = shared_core().read_model(path)
        for port in model.inputs:
            static = port.partial_shape
            static[0] = 1
            model.reshape({port.any_name: static})
        if info.precision == "int8" and overflows_int8():
            fit_into_16_bits(model)
        compiled = shared_core().compile_model(model, "CPU", _settings(info.precision, options))
        engine = OpenVINOEngine(compiled, info, options)
    except (RuntimeError, IndexError, ValueError) as error:  # ValueError: a damaged name that is no UTF-8
        raise engine_error(f"{path}: OpenVINO cannot compile it", error, EXPORT_FIX) from error
    if file:
        keep(file, compiled.export_model().getvalue())
    return engine


def _compiled_for(info: EngineInfo, options: Options) -> dict[str, Any]:
    """All that a compiled model depends on."""
    return {
        "model": info.onnx_sha256,
        "settings": _settings(info.precision, options),
        "version": version(),
        "processor": processor(),
        "code": [digest(Path(module.__file__), "sha256") for module in (sys.modules[__name__], openvino_int8)],
    }


def open_payload(payload: Path, info: EngineInfo, options: Options) -> OpenVINOEngine:
    """Loads what `save` wrote: 30 ms where compiling takes 120 ms (Unet-mobilenetv2).

    Raises:
        RuntimeError: from OpenVINO, for a payload of another version or processor.
    """
    return _imported(payload.read_bytes(), info, options)


def _imported(blob: bytes, info: EngineInfo, options: Options) -> OpenVINOEngine:
    settings = _settings(info.precision, options)
    return OpenVINOEngine(shared_core().import_model(blob, "CPU", settings), info, options)


def save(engine: OpenVINOEngine, onnx_path: Path, folder: Path) -> Path:
    """Writes the compiled model, which fits this processor and version alone; `onnx_path` is not needed."""
    payload = folder / "model.blob"
    payload.write_bytes(engine.compiled.export_model().getvalue())
    return payload


def unavailable(precision: str) -> str:
    """Why this processor does not compute in a precision, or ""; emulated, it is slower than fp32."""
    if precision == "bf16" and not bf16_flag():
        return "the processor has no bf16 arithmetic"
    if precision == "fp16" and not set(FP16_FLAGS) & set(processor()["flags"]):
        return "the processor has no fp16 arithmetic"
    return ""


def version() -> str:
    return load_library("openvino").__version__


def hardware() -> dict[str, Any]:
    return processor()


def _settings(precision: str, options: Options) -> dict[str, str | int]:
    settings: dict[str, str | int] = {HINT: _hint(precision), "INFERENCE_NUM_THREADS": options.threads}
    if options.requests == 1:
        return settings | {"PERFORMANCE_HINT": "LATENCY"}
    return settings | {"PERFORMANCE_HINT": "THROUGHPUT", "NUM_STREAMS": options.at_work}


def _hint(precision: str) -> str:
    """Set explicitly: OpenVINO's own choice follows the processor, and so would the masks.

    What an int8 graph leaves in float (its head) runs in bf16 where the processor has it.
    """
    if precision == "int8":
        return "bf16" if bf16_flag() else "f32"
    return {"fp32": "f32", "bf16": "bf16", "fp16": "f16"}[precision]


def _name(port: "openvino.ConstOutput") -> str:
    """The contract's name, where a port has several because a neighbour was folded into it."""
    return next((name for name in (INPUT, *OUTPUTS) if name in port.names), port.any_name)


def _shape(port: "openvino.ConstOutput") -> list:
    return [int(size.to_string()) if size.is_static else size.to_string() for size in port.partial_shape]
