"""Shared by all tests."""

import os
import signal

import pytest

# On two cores OpenMP's spinning threads slow parallel test processes threefold; asleep, they do not.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from tests.clone import TOY, Clone


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
    made.run("dvc repro")
    made.commit("first state")
    return made
