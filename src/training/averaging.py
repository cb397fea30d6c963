"""Means of weights: over a training, and of a tuned network with the one that it started from."""

import copy
from collections.abc import Iterable

import torch
from torch import nn


class Average:
    """The average of a network over its training (Polyak & Juditsky 1992; as used by Tarvainen & Valpola 2017,
    arXiv 1703.01780).

    Running statistics of norms are averaged with the weights that they belong to; counters are copied.

    Args:
        network: its present state starts the average.
        decay: 0..1, the share of the old average that each step keeps. At step t it is (1 + t) / (10 + t) at most
            (the warm-up of tf.train.ExponentialMovingAverage), so that a short run does not stay at its random start.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Takes in the network after optimiser step `step`, counted from 0."""
        share = 1 - min(self.decay, (1 + step) / (10 + step))
        ours, theirs = self.network.state_dict().values(), network.state_dict().values()
        _approach(ours, theirs, share)


class Mixture:
    """A tuned network's weights mixed with those that it started from, which keeps much of what they knew and the
    new data does not show (WiSE-FT, Wortsman et al. 2022, arXiv 2109.01903).

    Args:
        initial: its present state is what others are mixed with.
        share: 0..1, of the initial weights in the mixture.
    """

    def __init__(self, initial: nn.Module, share: float) -> None:
        self._initial = copy.deepcopy(initial.state_dict())
        self._network = copy.deepcopy(initial).eval().requires_grad_(False)
        self.share = share

    @torch.no_grad()
    def of(self, tuned: nn.Module) -> nn.Module:
        """The mixture of `tuned`, as one network that each call fills anew."""
        self._network.load_state_dict(tuned.state_dict())
        _approach(self._network.state_dict().values(), self._initial.values(), self.share)
        return self._network


def _approach(ours: Iterable[torch.Tensor], theirs: Iterable[torch.Tensor], share: float) -> None:
    """Moves `ours` by `share` of the way to `theirs`, in place; what is no float (counters) is copied."""
    pairs = list(zip(ours, theirs, strict=True))
    floats = [(ours, theirs) for ours, theirs in pairs if ours.is_floating_point()]
    torch._foreach_lerp_([ours for ours, _ in floats], [theirs for _, theirs in floats], share)
    for ours, theirs in pairs:
        if not ours.is_floating_point():
            ours.copy_(theirs)
