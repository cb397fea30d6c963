"""Each gate closes on a graph made to fail it."""

import numpy as np
import onnx
import pytest

from src.export import Gate, Images
from src.export.gates import Checkpoint, judge
from src.models.portable import PortableModel
from tests.export.conftest import CARD
from tests.export.test_graph import F, U, cast, graph_of

ANY = Gate("agreement", 0.0, "export.min_agreement_fp32")
FRAMES = np.zeros((1, 4, 4, 3), np.uint8)


@pytest.fixture(scope="module")
def checkpoint(tiny):
    return Checkpoint(PortableModel(tiny.segmenter, 0.5).eval(), CARD.classes, tiny.images)


def verdict_on(nodes, checkpoint, **initializers):
    edge = [cast("frames", "f", F), *nodes, cast("g", "labels", U), cast("g", "confidence", U)]
    model = graph_of(edge, initializers=initializers)
    return judge(model, checkpoint, FRAMES, gate=ANY, batch_sizes=(1, 2))


def test_an_invalid_graph_fails_the_checker(checkpoint):
    verdict = verdict_on([onnx.helper.make_node("NoSuchOperator", ["f"], ["g"])], checkpoint)
    assert verdict.figures["passed"] == verdict.figures["checker"] == 0
    assert "onnx.checker: " in verdict.line("m.onnx")


def test_a_graph_for_one_frame_alone_fails_the_batches(checkpoint):
    nodes = [
        onnx.helper.make_node("ReduceMean", ["f", "axes"], ["mean"], keepdims=0),
        onnx.helper.make_node("Reshape", ["mean", "shape"], ["g"]),
    ]
    verdict = verdict_on(nodes, checkpoint, axes=np.array([3]), shape=np.array([1, 4, 4]))
    assert (verdict.figures["checker"], verdict.figures["batch_sizes"]) == (1, 0)
    assert "ONNX Runtime cannot run it" in verdict.line("m.onnx")


def test_a_graph_whose_frames_see_each_other_fails_the_batches(checkpoint):
    nodes = [
        onnx.helper.make_node("ReduceMean", ["f", "last"], ["mean"], keepdims=0),
        onnx.helper.make_node("CumSum", ["mean", "first"], ["g"]),
    ]
    model_frames = np.full_like(FRAMES, 7)
    edge = [cast("frames", "f", F), *nodes, cast("g", "labels", U), cast("g", "confidence", U)]
    model = graph_of(edge, initializers={"last": np.array([3]), "first": np.array(0)})
    verdict = judge(model, checkpoint, model_frames, gate=ANY, batch_sizes=(1, 2))
    assert verdict.failures == ["a batch of 2 gives 50.0000% of the labels that its frames give alone"]


def test_what_tensorrt_does_not_take_is_said_and_no_failure(tiny, checkpoint):
    model = onnx.ModelProto.FromString(tiny.fp32.SerializeToString())
    relu = next(node for node in model.graph.node if node.op_type == "Relu")
    relu.op_type = "Bernoulli"
    verdict = judge(model, checkpoint, tiny.images.frames, gate=ANY, batch_sizes=())
    assert verdict.passed
    assert verdict.figures["tensorrt"] == 0
    assert "TensorRT 10.15 would not take it: Bernoulli" in verdict.line("m.onnx")


def test_without_a_pixel_of_a_class_int8_cannot_be_judged(tiny):
    images = Images(tiny.images.frames, np.zeros_like(tiny.images.masks), tiny.images.calibration)
    checkpoint = Checkpoint(PortableModel(tiny.segmenter, 0.5).eval(), CARD.classes, images)
    gate = Gate("iou_change", -1.0, "export.max_iou_loss_int8")
    verdict = judge(tiny.fp32, checkpoint, images.frames, gate=gate, batch_sizes=(1,))
    assert "iou_change cannot be measured" in verdict.line("int8.onnx")
    verdict = judge(tiny.fp32, checkpoint, images.frames, gate=ANY, batch_sizes=(1,))
    assert verdict.line("fp32.onnx") == "fp32.onnx: 100.0000% of labels equal the checkpoint's"


def test_differences_are_those_of_the_confidence(tiny, checkpoint):
    labels, confidence = tiny.images.masks, checkpoint._confidence
    moved = np.where(confidence > 127, confidence - 51, confidence + 51).astype(np.uint8)
    figures = checkpoint.compare(1 - labels, moved)
    assert figures["agreement"] == 0
    assert figures["max_difference"] == pytest.approx(figures["mean_difference"]) == 0.2
    assert (figures["checkpoint_iou"], figures["iou"], figures["iou_change"]) == (1, 0, -1)


def test_a_stand_in_does_not_hide_a_fault_of_the_graph_that_is_written(tiny, checkpoint):
    wrong = onnx.ModelProto.FromString(tiny.fp32.SerializeToString())
    last = [node for node in wrong.graph.node if node.op_type == "Conv"][-1]
    for weights in wrong.graph.initializer:  # sky is where it is not
        if weights.name in last.input:
            weights.CopyFrom(onnx.numpy_helper.from_array(-onnx.numpy_helper.to_array(weights), weights.name))
    gate = Gate("agreement", 0.999, "export.min_agreement_fp16")
    frames = tiny.images.frames
    for model, stand_in in ((wrong, tiny.fp32), (tiny.fp32, wrong)):
        verdict = judge(model, checkpoint, frames, gate=gate, batch_sizes=(1,), stand_in=stand_in)
        assert not verdict.passed
        assert verdict.figures["agreement"] < 0.999
    assert judge(tiny.fp32, checkpoint, frames, gate=gate, batch_sizes=(1,), stand_in=tiny.fp32).passed
