import json

import numpy as np
import pytest

from src.errors import EngineError, UserError
from src.hardware import bf16_flag, processor
from src.runtime import open_engine
from src.runtime.engines import build
from src.runtime.engines.build import build_engine
from src.runtime.engines.record import sha256
from tests.model_file import HEIGHT, WIDTH, write_foreign_model

FIELDS = {
    "format", "backend", "precision", "reason", "payload", "payload_sha256", "card", "onnx_sha256", "versions",
    "hardware", "shapes", "agreement", "build_seconds",
}  # fmt: skip


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (3, HEIGHT, WIDTH, 3), np.uint8)


def test_the_record_says_what_was_built_and_for_whom(binary_model, frames, tmp_path, capsys):
    record = build_engine(binary_model, tmp_path / "engine", frames, backend="openvino", precision="fp32")
    assert record == json.loads((tmp_path / "engine" / "engine.json").read_text())
    assert set(record) == FIELDS
    assert record["onnx_sha256"] == sha256(binary_model)
    assert record["hardware"] == processor()
    assert record["shapes"]["frames"] == ["N", HEIGHT, WIDTH, 3]
    assert record["agreement"]["frames"] == 3
    assert record["agreement"]["label_agreement"] >= record["agreement"]["limit"] == 0.99
    assert record["agreement"]["max_confidence_difference"] <= 1
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["engine", "engine.json", "model.blob"]
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1
    assert "openvino fp32" in printed


def test_auto_takes_fp32_where_the_processor_has_no_bf16(binary_model, frames, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(build, "bf16_flag", lambda: None)
    record = build_engine(binary_model, tmp_path / "engine", frames)
    assert (record["backend"], record["precision"]) == ("openvino", "fp32")
    assert "no bf16 arithmetic" in record["reason"]
    assert record["reason"] in capsys.readouterr().out


@pytest.mark.skipif(not bf16_flag(), reason="this processor has no bf16 arithmetic")
def test_auto_takes_bf16_where_its_labels_agree_and_fp32_with_the_reason_where_not(binary_model, frames, tmp_path):
    lenient = build_engine(binary_model, tmp_path / "engine", frames, agreement_limit=0.5)
    assert lenient["precision"] == "bf16"
    with open_engine(tmp_path / "engine") as engine:
        assert engine.info.precision == "bf16"
        engine.infer(frames)
    assert lenient["agreement"]["label_agreement"] < 1, "noise at the threshold must flip somewhere in bf16"

    halfway = (1 + lenient["agreement"]["label_agreement"]) / 2
    strict = build_engine(binary_model, tmp_path / "engine", frames, agreement_limit=halfway)
    assert strict["precision"] == "fp32"
    assert "openvino bf16 gives the label of ONNX Runtime fp32 on" in strict["reason"]


def test_auto_without_openvino_is_onnx_runtime(binary_model, frames, tmp_path, monkeypatch):
    monkeypatch.setattr(build, "installed", lambda backend: backend != "openvino")
    record = build_engine(binary_model, tmp_path / "engine", frames)
    assert (record["backend"], record["precision"], record["payload"]) == ("onnxruntime", "fp32", "model.onnx")
    assert "OpenVINO is not installed" in record["reason"]
    assert record["agreement"]["label_agreement"] == 1


def test_a_build_that_disagrees_is_refused_and_leaves_the_old_engine(binary_model, frames, tmp_path):
    build_engine(binary_model, tmp_path / "engine", frames, precision="fp32")
    before = (tmp_path / "engine" / "engine.json").read_bytes()
    with pytest.raises(EngineError, match="disagrees with the model file") as caught:
        build_engine(binary_model, tmp_path / "engine", frames, precision="fp32", agreement_limit=1.01)
    assert "100.00%" in caught.value.why or "99." in caught.value.why
    assert (tmp_path / "engine" / "engine.json").read_bytes() == before
    with pytest.raises(EngineError):
        build_engine(binary_model, tmp_path / "other", frames, precision="fp32", agreement_limit=1.01)
    assert [path.name for path in tmp_path.iterdir()] == ["engine"]


def test_bad_input_writes_nothing(binary_model, frames, tmp_path):
    foreign = write_foreign_model(tmp_path / "foreign.onnx")
    target = tmp_path / "out" / "engine"
    with pytest.raises(EngineError, match="no 'skyseg' metadata"):
        build_engine(foreign, target, frames)
    with pytest.raises(EngineError, match="onnxruntime does not run in precision 'bf16'"):
        build_engine(binary_model, target, frames, backend="onnxruntime", precision="bf16")
    with pytest.raises(EngineError, match="no frames"):
        build_engine(binary_model, target, frames[:0])
    with pytest.raises(EngineError, match=r"not uint8 \[N, 64, 96, 3\]"):
        build_engine(binary_model, target, frames[:, :5])
    assert not target.parent.exists()


def test_a_folder_of_something_else_is_not_replaced(binary_model, frames, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "holiday.jpg").write_bytes(b"x")
    with pytest.raises(UserError, match="not an engine folder"):
        build_engine(binary_model, tmp_path / "photos", frames)
    assert (tmp_path / "photos" / "holiday.jpg").exists()
