"""The model file: its contract, its card, and the gate before it is written."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from src.errors import UserError
from src.export import check_contract, export, to_onnx, with_history
from src.model_card import read_card
from src.models.portable import PortableModel
from tests.models.test_zoo import SKY, THREE, spec


@pytest.fixture(scope="module")
def trained():
    torch.manual_seed(0)
    return spec().build().eval()


@pytest.fixture(scope="module")
def exported(trained):
    return to_onnx(PortableModel(trained, 0.5).eval(), spec().card(0.5))


def frames_and_masks(count=3, classes=2):
    rng = np.random.default_rng(0)
    return rng.integers(0, 255, (count, 64, 64, 3), np.uint8), rng.integers(0, classes, (count, 64, 64)).astype(
        np.uint8
    )


def test_a_file_is_written_with_its_card_and_agrees(trained, tmp_path):
    card = with_history(
        spec().card(0.5), git_revision="abc", dvc_lock={"data/raw": "123"}, metrics={"iou": 0.9, "source": {}}
    )
    figures = export(trained, card, *frames_and_masks(), tmp_path / "m.onnx", threshold=0.5, min_agreement=0.9999)
    assert figures["agreement"] >= 0.9999
    assert figures["iou_change"] == pytest.approx(0, abs=1e-4)
    assert read_card(tmp_path / "m.onnx") == card
    assert card.metrics == {"iou": 0.9}


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_any_batch_runs(exported, batch):
    session = onnxruntime.InferenceSession(exported.SerializeToString(), providers=["CPUExecutionProvider"])
    labels, confidence = session.run(["labels", "confidence"], {"frames": frames_and_masks(batch)[0]})
    assert labels.shape == confidence.shape == (batch, 64, 64)
    assert labels.dtype == confidence.dtype == np.uint8


def test_a_graph_that_disagrees_is_not_written(trained, tmp_path, monkeypatch):
    figures = {"agreement": 0.5}
    monkeypatch.setattr("src.export.compare", lambda *_: figures)
    with pytest.raises(UserError, match=r"50\.0000% of the checkpoint's labels"):
        export(trained, spec().card(0.5), *frames_and_masks(), tmp_path / "m.onnx", threshold=0.5, min_agreement=0.99)
    assert list(tmp_path.iterdir()) == []


def graph_of(nodes, *, output_type=onnx.TensorProto.UINT8):
    shape = ["batch", 4, 4]
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes,
        "g",
        [value("frames", onnx.TensorProto.UINT8, [*shape, 3])],
        [value("labels", output_type, shape), value("confidence", output_type, shape)],
    )
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)])


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


def test_names_and_static_batches_are_held_to_the_contract(exported):
    model = onnx.ModelProto.FromString(exported.SerializeToString())
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    with pytest.raises(UserError, match="batch must be dynamic"):
        check_contract(model)
    model.graph.input[0].name = "pixels"
    with pytest.raises(UserError, match="contract"):
        check_contract(model)


def test_binary_and_multi_class_cards_differ_in_their_threshold():
    assert spec(classes=SKY).card(0.4).threshold == 0.4
    assert spec(classes=THREE).card(0.4).threshold is None
