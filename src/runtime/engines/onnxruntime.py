"""ONNX Runtime on the CPU: the portable fallback, and in fp32 the reference that others are held to."""

from pathlib import Path

import numpy as np

from src.errors import EngineError
from src.model_card import EXPORT_FIX
from src.runtime.engines.base import INPUT, OUTPUTS, Engine, EngineInfo, Masks, check_ports, first_line


class OnnxRuntimeEngine(Engine):
    """An ONNX Runtime session.

    Args:
        onnx_path: the model file, or the copy inside an engine folder.
        info: its card and origin.
        threads: within one inference, shared by those in flight.
        requests: inferences in flight.

    Raises:
        EngineError: not loadable, or the graph does not hold the model file contract.
    """

    def __init__(self, onnx_path: Path, info: EngineInfo, threads: int, requests: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 4  # fatal: a failed load raises, and its log would only repeat it
        # Spinning workers answer sooner, but take the cores that decoding or a second request needs.
        options.add_session_config_entry("session.intra_op.allow_spinning", "1" if requests == 1 else "0")
        try:
            self._session = onnxruntime.InferenceSession(onnx_path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its exception classes derive from Exception alone
            raise EngineError(f"{onnx_path}: ONNX Runtime cannot load it", first_line(error), EXPORT_FIX) from error
        inputs = {port.name: port.shape for port in self._session.get_inputs()}
        outputs = {port.name: port.shape for port in self._session.get_outputs()}
        check_ports(info.path, info.card, inputs, outputs)
        super().__init__(info, requests)

    def _run(self, frames: np.ndarray) -> Masks:
        return Masks(*self._session.run(OUTPUTS, {INPUT: frames}))


def version() -> str:
    import onnxruntime

    return onnxruntime.__version__
