"""Fixtures of the running wing: tiny model files, and a real clip whose horizon tells the frame number."""

from pathlib import Path

import pytest

from tests.model_file import write_binary_model, write_three_class_model
from tests.runtime.clips import write_clip


@pytest.fixture(scope="session")
def binary_model(tmp_path_factory) -> Path:
    return write_binary_model(tmp_path_factory.mktemp("model") / "sky.onnx")


@pytest.fixture(scope="session")
def three_class_model(tmp_path_factory) -> Path:
    return write_three_class_model(tmp_path_factory.mktemp("model") / "lanes.onnx")


@pytest.fixture(scope="session")
def clip(tmp_path_factory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4")
