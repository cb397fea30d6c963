"""Pyramid pooling at 1/64: what DDRNet and PIDNet share of it, and how each combines the scales."""

from abc import ABC, abstractmethod

import torch
from torch import nn

from src.models.nets.blocks import norm_relu_conv, resized

POOLS = ((5, 2), (9, 4), (17, 8))  # kernel, stride


class PyramidPooling(nn.Module, ABC):
    """Context at five scales: the input, three average poolings of growing stride and the global mean, each through a
    1x1 convolution; combined by the subclass, compressed to the outputs and added to a 1x1 shortcut of the input.

    Args:
        inputs, outputs: channels.
        branch: channels of each scale.
    """

    def __init__(self, inputs: int, branch: int, outputs: int) -> None:
        super().__init__()
        pools = [nn.AvgPool2d(kernel, stride, kernel // 2) for kernel, stride in POOLS]
        self.pools = nn.ModuleList([nn.Identity(), *pools, nn.AdaptiveAvgPool2d(1)])
        self.scales = nn.ModuleList([norm_relu_conv(inputs, branch) for _ in self.pools])
        self.compression = norm_relu_conv(branch * len(self.pools), outputs)
        self.shortcut = norm_relu_conv(inputs, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first, *coarser = [scale(pool(x)) for pool, scale in zip(self.pools, self.scales, strict=True)]
        combined = self.combine(first, [resized(one, x.shape[2:]) for one in coarser])
        return self.compression(combined) + self.shortcut(x)

    @abstractmethod
    def combine(self, first: torch.Tensor, coarser: list[torch.Tensor]) -> torch.Tensor:
        """The scales, all [N, branch, h, w], from fine to coarse -> [N, 5 x branch, h, w]."""


class DeepAggregation(PyramidPooling):
    """DAPPM: each scale is refined with the finer one before it (DDRNet, arXiv 2101.06085, figure 5)."""

    def __init__(self, inputs: int, branch: int, outputs: int) -> None:
        super().__init__(inputs, branch, outputs)
        self.refine = nn.ModuleList([norm_relu_conv(branch, branch, 3) for _ in range(len(self.pools) - 1)])

    def combine(self, first: torch.Tensor, coarser: list[torch.Tensor]) -> torch.Tensor:
        answers = [first]
        for refine, scale in zip(self.refine, coarser, strict=True):
            answers.append(refine(scale + answers[-1]))
        return torch.cat(answers, dim=1)


class ParallelAggregation(PyramidPooling):
    """PAPPM: all coarse scales at once, in one grouped convolution (PIDNet, arXiv 2206.02066)."""

    def __init__(self, inputs: int, branch: int, outputs: int) -> None:
        super().__init__(inputs, branch, outputs)
        groups = len(self.pools) - 1
        self.refine = norm_relu_conv(branch * groups, branch * groups, 3, groups)

    def combine(self, first: torch.Tensor, coarser: list[torch.Tensor]) -> torch.Tensor:
        return torch.cat([first, self.refine(torch.cat([scale + first for scale in coarser], dim=1))], dim=1)
