"""Segmentation figures over a set of images, at the ground truth's own size; numpy and OpenCV only.

    tally = Tally(classes)
    for target, labels, confidence in samples:
        tally.add(target, labels, confidence)
    tally.summary()      # {"iou": 0.95, "boundary_iou": 0.71, ...}
    tally.curves()       # binary: precision, recall and IoU at every threshold
    tally.calibration()  # expected calibration error

A target holds class indices and `VOID`; void pixels never count, but for `boundary_f1`, see there. Ratios are in 0..1
and unrounded.
Tallies of parts of a set merge into exactly the tally of the whole, in any order.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from src.evaluation.curves import LEVELS, calibration_error, reliability, threshold_curve
from src.labels import VOID
from src.model_card import ClassInfo

# An image has the class when more than this share of its valid pixels is; a few stray pixels make no sky.
PRESENT_SHARE = 0.001
BOUNDARY_IOU_DISTANCE = 0.02  # of the diagonal; the value of Cheng et al. for photographs
BOUNDARY_F1_TOLERANCE = 0.003  # of the diagonal


@dataclass(frozen=True)
class ImageScore:
    """The figures of one image, 0..1; None where the image has nothing to measure them on.

    Attributes:
        iou: of class 1; with more classes, the mean over the foreground classes in the target.
        boundary_iou, boundary_f1: see the functions of these names; over all foreground together.
        false_sky: share of valid pixels called foreground, on an image without any; None on the others.
    """

    iou: float | None = None
    boundary_iou: float | None = None
    boundary_f1: float | None = None
    false_sky: float | None = None


class Tally:
    """Accumulates predictions over images; merges with the tally of other images of the same classes.

    Args:
        classes: by class index; index 0 is background. Two of them make the task binary.
    """

    def __init__(self, classes: Sequence[ClassInfo]) -> None:
        if not 2 <= len(classes) <= VOID:
            raise ValueError(f"a tally takes 2 to {VOID} classes, background first, not {len(classes)}")
        self.names = tuple(info.name for info in classes)
        self._confusion = np.zeros((len(classes), len(classes)), np.int64)  # [target, labels], pixels
        # Pixels by confidence and by what that is the probability of: class 1; with more classes, a right label.
        self._histogram = np.zeros((2, LEVELS), np.int64)
        self._scores: list[ImageScore] = []

    @property
    def binary(self) -> bool:
        return len(self.names) == 2

    def add(self, target: np.ndarray, labels: np.ndarray, confidence: np.ndarray | None = None) -> ImageScore:
        """Counts one image and returns its own figures, by which worst and typical cases are found.

        Args:
            target: uint8 [H, W], class index or `VOID`.
            labels: uint8 [H, W], class index.
            confidence: uint8 [H, W], probability x 255 of class 1; with more classes, of the winning one.
                Images added without it are absent from `curves` and `calibration`.

        An image without a valid pixel says nothing and is not counted.

        Raises:
            ValueError: other shapes or dtypes, or a class index beyond the classes at a valid pixel.
        """
        for name, array in (("target", target), ("labels", labels), ("confidence", confidence)):
            if array is not None and (array.dtype != np.uint8 or array.ndim != 2 or array.shape != target.shape):
                raise ValueError(
                    f"{name} is {array.dtype} {array.shape}, not uint8 [H, W] like a target {target.shape}"
                )
        confusion = self._count(target, labels)
        if not confusion.any():
            return ImageScore()
        self._confusion += confusion
        if confidence is not None:
            held = target if self.binary else np.where(target == VOID, VOID, target == labels).astype(np.uint8)
            self._histogram += _joint_histogram(held, confidence)[:2]
        score = _score_image(target, labels, confusion)
        self._scores.append(score)
        return score

    def merge(self, other: "Tally") -> None:
        """Adds what `other` has counted.

        Raises:
            ValueError: `other` counts other classes.
        """
        if other.names != self.names:
            raise ValueError(f"cannot merge a tally of {other.names} into one of {self.names}")
        self._confusion += other._confusion
        self._histogram += other._histogram
        self._scores.extend(tuple(other._scores))  # a copy, so that a tally may merge with itself

    def __iadd__(self, other: "Tally") -> "Tally":
        self.merge(other)
        return self

    def summary(self) -> dict[str, float]:
        """The figures of all images so far. A figure with nothing to measure it on is left out; none is ever NaN.

        Binary:
            iou, dice: of class 1, pixels pooled over images; left out when no target has the class.
            accuracy: share of valid pixels with the right class; left out before the first image.
            iou_background, mean_iou: IoU of the background, and the mean over all classes that occur in the targets,
                background included (the field's mIoU).
            image_iou: mean IoU over the images that have the class (> 0.1 % of valid pixels).
            boundary_iou, boundary_f1: means over the same images; left out, all three, when there is none.
            false_sky: mean share of valid pixels called class 1, over the images that lack the class;
                left out when there is none.
            images, negatives: how many images, and how many of them lack the class; always present.

        More classes:
            iou_<class name>: pooled, for each class but background that occurs in the targets.
            iou, dice: means over these classes; left out when none occurs.
            accuracy, iou_background, mean_iou, boundary_iou, boundary_f1, images: as above, boundaries of all
                foreground together.
        """
        overlap = np.diag(self._confusion)
        in_target, in_labels = self._confusion.sum(axis=1), self._confusion.sum(axis=0)
        occurring = [c for c in range(len(self.names)) if in_target[c]]
        iou = {c: float(overlap[c] / (in_target[c] + in_labels[c] - overlap[c])) for c in occurring}
        dice = [float(2 * overlap[c] / (in_target[c] + in_labels[c])) for c in occurring if c]
        figures = {
            "iou": _mean(value for c, value in iou.items() if c),
            "dice": _mean(dice),
            "accuracy": float(overlap.sum() / in_target.sum()) if in_target.any() else None,
            "iou_background": iou.get(0),
            "mean_iou": _mean(iou.values()),
            "boundary_iou": _mean(score.boundary_iou for score in self._scores),
            "boundary_f1": _mean(score.boundary_f1 for score in self._scores),
            "images": len(self._scores),
        }
        if self.binary:
            figures["image_iou"] = _mean(score.iou for score in self._scores)
            figures["false_sky"] = _mean(score.false_sky for score in self._scores)
            figures["negatives"] = sum(score.false_sky is not None for score in self._scores)
        else:
            figures |= {f"iou_{self.names[c]}": value for c, value in iou.items() if c}
        return {name: value for name, value in figures.items() if value is not None}

    def curves(self) -> list[dict[str, float]]:
        """`threshold_curve` of the pixels added with a confidence; empty when there is no class-1 pixel among them.

        There is no threshold to choose, and no curve, when there are more classes.
        """
        return threshold_curve(self._histogram) if self.binary else []

    def calibration(self) -> float | None:
        """`calibration_error` of the pixels added with a confidence; None when there are none."""
        return calibration_error(self._histogram)

    def reliability(self) -> list[dict[str, float]]:
        """`reliability` of the pixels added with a confidence; no rows when there are none."""
        return reliability(self._histogram)

    def _count(self, target: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Confusion of one image: int64 [C, C], pixels by target and label class, void left out."""
        joint = _joint_histogram(target, labels)
        joint[VOID] = 0
        count = len(self.names)
        confusion = joint[:count, :count].copy()
        if joint.sum() != confusion.sum():
            worst = int(max(np.flatnonzero(joint.sum(axis=1))[-1], np.flatnonzero(joint.sum(axis=0))[-1]))
            raise ValueError(f"class index {worst} in the target or the labels, but there are {count}: {self.names}")
        return confusion


def boundary_iou(target: np.ndarray, predicted: np.ndarray, valid: np.ndarray) -> float:
    """IoU of the two masks' inner boundary regions: mask pixels within 2 % of the diagonal of the mask's contour.

    Cheng et al., "Boundary IoU: Improving Object-Centric Image Segmentation Evaluation", CVPR 2021,
    arXiv 2103.16562. As in the authors' code, the distance is counted in 3x3 erosions and the image's edge
    is contour; a void region is treated as what lies beyond the edge.

    Args:
        target, predicted, valid: uint8 [H, W] of 0 and 1; `valid` is 0 at void pixels.

    Returns:
        0..1; 1 when both masks are empty.
    """
    distance = max(1, round(BOUNDARY_IOU_DISTANCE * math.hypot(*target.shape)))
    of_target = _inner_boundary(target & valid, distance)
    of_predicted = _inner_boundary(predicted & valid, distance)
    union = cv2.countNonZero(of_target | of_predicted)
    return cv2.countNonZero(of_target & of_predicted) / union if union else 1.0


def boundary_f1(target: np.ndarray, predicted: np.ndarray, valid: np.ndarray) -> float:
    """F1 of the border pixels that lie within 0.3 % of the diagonal (>= 1 pixel) of the other mask's border.

    The contour measure of Csurka et al., "What is a good evaluation measure for semantic segmentation?", BMVC
    2013, in the form this project's acceptance script uses (score_masks.py): the image's edge is no border, but where
    sky meets void is one, which no prediction has. So this figure alone is lower where void lies beside sky.

    Args:
        target, predicted, valid: uint8 [H, W] of 0 and 1; `valid` is 0 at void pixels, where `target` is 0.

    Returns:
        0..1; 1 when neither mask has a border.
    """
    tolerance = max(1, round(BOUNDARY_F1_TOLERANCE * math.hypot(*target.shape)))
    reach = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * tolerance + 1, 2 * tolerance + 1))
    of_target, of_predicted = _border(target) & valid, _border(predicted) & valid
    in_target, in_predicted = cv2.countNonZero(of_target), cv2.countNonZero(of_predicted)
    if not in_target and not in_predicted:
        return 1.0
    precision = cv2.countNonZero(of_predicted & cv2.dilate(of_target, reach)) / max(1, in_predicted)
    recall = cv2.countNonZero(of_target & cv2.dilate(of_predicted, reach)) / max(1, in_target)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _score_image(target: np.ndarray, labels: np.ndarray, confusion: np.ndarray) -> ImageScore:
    valid_pixels, in_target, in_labels = confusion.sum(), confusion.sum(axis=1), confusion.sum(axis=0)
    if in_target[1:].sum() <= PRESENT_SHARE * valid_pixels:
        return ImageScore(false_sky=float(in_labels[1:].sum() / valid_pixels))
    overlap = np.diag(confusion)
    union = in_target + in_labels - overlap
    valid = (target != VOID).astype(np.uint8)
    foreground = ((target > 0) & (target != VOID)).astype(np.uint8)
    predicted = (labels > 0).astype(np.uint8)
    return ImageScore(
        iou=_mean(float(overlap[c] / union[c]) for c in range(1, len(confusion)) if in_target[c]),
        boundary_iou=boundary_iou(foreground, predicted, valid),
        boundary_f1=boundary_f1(foreground, predicted, valid),
    )


def _joint_histogram(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Pixels by the pair of their values in two uint8 [H, W] arrays: int64 [256, 256], in one pass over them."""
    pairs = (rows.astype(np.uint16) << 8) | columns
    return np.bincount(pairs.ravel(), minlength=LEVELS * LEVELS).reshape(LEVELS, LEVELS)


def _inner_boundary(mask: np.ndarray, distance: int) -> np.ndarray:
    padded = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    return mask - cv2.erode(padded, np.ones((3, 3), np.uint8), iterations=distance)[1:-1, 1:-1]


def _border(mask: np.ndarray) -> np.ndarray:
    return mask ^ cv2.erode(mask, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_REPLICATE)


def _mean(values: Iterable[float | None]) -> float | None:
    """Mean of the values that are there. fsum rounds once, so the order of images and merges changes no digit."""
    present = [value for value in values if value is not None]
    return math.fsum(present) / len(present) if present else None
