"""Experiments as `dvc exp show` tells them -> rows of the comparison, and the columns that a row has."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from src.records import flatten


@dataclass(frozen=True)
class Column:
    """A figure of the comparison.

    Attributes:
        key: in a row; of the metrics and params below their files, dots between levels.
        title: in tables.
        digits: after the point.
        scale: what the figure is multiplied with in tables for people.
        best: `max`, `min`, or None where more is neither better nor worse.
    """

    key: str
    title: str
    digits: int = 3
    scale: float = 1.0
    best: str | None = None


LATENCY = "benchmark.latency."
QUALITY = (
    Column("evaluate.test.iou", "IoU", best="max"),
    Column("evaluate.test.dice", "DSC", best="max"),
    Column("evaluate.test.boundary_f1", "boundary F1", best="max"),
    Column("evaluate.test.boundary_iou", "boundary IoU", best="max"),
    Column("evaluate.test.false_sky", "false sky", best="min"),
    Column("evaluate.unseen.iou", "unseen IoU", best="max"),
    Column("evaluate.test.flicker", "flicker", digits=4, best="min"),
)
SIZE = (
    Column("benchmark.megabytes", "MB", digits=1, best="min"),
    Column("benchmark.parameters", "M parameters", digits=2, scale=1e-6, best="min"),
    Column("benchmark.gmac", "GMAC", digits=2, best="min"),
)
TRAINING = (Column("train.minutes", "min of training", digits=1), Column("train.epochs", "epochs", digits=0))


@dataclass(frozen=True)
class Row:
    """One finished experiment.

    Attributes:
        name: of the experiment.
        model: `name`, or `name/encoder`.
        figures: by flat key, such as `evaluate.test.iou`; what the experiment lacks is absent.
    """

    name: str
    model: str
    figures: dict[str, float]


def rows_of(shown: str, prefix: str) -> list[Row]:
    """The finished experiments of a comparison, the best by test IoU first.

    Args:
        shown: what `dvc exp show --json` prints.
        prefix: of the experiments' names; those named otherwise are not of this comparison.
    """
    found = [_row(entry) for entry in _experiments(json.loads(shown)) if entry["name"].startswith(f"{prefix}-")]
    rows = [row for row in found if row]
    return sorted(rows, key=lambda row: (-row.figures.get(QUALITY[0].key, -1.0), row.name))


def columns_of(rows: Iterable[Row]) -> list[Column]:
    """The columns that any row has a figure for: quality, size, a latency per backend, training."""
    rows = list(rows)
    backends = dict.fromkeys(key for row in rows for key in row.figures if key.startswith(LATENCY))
    # The latency of a frame: a batch's calls are another matter.
    medians = [key for key in backends if key.endswith(".p50_ms") and not re.search(r"_batch_\d+\.p50_ms$", key)]
    latency = [
        Column(key, f"{key[len(LATENCY) : -len('.p50_ms')].replace('_', ' ')} ms", digits=1, best="min")
        for key in medians
    ]
    return [
        column for column in (*QUALITY, *SIZE, *latency, *TRAINING) if any(column.key in row.figures for row in rows)
    ]


def best_of(rows: Sequence[Row], column: Column) -> float | None:
    """The best figure of a column, where there is a choice and a better."""
    figures = [row.figures[column.key] for row in rows if column.key in row.figures]
    if column.best is None or len(figures) < 2:
        return None
    return max(figures) if column.best == "max" else min(figures)


def _experiments(tree: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every named experiment: of a baseline, the newest revision of each."""
    for baseline in tree:
        for experiment in baseline.get("experiments") or ():
            newest = experiment["revs"][0]
            if newest.get("name") and newest.get("data"):
                yield newest


def _row(entry: dict[str, Any]) -> Row | None:
    """None where the experiment has not come to an evaluation: it waits, runs or has failed."""
    metrics = _below_files(entry["data"].get("metrics"))
    model = _below_files(entry["data"].get("params"))
    if not any(key.startswith("evaluate.") for key in metrics):
        return None
    net, encoder = model.get("model.name", entry["name"]), model.get("model.encoder")
    figures = {key: value for key, value in metrics.items() if isinstance(value, int | float)}
    return Row(entry["name"], f"{net}/{encoder}" if encoder else str(net), figures)


def _below_files(files: dict[str, Any] | None) -> dict[str, Any]:
    """The trees of all files, merged and flat; a file that could not be read counts as empty."""
    flat: dict[str, Any] = {}
    for content in (files or {}).values():
        flat |= flatten(content.get("data") or {})
    return flat
