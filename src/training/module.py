"""The Lightning module: a segmenter, its loss, its optimiser and its validation figures."""

import lightning
import torch
from torch import nn

from src.labels import VOID
from src.models.zoo import Segmenter
from src.params import Train


class SegmentationModule(lightning.LightningModule):
    """Trains a `Segmenter` on batches of (uint8 [N, H, W, 3], int64 [N, H, W]).

    Logged: `train/loss`, `lr` per step; `val/loss`, `val/iou` (pooled over pixels; mean over the non-background
    classes that occur), `val/accuracy` per epoch, at the model's size.

    Args:
        segmenter: trained in place.
        loss: of logits and targets.
        classes: target classes, background included.
        options: learning rate, weight decay and so on.
        steps: optimiser steps in the whole run, for the schedule.
    """

    def __init__(self, segmenter: Segmenter, loss: nn.Module, classes: int, options: Train, steps: int) -> None:
        super().__init__()
        self.segmenter, self.loss = segmenter, loss
        self.options, self.steps = options, steps
        self.register_buffer("confusion", torch.zeros(classes, classes, dtype=torch.int64), persistent=False)

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], _index: int) -> torch.Tensor:
        frames, target = batch
        loss = self.loss(self.segmenter(frames).float(), target)
        self.log("train/loss", loss, on_step=True, on_epoch=True, batch_size=len(frames))
        self.log("loss", loss, prog_bar=True, logger=False, batch_size=len(frames))
        self.log("lr", self.lr_schedulers().get_last_lr()[0], batch_size=len(frames))
        return loss

    def on_validation_epoch_start(self) -> None:
        self.confusion.zero_()

    def validation_step(self, batch: tuple[torch.Tensor, torch.Tensor], _index: int) -> None:
        frames, target = batch
        logits = self.segmenter(frames).float()
        self.log("val/loss", self.loss(logits, target), batch_size=len(frames))
        labels = (logits[:, 0] > 0).long() if logits.shape[1] == 1 else logits.argmax(dim=1)
        valid = target != VOID
        classes = len(self.confusion)
        pairs = target[valid] * classes + labels[valid]
        self.confusion += torch.bincount(pairs, minlength=classes**2).view(classes, classes)

    def on_validation_epoch_end(self) -> None:
        hits = self.confusion.diag()
        union = self.confusion.sum(0) + self.confusion.sum(1) - hits
        occurs = union[1:] > 0
        iou = (hits[1:] / union[1:].clamp(min=1))[occurs].mean() if occurs.any() else torch.tensor(0.0)
        accuracy = hits.sum() / self.confusion.sum().clamp(min=1)
        self.log("val/iou", iou.float(), prog_bar=True)
        self.log("val/accuracy", accuracy.float())

    def configure_optimizers(self) -> dict:
        """AdamW without decay on biases and norms, under a one-cycle schedule (Smith 2018, arXiv 1803.09820)."""
        decayed = [p for p in self.parameters() if p.requires_grad and p.ndim > 1]
        plain = [p for p in self.parameters() if p.requires_grad and p.ndim <= 1]
        optimiser = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": self.options.weight_decay}, {"params": plain, "weight_decay": 0.0}],
            lr=self.options.lr,
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, self.options.lr, total_steps=self.steps, pct_start=0.2
        )
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
