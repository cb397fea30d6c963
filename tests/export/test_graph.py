"""The fp32 graph: its contract, its card, and its three parts."""

import numpy as np
import onnx
import onnxruntime
import pytest

from src.errors import UserError
from src.export import check_contract, with_history
from src.export.graph import parts_of, with_card
from src.model_card import read_card
from tests.export.conftest import CARD, SIZE, nodes
from tests.import_graph import ROOT
from tests.models.test_zoo import SKY, THREE, spec


def test_the_card_is_inside_and_nothing_of_this_machine(tiny, tmp_path):
    card = with_history(CARD, git_revision="abc", dvc_lock={"data/raw": "123"}, metrics={"iou": 0.9, "source": {}})
    assert card.metrics == {"iou": 0.9}
    model = with_card(onnx.ModelProto.FromString(tiny.fp32.SerializeToString()), card)
    onnx.save(model, tmp_path / "m.onnx")
    assert read_card(tmp_path / "m.onnx") == card
    assert str(ROOT).encode() not in model.SerializeToString()


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_any_batch_runs(tiny, batch):
    session = onnxruntime.InferenceSession(tiny.fp32.SerializeToString(), providers=["CPUExecutionProvider"])
    labels, confidence = session.run(["labels", "confidence"], {"frames": np.zeros((batch, SIZE, SIZE, 3), np.uint8)})
    assert labels.shape == confidence.shape == (batch, SIZE, SIZE)
    assert labels.dtype == confidence.dtype == np.uint8


def test_it_comes_apart_into_normalisation_network_and_decision(tiny):
    parts = parts_of(tiny.fp32)
    [sigmoid] = nodes(tiny.fp32, "Sigmoid")
    convolutions = nodes(tiny.fp32, "Conv")
    assert sigmoid.input[0] == parts.logits == convolutions[-1].output[0]
    assert convolutions[0].input[0] == parts.pixels
    assert parts.network == {node.name for node in (*convolutions, *nodes(tiny.fp32, "Relu"))}


def test_a_graph_without_a_decision_is_no_such_graph():
    with pytest.raises(ValueError, match="no sigmoid or softmax"):
        parts_of(graph_of([cast("frames", "f", F), cast("f", "labels", U), cast("f", "confidence", U)]))


def graph_of(nodes, *, output_type=onnx.TensorProto.UINT8, initializers=()):
    shape = ["batch", 4, 4]
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes,
        "g",
        [value("frames", onnx.TensorProto.UINT8, [*shape, 3])],
        [value("labels", output_type, shape), value("confidence", output_type, shape)],
        initializer=[onnx.numpy_helper.from_array(array, name) for name, array in dict(initializers).items()],
    )
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)], ir_version=10)


def cast(source, target, kind):
    return onnx.helper.make_node("Cast", [source], [target], to=kind, name=f"cast_{target}")


F, U = onnx.TensorProto.FLOAT, onnx.TensorProto.UINT8


@pytest.mark.parametrize(
    ("nodes", "says"),
    [
        ([onnx.helper.make_node("Transpose", ["frames"], ["t"], name="swap"), cast("t", "f", F),
          cast("f", "labels", U), cast("f", "confidence", U)], "frames feeds Transpose 'swap'"),
        ([cast("frames", "f", F), cast("f", "u", U), onnx.helper.make_node("Identity", ["u"], ["labels"], name="same"),
          cast("f", "confidence", U)], "Cast 'cast_u' makes uint8 inside the graph"),
        ([cast("frames", "f", F), onnx.helper.make_node("IsNaN", ["f"], ["b"]), cast("b", "labels", U),
          cast("f", "confidence", U)], "labels comes from Cast"),
    ],
)  # fmt: skip
def test_uint8_inside_the_graph_is_refused(nodes, says):
    with pytest.raises(UserError) as caught:
        check_contract(graph_of(nodes))
    assert says in str(caught.value)


def test_names_and_static_batches_are_held_to_the_contract(tiny):
    model = onnx.ModelProto.FromString(tiny.fp32.SerializeToString())
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    with pytest.raises(UserError, match="batch must be dynamic"):
        check_contract(model)
    model.graph.input[0].name = "pixels"
    with pytest.raises(UserError, match="contract"):
        check_contract(model)


def test_binary_and_multi_class_cards_differ_in_their_threshold():
    assert spec(classes=SKY).card(0.4).threshold == 0.4
    assert spec(classes=THREE).card(0.4).threshold is None
