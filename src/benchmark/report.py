"""The benchmark's table, plot and JSON line."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

LATENCY_COLUMNS = {
    "contender": "contender",
    "p50_ms": "p50 ms",
    "p95_ms": "p95 ms",
    "p99_ms": "p99 ms",
    "fps": "FPS",
    "speed_up": "speed-up",
    "agreement": "agreement",
    "peak_rss_mb": "peak MiB",
}
VIDEO_COLUMNS = {"step": "video step", "fps": "FPS", "cpu_ms": "CPU ms/frame", "limit_fps": "limit FPS",
                 "share_of_limit": "share of limit"}  # fmt: skip


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


def json_line(latency: Sequence[dict[str, Any]], video: Sequence[dict[str, Any]], machine: dict[str, Any]) -> str:
    """Everything in one line, for scripts."""
    return json.dumps({"machine": machine, "latency": list(latency), "video": list(video)})


def by_name(rows: Sequence[dict[str, Any]], key: str) -> dict[str, dict[str, Any]]:
    """Rows as a tree for the metrics file: name (spaces become underscores) -> figures that are there."""
    return {row[key].replace(" ", "_"): {k: v for k, v in row.items() if k != key and v is not None} for row in rows}


def plot(latency: Sequence[dict[str, Any]], video: Sequence[dict[str, Any]], machine: str, path: Path) -> None:
    """Two bar charts: latency per contender with its p95, and FPS per video step with its limit."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4.6), dpi=100, layout="constrained")
    figure.suptitle(machine, fontsize=10, color="#555555")
    left, right = figure.subplots(1, 2)
    names = [row["contender"] for row in latency]
    bars = left.barh(names, [row["p50_ms"] for row in latency], color="#1f5fbf")
    left.plot([row["p95_ms"] for row in latency], names, "|", color="#de540a", markersize=16, markeredgewidth=2)
    left.bar_label(bars, [f"{row['p50_ms']:.1f}" for row in latency], label_type="center", color="white")
    left.set(title="Latency, batch 1 (bar: median, mark: p95)", xlabel="ms")
    left.invert_yaxis()
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


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if not isinstance(value, float):
        return str(value)
    return f"{value:.4f}" if value <= 1 else f"{value:.1f}"
