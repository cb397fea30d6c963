"""What all pictures of an evaluation share: colours, type, a figure without global state, and files that are whole.

matplotlib is imported inside functions (its import takes a second) and used without pyplot: no display.
"""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from src.files import write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAPER = (255, 255, 255)
INK, FAINT, CURVE, MARK = "#222222", "#8a8a8a", "#1f5fbf", "#de540a"
STYLE = {"font.family": "DejaVu Sans", "font.size": 11, "text.color": INK, "text.parse_math": False}
AXES_STYLE = STYLE | {"axes.edgecolor": FAINT, "xtick.color": INK, "ytick.color": INK}
DPI = 100


def new_figure(width: int, height: int) -> "Figure":
    """An empty white figure of so many pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def finish(axes: "Axes", title: str, x: str, y: str, x_range: tuple, y_range: tuple, *, legend: bool = True) -> None:
    """Title, labels, limits and grid; the legend below, where it can hide no part of a curve."""
    axes.set_title(title, loc="left", size=13, weight="bold", pad=12)
    axes.set(xlabel=x, ylabel=y, xlim=x_range, ylim=y_range)
    axes.spines[["top", "right"]].set_visible(False)
    axes.locator_params(nbins=6)
    axes.grid(color="#eeeeee", linewidth=0.8, zorder=0)
    if legend:
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=2, frameon=False, fontsize=10)


def save(figure: "Figure", path: Path) -> None:
    """Writes a PNG, complete or not at all; its folder is made. Equal figures are equal files."""
    content = BytesIO()
    figure.savefig(content, format="png", dpi=DPI, metadata={"Software": None})  # matplotlib's version would differ
    write_whole(path, content.getvalue())
