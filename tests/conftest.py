"""Shared by all tests."""

import os
import signal
from pathlib import Path

import pytest

# On two cores OpenMP's spinning threads slow parallel test processes threefold; asleep, they do not.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from tests.clone import TOY, Clone
from tests.model_file import write_binary_model, write_three_class_model
from tests.runtime.clips import write_clip


def pytest_configure() -> None:
    # In the background of a shell, a process and its children ignore Ctrl-C; some tests send it to theirs.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole pipelines first: one worker is busy with them for minutes while the other does the rest."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Clone:
    """A clone whose toy pipeline has run and is committed. A test that changes it works on a `Clone.copy`."""
    made = Clone.of_working_tree(tmp_path_factory.mktemp("finished") / "clone")
    made.set_params(**TOY)
    (made.path / ".work/repro.log").write_text(made.run("dvc repro"))
    made.commit("first state")
    return made


@pytest.fixture(scope="session")
def binary_model(tmp_path_factory) -> Path:
    return write_binary_model(tmp_path_factory.mktemp("model") / "sky.onnx")


@pytest.fixture(scope="session")
def three_class_model(tmp_path_factory) -> Path:
    return write_three_class_model(tmp_path_factory.mktemp("model") / "lanes.onnx")


@pytest.fixture(scope="session")
def clip(tmp_path_factory) -> Path:
    """A real clip whose horizon tells the frame number."""
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4")
