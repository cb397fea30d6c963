"""What TensorRT's ONNX parser takes, as its makers publish it, and where a graph goes beyond it.

Facts from ONNX-TensorRT's docs/operators.md for TensorRT 10.15 (github.com/onnx/onnx-tensorrt): operators, the types
of their data, and the restrictions that a graph can be held against without TensorRT. The list knows opsets 9 to 24.
"""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, numpy_helper

from src.export.graph import attribute, tensor_types

TENSORRT = "10.15"
OPSETS = range(9, 25)
_DOMAINS = ("", "ai.onnx")

_HALVES = frozenset({TensorProto.FLOAT, TensorProto.FLOAT16})
_FLOATS = _HALVES | {TensorProto.BFLOAT16}
_NUMBERS = _FLOATS | {TensorProto.INT32, TensorProto.INT64}
_ANY = _NUMBERS | {TensorProto.BOOL}
_BOOL = frozenset({TensorProto.BOOL})
_NARROW = frozenset({TensorProto.FLOAT8E4M3FN, TensorProto.FLOAT4E2M1, TensorProto.INT4})

_BY_TYPES = {
    _HALVES: """
        BlackmanWindow DeformConv GridSample HammingWindow HannWindow Mish NonMaxSuppression NonZero
        RoiAlign""",
    _FLOATS: """
        Acos Acosh Asin Asinh Atan Atanh AveragePool BatchNormalization Ceil Celu Clip Conv ConvTranspose
        Cos Cosh CumSum Dropout Einsum Elu Erf Exp Floor Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool
        GroupNormalization GRU HardSigmoid HardSwish Hardmax ImageScaler InstanceNormalization IsInf
        LayerNormalization LeakyRelu Log LogSoftmax LRN LSTM LpNormalization LpPool MatMul MaxPool
        MeanVarianceNormalization ParametricSoftplus PRelu QuantizeLinear RandomNormal RandomNormalLike
        RandomUniform RandomUniformLike Reciprocal Resize RMSNormalization RNN RotaryEmbedding Round
        ScaledTanh Scan Selu Sigmoid Sin Sinh Softmax Softplus Softsign Sqrt Tan Tanh ThresholdedRelu
        Upsample""",
    _NUMBERS: """
        Abs Add ArgMax ArgMin DepthToSpace Div Equal Greater GreaterOrEqual IsNaN Less LessOrEqual Max Min
        Mod Mul Neg Pad Pow Range ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean
        ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Scatter ScatterElements ScatterND Shrink Sign
        SpaceToDepth Sub Sum TopK""",
    _ANY: """
        Concat Expand EyeLike Flatten Gather GatherElements GatherND Identity If
        Loop OneHot Reshape ReverseSequence Shape Size Slice Split Squeeze Tile Transpose Trilu Unsqueeze
        Where""",
    _ANY | _NARROW: "Constant ConstantOfShape",
    _BOOL: "And Not Or Xor",
    _ANY | {TensorProto.UINT8}: "Cast CastLike",
    _FLOATS | {TensorProto.INT8, TensorProto.FLOAT8E4M3FN}: "Attention",
    _NUMBERS | {TensorProto.INT8}: "Gelu",
    _NUMBERS | {TensorProto.FLOAT8E4M3FN}: "Mean",
    frozenset({TensorProto.FLOAT}): "STFT",
    _FLOATS | {TensorProto.INT32}: "TensorScatter",
    _NARROW | {TensorProto.INT8}: "DequantizeLinear",
}
SUPPORTED: Mapping[str, frozenset[int]] = {
    name: frozenset(types) for types, names in _BY_TYPES.items() for name in names.split()
}


def tensorrt_violations(model: onnx.ModelProto) -> list[str]:
    """What in a graph TensorRT's parser would not take, a line each; empty when nothing is known against it.

    Beside the published list it asks for what a strongly typed network needs: float operands of one type.
    """
    [opset] = [one.version for one in model.opset_import if one.domain in _DOMAINS]
    found = [] if opset in OPSETS else [f"opset {opset}"]
    found += [f"a local function, {function.name}" for function in model.functions]
    constants = _constants(model.graph)
    types = tensor_types(model)
    for node in model.graph.node:
        found += [f"{node.op_type} '{node.name}': {what}" for what in _against(node, types, constants)]
    return found


