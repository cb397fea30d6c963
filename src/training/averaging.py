"""An exponential moving average of the weights: often better than the last ones, at the cost of a copy."""

import copy

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
        pairs = list(zip(ours, theirs, strict=True))
        floats = [(ours, theirs) for ours, theirs in pairs if ours.is_floating_point()]
        torch._foreach_lerp_([ours for ours, _ in floats], [theirs for _, theirs in floats], share)
        for ours, theirs in pairs:
            if not ours.is_floating_point():
                ours.copy_(theirs)
