import importlib
import json
from pathlib import Path

import numpy as np
import pytest

from src.errors import EngineError, UserError
from src.hardware import processor
from src.runtime import open_engine
from src.runtime.engines import choice, openvino
from src.runtime.engines.base import Engine
from src.runtime.engines.build import build_engine
from src.runtime.engines.record import sha256
from tests.model_file import HEIGHT, WIDTH, binary_card, write_binary_model, write_foreign_model, write_variants

FIELDS = {
    "format", "backend", "precision", "reason", "candidates", "settings", "payload", "files", "card", "onnx_sha256",
    "reference_sha256", "versions", "hardware", "shapes", "agreement", "build_seconds",
}  # fmt: skip


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (3, HEIGHT, WIDTH, 3), np.uint8)


@pytest.fixture(scope="module")
def variants(tmp_path_factory) -> Path:
    return write_variants(tmp_path_factory.mktemp("variants"))


@pytest.fixture
def every_precision(monkeypatch):
    """A processor that computes in all of them."""
    monkeypatch.setattr(openvino, "unavailable", lambda precision: "")


@pytest.fixture
def take(monkeypatch):
    """Sets how many milliseconds each variant takes, by its name; 9 where not named."""

    def set_times(**milliseconds: float) -> None:
        def timed(calls, *_, **__):
            infos = [call.__self__.info for call in calls]
            return [[milliseconds.get(f"{info.backend}_{info.precision}", 9.0) / 1000] for info in infos]

        monkeypatch.setattr(choice, "interleaved", timed)

    return set_times


def test_the_record_says_what_was_built_and_for_whom(binary_model, frames, tmp_path, capsys):
    record = build_engine(binary_model, tmp_path / "engine", frames, backend="openvino", precision="fp32")
    assert record == json.loads((tmp_path / "engine" / "engine.json").read_text())
    assert set(record) == FIELDS
    assert record["onnx_sha256"] == record["reference_sha256"] == sha256(binary_model)
    assert record["hardware"] == processor()
    assert record["settings"]["INFERENCE_PRECISION_HINT"] == "f32"
    assert record["shapes"]["frames"] == ["N", HEIGHT, WIDTH, 3]
    assert record["agreement"]["frames"] == 3
    assert record["agreement"]["label_agreement"] >= record["agreement"]["limit"] == 0.99
    assert record["agreement"]["max_confidence_difference"] <= 1
    [candidate] = record["candidates"]
    assert (candidate["backend"], candidate["precision"]) == ("openvino", "fp32")
    assert candidate["ms"] > 0
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["engine", "engine.json", "model.blob", "probe.npz"]
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1
    assert "openvino fp32 (as asked; labels agree on" in printed


def test_auto_takes_the_fastest_by_measuring_and_says_so_in_one_line(
    variants, frames, tmp_path, take, every_precision, capsys
):
    take(openvino_bf16=3, openvino_fp16=2, openvino_int8=4, onnxruntime_int8=5)
    record = build_engine(variants, tmp_path / "engine", frames, agreement_limit=0.5)
    assert (record["backend"], record["precision"]) == ("openvino", "fp16")
    assert record["onnx_sha256"] == sha256(variants / "fp16.onnx")
    assert record["reference_sha256"] == sha256(variants / "fp32.onnx")
    looked_at = {(c["backend"], c["precision"]): c.get("ms") for c in record["candidates"]}
    assert looked_at["openvino", "bf16"] == 3
    assert looked_at["onnxruntime", "fp32"] == 9
    assert looked_at["tensorrt", "fp16"] is None
    assert "fastest within the limit: 2.00 ms (openvino bf16 3.00, openvino int8 4.00" in record["reason"]
    assert "tensorrt fp32/fp16/int8 left out: " in record["reason"]
    printed = capsys.readouterr().out
    assert record["reason"] in printed
    assert printed.count("\n") == 1


