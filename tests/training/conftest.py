"""Shared by the tests of training."""

import pytest

from tests.prepared import make_prepared


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """Shards of 24 toy photographs."""
    return make_prepared(tmp_path_factory.mktemp("training"), groups=12)
