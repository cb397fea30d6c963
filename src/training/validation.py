"""Figures of a network on the val split, at the model's size."""

from collections.abc import Iterable

import torch
from lightning.fabric import Fabric

from src.labels import VOID
from src.models.losses import SegmentationLoss
from src.models.zoo import Segmenter
from src.training.learner import Batch
from src.training.pooling import pooled


@torch.no_grad()
def validate(
    fabric: Fabric, segmenter: Segmenter, loss: SegmentationLoss, batches: Iterable[Batch], classes: int
) -> dict[str, float]:
    """Loss, IoU, Dice and pixel accuracy over the batches of all processes together.

    All are pooled over pixels, void left out; IoU and Dice are means over the non-background classes that occur, in
    targets or predictions.

    Args:
        segmenter: put into evaluation mode.
        batches: this process's, maybe none; (uint8 [N, H, W, 3], int64 [N, H, W]).
        classes: background included.
    """
    segmenter.eval()
    # A pixel of void adds nothing, and names every sum for a process without batches.
    logits = torch.zeros(1, 1 if classes == 2 else classes, 1, 1, device=fabric.device)
    nothing = _sums(logits, torch.full((1, 1, 1), VOID, device=fabric.device), loss, classes)
    sums = {name: part * 0 for name, part in nothing.items()}
    for frames, target in batches:
        with fabric.autocast():
            logits = segmenter(frames.to(fabric.device, non_blocking=True))
        target = target.to(fabric.device, non_blocking=True)
        for name, part in _sums(logits.float(), target, loss, classes).items():
            sums[name] += part
    sums = pooled(sums)
    confusion = sums.pop("confusion").view(classes, classes)
    hits, seen = confusion.diag(), confusion.sum(0) + confusion.sum(1)
    occurs = seen[1:] > 0
    hits_of, seen_of = hits[1:][occurs], seen[1:][occurs]
    return {
        "loss": loss.value(sums).item(),
        "iou": (hits_of / (seen_of - hits_of)).mean().item() if occurs.any() else 0.0,
        "dice": (2 * hits_of / seen_of).mean().item() if occurs.any() else 0.0,
        "accuracy": (hits.sum() / confusion.sum().clamp(min=1)).item(),
    }


def _sums(logits: torch.Tensor, target: torch.Tensor, loss: SegmentationLoss, classes: int) -> dict[str, torch.Tensor]:
    """Those of the loss, and the confusion of truth (rows) and prediction, flat; in float64, which counts exactly."""
    labels = (logits[:, 0] > 0).long() if logits.shape[1] == 1 else logits.argmax(dim=1)
    valid = target != VOID
    confusion = torch.bincount(target[valid] * classes + labels[valid], minlength=classes**2)
    exact = torch.float32 if logits.device.type == "mps" else torch.float64  # Apple's GPUs have none
    return {name: part.to(exact) for name, part in (loss.sums(logits, target) | {"confusion": confusion}).items()}
