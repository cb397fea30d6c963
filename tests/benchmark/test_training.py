"""The training benchmark measures what training does, and says so in one row per network."""

import pytest
import torch

from src import params
from src.benchmark import training
from src.errors import UserError
from src.training.learner import Learner
from tests.import_graph import ROOT
from tests.prepared import model_options, train_options


def test_each_network_is_a_row_and_ours_is_the_step_of_training(monkeypatch):
    settings = params.load(ROOT / "params.yaml").model_copy(update={"train": train_options()})
    taken, step = [], Learner.step
    monkeypatch.setattr(Learner, "step", lambda self, batches: taken.append(len(batches)) or step(self, batches))
    [row] = training.compare(settings, [model_options()], size=(64, 32), batch=2, steps=2, compiled=False)
    assert taken == [1] * (2 + training.WARM_UP)
    assert row["speed_up"] == pytest.approx(row["plain_ms"] / row["ours_ms"])
    assert row["compiled_ms"] is None
    assert row["how"] == "64x32, batch 2, 32-true, cpu, 1 threads"
    assert torch.get_num_threads() == 1


def test_a_network_without_an_encoder_is_refused():
    with pytest.raises(UserError, match="--nets: unet"):
        training._net(model_options(), "unet")
