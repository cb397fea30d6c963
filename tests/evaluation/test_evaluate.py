"""Splits, sources, groups and sequences each get their own figures; the reports show the cases worth a look."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from src.data.index import IndexRow
from src.evaluation.evaluate import Evaluator, Prediction, metrics, score
from src.evaluation.metrics import ImageScore
from src.evaluation.report import choose_cases, write_reports
from src.model_card import ClassInfo, ModelCard
from tests.evaluation.test_metrics import LANES, SKY

SHAPE = (40, 60)
HALF = SHAPE[0] // 2


class Oracle:
    """Stands in for a checkpoint: each image's name tells by how many rows its mask is too low."""

    def __init__(self, classes: tuple[ClassInfo, ...] = SKY) -> None:
        threshold = 0.5 if len(classes) == 2 else None
        self.card = ModelCard("oracle", classes, height=32, width=32, threshold=threshold)

    def predict(self, rows):
        for row in rows:
            horizon = 0 if row.group == "indoors" else HALF
            off = int(Path(row.image).stem.rpartition("_")[2])
            target, labels = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
            target[:horizon] = len(self.card.classes) - 1
            labels[: horizon + off] = 1
            confidence = np.where(labels == 1, 230, 20).astype(np.uint8)
            confidence[HALF : horizon + off] = 160  # not sure where it is wrong
            yield Prediction(row, np.full((*SHAPE, 3), 128, np.uint8), target, labels, confidence)


def row(source: str, split: str, group: str, off: int, frame: int = 0) -> IndexRow:
    return IndexRow(source, group, split, f"{source}/{group}_{frame}_{off}.jpg", "", kept=True)


INDEX = [
    row("a", "train", "x", 9),
    *(row("a", "val", "v", off) for off in (0, 4)),
    *(row("a", "test", "t", off, frame) for frame, off in enumerate((0, 2, 2))),
    row("b", "test", "t", 4),
    row("b", "test", "indoors", 8),
    row("a", "test", "s", 1),  # out of order: its group's figures must not be lost in another's
    row("far", "unseen", "f", 10),
]


def test_every_split_source_and_group_has_its_figures():
    scored = score(Oracle(), INDEX, sequences={"a"})
    figures = metrics(scored)
    assert list(scored) == ["val", "test", "unseen"]
    assert figures["val"]["iou"] == pytest.approx(2 * HALF / (2 * HALF + 4))
    assert figures["unseen"]["iou"] == figures["source"]["far"]["unseen"]["iou"] == pytest.approx(HALF / (HALF + 10))
    assert (figures["test"]["images"], figures["test"]["negatives"]) == (6, 1)
    assert figures["test"]["false_sky"] == 8 / SHAPE[0]
    assert set(figures["source"]) == {"a", "b", "far"}
    assert set(figures["source"]["a"]) == {"val", "test"}
    groups = {(row["source"], row["group"]): row for row in scored["test"].groups}
    assert set(groups) == {("a", "t"), ("a", "s"), ("b", "t"), ("b", "indoors")}
    assert groups["a", "t"]["images"] == 3
    assert groups["a", "t"]["iou"] == pytest.approx(3 * HALF / (3 * HALF + 4))


def test_flicker_is_measured_on_sequences_within_a_group_alone():
    scored = score(Oracle(), INDEX, sequences={"a"})
    test = metrics(scored)["source"]["a"]["test"]
    assert test["frame_pairs"] == 2  # of group t; s is a single frame
    assert test["flicker"] == pytest.approx(2 / SHAPE[0] / 2)  # two rows change once
    assert test["error_change"] == pytest.approx(2 / 4)  # the wrong rows of either frame: 2, and 2
    assert "flicker" not in metrics(score(Oracle(), INDEX, sequences=()))["test"]


