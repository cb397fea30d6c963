"""Losses that know void."""

import torch
from torch import nn
from torch.nn import functional as F

from src.labels import VOID
from src.params import Loss


class SegmentationLoss(nn.Module):
    """A weighted sum of cross-entropy and Dice over the valid pixels.

    One logit channel is scored by binary cross-entropy and Dice on the class, more by softmax cross-entropy and the
    mean Dice of the non-background classes. Dice is pooled over the batch (Milletari et al. 2016, arXiv 1606.04797,
    with the sum in place of squares); pooling keeps images without sky from dominating it.
    """

    def __init__(self, weights: Loss) -> None:
        super().__init__()
        self.weights = weights

    def forward(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Logits float [N, C, H, W], target int64 [N, H, W] of class indices and `VOID` -> scalar loss."""
        valid = target != VOID
        safe = target.masked_fill(~valid, 0)
        if logits.shape[1] == 1:
            truth = safe.unsqueeze(1).to(logits.dtype)
            per_pixel = F.binary_cross_entropy_with_logits(logits, truth, reduction="none").squeeze(1)
            chance = logits.sigmoid()
        else:
            truth = F.one_hot(safe, logits.shape[1]).movedim(-1, 1).to(logits.dtype)[:, 1:]
            per_pixel = F.cross_entropy(logits, safe, reduction="none")
            chance = logits.softmax(dim=1)[:, 1:]
        count = valid.sum().clamp(min=1)
        cross_entropy = (per_pixel * valid).sum() / count
        return self.weights.cross_entropy * cross_entropy + self.weights.dice * _dice(chance, truth, valid)


def _dice(chance: torch.Tensor, truth: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """1 - Dice, mean over channels; [N, C, H, W] each, valid [N, H, W]. One pixel of smoothing defines 0/0 as 1."""
    mask = valid.unsqueeze(1)
    chance, truth = chance * mask, truth * mask
    overlap = (chance * truth).sum(dim=(0, 2, 3))
    total = chance.sum(dim=(0, 2, 3)) + truth.sum(dim=(0, 2, 3))
    return (1 - (2 * overlap + 1) / (total + 1)).mean()
