"""Every figure against a case small enough to count by hand."""

import math
import random

import cv2
import numpy as np
import pytest

from src.evaluation.metrics import Tally, boundary_f1, boundary_iou
from src.labels import VOID
from src.model_card import ClassInfo

SKY = (ClassInfo("background", (0, 0, 0)), ClassInfo("sky", (70, 130, 230)))
LANES = (
    ClassInfo("background", (0, 0, 0)),
    ClassInfo("direct", (219, 94, 86)),
    ClassInfo("alternative", (86, 211, 219)),
)


def grid(*rows: str) -> np.ndarray:
    """A uint8 array from rows of digits; `v` is void."""
    return np.array([[VOID if mark == "v" else int(mark) for mark in row] for row in rows], np.uint8)


def rectangle(height: int, width: int, rows: slice, columns: slice) -> np.ndarray:
    mask = np.zeros((height, width), np.uint8)
    mask[rows, columns] = 1
    return mask


def scene(rng: np.random.Generator, sky: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A wavy skyline with a void band, a prediction that errs around it, and a confidence that fits the labels."""
    height, width = (int(size) for size in rng.integers(60, 160, 2))
    columns = np.arange(width)
    line = height * (0.3 + 0.1 * np.sin(columns / rng.uniform(5, 20))) if sky else np.zeros(width)
    target = (np.arange(height)[:, None] < line).astype(np.uint8)
    shift = rng.integers(-4, 9) + 3 * np.sin(columns / rng.uniform(2, 9))
    labels = (np.arange(height)[:, None] < line + shift).astype(np.uint8)
    top, left = rng.integers(0, height // 2), rng.integers(0, width // 2)
    target[top : top + 9, left : left + 30] = VOID
    noise = rng.integers(0, 128, target.shape)
    return target, labels, (labels * 128 + noise).astype(np.uint8)


def scenes(count: int) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(7)
    return [scene(rng, sky=index % 4 != 3) for index in range(count)]


def tally_of(images, classes=SKY) -> Tally:
    tally = Tally(classes)
    for image in images:
        tally.add(*image)
    return tally


def test_binary_figures_counted_by_hand():
    tally = Tally(SKY)
    first = tally.add(grid("1111", "0000"), grid("1110", "0000"))  # 3 of 4 found, none false
    second = tally.add(grid("1100", "0000"), grid("1111", "0000"))  # 2 of 2 found, 2 false
    negative = tally.add(grid("0000", "0000"), grid("0001", "0001"))  # 2 of 8 false
    assert (first.iou, second.iou, negative.iou) == (3 / 4, 2 / 4, None)
    assert (first.false_sky, negative.false_sky) == (None, 2 / 8)
    summary = tally.summary()
    assert summary["iou"] == 5 / 10  # intersection 3 + 2; union 4 + 4 + 2
    assert summary["dice"] == 2 * 5 / (6 + 9)
    assert summary["accuracy"] == (7 + 6 + 6) / 24
    assert summary["iou_background"] == (4 + 4 + 6) / (5 + 6 + 8)
    assert summary["mean_iou"] == pytest.approx((5 / 10 + 14 / 19) / 2)
    assert summary["image_iou"] == (3 / 4 + 2 / 4) / 2
    assert summary["false_sky"] == 2 / 8
    assert (summary["images"], summary["negatives"]) == (3, 1)


def test_multi_class_figures_counted_by_hand():
    tally = tally_of([(grid("1122", "00vv"), grid("1222", "0112"))], LANES)
    summary = tally.summary()
    assert summary["iou_direct"] == 1 / 3
    assert summary["iou_alternative"] == 2 / 3
    assert summary["iou"] == pytest.approx((1 / 3 + 2 / 3) / 2)
    assert summary["dice"] == pytest.approx((2 / 4 + 4 / 5) / 2)
    assert summary["accuracy"] == 4 / 6
    assert summary["iou_background"] == 1 / 2
    assert summary["mean_iou"] == pytest.approx((1 / 2 + 1 / 3 + 2 / 3) / 3)
    assert summary["images"] == 1
    assert "false_sky" not in summary


def test_a_class_that_no_target_has_is_left_out_of_the_mean():
    summary = tally_of([(grid("1100"), grid("1102"))], LANES).summary()
    assert summary["iou"] == summary["iou_direct"] == 1.0
    assert "iou_alternative" not in summary


def test_boundaries_of_many_classes_ignore_which_foreground_it_is():
    target, labels = rectangle(60, 80, slice(0, 30), slice(0, 80)), rectangle(60, 80, slice(0, 30), slice(0, 80)) * 2
    summary = tally_of([(target, labels)], LANES).summary()
    assert summary["iou"] == 0.0
    assert summary["boundary_iou"] == summary["boundary_f1"] == 1.0


def test_boundary_iou_counted_by_hand():
    # The diagonal of 60 x 80 is 100, so the region is 2 pixels deep: a ring, the image's edge being contour too.
    target = rectangle(60, 80, slice(10, 30), slice(20, 50))
    predicted = rectangle(60, 80, slice(10, 30), slice(20, 49))  # one column short
    valid = np.ones_like(target)
    ring_of_target, ring_of_predicted = 20 * 30 - 16 * 26, 20 * 29 - 16 * 25
    # Shared: four rows of 29, and on the 16 rows between two columns at the left and one at the right.
    shared = 4 * 29 + 16 * 3
    expected = shared / (ring_of_target + ring_of_predicted - shared)
    assert boundary_iou(target, predicted, valid) == pytest.approx(expected)
    assert boundary_iou(target, target, valid) == 1.0
    assert boundary_iou(target, 0 * target, valid) == 0.0
    assert boundary_iou(0 * target, 0 * target, valid) == 1.0


def test_boundary_iou_takes_the_image_edge_for_contour():
    full = np.ones((60, 80), np.uint8)
    inside = rectangle(60, 80, slice(2, 58), slice(2, 78))
    # The full mask's region is the frame of 2 pixels, of which the inner mask has nothing.
    assert boundary_iou(full, inside, full) == 0.0


def test_boundary_f1_counted_by_hand():
    # The tolerance is 1 pixel. Borders inside the mask: the last row of sky.
    target = rectangle(60, 80, slice(0, 30), slice(0, 80))
    valid = np.ones_like(target)
    assert boundary_f1(target, rectangle(60, 80, slice(0, 31), slice(0, 80)), valid) == 1.0  # 1 off: within
    assert boundary_f1(target, rectangle(60, 80, slice(0, 32), slice(0, 80)), valid) == 0.0  # 2 off: beyond
    speck = target | rectangle(60, 80, slice(50, 53), slice(40, 43))  # adds 8 border pixels, far from any
    precision = 80 / 88
    assert boundary_f1(target, speck, valid) == pytest.approx(2 * precision / (precision + 1))
    assert boundary_f1(speck, target, valid) == pytest.approx(2 * precision / (precision + 1))
    assert boundary_f1(0 * target, 0 * target, valid) == 1.0


def test_void_pixels_never_count():
    target, labels, confidence = scenes(1)[0]
    void = target == VOID
    assert void.any()
    reference = tally_of([(target, labels, confidence)])
    labels_2, confidence_2 = labels.copy(), confidence.copy()
    # Deep inside the void region, so that the predicted border outside of it stays where it is.
    deep = cv2.erode(void.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    assert deep.any()
    labels_2[deep], confidence_2[void] = 1 - labels_2[deep], 255 - confidence_2[void]
    changed = tally_of([(target, labels_2, confidence_2)])
    pooled = ("iou", "image_iou", "dice", "accuracy", "boundary_iou")
    assert [changed.summary()[key] for key in pooled] == [reference.summary()[key] for key in pooled]
    assert changed.curves() == reference.curves()
    assert changed.calibration() == reference.calibration()


def test_an_index_beyond_the_classes_is_allowed_under_void_only():
    Tally(SKY).add(grid("v1"), grid("91"))
    with pytest.raises(ValueError, match="class index 9"):
        Tally(SKY).add(grid("01"), grid("91"))
    with pytest.raises(ValueError, match="class index 7"):
        Tally(SKY).add(grid("71"), grid("01"))


@pytest.mark.parametrize(
    ("target", "labels", "confidence"),
    [
        (np.zeros((2, 3), np.uint8), np.zeros((3, 2), np.uint8), None),
        (np.zeros((2, 3), np.uint8), np.zeros((2, 3), np.int64), None),
        (np.zeros((2, 3), np.uint8), np.zeros((2, 3), np.uint8), np.zeros((2, 3), np.float32)),
        (np.zeros((2, 3, 1), np.uint8), np.zeros((2, 3, 1), np.uint8), None),
    ],
)
def test_other_shapes_and_dtypes_are_refused(target, labels, confidence):
    with pytest.raises(ValueError, match=r"uint8 \[H, W\]"):
        Tally(SKY).add(target, labels, confidence)


def test_empty_cases_leave_figures_out_and_make_no_nan():
    assert Tally(SKY).summary() == {"images": 0, "negatives": 0}
    assert Tally(LANES).summary() == {"images": 0}
    assert Tally(SKY).curves() == []
    assert Tally(SKY).calibration() is None

    nothing_valid = tally_of([(grid("vv"), grid("01"), grid("01"))])
    assert nothing_valid.summary() == {"images": 0, "negatives": 0}

    negatives_only = tally_of([(grid("00"), grid("01"), grid("09"))])
    half = dict.fromkeys(("accuracy", "iou_background", "mean_iou", "false_sky"), 0.5)
    assert negatives_only.summary() == half | {"images": 1, "negatives": 1}
    assert negatives_only.curves() == []

    sky_only = tally_of([(grid("11"), grid("11"))]).summary()
    assert sky_only["iou"] == sky_only["boundary_iou"] == sky_only["boundary_f1"] == 1.0
    assert sky_only["negatives"] == 0
    assert "false_sky" not in sky_only


def test_a_few_stray_pixels_do_not_make_a_sky():
    target = np.zeros((50, 40), np.uint8)
    target[0, :2] = 1  # 2 of 2000: exactly 0.1 %, not more
    assert Tally(SKY).add(target, target).false_sky == 2 / 2000
    target[0, 2] = 1
    assert Tally(SKY).add(target, target).iou == 1.0


def test_merging_equals_joint_accumulation_in_any_order():
    images = scenes(12)
    joint = tally_of(images)
    parts = [tally_of(images[start::3]) for start in range(3)]
    random.Random(1).shuffle(parts)
    merged = Tally(SKY)
    for part in parts:
        merged += part
    assert merged.summary() == joint.summary()
    assert merged.curves() == joint.curves()
    assert merged.calibration() == joint.calibration()
    merged.merge(merged)
    assert merged.summary()["images"] == 24
    assert merged.summary()["iou"] == joint.summary()["iou"]
    with pytest.raises(ValueError, match="merge"):
        merged += Tally(LANES)


def test_curves_agree_with_the_labels_and_recall_never_rises():
    tally = tally_of(scenes(8))
    rows = tally.curves()
    recalls = [row["recall"] for row in rows]
    assert recalls == sorted(recalls, reverse=True)
    assert recalls[0] == 1.0
    assert rows[128]["iou"] == pytest.approx(tally.summary()["iou"])  # the scenes' labels are confidence >= 128
    assert all(math.isfinite(value) for row in rows for value in row.values())
