"""int8 graphs for x86 processors without VNNI, on which OpenVINO adds products of 8 bits in 16.

There, sums of two products of full range overflow, and signed activations are shifted to unsigned ones at the price
of a bit of the weights: 6 % of an int8 net's labels changed. A graph of unsigned activations and of weights in 7 bits
means nearly the same and fits (Intel's advice for such processors; ONNX Runtime's `reduce_range`). The model file
stays signed and of 8 bits, which is what TensorRT takes (docs/decisions.md).
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import openvino

# What gives no negative value where its first input, or all inputs, have none.
OF_FIRST = ("AvgPool", "Convert", "FakeQuantize", "Interpolate", "MaxPool", "Reshape")
OF_ALL = ("Add", "Concat", "Multiply")


def fit_into_16_bits(model: "openvino.Model") -> None:
    """Makes the activations of an int8 graph of `src.export.int8` unsigned and its weights of 7 bits, in place.

    An activation that a ReLU keeps from being negative gets the range 0 to 255 at half the scale, which is finer;
    others keep their scale and get the zero point 128.

    Raises:
        ValueError: a node is not followed by what the export puts there; the graph is of no use then.
    """
    for node in model.get_ordered_ops():
        if node.get_type_name() == "FakeQuantize":
            _make_unsigned(node)
        elif _is_weights(node):
            _halve(node)


def _is_weights(node: "openvino.Node") -> bool:
    """Zero points are int8 constants, too, of one dimension at most."""
    return (
        node.get_type_name() == "Constant"
        and node.get_element_type().get_type_name() == "i8"
        and len(node.get_output_shape(0)) > 1
    )


def _make_unsigned(quantise: "openvino.Node") -> None:
    """Its users: Convert to i8, Convert to f32, Subtract the zero point 0, Multiply by the scale."""
    import openvino
    from openvino import opset13 as ops

    values, least, greatest = (quantise.input_value(port) for port in range(3))
    least, greatest = (float(_constant(bound).item()) for bound in (least, greatest))
    step = (greatest - least) / 255
    low, step, zero = (0.0, step / 2, 0.0) if _not_negative(values.get_node()) else (-128 * step, step, 128.0)
    low, high, step, zero = (np.float32(value) for value in (low, low + 255 * step, step, zero))
    stored = ops.convert(ops.fake_quantize(values, low, high, np.float32(0), np.float32(255), 256), openvino.Type.u8)
    restored = ops.multiply(ops.subtract(ops.convert(stored, openvino.Type.f32), zero), step)
    _after(quantise, "Convert", "Convert", "Subtract", "Multiply").output(0).replace(restored.output(0))


def _halve(weights: "openvino.Node") -> None:
    """Its users: Convert to f32, Subtract the zero points 0, Multiply by the channels' scales."""
    import openvino
    from openvino import opset13 as ops

    multiply = _after(weights, "Convert", "Subtract", "Multiply")
    place = multiply.input_value(1)
    reshaped = place.get_node().get_type_name() == "Reshape"
    scales = _constant(place.get_node().input_value(0) if reshaped else place)
    # From -64 to 63: two of them times 255 are 32,640 at most, and 16 bits hold 32,767.
    halved = ops.constant(np.rint(weights.get_data().astype(np.float32) / 2).clip(-64, 63).astype(np.int8))
    doubled = ops.constant(2 * scales.reshape(place.get_shape()))
    multiply.output(0).replace(ops.multiply(ops.convert(halved, openvino.Type.f32), doubled).output(0))


def _constant(value: "openvino.Output") -> np.ndarray:
    node = value.get_node()
    if node.get_type_name() != "Constant":
        raise ValueError(f"{node.get_friendly_name()}: a Constant was expected here")
    return node.get_data()


def _after(node: "openvino.Node", *kinds: str) -> "openvino.Node":
    """The last of the nodes that follow one another so; each is the only user of the one before."""
    for kind in kinds:
        users = node.output(0).get_target_inputs()
        if len(users) != 1:
            raise ValueError(f"{node.get_friendly_name()}: one user was expected here")
        node = users.pop().get_node()
        if node.get_type_name() != kind:
            raise ValueError(f"{node.get_friendly_name()}: {kind} was expected here")
    return node


def _not_negative(node: "openvino.Node") -> bool:
    """Whether a ReLU or a sigmoid is all that a node's values come from; False also where that is not seen."""
    kind = node.get_type_name()
    if kind == "Constant":
        return bool((node.get_data() >= 0).all())
    # A zero point is subtracted from what was quantised, which gives what it was before.
    restores = kind == "Subtract" and node.input_value(0).get_node().get_type_name() == "Convert"
    if restores or kind in OF_FIRST:
        return _not_negative(node.input_value(0).get_node())
    if kind in OF_ALL:
        return all(_not_negative(value.get_node()) for value in node.input_values())
    return kind in ("Relu", "Sigmoid")