def test_the_best_threshold_is_chosen_on_val_and_told_for_the_others():
    figures = metrics(score(Oracle(), INDEX, sequences=()))
    threshold = figures["threshold"]
    assert 160 / 255 < threshold["best"] <= 230 / 255  # above what is wrong, up to what is right
    assert threshold["val_iou"] == threshold["unseen_iou"] == 1.0
    assert figures["val"]["iou"] < 1
    assert set(threshold) == {"best", "val_iou", "test_iou", "unseen_iou"}


def test_more_classes_have_calibration_and_no_threshold():
    figures = metrics(score(Oracle(LANES), INDEX, sequences=()))
    assert "threshold" not in figures
    assert figures["test"]["iou_alternative"] == 0.0  # the oracle calls it direct
    assert figures["test"]["iou_background"] > 0.5
    assert figures["test"]["calibration_error"] > 0.3  # and is sure of it


@pytest.mark.parametrize("classes", [SKY, LANES])
def test_reports_are_complete(tmp_path, classes):
    oracle = Oracle(classes)
    write_reports(oracle, score(oracle, INDEX, sequences={"a"}), 2, tmp_path)
    pictures = {"worst", "typical", "edges", "unseen_worst", "unseen_typical", "unseen_edges", "reliability"}
    assert {path.stem for path in tmp_path.glob("*.png")} == pictures | ({"curves"} if classes is SKY else set())
    assert all(cv2.imread(str(path)).std() > 5 for path in tmp_path.glob("*.png"))
    with (tmp_path / "groups.csv").open() as file:
        groups = list(csv.DictReader(file))
    assert [one["group"] for one in groups if one["split"] == "unseen"] == ["f"]
    assert {one["flicker"] for one in groups if one["group"] == "f"} == {""}
    with (tmp_path / "images.csv").open() as file:
        assert len(list(csv.DictReader(file))) == len(INDEX) - 1
    assert (tmp_path / "curves.csv").read_text().startswith("threshold,precision,recall,iou")


def test_cases_are_the_worst_the_median_and_right_shapes_with_wrong_edges():
    def case(name, iou, f1):
        return IndexRow("s", name, "test", name, ""), ImageScore(iou=iou, boundary_iou=f1, boundary_f1=f1)

    cases = [case("bad", 0.1, 0.1), case("poor", 0.5, 0.2), case("mid", 0.8, 0.5), case("rough", 0.95, 0.3)]
    cases += [case("good", 0.96, 0.9), (IndexRow("s", "room", "test", "room", ""), ImageScore(false_sky=0.3))]
    names = {kind: [row.image for row, _ in found] for kind, found in choose_cases(cases, 1).items()}
    assert names == {"worst": ["bad"], "typical": ["room"], "edges": ["rough"]}
    assert choose_cases(cases, 0) == choose_cases([], 3) == {}


def test_a_checkpoint_is_scored_at_the_photographs_own_size(tmp_path):
    import torch

    from src.models.zoo import NetworkSpec, save_checkpoint
    from tests.toy import photograph

    torch.manual_seed(0)
    torch.set_num_threads(1)
    spec = NetworkSpec(
        name="unet", encoder="tu-resnet10t", decoder_channels=[8, 8, 8, 8, 8], classes=SKY, height=32, width=64,
        mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), training_data=())  # fmt: skip
    save_checkpoint(tmp_path / "c.ckpt", spec.build(), spec)
    image, mask = photograph(1, width=150, height=90)
    cv2.imwrite(str(tmp_path / "a.png"), image)
    cv2.imwrite(str(tmp_path / "m.png"), mask)
    lookup = np.full(256, 255, np.uint8)
    lookup[[0, 255]] = 0, 1
    evaluator = Evaluator(tmp_path / "c.ckpt", {"toy": lookup}, 0.5)
    [one] = evaluator.predict([IndexRow("toy", "g", "test", str(tmp_path / "a.png"), str(tmp_path / "m.png"))])
    assert one.target.shape == one.labels.shape == one.confidence.shape == (90, 150)
    assert (one.image == image).all()
    assert (one.labels == (one.confidence >= 128)).all()
    assert set(np.unique(one.target)) == {0, 1, 255}