def test_a_variant_that_disagrees_does_not_win_and_int8_has_a_limit_of_its_own(
    variants, frames, tmp_path, take, every_precision, monkeypatch
):
    take(openvino_bf16=1, openvino_int8=2, onnxruntime_fp32=3)
    shares = {"bf16": 0.985, "int8": 0.985}

    def poor(engine, frames, reference):
        share = shares.get(engine.info.precision, 1.0)
        return choice.Agreement(share, 1, (share,) * len(frames))

    monkeypatch.setattr(choice, "agreement", poor)
    record = build_engine(variants, tmp_path / "engine", frames)
    assert (record["backend"], record["precision"]) == ("openvino", "int8")
    assert record["agreement"]["limit"] == 0.98
    assert "openvino bf16 agrees on 98.50%, the limit is 99.00%" in record["reason"]
    strict = build_engine(variants, tmp_path / "engine", frames, int8_agreement_limit=0.99)
    assert (strict["backend"], strict["precision"]) == ("onnxruntime", "fp32")


def test_of_two_as_fast_the_one_that_agrees_better_wins(variants, frames, tmp_path, take, every_precision, monkeypatch):
    take(openvino_bf16=1.0, openvino_fp32=1.02)
    share = {"bf16": 0.995}
    monkeypatch.setattr(
        choice,
        "agreement",
        lambda engine, frames, _: choice.Agreement(share.get(engine.info.precision, 1.0), 0, (1.0,) * len(frames)),
    )
    record = build_engine(variants, tmp_path / "engine", frames, backend="openvino")
    assert record["precision"] == "fp32"
    assert "as fast as openvino bf16 and agrees better: 1.02 ms (openvino bf16 1.00" in record["reason"]


def test_what_cannot_run_here_is_left_out_with_the_reason(binary_model, frames, tmp_path, take, monkeypatch):
    take()
    monkeypatch.setattr(openvino, "bf16_flag", lambda: None)
    record = build_engine(binary_model, tmp_path / "engine", frames)
    left_out = {(c["backend"], c["precision"]): c.get("left_out") for c in record["candidates"]}
    assert left_out["openvino", "fp32"] is None
    assert left_out["openvino", "bf16"] == "the processor has no bf16 arithmetic"
    assert left_out["openvino", "int8"] == "no int8 model file"
    assert "fp32 as" not in left_out["onnxruntime", "fp16"]
    monkeypatch.setattr(choice, "installed", lambda backend: backend == "onnxruntime")
    record = build_engine(binary_model, tmp_path / "engine", frames)
    assert (record["backend"], record["precision"], record["payload"]) == ("onnxruntime", "fp32", "model.onnx")
    assert "openvino fp32/bf16/fp16/int8 left out: not installed" in record["reason"]
    assert record["agreement"]["label_agreement"] == 1


def test_a_variant_that_fails_to_open_is_left_out_by_auto_alone(variants, frames, tmp_path, take):
    take(openvino_int8=1)
    content = (variants / "int8.onnx").read_bytes()
    broken = write_variants(tmp_path / "broken")
    (broken / "int8.onnx").write_bytes(content.replace(b"Sigmoid", b"Sigmoyd"))
    record = build_engine(broken, tmp_path / "engine", frames)
    assert record["precision"] != "int8"
    why = {c["backend"]: c["left_out"] for c in record["candidates"] if c["precision"] == "int8"}
    assert "OpenVINO cannot compile it" in why["openvino"]
    assert "ONNX Runtime cannot load it" in why["onnxruntime"]
    with pytest.raises(EngineError, match="cannot"):
        build_engine(broken, tmp_path / "other", frames, backend="onnxruntime", precision="int8")
    assert not (tmp_path / "other").exists()


def test_a_variant_that_fails_to_run_is_left_out_by_auto(variants, frames, tmp_path, take, monkeypatch):
    take(onnxruntime_int8=1, openvino_int8=1)
    infer = Engine.infer

    def fails_in_int8(engine, given):
        if engine.info.precision == "int8":
            raise EngineError("int8 failed", "out of memory")
        return infer(engine, given)

    monkeypatch.setattr(Engine, "infer", fails_in_int8)
    record = build_engine(variants, tmp_path / "engine", frames)
    assert record["precision"] != "int8"
    assert "int8 left out: int8 failed: out of memory" in record["reason"]


