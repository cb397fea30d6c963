"""Where a run stands: position, history and best epoch; saved with the weights, it is all that resuming takes."""

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from src.files import write_whole

COLUMNS = ("epoch", "lr", "train_loss", "val_loss", "val_iou", "val_dice", "val_accuracy", "seconds")


@dataclass
class Progress:
    """Attributes:

    epoch: in work, from 0.
    step: optimiser steps done in it.
    loss: sum of the losses of those steps.
    seconds: spent on it.
    history: a row (`COLUMNS`) per finished epoch.
    best_epoch: by the monitored val figure; None before the first.
    """

    epoch: int = 0
    step: int = 0
    loss: float = 0.0
    seconds: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int | None = None

    def end_epoch(self, lr: float, val: dict[str, float], monitor: str) -> bool:
        """Writes the epoch's row and goes on to the next; returns whether it was the best so far."""
        row = {"epoch": self.epoch, "lr": lr, "train_loss": self.loss / self.step}
        row |= {f"val_{name}": value for name, value in val.items()} | {"seconds": self.seconds}
        sign = -1 if monitor == "loss" else 1
        key = f"val_{monitor}"
        better = self.best_epoch is None or sign * row[key] > sign * self.history[self.best_epoch][key]
        if better:
            self.best_epoch = self.epoch
        self.history.append(row)
        self.epoch, self.step, self.loss, self.seconds = self.epoch + 1, 0, 0.0, 0.0
        return better

    def finished(self, epochs: int, patience: int) -> bool:
        """Whether all epochs are done, or `patience` of them since the best."""
        stale = self.epoch - 1 - self.best_epoch if self.best_epoch is not None else 0
        return self.epoch >= epochs or stale >= patience

    def write_history(self, path: Path) -> None:
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.history)
        write_whole(path, text.getvalue().encode())

    def summary(self, images: int) -> dict[str, Any]:
        """Figures of the run for the metrics file; `images` are those of the train split."""
        best, seconds = self.history[self.best_epoch], sum(row["seconds"] for row in self.history)
        return {
            "best_epoch": self.best_epoch,
            "epochs": len(self.history),
            "val": {name: best[f"val_{name}"] for name in ("iou", "dice", "loss", "accuracy")},
            "images_per_second": round(len(self.history) * images / seconds, 2),
            "minutes": round(seconds / 60, 2),
        }
