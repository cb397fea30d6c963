"""The fp16 variant: the network in half precision, normalisation and decision in float, Casts in between.

Pixels minus mean times scale, sigmoid or softmax, and the threshold stay in float: 1/(std x 255) and probabilities
close to the threshold are where half's 11 bits would cost labels. Batch norms were folded in float before.

A processor without half arithmetic shows none of half's limits: ONNX Runtime computes such a graph in float from
end to end, Casts between its nodes removed. `rounded_to_half` is the same network in float with every weight and
every activation rounded to half, overflow included; it is what the gate judges.
"""

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from src.export.graph import Parts, parts_of, replace_nodes, tensor_types

# Inputs that ONNX keeps in float whatever the type of the data: Resize's region and scales.
_ALWAYS_FLOAT = {"Resize": (1, 2)}


def to_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with its network in float16.

    Args:
        model: an fp32 graph of `src.export.graph.to_onnx`; not changed.

    Raises:
        ValueError: no such graph.
    """
    parts, halved = parts_of(model), _copy(model)
    graph, pixels, logits = halved.graph, f"{parts.pixels}_half", f"{parts.logits}_half"
    _halve_weights(graph, parts)
    nodes: list[NodeProto] = []
    for node in graph.node:
        if node.name in parts.network:
            _halve_attributes(node)
            renamed = {parts.pixels: pixels, parts.logits: logits}
            node.input[:] = [renamed.get(name, name) for name in node.input]
            node.output[:] = [renamed.get(name, name) for name in node.output]
        nodes.append(node)
        if parts.pixels in node.output:
            nodes.append(_cast(parts.pixels, pixels, TensorProto.FLOAT16))
        if logits in node.output:
            nodes.append(_cast(logits, parts.logits, TensorProto.FLOAT))
    replace_nodes(graph, nodes)
    del graph.value_info[:]  # types of the float graph
    return halved


def rounded_to_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """The float graph whose network's weights and activations pass through float16; arguments as for `to_half`.

    Sums within one operator are in float, as on a GPU's matrix units.
    """
    parts, types, rounded = parts_of(model), tensor_types(model), _copy(model)
    _halve_weights(rounded.graph, parts, back=True)
    nodes: list[NodeProto] = []
    for node in rounded.graph.node:
        nodes.append(node)
        for place, name in enumerate(node.output):
            inside = node.name in parts.network or name == parts.pixels
            if inside and types.get(name) == TensorProto.FLOAT:
                node.output[place] = f"{name}_exact"
                nodes.append(_cast(f"{name}_exact", f"{name}_half", TensorProto.FLOAT16))
                nodes.append(_cast(f"{name}_half", name, TensorProto.FLOAT))
    replace_nodes(rounded.graph, nodes)
    return rounded


def _copy(model: onnx.ModelProto) -> onnx.ModelProto:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    return copy


def _cast(source: str, target: str, to: int) -> NodeProto:
    return helper.make_node("Cast", [source], [target], name=f"cast_{target}", to=to)


def _halve_weights(graph: onnx.GraphProto, parts: Parts, *, back: bool = False) -> None:
    """Gives the network float16 initializers in place of its float ones; with `back`, float ones that were rounded."""
    floats = {tensor.name: tensor for tensor in graph.initializer if tensor.data_type == TensorProto.FLOAT}
    made: set[str] = set()
    for node in graph.node:
        if node.name not in parts.network:
            continue
        for place, name in enumerate(node.input):
            if name in floats and place not in _ALWAYS_FLOAT.get(node.op_type, ()):
                node.input[place] = f"{name}_half"
                made.add(name)
    for name in sorted(made):
        with np.errstate(over="ignore"):  # the gate sees what came of it
            values = numpy_helper.to_array(floats[name]).astype(np.float16)
        graph.initializer.append(numpy_helper.from_array(values.astype(np.float32) if back else values, f"{name}_half"))
    read = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _halve_attributes(node: NodeProto) -> None:
    """Casts to float become casts to float16, and so do constants in attributes."""
    if node.op_type == "ConstantOfShape" and not node.attribute:
        node.attribute.append(
            helper.make_attribute("value", helper.make_tensor("value", TensorProto.FLOAT16, [1], [0]))
        )
    for attribute in node.attribute:
        if node.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.FLOAT:
            attribute.i = TensorProto.FLOAT16
        if attribute.HasField("t") and attribute.t.data_type == TensorProto.FLOAT:
            attribute.t.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(attribute.t).astype(np.float16)))
