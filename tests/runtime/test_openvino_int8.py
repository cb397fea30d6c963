"""int8 graphs made fit for processors that add products of 8 bits in 16."""

import numpy as np
import onnx
import pytest
import torch
from onnxruntime import InferenceSession, SessionOptions

from src.errors import EngineError
from src.hardware import EXACT_INT8, overflows_int8
from src.runtime.engines import openvino as backend
from src.runtime.engines.base import EngineInfo, Options
from src.runtime.engines.openvino_int8 import _is_weights, _not_negative, fit_into_16_bits
from tests.export.conftest import CARD, SIZE
from tests.int8_model import write_int8_model

openvino = pytest.importorskip("openvino")
ops = pytest.importorskip("openvino.opset13")


@pytest.fixture(scope="module")
def int8(tmp_path_factory):
    """(path of an int8 file, the frames it is judged on)."""
    corners = torch.rand(24, 3, 4, 4, generator=torch.Generator().manual_seed(0)) * 255
    frames = torch.nn.functional.interpolate(corners, (SIZE, SIZE), mode="bilinear").permute(0, 2, 3, 1).byte().numpy()
    return write_int8_model(tmp_path_factory.mktemp("int8") / "int8.onnx", frames), frames[1::2]


def fitted(path):
    model = openvino.Core().read_model(path)
    model.reshape([1, SIZE, SIZE, 3])
    fit_into_16_bits(model)
    return model


def labels_of(model, frames):
    compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.stack([compiled([frame[None]])["labels"][0] for frame in frames])


def zero_points(model):
    """Of each FakeQuantize, what is subtracted after it, with its bounds."""
    for node in model.get_ordered_ops():
        if node.get_type_name() == "FakeQuantize":
            bounds = [node.input_value(port).get_node().get_data().item() for port in range(1, 5)]
            subtract = node
            for _ in range(3):
                subtract = next(iter(subtract.output(0).get_target_inputs())).get_node()
            yield subtract.input_value(1).get_node().get_data().item(), bounds


def test_its_labels_are_those_of_exact_int8(int8):
    path, frames = int8
    options = SessionOptions()
    options.add_session_config_entry(*EXACT_INT8)
    session = InferenceSession(path, options, providers=["CPUExecutionProvider"])
    exact = np.stack([session.run(["labels"], {"frames": frame[None]})[0][0] for frame in frames])
    assert 0.2 < exact.mean() < 0.8
    assert (labels_of(fitted(path), frames) == exact).mean() > 0.98


def test_activations_are_unsigned_and_finer_after_a_relu(int8):
    found = list(zero_points(fitted(int8[0])))
    assert {zero for zero, _ in found} == {0, 128}
    for zero, (least, greatest, low, high) in found:
        assert (low, high) == (0, 255)
        assert least == pytest.approx(-zero * (greatest - least) / 255, abs=1e-6)
    # Stem, pooled, deep, brought up, both and the last ReLU are never negative; frames and the sum's part may be.
    assert sum(zero == 0 for zero, _ in found) >= 5


def test_weights_have_7_bits_and_mean_the_same(int8):
    def weights(model):
        for node in model.get_ordered_ops():
            if _is_weights(node):
                yield node.get_data().astype(np.float32)

    before = list(weights(openvino.Core().read_model(int8[0])))
    after = list(weights(fitted(int8[0])))
    assert len(before) == len(after) == 7  # but the head, which stays in float
    for whole, half in zip(before, after, strict=True):
        assert half.min() >= -64
        assert half.max() <= 63
        assert np.abs(2 * half - whole).max() <= 1


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda x: ops.relu(x), True),
        (lambda x: ops.add(ops.relu(x), ops.sigmoid(x)), True),
        (lambda x: ops.add(ops.relu(x), x), False),
        (lambda x: ops.multiply(ops.sigmoid(x), x), False),  # SiLU
        (lambda x: ops.multiply(ops.relu(x), np.float32(-1)), False),
        (lambda x: ops.subtract(ops.relu(x), np.float32(1)), False),
        (lambda x: ops.concat([ops.relu(x), x], 0), False),
        (lambda x: x, False),
    ],
)
def test_what_may_be_negative(build, expected):
    assert _not_negative(build(ops.parameter([1, 4], np.float32))) is expected


@pytest.mark.parametrize(("precision", "overflows", "expected"), [
    ("int8", True, 1), ("int8", False, 0), ("fp32", True, 0),
])  # fmt: skip
def test_only_int8_where_it_overflows_is_changed(precision, overflows, expected, int8, monkeypatch):
    changed = []
    monkeypatch.setattr(backend, "overflows_int8", lambda: overflows)
    monkeypatch.setattr(backend, "fit_into_16_bits", changed.append)
    info = EngineInfo("openvino", precision, "a processor", CARD, "", int8[0])
    backend.open_model(int8[0], info, Options(threads=1)).close()
    assert len(changed) == expected


@pytest.mark.parametrize(
    ("flags", "expected"),
    [(["avx2", "fma"], True), (["avx2", "avx_vnni"], False), (["avx2", "avx512f", "avx512_vnni"], False),
     (["asimd", "asimddp"], False), ([], False)],
)  # fmt: skip
def test_which_processors_overflow(flags, expected, monkeypatch):
    monkeypatch.setattr("src.hardware.processor", lambda: {"flags": flags})
    assert overflows_int8() is expected


def test_a_graph_of_another_export_is_refused(int8, tmp_path, monkeypatch):
    model = onnx.load(int8[0])
    constants = {tensor.name for tensor in model.graph.initializer}
    node = next(n for n in model.graph.node if n.op_type == "DequantizeLinear" and n.input[0] not in constants)
    replacement = onnx.helper.make_node("Cast", node.input[:1], node.output, to=onnx.TensorProto.FLOAT)
    node.CopyFrom(replacement)
    onnx.save(model, tmp_path / "odd.onnx")
    monkeypatch.setattr(backend, "overflows_int8", lambda: True)
    info = EngineInfo("openvino", "int8", "a processor", CARD, "", tmp_path / "odd.onnx")
    with pytest.raises(EngineError, match="was expected here"):
        backend.open_model(tmp_path / "odd.onnx", info, Options(threads=1))
