"""The ceiling is what the cores do together, each with a process of its own."""

import numpy as np
import pytest

from src.benchmark import ceiling
from src.runtime.engines.build import build_engine
from tests.model_file import HEIGHT, WIDTH, write_binary_model


@pytest.fixture
def frames():
    return np.random.default_rng(0).integers(0, 256, (2, HEIGHT, WIDTH, 3), np.uint8)


def test_as_many_processes_as_cores_run_together(frames, tmp_path, monkeypatch):
    monkeypatch.setattr(ceiling, "cores", lambda: 2)
    monkeypatch.setattr(ceiling, "_usable_cores", lambda: [None, None])
    model = write_binary_model(tmp_path / "fp32.onnx")
    build_engine(model, tmp_path / "engine", frames, backend="onnxruntime", precision="fp32")
    with ceiling.one_per_core(tmp_path / "engine", frames) as rate:
        assert rate(3) > 0
        assert rate(1) > 0
