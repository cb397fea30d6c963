"""The plots are written whole, at their size, with the curves and marks where they belong."""

import subprocess
import sys

import cv2
import numpy as np
import pytest

from src.evaluation.curves import calibration_error, reliability, threshold_curve
from src.evaluation.plots import curves_plot, reliability_plot


def read(path) -> np.ndarray:
    return cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1]


def coloured(plot: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return np.abs(plot.astype(int) - np.array(colour)).max(axis=2) < 8


MARK, CURVE = (0xDE, 0x54, 0x0A), (0x1F, 0x5F, 0xBF)


@pytest.mark.parametrize("good", [True, False])
def test_curves_plot_marks_the_threshold(tmp_path, good):
    histogram = np.zeros((2, 256), np.int64)
    level = np.arange(256)
    histogram[0], histogram[1] = 1000 * np.exp(-level / 20), 1000 * np.exp((level - 255) / 20)
    if not good:
        histogram[0] += 5000
    curves_plot(threshold_curve(histogram), 0.5, tmp_path / "curves.png")
    plot = read(tmp_path / "curves.png")
    assert plot.shape == (600, 1200, 3)
    marked = coloured(plot, MARK)
    assert marked[:, :600].any()
    assert marked[:, 600:].any()
    assert coloured(plot, CURVE).sum() > 200


def test_curves_plot_refuses_no_rows(tmp_path):
    with pytest.raises(ValueError, match="no curve"):
        curves_plot([], 0.5, tmp_path / "curves.png")


def test_reliability_plot_shows_how_far_off_the_confidence_is(tmp_path):
    off = {}
    for name, observed in (("honest", 102), ("sure", 26)):  # of 255 pixels that say 0.4
        histogram = np.zeros((2, 256), np.int64)
        histogram[0, 102], histogram[1, 102] = 255 - observed, observed
        histogram[1, 255] = 1000
        path = tmp_path / f"{name}.png"
        reliability_plot(reliability(histogram), calibration_error(histogram), "probability of sky", path)
        plot = read(path)
        assert plot.shape == (600, 1200, 3)
        assert coloured(plot[:, 600:], CURVE).sum() > 200
        off[name] = coloured(plot[:, :600], MARK).sum()
    assert off["sure"] > off["honest"] + 100


def test_reliability_plot_refuses_no_rows(tmp_path):
    with pytest.raises(ValueError, match="no reliability"):
        reliability_plot([], 0.0, "probability", tmp_path / "reliability.png")


def test_importing_the_figures_does_not_import_matplotlib():
    code = "import sys, src.evaluation.plots, src.evaluation.figures\n"
    code += "sys.exit(bool({'matplotlib', 'torch'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
