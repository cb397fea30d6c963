"""The benchmark's table, plot and JSON line."""

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

LATENCY_COLUMNS = {
    "contender": "contender",
    "batch": "batch",
    "p50_ms": "p50 ms",
    "p95_ms": "p95 ms",
    "p99_ms": "p99 ms",
    "noise": "noise",
    "fps": "FPS",
    "speed_up": "speed-up",
    "agreement": "agreement",
    "iou": "IoU",
    "kernel_ms": "kernel ms",
    "share_of_limit": "share of limit",
    "peak_rss_mb": "peak MiB",
}
GOAL_COLUMNS = {"goal": "goal", "value": "value", "asked": "asked", "met": "met", "noise": "noise"}
VIDEO_COLUMNS = {
    "step": "video step",
    "fps": "FPS",
    "noise": "noise",
    "cpu_ms": "CPU ms/frame",
    "limit_fps": "limit FPS",
    "share_of_limit": "share of limit",
}


def goal_row(goal: str, repeats: Sequence[float], sign: str = "", bound: float | None = None) -> dict[str, Any]:
    """A figure and whether it reaches what is asked, as `GOAL_COLUMNS` shows it.

    Args:
        goal: its name.
        repeats: of the measurement, one at least.
        sign, bound: what is asked of their median, such as ">=" and 1.15; without them nothing is.

    Returns:
        {goal, value, asked, met, noise}: noise is the median deviation of the repeats, None where there is but one.
    """
    value = float(median(repeats))
    met = None if bound is None else value >= bound if sign == ">=" else value <= bound
    noise = float(median(abs(one - value) for one in repeats)) if len(repeats) > 1 else None
    asked = None if bound is None else f"{sign} {bound:g}"
    return {"goal": goal, "value": value, "asked": asked, "met": met, "noise": noise}


def format_table(rows: Sequence[dict[str, Any]], columns: dict[str, str]) -> str:
    """Rows as text, columns aligned; None is a dash."""
    cells = [[_cell(row[key]) for key in columns] for row in rows]
    lines = [list(columns.values()), *cells]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    rendered = [
        "  ".join(
            cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    ]
    return "\n".join([rendered[0], "-" * len(rendered[0]), *rendered[1:]])


def json_line(machine: dict[str, Any], **tables: Sequence[dict[str, Any]]) -> str:
    """Everything in one line, for scripts."""
    return json.dumps({"machine": machine, **{name: list(rows) for name, rows in tables.items()}})


def by_name(rows: Sequence[dict[str, Any]], key: str) -> dict[str, dict[str, Any]]:
    """Rows as a tree for the metrics file: name (spaces become underscores) -> figures that are there."""
    return {row[key].replace(" ", "_"): {k: v for k, v in row.items() if k != key and v is not None} for row in rows}


def latency_tree(rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Latency rows for the metrics file: batch 1 under the contender's name, larger ones under `<name>_batch_<n>`."""
    named = [row | {"contender": label(row)} for row in rows]
    return {name: {k: v for k, v in row.items() if k != "batch"} for name, row in by_name(named, "contender").items()}


def label(row: dict[str, Any]) -> str:
    """A latency row's name: the contender, and its batch above 1."""
    return row["contender"] if row["batch"] == 1 else f"{row['contender']} batch {row['batch']}"


def plot(latency: Sequence[dict[str, Any]], video: Sequence[dict[str, Any]], machine: str, path: Path) -> None:
    """Two bar charts: latency per contender and batch size, FPS per video step with its limit."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 5.2), dpi=100, layout="constrained")
    figure.suptitle(machine, fontsize=10, color="#555555")
    left, right = figure.subplots(1, 2)
    _plot_latency(left, latency)
    steps = [row["step"] for row in video]
    bars = right.barh(steps, [row["fps"] for row in video], color="#2a9d6f")
    limits = [(row["limit_fps"], row["step"]) for row in video if row["limit_fps"]]
    right.plot(*zip(*limits, strict=True), "|", color="#de540a", markersize=16, markeredgewidth=2)
    right.bar_label(bars, [f"{row['fps']:.0f}" for row in video], label_type="center", color="white")
    right.set(title="Video (mark: cores / CPU seconds per frame)", xlabel="FPS")
    right.invert_yaxis()
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def _plot_latency(axes: Any, rows: Sequence[dict[str, Any]]) -> None:
    """A group of bars per contender, one per batch size: ms per frame, with the p95."""
    names, batches = (list(dict.fromkeys(row[key] for row in rows)) for key in ("contender", "batch"))
    thickness = 0.8 / len(batches)
    for place, batch in enumerate(batches):
        own = [row for row in rows if row["batch"] == batch]
        heights = [names.index(row["contender"]) + (place - (len(batches) - 1) / 2) * thickness for row in own]
        shade = 1 - 0.5 * place / len(batches)
        bars = axes.barh(
            heights, [row["p50_ms"] / batch for row in own], thickness * 0.92, color="#1f5fbf", alpha=shade,
            label=f"batch {batch}",
        )  # fmt: skip
        axes.plot([row["p95_ms"] / batch for row in own], heights, "|", color="#de540a", markersize=160 / len(rows))
        axes.bar_label(bars, [f"{row['p50_ms'] / batch:.1f}" for row in own], padding=4, fontsize=8, color="#333333")
    axes.set(title="Latency per frame (bar: median, mark: p95)", xlabel="ms")
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.legend(frameon=False)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, float):
        return str(value)
    return f"{value:.4f}" if value <= 1 else f"{value:.1f}"
