"""The plot of a comparison: accuracy over latency, a point's area its size in megabytes."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from src.comparison.rows import LATENCY, QUALITY, Row
from src.evaluation.canvas import AXES_STYLE, CURVE, DPI, FAINT, INK, finish, new_figure, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ENGINE, MEGABYTES = f"{LATENCY}engine.p50_ms", "benchmark.megabytes"
LARGEST = 1400.0  # square points of the largest model's disc
SMALLEST = 30.0
WIDTH, HEIGHT = 1100, 620
LOGARITHMIC = 8.0  # slowest over fastest, from which on fast models would crowd at the left edge


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
    if not rows:
        return
    x = [row.figures[ENGINE] if timed else float(place) for place, row in enumerate(rows, start=1)]
    y = [row.figures[QUALITY[0].key] for row in rows]
    sizes = [row.figures.get(MEGABYTES, 0.0) for row in rows]
    areas = [max(SMALLEST, LARGEST * size / max([*sizes, 1e-9])) for size in sizes]
    axes.scatter(x, y, areas, color=CURVE, alpha=0.45, edgecolors=CURVE, linewidths=1.5, zorder=3)
    label = "latency of the engine, batch 1 (ms, median)" if timed else "place"
    title, ranges = "Accuracy over latency; area: megabytes", (_latency_range(x), _quality_range(y))
    finish(axes, title, label, "test IoU", *ranges, legend=False)
    if max(x) > LOGARITHMIC * min(x):
        _set_logarithmic(axes, x)
    radii = [(area / 3.1416) ** 0.5 for area in areas]
    _label(axes, [f"{row.model}, {size:.0f} MB" for row, size in zip(rows, sizes, strict=True)], x, y, radii)


def _latency_range(x: Sequence[float]) -> tuple[float, float]:
    wide = max(max(x) - min(x), 0.2 * max(x))
    return max(0.0, min(x) - 0.15 * wide), max(x) + 0.15 * wide


def _quality_range(y: Sequence[float]) -> tuple[float, float]:
    high = max(max(y) - min(y), 0.02)
    return min(y) - 0.2 * high, max(y) + 0.2 * high


def _set_logarithmic(axes: "Axes", x: Sequence[float]) -> None:
    from matplotlib.ticker import LogLocator, NullLocator, ScalarFormatter

    axes.set_xscale("log")
    axes.set_xlim(min(x) / 1.5, max(x) * 1.5)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(ScalarFormatter())


def _label(axes: "Axes", names: Sequence[str], x: Sequence[float], y: Sequence[float], radii: Sequence[float]) -> None:
    """Each name beside its disc, or moved up or down, where it covers no disc and no other name.

    Args:
        axes: with its limits set.
        names, x, y: of the points.
        radii: of the discs, in points of type.
    """
    from matplotlib.transforms import Bbox

    renderer, frame = axes.figure.canvas.get_renderer(), axes.get_window_extent()
    discs = zip(axes.transData.transform(list(zip(x, y, strict=True))), radii, strict=True)
    taken = [Bbox.from_extents(*(at - radius * DPI / 72), *(at + radius * DPI / 72)) for at, radius in discs]
    places = [(side, shift * sign) for shift in range(20) for sign in (1, -1) for side in (1, -1)]
    for name, at, radius in zip(names, zip(x, y, strict=True), radii, strict=True):
        for side, shift in places:
            place = {"xytext": (side * (radius + 5), shift * 8), "textcoords": "offset points"}
            aligned = {"va": "center", "ha": "left" if side > 0 else "right"}
            text = axes.annotate(name, at, size=10, color=INK, zorder=5, **aligned, **place)
            box = text.get_window_extent(renderer)
            inside = frame.x0 <= box.x0 and box.x1 <= frame.x1
            if inside and not any(box.overlaps(other) for other in taken):
                break
            text.remove()
        else:
            continue  # no room at all: the table has the name
        if abs(shift) > 1:
            axes.annotate("", at, arrowprops={"arrowstyle": "-", "color": FAINT, "lw": 0.7}, **place)
        taken.append(box)


def _svg(figure: "Figure") -> str:
    content = BytesIO()
    figure.savefig(content, format="svg", metadata={"Date": None, "Creator": None})
    text = content.getvalue().decode()
    return text[text.index("<svg") :]  # a page has its own head
