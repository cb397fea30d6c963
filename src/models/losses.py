"""Losses that know void and the weights of classes; nothing else in training needs to."""

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import nn
from torch.nn import functional as F

from src.errors import UserError
from src.labels import VOID
from src.params import Loss


def class_weights(
    wanted: Literal["balanced"] | Mapping[str, float] | None, share: Mapping[str, float]
) -> list[float] | None:
    """The weight of each class's pixels, by target index, for `train.class_weights`; None for no weighting.

    Balanced: 1 / (classes x share), so that every class that occurs counts the same in sum and the mean over all
    pixels stays 1 (King & Zeng 2001, "Logistic regression in rare events data"; scikit-learn's "balanced"). A class
    without a pixel gets 1. By name: those given, 1 for the others.

    Args:
        wanted: None, "balanced", or weights > 0 by class name.
        share: of the valid training pixels, by class name, in the order of the target indices.

    Raises:
        UserError: a name that is no class.
    """
    if wanted is None:
        return None
    if wanted == "balanced":
        occurring = sum(pixels > 0 for pixels in share.values())
        return [1 / (occurring * pixels) if pixels > 0 else 1.0 for pixels in share.values()]
    unknown = sorted(wanted.keys() - share.keys())
    if unknown:
        raise UserError(
            f"train.class_weights: no class {', '.join(unknown)}",
            f"the classes are {', '.join(share)}",
            "name classes of labels, or background",
        )
    return [wanted.get(name, 1.0) for name in share]


class SegmentationLoss(nn.Module):
    """A weighted sum of cross-entropy and Dice over the valid pixels.

    One logit channel is scored by binary cross-entropy and Dice on the class, more by softmax cross-entropy and the
    mean Dice of the non-background classes. Dice is pooled over the batch (Milletari et al. 2016, arXiv 1606.04797,
    with the sum in place of squares); pooling keeps images without sky from dominating it.

    Args:
        weights: of cross-entropy and Dice.
        classes: weights of the classes' pixels in the cross-entropy, by target index, background included; None
            weighs all pixels alike. The mean is over the weights, as in torch's own cross-entropy.
    """

    def __init__(self, weights: Loss, classes: Sequence[float] | None = None) -> None:
        super().__init__()
        self.weights = weights
        # Not persistent: a checkpoint is a network, whatever it was trained with.
        self.register_buffer("classes", None if classes is None else torch.tensor(classes), persistent=False)

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
        weight = valid if self.classes is None else valid * self.classes[safe]
        # All void: 0 / 1.
        cross_entropy = (per_pixel * weight).sum() / weight.sum().clamp(min=torch.finfo(per_pixel.dtype).tiny)
        return self.weights.cross_entropy * cross_entropy + self.weights.dice * _dice(chance, truth, valid)


def _dice(chance: torch.Tensor, truth: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """1 - Dice, mean over channels; [N, C, H, W] each, valid [N, H, W]. One pixel of smoothing defines 0/0 as 1."""
    mask = valid.unsqueeze(1)
    chance, truth = chance * mask, truth * mask
    overlap = (chance * truth).sum(dim=(0, 2, 3))
    total = chance.sum(dim=(0, 2, 3)) + truth.sum(dim=(0, 2, 3))
    return (1 - (2 * overlap + 1) / (total + 1)).mean()
