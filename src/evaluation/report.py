"""What an evaluation leaves to be looked at: tables per image and per group, curves, and pictures of telling cases."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2

from src.data.index import IndexRow
from src.data.splits import UNSEEN
from src.evaluation.evaluate import Evaluator, SplitScore
from src.evaluation.figures import case_sheet
from src.evaluation.metrics import ImageScore, Tally
from src.evaluation.plots import curves_plot, reliability_plot
from src.records import write_table

CURVE_COLUMNS, RELIABILITY_COLUMNS = ("threshold", "precision", "recall", "iou"), ("confidence", "observed", "pixels")


def write_reports(evaluator: Evaluator, scored: Mapping[str, SplitScore], pictures: int, reports: Path) -> None:
    """Writes into the folder `reports`:

    - `images.csv`, `groups.csv`: the figures of every image, and of every group, of all splits;
    - `curves.csv`, `curves.png`, `reliability.csv`, `reliability.png`: of the test split, or of the first split there
      is where there is no test; the first table is empty, and its picture absent, for more than one class;
    - `worst.png`, `typical.png`, `edges.png`: so many cases each of the same split, see `choose_cases`; and
      `unseen_worst.png` and so on of the unseen sets, where there are any.
    """
    reports.mkdir(parents=True, exist_ok=True)
    write_table(
        [
            {"image": row.image, "source": row.source, "split": row.split, "group": row.group, **asdict(score)}
            for found in scored.values()
            for row, score in found.images
        ],
        reports / "images.csv",
    )
    write_table(_even([row for found in scored.values() for row in found.groups]), reports / "groups.csv")
    shown = scored.get("test") or next(iter(scored.values()))
    _draw_curves(shown.whole.tally, evaluator, reports)
    for prefix, found in (("", shown), ("unseen_", scored.get(UNSEEN))):
        for name, cases in choose_cases(found.images if found else [], pictures).items():
            _draw_cases(evaluator, cases, reports / f"{prefix}{name}.png")


def choose_cases(
    scores: Iterable[tuple[IndexRow, ImageScore]], pictures: int
) -> dict[str, list[tuple[IndexRow, ImageScore]]]:
    """Which images are worth a look, `pictures` of each kind at most; a kind without any is left out.

    worst: the lowest IoU, or on images without the class the most of it. typical: those around the median. edges: the
    lowest boundary F1 of the better half by IoU, where the shape is right and the outline is not.
    """
    ranked = sorted(scores, key=lambda pair: _quality(pair[1]))
    middle = max(0, (len(ranked) - pictures) // 2)
    outlined = [pair for pair in ranked if pair[1].boundary_f1 is not None]
    edges = sorted(outlined[len(outlined) // 2 :], key=lambda pair: pair[1].boundary_f1 or 0.0)
    kinds = {"worst": ranked[:pictures], "typical": ranked[middle : middle + pictures], "edges": edges[:pictures]}
    return {name: cases for name, cases in kinds.items() if cases}


def _even(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with all columns that any has, empty where one lacks it."""
    columns = dict.fromkeys(name for row in rows for name in row)
    return [{name: row.get(name) for name in columns} for row in rows]


def _draw_curves(tally: Tally, evaluator: Evaluator, reports: Path) -> None:
    """The tables always, so that DVC finds its plots; the pictures where there is something to draw."""
    classes, curve, rows = evaluator.card.classes, tally.curves(), tally.reliability()
    _write_columns(curve, CURVE_COLUMNS, reports / "curves.csv")
    _write_columns(rows, RELIABILITY_COLUMNS, reports / "reliability.csv")
    if curve:
        curves_plot(curve, evaluator.card.threshold, reports / "curves.png")
    if rows:
        what = f"probability of {classes[1].name}" if tally.binary else "confidence of the winning class"
        reliability_plot(rows, tally.calibration(), what, reports / "reliability.png")


def _write_columns(rows: Sequence[dict[str, float]], columns: Sequence[str], path: Path) -> None:
    if rows:
        write_table(rows, path)
    else:
        path.write_text(",".join(columns) + "\n", encoding="utf-8")


def _draw_cases(evaluator: Evaluator, chosen: Sequence[tuple[IndexRow, ImageScore]], path: Path) -> None:
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
    case_sheet(cases, evaluator.card.classes, path)


def _quality(score: ImageScore) -> float:
    """0..1, high is good: IoU, or the share of an image without sky that is rightly called so."""
    if score.iou is not None:
        return score.iou
    return 1 - score.false_sky if score.false_sky is not None else 1.0


def _verdict(score: ImageScore) -> str:
    if score.iou is None:
        return f"no sky, {score.false_sky or 0:.1%} called sky"
    return f"IoU {score.iou:.3f}, boundary F1 {score.boundary_f1:.3f}"
