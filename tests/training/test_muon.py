"""Muon: orthogonal updates for matrices, AdamW for the rest."""

import copy

import pytest
import torch
from torch import nn

from src.training.muon import Muon, orthogonal


@pytest.mark.parametrize("shape", [(8, 72), (72, 8), (16, 16)])
def test_an_orthogonal_matrix_is_u_v_of_the_singular_value_decomposition(shape):
    u, _, v = torch.linalg.svd(torch.randn(shape, generator=torch.Generator().manual_seed(0)), full_matrices=False)
    matrix = u * torch.linspace(1, 0.1, len(v)) @ v
    torch.testing.assert_close(orthogonal(matrix), u @ v, atol=1e-3, rtol=0)
    torch.testing.assert_close(orthogonal(1e-12 * matrix), orthogonal(matrix), atol=1e-4, rtol=0)


def test_noise_below_the_least_singular_value_is_not_raised_to_1():
    matrix = torch.diag(torch.tensor([1.0, 0.5, 1e-6, 0.0]))
    torch.testing.assert_close(orthogonal(matrix).diag(), torch.tensor([1.0, 1.0, 1e-3, 0.0]), atol=1e-4, rtol=0)


@pytest.mark.parametrize("value", [0.0, float("nan"), float("inf")])
def test_gradients_of_nothing_or_not_finite_go_through(value):
    matrix = torch.full((3, 4), value)
    torch.testing.assert_close(orthogonal(matrix), matrix, atol=0, rtol=0, equal_nan=True)


def test_a_kernels_update_is_orthogonal_and_of_the_size_of_adams():
    weight = nn.Parameter(torch.zeros(16, 4, 3, 3))
    optimiser = Muon([weight], lr=0.1)
    weight.grad = torch.randn(weight.shape, generator=torch.Generator().manual_seed(1))
    optimiser.step()
    matrix = weight.detach().flatten(1)
    assert (matrix @ matrix.T / matrix.square().sum() * 16 - torch.eye(16)).abs().max() < 1e-3
    assert matrix.square().mean().sqrt() == pytest.approx(0.1 * 0.2, rel=0.01)


def test_biases_norms_and_depthwise_kernels_move_as_by_adamw():
    network = nn.Sequential(nn.BatchNorm2d(6), nn.Conv2d(6, 6, 3, groups=6))
    other = copy.deepcopy(network)
    ours = Muon(network.parameters(), lr=0.01, weight_decay=0.1)
    groups = [
        {"params": [p for p in other.parameters() if p.ndim > 1], "weight_decay": 0.1},
        {"params": [p for p in other.parameters() if p.ndim == 1], "weight_decay": 0.0},
    ]
    theirs = torch.optim.AdamW(groups, lr=0.01)
    for step in range(5):
        frames = torch.randn(2, 6, 8, 8, generator=torch.Generator().manual_seed(step))
        for net, optimiser in ((network, ours), (other, theirs)):
            optimiser.zero_grad()
            net(frames).square().mean().backward()
            optimiser.step()
    for mine, his in zip(network.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(mine, his)


def test_matrices_decay_and_vectors_do_not():
    weight, bias = nn.Parameter(torch.ones(3, 3)), nn.Parameter(torch.ones(3))
    optimiser = Muon([weight, bias], lr=0.5, weight_decay=0.2)
    weight.grad, bias.grad = torch.zeros(3, 3), torch.zeros(3)
    optimiser.step()
    torch.testing.assert_close(weight.detach(), torch.full((3, 3), 0.9))
    torch.testing.assert_close(bias.detach(), torch.ones(3))


def test_a_restored_state_goes_on_as_if_never_stopped():
    def train(network: nn.Module, optimiser: Muon, seeds: range) -> None:
        for seed in seeds:
            optimiser.zero_grad()
            network(torch.randn(4, 5, generator=torch.Generator().manual_seed(seed))).square().sum().backward()
            optimiser.step()

    torch.manual_seed(0)
    network = nn.Linear(5, 3)
    whole = copy.deepcopy(network)
    train(whole, Muon(whole.parameters(), lr=0.01), range(6))
    first = Muon(network.parameters(), lr=0.01)
    train(network, first, range(3))
    second = Muon(network.parameters(), lr=0.01)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    train(network, second, range(3, 6))
    for mine, his in zip(network.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(mine, his)
