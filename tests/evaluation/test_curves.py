"""Curves, the best threshold and calibration against histograms small enough to count by hand."""

import numpy as np
import pytest

from src.evaluation.curves import best_level, calibration_error, reliability, threshold_curve


def test_threshold_curve_counted_by_hand():
    histogram = np.zeros((2, 256), np.int64)
    histogram[0, [0, 100]] = 6, 2
    histogram[1, [50, 200]] = 1, 3
    rows = threshold_curve(histogram)
    assert [row["threshold"] for row in rows] == [k / 255 for k in range(256)]
    assert rows[0] == {"threshold": 0.0, "precision": 4 / 12, "recall": 1.0, "iou": 4 / 12}
    assert rows[100] == {"threshold": 100 / 255, "precision": 3 / 5, "recall": 3 / 4, "iou": 3 / 6}
    assert rows[101] == {"threshold": 101 / 255, "precision": 1.0, "recall": 3 / 4, "iou": 3 / 4}
    assert rows[255] == {"threshold": 1.0, "precision": 1.0, "recall": 0.0, "iou": 0.0}


def test_calibration_error_counted_by_hand():
    histogram = np.zeros((2, 256), np.int64)
    histogram[0, 0], histogram[1, 255] = 10, 10
    assert calibration_error(histogram) == 0.0  # sure, and right
    assert calibration_error(histogram[::-1]) == 1.0  # sure, and wrong
    histogram[:] = 0
    histogram[0, 51], histogram[1, 51] = 6, 2  # says 0.2, is 0.25: 8 pixels
    histogram[0, 204] = 2  # says 0.8, is 0: 2 pixels
    assert calibration_error(histogram) == pytest.approx(0.8 * 0.05 + 0.2 * 0.8)


def test_reliability_has_a_row_per_bin_that_has_pixels():
    histogram = np.zeros((2, 256), np.int64)
    assert reliability(histogram) == []
    assert calibration_error(histogram) is None
    histogram[0, 51], histogram[1, 51] = 6, 2  # says 0.2, is 0.25: 8 pixels
    histogram[1, 255] = 2
    assert reliability(histogram) == [
        {"confidence": pytest.approx(0.2), "observed": 0.25, "pixels": 8},
        {"confidence": 1.0, "observed": 1.0, "pixels": 2},
    ]


def test_the_best_threshold_is_the_middle_of_those_that_are_as_good():
    assert best_level([0.5, 0.9, 0.9, 0.9, 0.2]) == 2
    histogram = np.zeros((2, 256), np.int64)
    histogram[0, 50], histogram[1, 200] = 5, 5  # 51 to 200 part them
    assert best_level([row["iou"] for row in threshold_curve(histogram)]) == 126
