"""The plots of an evaluation: the curves a threshold is chosen by, and how far a confidence can be believed.

curves_plot(tally.curves(), threshold=0.5, path=Path("curves.png"))
reliability_plot(tally.reliability(), tally.calibration(), "probability of sky", Path("reliability.png"))
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from src.evaluation.canvas import AXES_STYLE, CURVE, FAINT, INK, MARK, finish, new_figure, save
from src.evaluation.curves import best_level

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def curves_plot(rows: Sequence[dict[str, float]], threshold: float, path: Path) -> None:
    """Writes a PNG of 1200 x 600 pixels: precision over recall, and IoU over the threshold; the working point marked.

    Args:
        rows: {threshold, precision, recall, iou}, by rising threshold, as `Tally.curves` gives them.
        threshold: the working threshold, 0..1.
        path: the PNG; its folder is made.

    Raises:
        ValueError: no rows.
    """
    if not rows:
        raise ValueError("no curve to draw: no pixel of the class was seen with a confidence")
    from matplotlib import rc_context

    names = ("threshold", "precision", "recall", "iou")
    curve = {name: np.array([row[name] for row in rows]) for name in names}
    working = int(np.abs(curve["threshold"] - threshold).argmin())
    with rc_context(AXES_STYLE):
        figure = new_figure(1200, 600)
        left, right = figure.subplots(1, 2)
        figure.subplots_adjust(left=0.065, right=0.975, bottom=0.18, top=0.91, wspace=0.2)
        _draw_precision_recall(left, curve, working)
        _draw_iou(right, curve, working)
        save(figure, path)


def reliability_plot(rows: Sequence[dict[str, float]], error: float, confidence: str, path: Path) -> None:
    """Writes a PNG of 1200 x 600 pixels: how often a confidence is right, over the confidence; and how many pixels
    have which (the reliability diagram of Guo et al., see `src.evaluation.curves`).

    Args:
        rows: {confidence, observed, pixels}, as `Tally.reliability` gives them.
        error: the expected calibration error, 0..1.
        confidence: what the confidence is the probability of, for the axis.
        path: the PNG; its folder is made.

    Raises:
        ValueError: no rows.
    """
    if not rows:
        raise ValueError("no reliability to draw: no pixel was seen with a confidence")
    from matplotlib import rc_context

    said, found, pixels = (np.array([row[name] for row in rows]) for name in ("confidence", "observed", "pixels"))
    with rc_context(AXES_STYLE):
        figure = new_figure(1200, 600)
        left, right = figure.subplots(1, 2)
        figure.subplots_adjust(left=0.065, right=0.975, bottom=0.18, top=0.91, wspace=0.2)
        left.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle=(0, (4, 3)), zorder=2, label="as sure as right")
        for x, y in zip(said, found, strict=True):
            left.plot([x, x], [x, y], color=MARK, linewidth=2, zorder=3)
        text = f"found; expected calibration error {error:.4f}"
        left.plot(said, found, "o-", color=CURVE, linewidth=2, markersize=6, zorder=4, clip_on=False, label=text)
        finish(left, "Reliability", confidence, "share of the pixels of which it holds", (0, 1), (0, 1))
        right.bar(said, pixels / pixels.sum(), width=0.05, color=CURVE, zorder=3)
        for x, share in zip(said, pixels / pixels.sum(), strict=True):
            right.text(x, share, f"{share:.1%}", ha="center", va="bottom", size=9, color=INK)
        finish(right, "Pixels by confidence", confidence, "share of the pixels", (-0.04, 1.04), (0, 1), legend=False)
        save(figure, path)


def _draw_precision_recall(axes: "Axes", curve: dict[str, np.ndarray], working: int) -> None:
    recall, precision = curve["recall"], curve["precision"]
    low = _lower_limit(min(recall[working], precision[working]))
    # Lines of equal IoU, as such plots carry lines of equal F1: 1/IoU = 1/precision + 1/recall - 1.
    for level in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, *([0.95] if low > 0.5 else [])):
        grid = np.linspace(level, 1, 200)
        axes.plot(grid, 1 / (1 / level + 1 - 1 / grid), color="#d0d0d0", linewidth=0.9, zorder=1)
        middle = 2 * level / (1 + level)  # where precision = recall
        if middle > low + 0.02:
            box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
            axes.text(middle, middle, f"IoU {level:g}", ha="center", va="center", size=8, color=FAINT, bbox=box)
    axes.plot(recall, precision, color=CURVE, linewidth=2, zorder=3)
    text = (
        f"threshold {curve['threshold'][working]:.2f}: precision {precision[working]:.3f}, recall {recall[working]:.3f}"
    )
    axes.plot(recall[working], precision[working], "o", color=MARK, markersize=8, zorder=4, clip_on=False, label=text)
    finish(axes, "Precision and recall", "recall", "precision", (low, 1), (low, 1))


def _draw_iou(axes: "Axes", curve: dict[str, np.ndarray], working: int) -> None:
    thresholds, iou = curve["threshold"], curve["iou"]
    best = best_level(iou)
    axes.axvline(thresholds[working], color=MARK, linewidth=1, linestyle=(0, (4, 3)), zorder=2)
    axes.plot(thresholds, iou, color=CURVE, linewidth=2, zorder=3)
    for at, fill, edge, size, name in ((working, MARK, MARK, 8, ""), (best, "none", CURVE, 12, "best ")):
        text = f"{name}threshold {thresholds[at]:.2f}: IoU {iou[at]:.3f}"
        style = {"markersize": size, "markeredgewidth": 1.5, "clip_on": False, "zorder": 4}
        axes.plot(thresholds[at], iou[at], "o", markerfacecolor=fill, markeredgecolor=edge, label=text, **style)
    finish(axes, "IoU against threshold", "threshold", "IoU", (0, 1), (_lower_limit(iou[working]), 1))


def _lower_limit(value: float) -> float:
    """Where an axis up to 1 begins, so that good models, which differ in the second digit, do not look alike."""
    return max(0.0, float(np.floor((value - 0.15) * 10) / 10))
