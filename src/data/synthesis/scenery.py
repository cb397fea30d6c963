"""Ingredients that several places share: ranges of hills, far woods, things scattered over the ground."""

from collections.abc import Callable

import numpy as np

from src.data.synthesis.brushes import choose
from src.data.synthesis.canvas import Canvas
from src.data.synthesis.sky import Sky
from src.data.synthesis.terrain import RIDGES, paint_ridge, skyline


def ridges(
    rng: np.random.Generator,
    canvas: Canvas,
    sky: Sky,
    horizon: float,
    count: int,
    tall: float,
    covers: tuple[str, ...] = tuple(RIDGES),
    roughness: float | None = None,
) -> None:
    """Paints `count` ridges from the farthest to the nearest; the farthest is `tall` pixels high.

    Args:
        covers: keys of RIDGES to draw from.
        roughness: 0 rolling hills .. 1 jagged peaks; drawn at random if None.
    """
    rough = rng.random() if roughness is None else roughness
    pair = [choose(rng, *covers) for _ in range(2)]
    for i in range(count):
        near = (i + 1) / count
        base = horizon + near * 0.04 * canvas.height
        rise = tall * (1 - 0.7 * near) * rng.uniform(0.6, 1.3)
        top = skyline(rng, canvas.width, base, rise, rough * (1 - 0.5 * near))
        paint_ridge(rng, canvas, top, base + 0.12 * canvas.height, sky.light, pair[i * 2 // count], 1 - 0.85 * near)


def treeline(rng: np.random.Generator, canvas: Canvas, sky: Sky, base: float, tall: float, depth: float) -> None:
    """Paints a far wood or hedge as one ragged ridge."""
    top = skyline(rng, canvas.width, base, tall, 0.5)
    cover = choose(rng, "forest", "forest", "forest", "autumn")
    paint_ridge(rng, canvas, top, base + 0.06 * canvas.height, sky.light, cover, depth)


def scatter(
    rng: np.random.Generator,
    canvas: Canvas,
    sky: Sky,
    horizon: float,
    painter: Callable,
    count: int,
    size: tuple[float, float],
) -> None:
    """Stands `count` things on the ground, far to near; their size in shares of the height grows with nearness."""
    for near in np.sort(rng.random(count) ** 1.5):
        base = horizon + (0.02 + 0.9 * near) * 0.5 * canvas.height
        tall = canvas.height * (size[0] + (size[1] - size[0]) * near) * rng.uniform(0.7, 1.3)
        painter(rng, canvas, rng.uniform(-0.05, 1.05) * canvas.width, base, tall, sky.light, 0.2 * (1 - near) ** 2)
