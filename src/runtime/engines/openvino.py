"""OpenVINO on the CPU: the default without an NVIDIA GPU.

The graph is compiled for batch 1 and a batch is answered frame by frame: on a CPU a larger batch gains
nothing, and a batch left dynamic costs 5 to 10 % of every frame (Unet-mobilenetv2 bf16: 9.4 against 8.4 ms).
"""

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from src.errors import EngineError
from src.model_card import EXPORT_FIX
from src.runtime.engines.base import OUTPUTS, Engine, EngineInfo, Masks, check_ports, first_line

if TYPE_CHECKING:
    import openvino

PRECISION_HINTS = {"fp32": "f32", "bf16": "bf16"}


class OpenVINOEngine(Engine):
    """A compiled OpenVINO model.

    Args:
        compiled: from `compile_model_file` or `import_payload`, for the same number of requests.
        info: its precision and origin.
        requests: inferences in flight.

    Raises:
        EngineError: the graph does not hold the model file contract.
    """

    def __init__(self, compiled: "openvino.CompiledModel", info: EngineInfo, requests: int) -> None:
        inputs = {port.get_any_name(): _shape(port) for port in compiled.inputs}
        outputs = {port.get_any_name(): _shape(port) for port in compiled.outputs}
        check_ports(info.path, info.card, inputs, outputs)
        super().__init__(info, requests)
        self._compiled = compiled
        self._requests = threading.local()

    def export(self) -> bytes:
        """The compiled model as bytes that `import_payload` reads on the same processor and version."""
        return self._compiled.export_model().getvalue()

    def _run(self, frames: np.ndarray) -> Masks:
        request = self._request_of_thread()
        shape = frames.shape[:3]
        masks = Masks(np.empty(shape, np.uint8), np.empty(shape, np.uint8))
        for index in range(len(frames)):
            answer = request.infer([frames[index : index + 1]], share_inputs=True, share_outputs=True)
            masks.labels[index] = answer[OUTPUTS[0]][0]
            masks.confidence[index] = answer[OUTPUTS[1]][0]
        return masks

    def _request_of_thread(self) -> "openvino.InferRequest":
        if not hasattr(self._requests, "own"):
            self._requests.own = self._compiled.create_infer_request()
        return self._requests.own


def compile_model_file(onnx_path: Path, precision: str, threads: int, requests: int) -> "openvino.CompiledModel":
    """Compiles an ONNX file for batch 1 on the CPU.

    Raises:
        EngineError: OpenVINO cannot read or compile it.
    """
    import openvino

    try:
        core = openvino.Core()
        model = core.read_model(onnx_path)
        for port in model.inputs:
            static = port.partial_shape
            static[0] = 1
            model.reshape({port.any_name: static})
        return core.compile_model(model, "CPU", _settings(precision, threads, requests))
    except (RuntimeError, IndexError) as error:
        raise EngineError(f"{onnx_path}: OpenVINO cannot compile it", first_line(error), EXPORT_FIX) from error


def import_payload(payload: Path, precision: str, threads: int, requests: int) -> "openvino.CompiledModel":
    """Loads what `OpenVINOEngine.export` wrote: 30 ms where compiling takes 120 ms (Unet-mobilenetv2).

    Raises:
        RuntimeError: from OpenVINO, for a payload of another version or processor.
    """
    import openvino

    return openvino.Core().import_model(payload.read_bytes(), "CPU", _settings(precision, threads, requests))


def version() -> str:
    import openvino

    return openvino.__version__


def _settings(precision: str, threads: int, requests: int) -> dict[str, str | int]:
    # Set explicitly: OpenVINO's own choice of precision follows the processor, and so would the masks.
    settings: dict[str, str | int] = {
        "INFERENCE_PRECISION_HINT": PRECISION_HINTS[precision],
        "INFERENCE_NUM_THREADS": threads,
    }
    if requests == 1:
        return settings | {"PERFORMANCE_HINT": "LATENCY"}
    return settings | {"PERFORMANCE_HINT": "THROUGHPUT", "PERFORMANCE_HINT_NUM_REQUESTS": requests}


def _shape(port: "openvino.ConstOutput") -> list:
    return [int(size.to_string()) if size.is_static else size.to_string() for size in port.partial_shape]
