"""The fp32 graph: exported from the checkpoint, held to the model file's contract, and taken apart for the others."""

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import onnx
import torch
from onnx import NodeProto, TensorProto

from src.errors import UserError
from src.model_card import KEY, ModelCard
from src.models.portable import PortableModel

OPSET = 20
INPUT, OUTPUTS = "frames", ("labels", "confidence")
WEIGHTED = ("Conv", "ConvTranspose", "MatMul", "Gemm")  # the operators in which nearly all the work is
_SCALE = "segmenter.scale"  # the buffer that the last step of the normalisation multiplies with


def to_onnx(portable: PortableModel, card: ModelCard) -> onnx.ModelProto:
    """The graph with its card inside: batch dynamic, height and width static.

    Raises:
        UserError: the network has an operation that cannot be exported.
    """
    # Two frames: a batch of one would be taken for a constant.
    example = torch.zeros(2, card.height, card.width, 3, dtype=torch.uint8)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch about its own internals
            program = torch.onnx.export(
                portable,
                (example,),
                dynamo=True,
                opset_version=OPSET,
                input_names=[INPUT],
                output_names=list(OUTPUTS),
                dynamic_shapes={INPUT: {0: torch.export.Dim("batch", min=1)}},
                verbose=False,
            )
    except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
        raise UserError(f"export: {card.name} cannot be exported to ONNX", str(error).splitlines()[0]) from error
    model = program.model_proto
    _ask_the_cast_for_shapes(model.graph)
    for node in model.graph.node:
        del node.metadata_props[:]  # stack traces, with the paths of this machine
    return with_card(model, card)


def with_card(model: onnx.ModelProto, card: ModelCard) -> onnx.ModelProto:
    """The model with `card` as its only metadata, and with this project as its maker."""
    onnx.helper.set_model_props(model, {KEY: card.to_json()})
    model.producer_name, model.producer_version = "skyseg", ""
    return model


def _ask_the_cast_for_shapes(graph: onnx.GraphProto) -> None:
    """Where the exporter reads the batch size off `frames`, reads it off the Cast of `frames` instead: the same
    shape, and the Cast stays the only node that touches uint8."""
    cast = next(node for node in graph.node if node.op_type == "Cast" and INPUT in node.input)
    rest = [node for node in graph.node if node != cast]
    for node in rest:
        if node.op_type == "Shape":
            node.input[:] = [cast.output[0] if name == INPUT else name for name in node.input]
    replace_nodes(graph, [cast, *rest])


def replace_nodes(graph: onnx.GraphProto, nodes: list[NodeProto]) -> None:
    """Makes `nodes`, which may be the graph's own, the graph's nodes."""
    copies = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)


@dataclass(frozen=True)
class Parts:
    """A graph in its three parts: normalisation, network, decision.

    Attributes:
        pixels: the tensor that the normalisation hands to the network: float [N, 3, H, W].
        logits: the tensor that the network hands to the sigmoid or softmax: float [N, C, H, W].
        network: names of the nodes in between, those that only compute shapes included.
    """

    pixels: str
    logits: str
    network: frozenset[str]


def parts_of(model: onnx.ModelProto) -> Parts:
    """Finds the three parts of a graph that `to_onnx` made.

    Raises:
        ValueError: it has no normalisation, or no sigmoid or softmax before its outputs.
    """
    nodes = model.graph.node
    pixels = next((node.output[0] for node in nodes if _SCALE in node.input), None)
    last = next((node for node in backwards(model, OUTPUTS) if node.op_type in ("Sigmoid", "Softmax")), None)
    if pixels is None or last is None:
        raise ValueError("the graph has no normalisation, or no sigmoid or softmax before its outputs")
    logits = last.input[0]
    outside = {node.name for node in backwards(model, [pixels])}
    decided = {logits}
    for node in nodes:  # each after the nodes that it reads from
        if not decided.isdisjoint(node.input):
            decided.update(node.output)
            outside.add(node.name)
    return Parts(pixels, logits, frozenset(node.name for node in nodes) - outside)


def backwards(model: onnx.ModelProto, names: Iterable[str], stop: tuple[str, ...] = ()) -> list[NodeProto]:
    """The nodes from which the tensors `names` are made, nearest first; not beyond nodes of the types in `stop`."""
    maker = {name: node for node in model.graph.node for name in node.output}
    found: dict[str, NodeProto] = {}
    pending = list(names)
    while pending:
        node = maker.get(pending.pop(0))
        if node is None or node.name in found:
            continue
        found[node.name] = node
        if node.op_type not in stop:
            pending += node.input
    return list(found.values())


def check_contract(model: onnx.ModelProto) -> None:
    """Holds a graph to the contract's edge: uint8 in by a Cast alone, uint8 out from a Cast alone.

    TensorRT supports no other use of uint8 (NVIDIA/TensorRT#3985).

    Raises:
        UserError: names the first violation.
    """
    for violation in _violations(model):
        raise UserError(f"export: the graph breaks the model file contract: {violation}")


def _violations(model: onnx.ModelProto) -> Iterator[str]:
    graph = model.graph
    uint8, floats = TensorProto.UINT8, (TensorProto.FLOAT, TensorProto.FLOAT16)
    if [i.name for i in graph.input] != [INPUT] or [o.name for o in graph.output] != list(OUTPUTS):
        yield f"inputs {[i.name for i in graph.input]}, outputs {[o.name for o in graph.output]}"
    for value in (*graph.input, *graph.output):
        if value.type.tensor_type.elem_type != uint8:
            yield f"{value.name} is not uint8"
        sizes = value.type.tensor_type.shape.dim
        if not sizes[0].dim_param or any(size.dim_param for size in sizes[1:]):
            yield f"{value.name}: the batch must be dynamic and every other size static"
    types = tensor_types(model)
    for node in graph.node:
        if INPUT in node.input and not (node.op_type == "Cast" and attribute(node, "to") in floats):
            yield f"{INPUT} feeds {node.op_type} '{node.name}' instead of a Cast to float"
        for name in node.output:
            if name in OUTPUTS and not (node.op_type == "Cast" and types.get(node.input[0]) in floats):
                yield f"{name} comes from {node.op_type} '{node.name}' instead of a Cast from float"
            if name not in OUTPUTS and types.get(name) == uint8:
                yield f"{node.op_type} '{node.name}' makes uint8 inside the graph"


def tensor_types(model: onnx.ModelProto) -> dict[str, int]:
    """Element type by tensor, as ONNX infers them: inputs, outputs, initializers and what lies between."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    types = {value.name: value.type.tensor_type.elem_type for value in (*graph.value_info, *graph.input, *graph.output)}
    return types | {tensor.name: tensor.data_type for tensor in graph.initializer}


def attribute(node: NodeProto, name: str, default: object = None) -> object:
    """The value of a node's attribute, or `default` where it is not set."""
    return next((onnx.helper.get_attribute_value(a) for a in node.attribute if a.name == name), default)
