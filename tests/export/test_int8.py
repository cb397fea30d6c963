"""The int8 graph: explicit quantizers as TensorRT wants them, none around the head."""

import numpy as np
import onnx
import onnxruntime
import pytest

from src.export.graph import INPUT, parts_of
from src.export.int8 import to_int8
from src.export.operators import tensorrt_violations
from src.hardware import EXACT_INT8
from tests.export.conftest import arrays, nodes


@pytest.fixture(scope="module")
def int8(tiny):
    return to_int8(tiny.fp32, tiny.images.calibration)


def makers(model):
    return {name: node for node in model.graph.node for name in node.output}


def test_quantizers_are_signed_and_symmetric(int8):
    onnx.checker.check_model(int8, full_check=True)
    values = arrays(int8)
    quantizers = nodes(int8, "QuantizeLinear") + nodes(int8, "DequantizeLinear")
    assert len(quantizers) > 4
    for node in quantizers:
        zero = values[node.input[2]]
        assert zero.dtype == np.int8
        assert not zero.any()
    assert tensorrt_violations(int8) == []


def test_weights_are_int8_per_channel_and_biases_float(int8):
    values, made_by = arrays(int8), makers(int8)
    for convolution in nodes(int8, "Conv")[:-1]:
        weights = made_by[convolution.input[1]]
        assert weights.op_type == "DequantizeLinear"
        assert values[weights.input[0]].dtype == np.int8
        assert values[weights.input[1]].shape == (8,)
        assert values[convolution.input[2]].dtype == np.float32


def test_normalisation_head_and_decision_stay_in_float(tiny, int8):
    values, made_by = arrays(int8), makers(int8)
    head = nodes(int8, "Conv")[-1]
    assert values[head.input[1]].dtype == np.float32
    [sigmoid] = nodes(int8, "Sigmoid")
    assert made_by[sigmoid.input[0]].name == head.name
    assert made_by[parts_of(tiny.fp32).pixels].op_type == "Mul"


@pytest.mark.parametrize("calibration", ["minmax", "percentile", "entropy"])
def test_each_calibration_keeps_most_labels_and_prints_nothing(tiny, calibration, capsys, caplog):
    model = to_int8(tiny.fp32, tiny.images.calibration, calibration)
    assert capsys.readouterr() == ("", "")
    assert [record for record in caplog.records if record.levelname == "WARNING"] == []
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry(*EXACT_INT8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    labels = session.run(["labels"], {INPUT: tiny.images.frames})[0]
    assert (labels == tiny.images.masks).mean() > 0.9


def test_the_same_images_give_the_same_bytes(tiny, int8):
    again = to_int8(tiny.fp32, tiny.images.calibration)
    assert again.SerializeToString(deterministic=True) == int8.SerializeToString(deterministic=True)


def test_an_unknown_calibration_is_refused(tiny):
    with pytest.raises(ValueError, match="no calibration 'median'"):
        to_int8(tiny.fp32, tiny.images.calibration, "median")
