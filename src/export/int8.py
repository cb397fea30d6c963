"""The int8 variant: explicit QuantizeLinear and DequantizeLinear around everything that works on 8 bits.

Weights are int8, symmetric and per output channel; activations are int8, symmetric (zero point 0) and per tensor,
with ranges from validation images. Biases, the last weighted layer ("head"), sigmoid or softmax and the threshold
stay in float. This is the form that TensorRT demands (its guide's "Explicit Quantization") and that OpenVINO and
ONNX Runtime run as well; docs/decisions.md says what signed activations cost the latter.

The scheme is that of Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-
Only Inference", CVPR 2018, arXiv 1712.05877; the calibrations are compared in Wu et al., "Integer Quantization for
Deep Learning Inference", 2020, arXiv 2004.09602, section 4.1. ONNX Runtime's quantizer does the work.
"""

import contextlib
import io
import tempfile
from pathlib import Path

import numpy as np
import onnx

from src.export.graph import INPUT, WEIGHTED, backwards, parts_of

# Beside the weighted operators, those that would only make int8 into float and back between two of them.
QUANTISED = (*WEIGHTED, "Add", "Concat", "Relu", "Clip", "MaxPool", "AveragePool", "GlobalAveragePool", "Resize")


def to_int8(model: onnx.ModelProto, frames: np.ndarray, calibration: str = "minmax") -> onnx.ModelProto:
    """The graph with its network in int8, but for the head.

    Args:
        model: an fp32 graph of `src.export.graph.to_onnx`; not changed.
        frames: uint8 [N, H, W, 3] RGB, real images.
        calibration: how an activation's range is chosen: minmax (all of it), percentile (99.999 % of its values) or
            entropy (least divergence).

    Raises:
        ValueError: no such graph, or an unknown calibration.
        OSError: temporary files cannot be written.
    """
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.quant_utils import add_pre_process_metadata

    methods = {"minmax": "MinMax", "percentile": "Percentile", "entropy": "Entropy"}
    if calibration not in methods:
        raise ValueError(f"no calibration '{calibration}'")
    floats = onnx.ModelProto()
    floats.CopyFrom(model)
    add_pre_process_metadata(floats)  # the exporter has done what the quantizer would ask for
    with tempfile.TemporaryDirectory(prefix="skyseg-int8-") as folder, contextlib.redirect_stdout(io.StringIO()):
        path = Path(folder) / "int8.onnx"
        quantize_static(
            floats,
            path,
            _Reader(frames),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(QUANTISED),
            per_channel=True,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=_kept_in_float(floats),
            calibrate_method=getattr(CalibrationMethod, methods[calibration]),
            extra_options={
                "ActivationSymmetric": True,
                "WeightSymmetric": True,
                "QuantizeBias": False,  # int32, which TensorRT does not dequantise
                "MatMulConstBOnly": True,  # not attention's product of two activations
                "CalibStridedMinMax": 1,  # image by image, or the activations of all would lie in memory
            },
        )
        return onnx.load(path)


def _kept_in_float(model: onnx.ModelProto) -> list[str]:
    """Normalisation and decision; the head; and sums with a constant, which are the biases of linear layers."""
    parts = parts_of(model)
    outside = [node.name for node in model.graph.node if node.name not in parts.network]
    head = [node.name for node in backwards(model, [parts.logits], stop=WEIGHTED)]
    constants = {tensor.name for tensor in model.graph.initializer}
    biases = [node.name for node in model.graph.node if node.op_type == "Add" and constants & set(node.input)]
    return [*outside, *head, *biases]


class _Reader:
    """Feeds frames to the calibration, in the form that ONNX Runtime asks for."""

    def __init__(self, frames: np.ndarray) -> None:
        self._frames, self._pending = frames, iter(())

    def __len__(self) -> int:
        return len(self._frames)

    def set_range(self, start_index: int, end_index: int) -> None:
        self._pending = iter(self._frames[start_index:end_index])

    def get_next(self) -> dict[str, np.ndarray] | None:
        frame = next(self._pending, None)
        return None if frame is None else {INPUT: frame[None]}
