"""Losses that know void and the weights of classes; nothing else in training needs to.

Every loss here is a function of sums over pixels (`SegmentationLoss.sums`, then `.value`). Sums can be added over
batches and over processes, so that the loss of a whole split, or of a batch spread over several GPUs, is exactly what
one process would get from it in one piece.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import nn
from torch.nn import functional as F

from src.errors import UserError
from src.labels import VOID
from src.params import Loss

BAND = 3  # pixels either side of the target's border that the boundary term looks at


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
    """A weighted sum of the terms below over the valid pixels; void counts in none of them.

    - `cross_entropy`: binary for one logit channel, softmax for more; weighted by class.
    - `bce`: binary cross-entropy of each channel against all others, sigmoids for more than one class too.
    - `focal`: cross-entropy x (1 - p of the truth) ^ gamma (Lin et al. 2017, arXiv 1708.02002, eq. 4).
    - `dice`: 1 - Dice (Milletari et al. 2016, arXiv 1606.04797, with the sum in place of squares).
    - `tversky`: 1 - Tversky index (Salehi et al. 2017, arXiv 1706.05721, eq. 3).
    - `lovasz`: Lovasz hinge for one channel, Lovasz-softmax over the classes that occur for more (Berman et al. 2018,
      arXiv 1705.08790). It ranks the pixels of a batch against each other, so it alone is a mean over batches.
    - `boundary`: cross-entropy over the pixels within `BAND` of the target's border: U-Net's weights near borders
      (Ronneberger et al. 2015, arXiv 1505.04597, eq. 2), flat within the band.

    Dice and Tversky are pooled over the batch, mean over the non-background classes: per image, one without sky would
    have a loss of 0 or 1 for a single pixel.

    Args:
        weights: of the terms; those at 0 are not computed.
        classes: weights of the classes' pixels in cross_entropy, bce and focal, by target index, background included;
            None weighs all pixels alike. The mean is over the weights, as in torch's own cross-entropy.
        focal_gamma: >= 0; 0 makes focal cross-entropy.
        tversky_alpha: 0..1, weight of false positives; that of misses is 1 - alpha. 0.5 makes Dice.
    """

    def __init__(
        self,
        weights: Loss,
        classes: Sequence[float] | None = None,
        *,
        focal_gamma: float = 2.0,
        tversky_alpha: float = 0.3,
    ) -> None:
        super().__init__()
        self.weights = {name: weight for name, weight in weights.model_dump().items() if weight}
        # Not persistent: a checkpoint is a network, whatever it was trained with.
        self.register_buffer("classes", None if classes is None else torch.tensor(classes), persistent=False)
        terms: dict[str, _Term] = {
            "cross_entropy": _Term(lambda batch: _weighted(batch.cross_entropy, batch.weight), _mean),
            "bce": _Term(lambda batch: _weighted(batch.binary_cross_entropy, batch.weight), _mean),
            "focal": _Term(lambda batch: _weighted(_focal(batch, focal_gamma), batch.weight), _mean),
            "dice": _Term(_confusion, lambda sums: _tversky(sums, 0.5)),
            "tversky": _Term(_confusion, lambda sums: _tversky(sums, tversky_alpha)),
            "lovasz": _Term(_lovasz, _mean),
            "boundary": _Term(lambda batch: _weighted(batch.cross_entropy, _near_border(batch)), _mean),
        }
        self._terms = {name: terms[name] for name in self.weights}

    def forward(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Logits float [N, C, H, W], target int64 [N, H, W] of class indices and `VOID` -> scalar loss >= 0.

        Finite, with finite gradients, also where all is void.
        """
        return self.value(self.sums(logits, target))

    def sums(self, logits: torch.Tensor, target: torch.Tensor) -> dict[str, torch.Tensor]:
        """What each term adds up over the pixels, float [K] by the term's name; with gradients."""
        batch = _Batch(logits, target, self.classes)
        return {name: term.sums(batch) for name, term in self._terms.items()}

    def value(self, sums: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """The scalar loss of what `sums` gave, added up over any number of batches."""
        return sum(weight * self._terms[name].value(sums[name]) for name, weight in self.weights.items())


class _Batch:
    """Logits and targets, and what several terms compute of them."""

    def __init__(self, logits: torch.Tensor, target: torch.Tensor, classes: torch.Tensor | None) -> None:
        self.logits = logits
        self.valid = target != VOID
        self.target = target.masked_fill(~self.valid, 0)
        self.weight = self.valid.to(logits.dtype) if classes is None else self.valid * classes[self.target]

    @cached_property
    def one_hot(self) -> torch.Tensor:
        """[N, C, H, W] float: one channel for the class of a binary task, else one per class."""
        if self.logits.shape[1] == 1:
            return self.target.unsqueeze(1).to(self.logits.dtype)
        return F.one_hot(self.target, self.logits.shape[1]).movedim(-1, 1).to(self.logits.dtype)

    @cached_property
    def chance(self) -> torch.Tensor:
        """Probabilities, [N, C, H, W]."""
        return self.logits.sigmoid() if self.logits.shape[1] == 1 else self.logits.softmax(dim=1)

    @cached_property
    def cross_entropy(self) -> torch.Tensor:
        """-log of the probability of the truth, [N, H, W]; of class 0 in void."""
        if self.logits.shape[1] == 1:
            return self.binary_cross_entropy
        return F.cross_entropy(self.logits, self.target, reduction="none")

    @cached_property
    def binary_cross_entropy(self) -> torch.Tensor:
        """Mean over the channels, [N, H, W]."""
        return F.binary_cross_entropy_with_logits(self.logits, self.one_hot, reduction="none").mean(dim=1)


@dataclass(frozen=True)
class _Term:
    sums: Callable[[_Batch], torch.Tensor]  # -> [K]
    value: Callable[[torch.Tensor], torch.Tensor]  # of added sums -> scalar


def _weighted(per_pixel: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return torch.stack([(per_pixel * weight).sum(), weight.sum()])


def _mean(sums: torch.Tensor) -> torch.Tensor:
    """[weighted sum, sum of weights] -> mean; 0 where nothing has weight."""
    return sums[0] / sums[1].clamp(min=torch.finfo(sums.dtype).tiny)


def _focal(batch: _Batch, gamma: float) -> torch.Tensor:
    # 1 - p from the cross-entropy itself: exact near p = 1, where its power's gradient would otherwise be of rounding.
    return (-torch.expm1(-batch.cross_entropy)).clamp(min=1e-8) ** gamma * batch.cross_entropy


def _confusion(batch: _Batch) -> torch.Tensor:
    """Soft hits, false positives and misses of each class but the background: [3 C] in that order."""
    mask = batch.valid.unsqueeze(1)
    first = min(1, batch.logits.shape[1] - 1)
    chance, truth = batch.chance[:, first:] * mask, batch.one_hot[:, first:] * mask
    hits = (chance * truth).sum(dim=(0, 2, 3))
    return torch.cat([hits, chance.sum(dim=(0, 2, 3)) - hits, truth.sum(dim=(0, 2, 3)) - hits])


def _tversky(sums: torch.Tensor, alpha: float) -> torch.Tensor:
    """1 - Tversky index, mean over classes. Half a pixel of smoothing defines 0/0 as 1."""
    hits, false, missed = sums.view(3, -1)
    return (1 - (hits + 0.5) / (hits + alpha * false + (1 - alpha) * missed + 0.5)).mean()


def _lovasz(batch: _Batch) -> torch.Tensor:
    """[loss x images, images]."""
    valid, images = batch.valid, len(batch.logits)
    if not valid.any():
        loss = batch.logits.sum() * 0
    elif batch.logits.shape[1] == 1:
        logits, truth = batch.logits[:, 0][valid], batch.one_hot[:, 0][valid]
        loss = _lovasz_extension((1 - logits * (2 * truth - 1)).relu(), truth)
    else:
        chance, truth = batch.chance.movedim(1, -1)[valid], batch.one_hot.movedim(1, -1)[valid]
        occurring = truth.any(dim=0).nonzero().flatten().tolist()
        losses = [_lovasz_extension((truth[:, c] - chance[:, c]).abs(), truth[:, c]) for c in occurring]
        loss = torch.stack(losses).mean()
    return torch.stack([loss * images, loss.new_tensor(float(images))])


def _lovasz_extension(errors: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """The Lovasz extension of 1 - IoU at errors >= 0, both [P] (Berman et al. 2018, algorithm 1)."""
    errors, order = errors.sort(descending=True)
    truth = truth[order]
    union = truth.sum() + (1 - truth).cumsum(0)
    jaccard = 1 - (truth.sum() - truth.cumsum(0)) / union
    return errors @ torch.diff(jaccard, prepend=jaccard.new_zeros(1))


def _near_border(batch: _Batch) -> torch.Tensor:
    """1 for valid pixels within `BAND` rows and columns of another class, also across void, else 0; [N, H, W]."""
    index = batch.target.to(batch.logits.dtype)
    beyond = float(batch.logits.shape[1] + 1)  # more than any class index
    highest = _widest(index.masked_fill(~batch.valid, -beyond))
    lowest = -_widest(-index.masked_fill(~batch.valid, beyond))
    return ((highest > lowest) & batch.valid).to(batch.logits.dtype)


def _widest(values: torch.Tensor) -> torch.Tensor:
    """The maximum over a square of 2 BAND + 1 pixels around each, [N, H, W]."""
    rows = F.max_pool2d(values.unsqueeze(1), (2 * BAND + 1, 1), stride=1, padding=(BAND, 0))
    return F.max_pool2d(rows, (1, 2 * BAND + 1), stride=1, padding=(0, BAND)).squeeze(1)
