"""ONNX Runtime: the portable fallback, and in fp32 on the processor the reference that others are held to.

With onnxruntime-gpu and an NVIDIA GPU it runs there (never yet executed on one, see docs/deploy.md).
"""

from collections.abc import Callable
from pathlib import Path
from shutil import copyfile
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any

import numpy as np

from src.errors import EngineError
from src.hardware import EXACT_INT8, processor
from src.model_card import EXPORT_FIX
from src.runtime.engines import load_library
from src.runtime.engines.base import INPUT, OUTPUTS, Engine, EngineInfo, Masks, Options, check_ports, engine_error

if TYPE_CHECKING:
    import onnxruntime

CUDA = "CUDAExecutionProvider"
# TF32 off: its 10 bits of mantissa would make "fp32" flip labels. EXHAUSTIVE tries every algorithm once.
CUDA_OPTIONS = {"use_tf32": "0", "cudnn_conv_algo_search": "EXHAUSTIVE"}


class OnnxRuntimeEngine(Engine):
    """An ONNX Runtime session; masks are bound to it, so that it writes them in place.

    Args:
        onnx_path: the model file, or the copy inside an engine folder.
        info: its card and origin.
        options: threads are shared by the requests in flight.

    Raises:
        EngineError: not loadable, the GPU refuses it, or the graph does not hold the model file contract.
    """

    def __init__(self, onnx_path: Path, info: EngineInfo, options: Options) -> None:
        self.settings = _settings(options)
        self._at_work = BoundedSemaphore(options.at_work)
        try:
            self._session = _session(onnx_path, self.settings)
            inputs = {port.name: port.shape for port in self._session.get_inputs()}
            outputs = {port.name: port.shape for port in self._session.get_outputs()}
        except EngineError:
            raise
        except Exception as error:  # its exception classes derive from Exception alone
            raise engine_error(f"{onnx_path}: ONNX Runtime cannot load it", error, EXPORT_FIX) from error
        if (used := self._session.get_providers()[0]) != self.settings["provider"]:
            raise EngineError(
                f"{onnx_path}: ONNX Runtime fell back from {self.settings['provider']} to {used}",
                "the GPU, its driver or CUDA's libraries did not load",
                "docs/deploy.md lists what onnxruntime-gpu needs; or uninstall it for onnxruntime",
            )
        check_ports(info.path, info.card, inputs, outputs)
        super().__init__(info, options.requests)

    def raw_call(self) -> Callable[[np.ndarray], Any]:
        return lambda frames: self._session.run(OUTPUTS, {INPUT: frames})

    def _run(self, frames: np.ndarray) -> Masks:
        from onnxruntime import OrtValue

        shape = frames.shape[:3]
        masks = Masks(np.empty(shape, np.uint8), np.empty(shape, np.uint8))
        binding = self._session.io_binding()
        binding.bind_cpu_input(INPUT, np.ascontiguousarray(frames))
        for name in OUTPUTS:
            binding.bind_ortvalue_output(name, OrtValue.ortvalue_from_numpy(getattr(masks, name)))
        with self._at_work:
            self._session.run_with_iobinding(binding)
        return masks


def open_model(path: Path, info: EngineInfo, options: Options) -> OnnxRuntimeEngine:
    return OnnxRuntimeEngine(path, info, options)


open_payload = open_model  # the payload is a model file


def save(engine: OnnxRuntimeEngine, onnx_path: Path, folder: Path) -> Path:
    """Copies the model file. The optimised graph would open 80 ms sooner, but is fixed to this processor's layouts."""
    return Path(copyfile(onnx_path, folder / "model.onnx"))


def unavailable(precision: str) -> str:
    """Why a precision is not worth running here, or ""."""
    if precision == "fp16" and not on_gpu():
        return "ONNX Runtime computes fp16 graphs in fp32 on a processor, casts added"
    return ""


def on_gpu() -> bool:
    """Whether sessions run on an NVIDIA GPU: onnxruntime-gpu is installed and a driver is there."""
    from src.runtime.engines.cuda import driver_present

    return CUDA in load_library("onnxruntime").get_available_providers() and driver_present()


def version() -> str:
    return load_library("onnxruntime").__version__


def hardware() -> dict[str, Any]:
    from src.runtime.engines.cuda import gpu

    return processor() | (gpu() if on_gpu() else {})


def _settings(options: Options) -> dict[str, Any]:
    return {
        "provider": CUDA if options.gpu and on_gpu() else "CPUExecutionProvider",
        # Requests share the session's workers, and each of those at work computes on its own thread as well.
        "intra_op_num_threads": options.threads - options.at_work + 1,
        "graph_optimization_level": "ORT_ENABLE_ALL",
        # Spinning workers answer sooner, but take the cores that decoding or a second request needs.
        "allow_spinning": options.requests == 1,
    }


def _session(onnx_path: Path, settings: dict[str, Any]) -> "onnxruntime.InferenceSession":
    onnxruntime = load_library("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = settings["intra_op_num_threads"]
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, settings["graph_optimization_level"])
    options.log_severity_level = 4  # fatal: a failed load raises, and its log would only repeat it
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(settings["allow_spinning"])))
    options.add_session_config_entry(*EXACT_INT8)
    providers: list = [(CUDA, CUDA_OPTIONS)] if settings["provider"] == CUDA else []
    return onnxruntime.InferenceSession(_source(onnx_path), options, providers=[*providers, "CPUExecutionProvider"])


def _source(onnx_path: Path) -> Path | bytes:
    """What a session takes: the path, or the file's content where its name is no UTF-8, of which it knows nothing."""
    try:
        str(onnx_path).encode()
    except UnicodeEncodeError:
        return onnx_path.read_bytes()
    return onnx_path
