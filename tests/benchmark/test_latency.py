from pathlib import Path

import numpy as np
import pytest

from src.benchmark import latency
from src.benchmark.latency import Conditions, Contender, contenders, measure, timings
from src.errors import EngineError
from src.runtime.engines import choice, onnxruntime, openvino
from src.runtime.engines.build import build_engine
from tests.model_file import HEIGHT, WIDTH, write_variants

CONDITIONS = Conditions(threads=1, batch_sizes=(1, 3), threshold=0.5)


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (4, HEIGHT, WIDTH, 3), np.uint8)


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    return write_variants(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def engine(models, frames, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("built") / "engine"
    build_engine(models, folder, frames, backend="openvino", precision="fp32")
    return folder


def test_contenders_are_all_that_this_machine_has(models, engine, monkeypatch, capsys):
    monkeypatch.setattr(openvino, "unavailable", lambda precision: "no fp16 here" if precision == "fp16" else "")
    monkeypatch.setattr(choice, "installed", lambda backend: backend != "tensorrt")
    found = contenders(Path("c.ckpt"), models, engine)
    onnx = ["onnxruntime fp32", "onnxruntime int8", "openvino fp32", "openvino bf16", "openvino int8"]
    assert [one.name for one in found] == ["torch fp32", *onnx, "engine"]
    assert {one.name: one.path.name for one in found}["openvino int8"] == "int8.onnx"
    said = capsys.readouterr().out
    assert "no openvino fp16: no fp16 here" in said
    assert "no tensorrt int8: not installed" in said


def test_beside_onnx_runtime_on_a_gpu_its_processor_stays_the_reference(models, engine, monkeypatch):
    monkeypatch.setattr(onnxruntime, "on_gpu", lambda: True)
    monkeypatch.setattr(choice, "installed", lambda backend: backend == "onnxruntime")
    found = {one.name: one for one in contenders(Path("c.ckpt"), models, engine, quiet=True)}
    names = ["onnxruntime fp32", "onnxruntime cuda fp32", "onnxruntime cuda fp16", "onnxruntime int8"]
    assert list(found) == ["torch fp32", *names, "onnxruntime cuda int8", "engine"]
    assert {name: one.gpu for name, one in found.items() if "onnx" in name} == {
        name: "cuda" in name for name in found if "onnx" in name
    }


def test_the_reference_needs_no_gpu_where_one_is_claimed(models, frames, monkeypatch):
    def no_device():
        raise EngineError("no usable NVIDIA GPU here")

    monkeypatch.setattr(onnxruntime, "on_gpu", lambda: True)
    monkeypatch.setattr(onnxruntime, "hardware", no_device)
    assert choice.Models.find(models).reference_masks(frames[:1], 1)[0].labels.shape == (1, HEIGHT, WIDTH)


def test_a_row_per_batch_size_and_contender_that_opens(models, engine, frames, monkeypatch, capsys):
    monkeypatch.setattr(latency, "peak_memory", lambda *_: [100.0, 120.0])
    chosen = [
        Contender("onnxruntime fp32", models / "fp32.onnx", "onnxruntime", "fp32"),
        Contender("openvino int8", models / "fp32.onnx", "openvino", "int8"),
        Contender("engine", engine),
    ]
    masks = (np.random.default_rng(2).random((4, HEIGHT, WIDTH)) < 0.5).astype(np.uint8)
    rows = measure(chosen, frames, masks, conditions=CONDITIONS, runs=10, warmup=0)
    assert [(row["contender"], row["batch"]) for row in rows] == [
        ("onnxruntime fp32", 1), ("engine", 1), ("onnxruntime fp32", 3), ("engine", 3),
    ]  # fmt: skip
    assert "benchmark: no openvino int8: " in capsys.readouterr().out
    for row in rows:
        assert 0 < row["p50_ms"] <= row["p95_ms"] <= row["p99_ms"]
        assert row["fps"] == pytest.approx(1000 * row["batch"] / row["p50_ms"])
        assert row["agreement"] > 0.999
        assert 0 < row["iou"] < 1
        assert row["kernel_ms"] is row["share_of_limit"] is None
    assert [row["peak_rss_mb"] for row in rows] == [100, 100, 120, 120]
    assert rows[0]["speed_up"] == rows[2]["speed_up"] == 1


def test_peak_memory_is_that_of_a_process_of_its_own(models, frames):
    one = Contender("onnxruntime fp32", models / "fp32.onnx", "onnxruntime", "fp32")
    peaks = latency.peak_memory(one, frames, CONDITIONS)
    assert len(peaks) == 2
    assert 20 < peaks[0] <= peaks[1]


def test_timings_state_their_noise():
    figures = timings([0.010, 0.010, 0.012, 0.008, 0.030], batch=4)
    assert figures["p50_ms"] == pytest.approx(10)
    assert figures["noise"] == pytest.approx(0.2)  # deviations 0, 0, 2, 2, 20 ms
    assert figures["fps"] == pytest.approx(400)


def test_batches_wrap_around(frames):
    batches = latency._batches(frames[:2], 5)
    assert [len(batch) for batch in batches] == [5, 5]
    assert np.array_equal(batches[1], frames[[1, 0, 1, 0, 1]])