def _against(node: NodeProto, types: Mapping[str, int], constants: Mapping[str, np.ndarray]) -> Iterator[str]:
    if node.domain not in _DOMAINS or node.op_type not in SUPPORTED:
        yield f"TensorRT {TENSORRT} does not list this operator"
        return
    # The listed types are those of the data: the first input, and what a Cast or a constant makes.
    data = [node.input[0]] if node.input else []
    if node.op_type in ("Cast", "CastLike", "Constant"):
        data += node.output
    for name in data:
        if name in types and types[name] not in SUPPORTED[node.op_type]:
            yield f"{TensorProto.DataType.Name(types[name])} is none of its types"
    floats = {types.get(name) for name in _operands(node)} & _FLOATS
    if len(floats) > 1:
        yield "its operands are of several float types"
    if any(one.HasField("g") or one.graphs for one in node.attribute):
        yield "its body is not looked into"
    if node.op_type in _RESTRICTIONS:
        yield from _RESTRICTIONS[node.op_type](node, constants)
    elif node.op_type.startswith("Reduce"):
        yield from _constant(node, 1, constants)


def _operands(node: NodeProto) -> list[str]:
    """The inputs that must be of one type; Resize's scales and a quantizer's scale are of their own."""
    if node.op_type in ("Resize", "QuantizeLinear", "DequantizeLinear"):
        return [node.input[0]]
    return list(node.input)


def _constants(graph: onnx.GraphProto) -> dict[str, np.ndarray]:
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and isinstance(value := attribute(node, "value"), TensorProto):
            values[node.output[0]] = numpy_helper.to_array(value)
    return values


def _constant(node: NodeProto, place: int, constants: Mapping[str, np.ndarray]) -> Iterator[str]:
    if len(node.input) > place and node.input[place] and node.input[place] not in constants:
        yield f"input {place} must be a constant"


def _constant_at(place: int) -> Callable[[NodeProto, Mapping[str, np.ndarray]], Iterator[str]]:
    return lambda node, constants: _constant(node, place, constants)


def _quantizer(node: NodeProto, constants: Mapping[str, np.ndarray]) -> Iterator[str]:
    yield from _constant(node, 1, constants)
    yield from _constant(node, 2, constants)
    if len(node.input) < 3:
        yield "without a zero point it makes UINT8"
    elif (zero := constants.get(node.input[2])) is not None:
        if zero.dtype != np.int8:
            yield f"its zero point is {zero.dtype}, not int8"
        if zero.any():
            yield "its zero point is not 0"
    scale = constants.get(node.input[1])
    if scale is not None and not (scale > 0).all():
        yield "its scale is not positive"


def _pooling(node: NodeProto, _: Mapping[str, np.ndarray]) -> Iterator[str]:
    if set(attribute(node, "dilations", [1])) != {1}:
        yield "it is dilated"
    if len(attribute(node, "kernel_shape", [])) not in (2, 3):
        yield "it is neither 2D nor 3D"
    if len(node.output) > 1:
        yield "it gives indices"


def _resize(node: NodeProto, _: Mapping[str, np.ndarray]) -> Iterator[str]:
    takes = {
        "mode": (b"nearest", b"linear"),
        "coordinate_transformation_mode": (
            b"half_pixel", b"pytorch_half_pixel", b"tf_half_pixel_for_nn", b"asymmetric", b"align_corners"
        ),
        "nearest_mode": (b"floor", b"ceil", b"round_prefer_floor", b"round_prefer_ceil"),
        "keep_aspect_ratio_policy": (b"stretch",),
        "antialias": (0,),
    }  # fmt: skip
    for name, values in takes.items():
        if (value := attribute(node, name, values[0])) not in values:
            yield f"{name} is {value.decode() if isinstance(value, bytes) else value}"


def _first_output(node: NodeProto, _: Mapping[str, np.ndarray]) -> Iterator[str]:
    if sum(bool(name) for name in node.output) > 1:
        yield "it gives more than its first output"


def _top_k(node: NodeProto, constants: Mapping[str, np.ndarray]) -> Iterator[str]:
    if not attribute(node, "sorted", 1):
        yield "it is not sorted"
    if (count := constants.get(node.input[1])) is not None and int(count.ravel()[0]) >= 3840:
        yield "it asks for 3840 or more"


def _scatter(node: NodeProto, _: Mapping[str, np.ndarray]) -> Iterator[str]:
    if attribute(node, "reduction", b"none") != b"none":
        yield "it reduces"


def _dense(node: NodeProto, _: Mapping[str, np.ndarray]) -> Iterator[str]:
    if attribute(node, "sparse_value") is not None:
        yield "it is sparse"


_RESTRICTIONS: Mapping[str, Callable[[NodeProto, Mapping[str, np.ndarray]], Iterator[str]]] = {
    "AveragePool": _pooling,
    "Constant": _dense,
    "CumSum": _constant_at(1),
    "DequantizeLinear": _quantizer,
    "LayerNormalization": _first_output,
    "MaxPool": _pooling,
    "OneHot": _constant_at(1),
    "Pad": _constant_at(3),
    "QuantizeLinear": _quantizer,
    "Resize": _resize,
    "ScatterND": _scatter,
    "Squeeze": _constant_at(1),
    "TopK": _top_k,
    "Unsqueeze": _constant_at(1),
}
