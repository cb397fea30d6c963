"""Optimisers and schedules do what their names say."""

import math

import pytest
import torch
from torch import nn

from src.training.muon import Muon
from src.training.optim import build_optimiser, build_schedule
from tests.prepared import train_options

STEPS = 100


def rates(steps: int = STEPS, **changes) -> list[float]:
    """The rate at each step of a run, and after it."""
    options = train_options(lr=1.0, **changes)
    optimiser = build_optimiser(nn.Linear(2, 2), options)
    schedule = build_schedule(optimiser, options, steps)
    found = []
    for _ in range(steps):
        found.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    return [*found, optimiser.param_groups[0]["lr"]]


@pytest.mark.parametrize("schedule", ["cosine", "poly", "constant"])
def test_a_warm_up_rises_in_even_steps_to_the_rate(schedule):
    found = rates(schedule=schedule, warmup=0.1)
    assert found[:10] == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert max(found) == found[10] == 1.0


def test_cosine_poly_and_constant_go_on_as_their_formulas_do():
    progress = [step / STEPS for step in range(STEPS + 1)]
    assert rates(schedule="cosine", warmup=0.0) == pytest.approx([(1 + math.cos(math.pi * p)) / 2 for p in progress])
    assert rates(schedule="poly", warmup=0.0, poly_power=0.9) == pytest.approx([(1 - p) ** 0.9 for p in progress])
    assert rates(schedule="constant", warmup=0.0) == [1.0] * (STEPS + 1)


def test_one_cycle_peaks_at_the_end_of_its_warm_up_and_ends_near_0():
    found = rates(schedule="one_cycle", warmup=0.2)
    assert found.index(max(found)) == 19
    assert found[0] == pytest.approx(1 / 25)
    assert found[-2] < 1e-3


@pytest.mark.parametrize(("steps", "warmup"), [(5, 0.2), (2, 0.5), (10, 0.1)])
def test_one_cycle_takes_a_warm_up_of_one_step(steps, warmup):
    found = rates(steps, schedule="one_cycle", warmup=warmup)[:steps]
    assert found[0] == pytest.approx(1.0, abs=0.01)
    assert found == sorted(found, reverse=True)


@pytest.mark.parametrize("name", ["sgd", "muon"])
def test_one_cycle_leaves_momentum_to_the_user(name):
    options = train_options(optimizer=name, momentum=0.7, schedule="one_cycle")
    optimiser = build_optimiser(nn.Linear(2, 2), options)
    build_schedule(optimiser, options, STEPS)
    assert optimiser.param_groups[0]["momentum"] == 0.7


def test_sgd_does_not_look_ahead():
    optimiser = build_optimiser(nn.Linear(2, 2), train_options(optimizer="sgd", schedule="constant"))
    assert not optimiser.param_groups[0]["nesterov"]


def test_plateau_falls_after_epochs_without_a_better_loss():
    options = train_options(lr=1.0, schedule="plateau", plateau_factor=0.5, plateau_patience=1)
    optimiser = build_optimiser(nn.Linear(2, 2), options)
    schedule = build_schedule(optimiser, options, STEPS)
    found = []
    for loss in (1.0, 0.9, 0.95, 0.9, 0.8, 0.8, 0.8):
        schedule.step(loss)
        found.append(optimiser.param_groups[0]["lr"])
    assert found == [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("adamw", torch.optim.AdamW), ("adam", torch.optim.Adam), ("sgd", torch.optim.SGD), ("muon", Muon)],
)
def test_biases_and_norms_do_not_decay(name, kind):
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    optimiser = build_optimiser(network, train_options(optimizer=name, weight_decay=0.1))
    assert type(optimiser) is kind
    decay = {id(p): group["weight_decay"] for group in optimiser.param_groups for p in group["params"]}
    assert [decay[id(p)] for p in network.parameters()] == [0.1, 0.0, 0.0, 0.0]
