"""A checkpoint against the photographs themselves: at their own size, with their own labels."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from tqdm import tqdm

from src.data.images import read_image, read_mask
from src.data.index import IndexRow
from src.data.splits import UNSEEN
from src.evaluation.curves import best_level
from src.evaluation.metrics import ImageScore, Tally
from src.evaluation.temporal import FlickerTally
from src.model_card import ClassInfo
from src.models.portable import PortableModel
from src.models.zoo import load_checkpoint
from src.runtime.frames import prepare, upscale_confidence, upscale_labels

SPLITS = ("val", "test", UNSEEN)
BATCH = 8


@dataclass(frozen=True)
class Prediction:
    """One photograph with its truth and the model's answer, all at the photograph's size.

    Attributes:
        row: its index row.
        image: BGR uint8 [H, W, 3].
        target: uint8 [H, W] of class indices and void.
        labels: uint8 [H, W] of class indices.
        confidence: uint8 [H, W], see the model file contract.
    """

    row: IndexRow
    image: np.ndarray
    target: np.ndarray
    labels: np.ndarray
    confidence: np.ndarray


class Evaluator:
    """Runs a checkpoint over index rows.

    Args:
        checkpoint: of the train stage.
        lookups: by source, uint8 [256]: native mask value -> target index or void.
        threshold: probability from which a pixel is of class 1.
    """

    def __init__(self, checkpoint: Path, lookups: Mapping[str, np.ndarray], threshold: float) -> None:
        segmenter, spec = load_checkpoint(checkpoint)
        self.card = spec.card(threshold)
        self.lookups = lookups
        self._model = PortableModel(segmenter.to(memory_format=torch.channels_last), threshold).eval()

    def predict(self, rows: Sequence[IndexRow]) -> Iterator[Prediction]:
        """A prediction per row, in order; a few photographs in memory at a time."""
        for start in range(0, len(rows), BATCH):
            part = rows[start : start + BATCH]
            images = [read_image(Path(row.image)) for row in part]
            frames = np.stack([prepare(image, self.card) for image in images])
            with torch.inference_mode():
                labels, confidence = (out.numpy() for out in self._model(torch.from_numpy(frames)))
            for i, (row, image) in enumerate(zip(part, images, strict=True)):
                height, width = image.shape[:2]
                yield Prediction(
                    row,
                    image,
                    target=cv2.LUT(read_mask(Path(row.label)), self.lookups[row.source]),
                    labels=upscale_labels(labels[i], confidence[i], width, height, self.card),
                    confidence=upscale_confidence(confidence[i], width, height),
                )


@dataclass
class Score:
    """The figures of some images, and of the sequences among them."""

    tally: Tally
    flicker: FlickerTally

    @classmethod
    def of_classes(cls, classes: Sequence[ClassInfo]) -> "Score":
        return cls(Tally(classes), FlickerTally())

    def merge(self, other: "Score") -> None:
        self.tally.merge(other.tally)
        self.flicker.merge(other.flicker)

    def figures(self) -> dict[str, float]:
        """By name; what there is nothing to measure on is left out. See `Tally` and `FlickerTally`."""
        error = self.tally.calibration()
        calibration = {} if error is None else {"calibration_error": error}
        return self.tally.summary() | calibration | self.flicker.summary()


@dataclass
class SplitScore:
    """The figures of one split.

    Attributes:
        whole: of all its images.
        sources: by source.
        groups: a row {source, split, group, figures ...} per group.
        images: every image's row of the index with its own figures.
    """

    whole: Score
    sources: dict[str, Score] = field(default_factory=dict)
    groups: list[dict[str, Any]] = field(default_factory=list)
    images: list[tuple[IndexRow, ImageScore]] = field(default_factory=list)


def score(evaluator: Evaluator, index: Sequence[IndexRow], sequences: Collection[str]) -> dict[str, SplitScore]:
    """Scores the rows of val, test and unseen, split by split; a split without an image is left out.

    Args:
        evaluator: the checkpoint.
        index: kept rows.
        sequences: sources whose groups are clips: there flicker is measured, in the order of the rows.
    """
    scored = {}
    for split in SPLITS:
        # Sorting is stable: a group comes in one piece, its frames in their order.
        rows = sorted((row for row in index if row.split == split), key=_group)
        if rows:
            progress = tqdm(evaluator.predict(rows), desc=f"evaluate {split}", total=len(rows), unit="image")
            scored[split] = _score_split(progress, evaluator.card.classes, sequences)
    return scored


def metrics(scored: Mapping[str, SplitScore]) -> dict:
    """The committed figures: {split: {iou, ...}, "source": {source: {split: {...}}}, "threshold": {...}}.

    `threshold`, for a binary task, says which threshold would have given the best IoU on val, and the IoU that it
    gives on each split: what there is to gain by `export.threshold`, told without choosing it on the test split.
    """
    by_source: dict[str, dict[str, dict[str, float]]] = defaultdict(dict)
    for split, found in scored.items():
        for source, part in found.sources.items():
            by_source[source][split] = part.figures()
    curves = {split: found.whole.tally.curves() for split, found in scored.items()}
    threshold = {}
    if chosen_on := curves.get("val"):
        level = best_level([row["iou"] for row in chosen_on])
        ious = {f"{split}_iou": curve[level]["iou"] for split, curve in curves.items() if curve}
        threshold = {"threshold": {"best": chosen_on[level]["threshold"], **ious}}
    return {split: found.whole.figures() for split, found in scored.items()} | {"source": dict(by_source)} | threshold


def _group(row: IndexRow) -> tuple[str, str]:
    return row.source, row.group


def _score_split(
    predictions: Iterable[Prediction], classes: Sequence[ClassInfo], sequences: Collection[str]
) -> SplitScore:
    found = SplitScore(Score.of_classes(classes))
    for (source, group), members in groupby(predictions, key=lambda one: _group(one.row)):
        part = Score.of_classes(classes)
        for one in members:
            found.images.append((one.row, part.tally.add(one.target, one.labels, one.confidence)))
            if source in sequences:
                part.flicker.add(one.target, one.labels)
        found.groups.append({"source": source, "split": one.row.split, "group": group, **part.figures()})
        found.sources.setdefault(source, Score.of_classes(classes)).merge(part)
    for part in found.sources.values():
        found.whole.merge(part)
    return found
