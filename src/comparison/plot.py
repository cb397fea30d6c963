"""The plot of a comparison: accuracy over latency, a point's area its size in megabytes."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from src.comparison.rows import LATENCY, QUALITY, Row
from src.evaluation.canvas import AXES_STYLE, CURVE, FAINT, INK, finish, new_figure, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ENGINE, MEGABYTES = f"{LATENCY}engine.p50_ms", "benchmark.megabytes"
LARGEST = 1400.0  # square points of the largest model's disc
SMALLEST = 30.0
WIDTH, HEIGHT = 1100, 620


def draw(rows: Sequence[Row], path: Path) -> str:
    """Writes the plot as PNG and returns it as SVG, text as text, for a page to hold.

    Without a latency the points stand in order of accuracy; without a size they are small.

    Args:
        rows: at least one; those without a test IoU are left out.
        path: the PNG; its folder is made.
    """
    from matplotlib import rc_context

    # A fixed salt: equal figures are equal files.
    with rc_context(AXES_STYLE | {"svg.fonttype": "none", "svg.hashsalt": "skyseg"}):
        figure = new_figure(WIDTH, HEIGHT)
        axes = figure.subplots()
        figure.subplots_adjust(left=0.075, right=0.97, bottom=0.12, top=0.91)
        _draw_points(axes, [row for row in rows if QUALITY[0].key in row.figures])
        save(figure, path)
        return _svg(figure)


def _draw_points(axes: "Axes", rows: Sequence[Row]) -> None:
    timed = any(ENGINE in row.figures for row in rows)
    rows = [row for row in rows if ENGINE in row.figures] if timed else rows
    x = [row.figures[ENGINE] if timed else float(place) for place, row in enumerate(rows, start=1)]
    y = [row.figures[QUALITY[0].key] for row in rows]
    sizes = [row.figures.get(MEGABYTES, 0.0) for row in rows]
    areas = [max(SMALLEST, LARGEST * size / max([*sizes, 1e-9])) for size in sizes]
    axes.scatter(x, y, areas, color=CURVE, alpha=0.45, edgecolors=CURVE, linewidths=1.5, zorder=3)
    label = "latency of the engine, batch 1 (ms, median)" if timed else "place"
    finish(axes, "Accuracy over latency; area: megabytes", label, "test IoU", *_ranges(x, y), legend=False)
    radii = [(area / 3.1416) ** 0.5 for area in areas]
    _label(axes, [f"{row.model}, {size:.0f} MB" for row, size in zip(rows, sizes, strict=True)], x, y, radii)


def _ranges(x: Sequence[float], y: Sequence[float]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Room for discs and labels around the points; both axes within what is possible."""
    wide, high = max(x, default=1.0) - min(x, default=0.0), max(y, default=1.0) - min(y, default=0.0)
    wide, high = max(wide, 0.2 * max(x, default=1.0), 1e-3), max(high, 0.02)
    low_y, top_y = min(y, default=0.0) - 0.2 * high, max(y, default=1.0) + 0.2 * high
    return (max(0.0, min(x, default=0.0) - 0.15 * wide), max(x, default=1.0) + 0.35 * wide), (low_y, top_y)


def _label(axes: "Axes", names: Sequence[str], x: Sequence[float], y: Sequence[float], radii: Sequence[float]) -> None:
    """Each name beside its disc, moved up or down until it covers no other name."""
    renderer = axes.figure.canvas.get_renderer()
    taken = []
    for name, at_x, at_y, radius in sorted(zip(names, x, y, radii, strict=True), key=lambda one: -one[2]):
        for step in (shift * sign for shift in range(12) for sign in (1, -1)):
            leader = {"arrowstyle": "-", "color": FAINT, "lw": 0.7} if abs(step) > 1 else None
            place = {"xytext": (radius + 5, step * 12), "textcoords": "offset points", "va": "center"}
            text = axes.annotate(name, (at_x, at_y), size=10, color=INK, zorder=5, arrowprops=leader, **place)
            box = text.get_window_extent(renderer).padded(1)
            if not any(box.overlaps(other) for other in taken):
                break
            text.remove()
        taken.append(box)


def _svg(figure: "Figure") -> str:
    content = BytesIO()
    figure.savefig(content, format="svg", metadata={"Date": None, "Creator": None})
    text = content.getvalue().decode()
    return text[text.index("<svg") :]  # a page has its own head
