"""The fp16 graph: half inside, float at both ends, and a stand-in that rounds as half does."""

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

from src.export import to_onnx
from src.export.fp16 import rounded_to_half, to_half
from src.export.graph import INPUT, parts_of, tensor_types
from src.export.operators import tensorrt_violations
from src.models.portable import PortableModel
from tests.export.conftest import CARD, SIZE, arrays, nodes, segmenter_of

HALF, FLOAT = onnx.TensorProto.FLOAT16, onnx.TensorProto.FLOAT


def answers(model, frames):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(["labels", "confidence"], {INPUT: frames})


def test_the_network_is_half_and_its_surroundings_are_float(tiny):
    half, parts = to_half(tiny.fp32), parts_of(tiny.fp32)
    onnx.checker.check_model(half, full_check=True)
    types = tensor_types(half)
    for node in half.graph.node:
        if node.name in parts.network:
            assert {types[name] for name in (*node.input, *node.output)} == {HALF}
    assert types[parts.pixels] == types[parts.logits] == FLOAT
    [sigmoid] = nodes(half, "Sigmoid")
    assert types[sigmoid.output[0]] == FLOAT
    assert tensorrt_violations(half) == []
    assert half.ByteSize() < 0.75 * tiny.fp32.ByteSize()


def test_the_float_graph_is_left_as_it_was(tiny):
    before = tiny.fp32.SerializeToString(deterministic=True)
    to_half(tiny.fp32)
    rounded_to_half(tiny.fp32)
    assert tiny.fp32.SerializeToString(deterministic=True) == before


def test_constants_in_attributes_and_scales_of_a_resize(tiny):
    """What a plain network lacks: a constant that its readers need in half, and one that ONNX wants in float."""
    model = onnx.ModelProto.FromString(tiny.fp32.SerializeToString())
    graph, parts = model.graph, parts_of(tiny.fp32)
    at = next(place for place, node in enumerate(graph.node) if node.op_type == "Sigmoid")
    one = onnx.numpy_helper.from_array(np.array(1, np.float32))
    graph.initializer.append(onnx.numpy_helper.from_array(np.ones(4, np.float32), "scales"))
    added = [
        onnx.helper.make_node("Constant", [], ["one"], value=one, name="constant"),
        onnx.helper.make_node("Mul", [parts.logits, "one"], ["scaled"], name="times_one"),
        onnx.helper.make_node("Cast", ["scaled"], ["cast"], to=FLOAT, name="to_float"),
        onnx.helper.make_node("Resize", ["cast", "", "scales"], ["resized"], name="resize"),
    ]
    graph.node[at].input[0] = "resized"
    for place, node in enumerate(added):
        graph.node.insert(at + place, node)
    half = to_half(model)
    onnx.checker.check_model(half, full_check=True)
    assert tensor_types(half)["resized_half"] == HALF
    assert arrays(half)["scales"].dtype == np.float32
    assert np.array_equal(answers(half, tiny.images.frames)[0], answers(to_half(tiny.fp32), tiny.images.frames)[0])


def test_the_stand_in_rounds_weights_and_activations(tiny):
    onnx.checker.check_model(rounded_to_half(tiny.fp32), full_check=True)
    model, frames = rounded_to_half(tiny.fp32), tiny.images.frames
    for name, array in arrays(model).items():
        if name.endswith("_half"):
            assert np.array_equal(array, array.astype(np.float16).astype(np.float32))
    theirs, ours = answers(model, frames)[1], answers(tiny.fp32, frames)[1]
    assert 0 < np.abs(theirs.astype(int) - ours).max() <= 3


def test_overflow_shows_in_the_stand_in_alone():
    """A processor computes half in float, so the fp16 graph itself would pass here and fail on a GPU."""
    large, small = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 1, 1)
    with torch.no_grad():
        large.weight.fill_(6e4)  # still a half, unlike the sums
        small.weight[0, :, 0, 0] = torch.tensor([1.0, 1.0, -1.0, -0.5]) * 1e-5  # infinity less infinity
        large.bias.zero_()
        small.bias.fill_(-0.1)
    fp32 = to_onnx(PortableModel(segmenter_of(large, nn.ReLU(), small), 0.5).eval(), CARD)
    frames = np.random.default_rng(0).integers(0, 255, (1, SIZE, SIZE, 3), np.uint8)
    expected = answers(fp32, frames)[0]
    assert (answers(to_half(fp32), frames)[0] == expected).mean() > 0.95
    assert (answers(rounded_to_half(fp32), frames)[0] == expected).mean() < 0.8
