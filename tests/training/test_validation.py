"""Figures over a split: pooled over pixels, void left out."""

import pytest
import torch
from lightning.fabric import Fabric
from torch import nn

from src.labels import VOID
from src.models.losses import SegmentationLoss
from src.training.validation import validate
from tests.prepared import loss_weights

LOSS = SegmentationLoss(loss_weights(cross_entropy=1.0, dice=1.0, boundary=1.0))


class Echo(nn.Module):
    """Predicts for each pixel the class that its red value names."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, frames):
        red = frames[..., 0].long()
        if self.channels == 1:
            return (red * 2.0 - 1).unsqueeze(1) * 5
        return 5 * nn.functional.one_hot(red, self.channels).movedim(-1, 1).float()


def figures(predicted: list, target: list, classes: int, parts: int = 1) -> dict[str, float]:
    frames = torch.tensor(predicted, dtype=torch.uint8).view(-1, 1, len(predicted[0]), 1).expand(-1, -1, -1, 3)
    truth = torch.tensor(target).view(-1, 1, len(target[0]))
    batches = list(zip(frames.chunk(parts), truth.chunk(parts), strict=True))
    fabric = Fabric(accelerator="cpu", devices=1)
    return validate(fabric, Echo(1 if classes == 2 else classes), LOSS, batches, classes)


def test_binary_figures_are_those_of_the_class():
    found = figures([[1, 1, 0, 0, 1]], [[1, 0, 1, 0, VOID]], 2)
    assert (found["iou"], found["dice"], found["accuracy"]) == pytest.approx((1 / 3, 1 / 2, 1 / 2))


def test_multi_class_figures_are_means_over_the_classes_that_occur():
    # Class 1: 1 of 2; class 2: 1 of 2; class 3 nowhere; background does not count in IoU.
    found = figures([[0, 1, 2, 1]], [[0, 1, 2, 2]], 4)
    assert (found["iou"], found["dice"]) == pytest.approx((1 / 2, 2 / 3))
    assert found["accuracy"] == 0.75


def test_batches_are_pooled_not_averaged():
    predicted, target = [[1, 1, 1, 1], [1, 0, 0, 0]], [[1, 1, 1, 0], [0, 0, 1, VOID]]
    assert figures(predicted, target, 2, parts=2) == pytest.approx(figures(predicted, target, 2), rel=1e-6)


def test_nothing_but_void_has_figures_all_the_same():
    assert figures([[1, 0]], [[VOID, VOID]], 2) == pytest.approx({"loss": 0, "iou": 0, "dice": 0, "accuracy": 0})