def test_a_library_that_does_not_load_is_left_out_by_auto(binary_model, frames, tmp_path, take, monkeypatch):
    take()
    load = importlib.import_module

    def broken(name):
        if name == "openvino":
            raise ImportError("libopenvino.so: cannot open shared object file")
        return load(name)

    monkeypatch.setattr("importlib.import_module", broken)
    monkeypatch.setattr(openvino, "_core", openvino._core.__wrapped__)  # not the one that is loaded already
    record = build_engine(binary_model, tmp_path / "engine", frames)
    assert record["backend"] == "onnxruntime"
    assert "openvino cannot be loaded: libopenvino.so: cannot open" in record["reason"]
    with pytest.raises(EngineError, match="openvino cannot be loaded") as caught:
        open_engine(binary_model)
    assert "install openvino" in caught.value.fix


@pytest.mark.parametrize("precision", ["bf16", "fp16", "int8"])
def test_openvino_below_fp32_keeps_the_fp32_model_file_beside_it(variants, precision, frames, tmp_path):
    record = build_engine(
        variants, tmp_path / "engine", frames, backend="openvino", precision=precision, agreement_limit=0.5
    )
    assert record["files"]["fallback.onnx"] == sha256(variants / "fp32.onnx")
    assert record["onnx_sha256"] == sha256(variants / f"{choice.GRAPH_OF[precision]}.onnx")
    with open_engine(tmp_path / "engine", model=variants) as engine:
        assert engine.info.precision == precision
        engine.infer(frames)


def test_a_build_that_disagrees_is_refused_and_leaves_the_old_engine(binary_model, frames, tmp_path):
    build_engine(binary_model, tmp_path / "engine", frames, precision="fp32")
    before = (tmp_path / "engine" / "engine.json").read_bytes()
    with pytest.raises(EngineError, match="no engine agrees with the model file") as caught:
        build_engine(binary_model, tmp_path / "engine", frames, precision="fp32", agreement_limit=1.01)
    assert "the limit is 101.00%" in caught.value.why
    assert (tmp_path / "engine" / "engine.json").read_bytes() == before
    with pytest.raises(EngineError):
        build_engine(binary_model, tmp_path / "other", frames, precision="fp32", agreement_limit=1.01)
    assert [path.name for path in tmp_path.iterdir()] == ["engine"]


