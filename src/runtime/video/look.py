"""Which view is shown and how strongly it is tinted: what the keys of a window change while compositors draw."""

from collections.abc import Sequence

from src.runtime.options import OPACITY, VIEWS


class Look:
    """May be changed on one thread while others read it: a change takes effect on the next picture composed.

    Args:
        view: one of `src.runtime.options.VIEWS`.
        opacity: of the tint, 0..1.
        views: those that `next_view` goes through; None is this one alone.

    Attributes:
        view, opacity, views: as they are now.
    """

    def __init__(self, view: str, opacity: float = OPACITY, views: Sequence[str] | None = None) -> None:
        self.view, self.opacity = view, opacity
        self.views = tuple(view for view in VIEWS if view in (views or (self.view,)))

    def next_view(self) -> str:
        """Goes on to the next of the views; its name."""
        self.view = self.views[(self.views.index(self.view) + 1) % len(self.views)]
        return self.view

    def change_opacity(self, by: float) -> float:
        """More or less of the tint; what it is then, 0..1."""
        self.opacity = round(min(1.0, max(0.0, self.opacity + by)), 2)
        return self.opacity

    def __str__(self) -> str:
        tinted = self.view in ("overlay", "side-by-side")
        return f"{self.view} {self.opacity:.0%}" if tinted else self.view
