"""A checkpoint against the photographs themselves: at their own size, with their own labels."""

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from tqdm import tqdm

from src.data.images import read_image, read_mask
from src.data.index import IndexRow
from src.evaluation.figures import case_sheet, curves_plot
from src.evaluation.metrics import ImageScore, Tally
from src.model_card import ClassInfo
from src.models.portable import PortableModel
from src.models.zoo import load_checkpoint
from src.runtime.frames import prepare, upscale_confidence, upscale_labels

SPLITS = ("val", "test")
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


def evaluate(evaluator: Evaluator, index: Sequence[IndexRow], *, pictures: int, reports: Path) -> dict:
    """Scores the val and test splits and draws the test split's worst and typical cases.

    Args:
        evaluator: the checkpoint.
        index: kept rows; those of val and test are scored.
        pictures: how many worst, and how many typical cases to draw; 0 for none.
        reports: folder for `worst.png`, `typical.png`, `curves.png`, `curves.csv` and `images.csv`.

    Returns:
        metrics: {split: {iou, dice, ...}, "source": {source: {split: {...}}}}.
    """
    classes = evaluator.card.classes
    tallies: dict[str, dict[str, Tally]] = defaultdict(dict)  # by source, by split
    scores: list[tuple[IndexRow, ImageScore]] = []
    for split in SPLITS:
        rows = [row for row in index if row.split == split]
        for one in tqdm(evaluator.predict(rows), desc=f"evaluate {split}", total=len(rows), unit="image"):
            tally = tallies[one.row.source].setdefault(split, Tally(classes))
            scores.append((one.row, tally.add(one.target, one.labels, one.confidence)))
    pooled = {
        split: _pooled([splits[split] for splits in tallies.values() if split in splits], classes)
        for split in SPLITS
        if any(split in splits for splits in tallies.values())
    }
    shown = "test" if "test" in pooled else "val"
    reports.mkdir(parents=True, exist_ok=True)
    _write_scores(scores, reports / "images.csv")
    _draw_curves(pooled[shown], evaluator.card.threshold, reports)
    _draw_cases(evaluator, [(row, score) for row, score in scores if row.split == shown], pictures, reports)
    return {split: _figures(tally) for split, tally in pooled.items()} | {
        "source": {
            source: {split: _figures(tally) for split, tally in splits.items()} for source, splits in tallies.items()
        }
    }


def _pooled(parts: Sequence[Tally], classes: Sequence[ClassInfo]) -> Tally:
    whole = Tally(classes)
    for part in parts:
        whole.merge(part)
    return whole


def _figures(tally: Tally) -> dict[str, float]:
    error = tally.calibration() if tally.binary else None
    return tally.summary() | ({} if error is None else {"calibration_error": error})


def _write_scores(scores: Sequence[tuple[IndexRow, ImageScore]], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["image", "source", "split", *ImageScore.__annotations__])
        writer.writeheader()
        for row, score in scores:
            writer.writerow({"image": row.image, "source": row.source, "split": row.split, **asdict(score)})


def _draw_curves(tally: Tally, threshold: float | None, reports: Path) -> None:
    """`curves.csv` always, so that DVC finds its plot; the picture where there is a threshold to choose."""
    rows = tally.curves() if tally.binary else []
    with (reports / "curves.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["threshold", "precision", "recall", "iou"])
        writer.writeheader()
        writer.writerows(rows)
    if rows:
        curves_plot(rows, threshold, reports / "curves.png")


def _draw_cases(
    evaluator: Evaluator, scores: Sequence[tuple[IndexRow, ImageScore]], pictures: int, reports: Path
) -> None:
    """The lowest scores, and those around the median, as contact sheets."""
    ranked = sorted(scores, key=lambda pair: _quality(pair[1]))
    middle = max(0, (len(ranked) - pictures) // 2)
    for name, chosen in (("worst", ranked[:pictures]), ("typical", ranked[middle : middle + pictures])):
        if not chosen:
            continue
        predictions = evaluator.predict([row for row, _ in chosen])
        cases = [
            (
                f"{one.row.source}/{Path(one.row.image).stem}, {_verdict(score)}",
                cv2.cvtColor(one.image, cv2.COLOR_BGR2RGB),
                one.target,
                one.labels,
            )
            for one, (_, score) in zip(predictions, chosen, strict=True)
        ]
        case_sheet(cases, evaluator.card.classes, reports / f"{name}.png")


def _quality(score: ImageScore) -> float:
    """0..1, high is good: IoU, or the share of an image without sky that is rightly called so."""
    if score.iou is not None:
        return score.iou
    return 1 - score.false_sky if score.false_sky is not None else 1.0


def _verdict(score: ImageScore) -> str:
    return f"IoU {score.iou:.3f}" if score.iou is not None else f"no sky, {score.false_sky or 0:.1%} called sky"