def test_what_lies_beside_an_engine_is_not_lost(binary_model, frames, tmp_path):
    out = tmp_path / "engine"
    build_engine(binary_model, out, frames, precision="fp32")
    build_engine(binary_model, out, frames, precision="fp32")
    (out / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"notes\.txt would be lost"):
        build_engine(binary_model, out, frames, precision="fp32")
    assert (out / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_a_build_that_is_broken_off_while_it_is_put_in_place_leaves_the_old_engine(
    error, binary_model, frames, tmp_path, monkeypatch
):
    out = tmp_path / "engine"
    build_engine(binary_model, out, frames, precision="fp32")
    before, rename = (out / "engine.json").read_bytes(), Path.rename

    def breaks_off(path, target):
        if path.name == "fresh":
            raise error
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", breaks_off)
    with pytest.raises((error, UserError)):
        build_engine(binary_model, out, frames, precision="fp32")
    assert (out / "engine.json").read_bytes() == before


def test_frames_of_one_class_alone_are_warned_of(binary_model, frames, tmp_path, capsys):
    build_engine(binary_model, tmp_path / "engine", np.zeros_like(frames) + np.uint8([0, 0, 255]), precision="fp32")
    assert "warning: no frame shows more than one class" in capsys.readouterr().err


def test_what_a_killed_export_left_is_no_model_file(variants, tmp_path):
    folder = tmp_path / "onnx"
    folder.mkdir()
    (folder / ".fp32.part.onnx").write_bytes((variants / "fp32.onnx").read_bytes()[:1000])
    (folder / "fp32.onnx").write_bytes((variants / "fp32.onnx").read_bytes())
    assert list(choice.Models.find(folder).files) == ["fp32"]


def test_a_precision_that_the_processor_lacks_is_told(binary_model, frames, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(openvino, "_hint", lambda precision: "never")
    settings = openvino._settings
    monkeypatch.setattr(openvino, "_settings", lambda *given: settings(*given) | {openvino.HINT: "f32"})
    with open_engine(binary_model, backend="openvino", precision="bf16") as engine:
        assert engine.settings[openvino.HINT] == "f32"
    assert "warning: this processor has no bf16 arithmetic: OpenVINO computes in f32" in capsys.readouterr().err


def test_bad_input_writes_nothing(binary_model, frames, tmp_path):
    foreign = write_foreign_model(tmp_path / "foreign.onnx")
    (tmp_path / "empty").mkdir()
    target = tmp_path / "out" / "engine"
    with pytest.raises(EngineError, match="no 'skyseg' metadata"):
        build_engine(foreign, target, frames)
    with pytest.raises(EngineError, match=r"holds no \.onnx model file"):
        build_engine(tmp_path / "empty", target, frames)
    with pytest.raises(EngineError, match="onnxruntime does not run in precision 'bf16'"):
        build_engine(binary_model, target, frames, backend="onnxruntime", precision="bf16")
    with pytest.raises(EngineError, match="no int8 model file"):
        build_engine(binary_model, target, frames, backend="onnxruntime", precision="int8")
    with pytest.raises(EngineError, match="no backend 'tensorflow'"):
        build_engine(binary_model, target, frames, backend="tensorflow")
    with pytest.raises(EngineError, match="no frames"):
        build_engine(binary_model, target, frames[:0])
    with pytest.raises(EngineError, match=r"not uint8 \[N, 64, 96, 3\]"):
        build_engine(binary_model, target, frames[:, :5])
    assert not target.parent.exists()


def test_files_of_different_models_are_refused(frames, tmp_path):
    folder = write_variants(tmp_path / "onnx")
    for card in (binary_card(precision="int8", width=WIDTH * 2), binary_card(precision="int8", git_revision="older")):
        write_binary_model(folder / "int8.onnx", card)
        with pytest.raises(EngineError, match="does not belong with"):
            build_engine(folder, tmp_path / "engine", frames)
    write_binary_model(folder / "int8.onnx", binary_card(precision="fp16"))
    with pytest.raises(EngineError, match="does not belong with"):
        build_engine(folder, tmp_path / "engine", frames)
    for name in ("fp32", "int8"):
        (folder / f"{name}.onnx").unlink()
    write_binary_model(folder / "int8.onnx", binary_card(precision="int8"))
    with pytest.raises(EngineError, match="has no fp32 model file"):
        build_engine(folder, tmp_path / "engine", frames)
    assert not (tmp_path / "engine").exists()


def test_a_folder_of_something_else_is_not_replaced(binary_model, frames, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "holiday.jpg").write_bytes(b"x")
    with pytest.raises(UserError, match="not an engine folder"):
        build_engine(binary_model, tmp_path / "photos", frames)
    assert (tmp_path / "photos" / "holiday.jpg").exists()


def test_a_folder_that_cannot_be_written_is_told_before_measuring(binary_model, frames, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(choice, "interleaved", None)  # nothing is measured
    with pytest.raises(UserError, match="file"):
        build_engine(binary_model, tmp_path / "file" / "engine", frames, backend="openvino")


def test_an_engine_that_cannot_be_put_in_place_leaves_the_old_one(binary_model, frames, tmp_path, monkeypatch):
    asked = {"backend": "openvino", "precision": "fp32"}
    build_engine(binary_model, tmp_path / "engine", frames, **asked)
    before = (tmp_path / "engine/engine.json").read_bytes()
    rename = Path.rename

    def refuse(path, target):
        if path.name == "fresh":
            raise OSError(28, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(UserError, match="cannot be written") as caught:
        build_engine(binary_model, tmp_path / "engine", frames, **asked)
    assert "free space" in caught.value.fix
    assert (tmp_path / "engine/engine.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["engine"]
