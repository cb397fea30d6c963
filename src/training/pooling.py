"""Sums over the processes of a run, with the gradient that makes them one."""

from collections.abc import Mapping

import torch
from torch import distributed


def pooled(sums: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Adds up vectors over all processes, gradients included; without other processes it is the identity.

    The backward pass adds the processes' gradients up as well; `DistributedDataParallel`, which averages what each
    process gets for its weights, then arrives at the gradient of the one loss of the whole batch.
    """
    if not distributed.is_initialized():
        return dict(sums)
    whole = _Sum.apply(torch.cat(list(sums.values())))
    return dict(zip(sums, whole.split([len(part) for part in sums.values()]), strict=True))


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(_context, value: torch.Tensor) -> torch.Tensor:
        return _reduced(value)

    @staticmethod
    def backward(_context, gradient: torch.Tensor) -> torch.Tensor:
        return _reduced(gradient)


def _reduced(value: torch.Tensor) -> torch.Tensor:
    value = value.clone()
    distributed.all_reduce(value)
    return value
