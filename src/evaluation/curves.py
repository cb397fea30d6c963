"""What a histogram of confidences tells: precision and recall by threshold, the best threshold, calibration.

Everything here reads one histogram, integers [2, 256]: pixels by truth (0 or 1) and by confidence = p x 255. For a
binary task truth is class 1 and p its probability; for more classes truth is that the winning class is right.
"""

from collections.abc import Sequence

import numpy as np

LEVELS = 256  # values of a uint8: of the confidence, and of a class index
CALIBRATION_BINS = 10


def threshold_curve(histogram: np.ndarray) -> list[dict[str, float]]:
    """Precision, recall and IoU of class 1 at each threshold on its confidence, pixels pooled.

    Args:
        histogram: of a binary task.

    Returns:
        256 rows {threshold, precision, recall, iou}: at threshold k/255 a pixel is of class 1 when its confidence
        is >= k. Where no pixel is, precision is 1. No rows when there is no positive pixel.
    """
    false, true = histogram[:, ::-1].cumsum(axis=1)[:, ::-1]  # pixels of class 1 by the decision: wrongly, rightly
    positives = true[0]
    if positives == 0:
        return []
    called = false + true
    precision = np.divide(true, called, out=np.ones(LEVELS), where=called > 0)
    recall, iou = true / positives, true / (positives + false)
    return [
        {"threshold": k / 255, "precision": float(precision[k]), "recall": float(recall[k]), "iou": float(iou[k])}
        for k in range(LEVELS)
    ]


def best_level(ious: Sequence[float]) -> int:
    """Where the IoUs of a `threshold_curve` are highest; of several alike the one in their middle, which is the least
    likely to be an accident of these very images."""
    alike = np.flatnonzero(np.asarray(ious) == np.max(ious))
    return int(alike[len(alike) // 2])


def calibration_error(histogram: np.ndarray, bins: int = CALIBRATION_BINS) -> float | None:
    """Expected calibration error, 0..1: how far confidence is from how often it is right, weighted by pixels.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, arXiv 1706.04599, eq. 3; there for the
    confidence of the winning class, here, for a binary task, for the probability of class 1 over its whole range.

    Args:
        histogram: of any task.
        bins: equal parts of 0..1.

    Returns:
        None when the histogram is empty.
    """
    rows = reliability(histogram, bins)
    off = sum(row["pixels"] * abs(row["confidence"] - row["observed"]) for row in rows)
    return off / sum(row["pixels"] for row in rows) if rows else None


def reliability(histogram: np.ndarray, bins: int = CALIBRATION_BINS) -> list[dict[str, float]]:
    """The reliability diagram of Guo et al. (section 2): per bin of confidence, how often it is right.

    Args:
        histogram: of any task.
        bins: equal parts of 0..1.

    Returns:
        a row {confidence, observed, pixels} per bin that has pixels: their mean confidence, the share of them that
        are of the class (or rightly labelled), both 0..1, and their count.
    """
    level = np.arange(LEVELS)
    of_bin = np.minimum(level * bins // 255, bins - 1)  # p = 1 belongs to the last bin
    pixels = np.bincount(of_bin, histogram.sum(axis=0), minlength=bins)
    expected = np.bincount(of_bin, histogram.sum(axis=0) * (level / 255), minlength=bins)
    observed = np.bincount(of_bin, histogram[1], minlength=bins)
    return [
        {
            "confidence": float(expected[i] / pixels[i]),
            "observed": float(observed[i] / pixels[i]),
            "pixels": int(pixels[i]),
        }
        for i in np.flatnonzero(pixels)
    ]
