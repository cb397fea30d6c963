"""Coasts and lakes: water that mirrors the sky it is not, far shores, boats, piers, beaches."""

import numpy as np

from src.data.synthesis.brushes import choose
from src.data.synthesis.canvas import Canvas
from src.data.synthesis.scenery import ridges, scatter, treeline
from src.data.synthesis.sky import Sky
from src.data.synthesis.skyline import paint_town
from src.data.synthesis.terrain import paint_ridge, skyline
from src.data.synthesis.things import paint_animal, paint_blob, paint_person
from src.data.synthesis.trees import paint_any_tree, paint_bush, paint_palm
from src.data.synthesis.water import paint_boat, paint_pier, paint_water


def coast(rng: np.random.Generator, canvas: Canvas, sky: Sky, horizon: float) -> None:
    """The open sea, at times as white as the sky above it; a far coast, ships, a beach or rocks in front."""
    h, w = canvas.height, canvas.width
    if rng.random() < 0.4:
        ridges(rng, canvas, sky, horizon - 0.02 * h, int(rng.integers(1, 3)), h * rng.uniform(0.01, 0.15))
    if rng.random() < 0.2:
        paint_town(rng, canvas, horizon + 1, h * rng.uniform(0.03, 0.15), sky.light, sky.horizon, rng.uniform(0.4, 0.9))
    paint_water(rng, canvas, horizon, sky.light, rng.random() ** 2)
    _afloat(rng, canvas, sky, horizon)
    if rng.random() < 0.4:
        shore = max(rng.uniform(0.6, 0.95) * h, horizon + 5)
        top = skyline(rng, w, shore, 0.15 * h * rng.random(), 0.3)
        paint_ridge(rng, canvas, top, h, sky.light, choose(rng, "desert", "desert", "rock", "grass"), 0.0)
        on_it = choose(rng, paint_person, paint_person, paint_palm, paint_blob, paint_animal)
        scatter(rng, canvas, sky, shore - 0.02 * h, on_it, int(rng.integers(0, 4)), (0.1, 0.6))


def lake(rng: np.random.Generator, canvas: Canvas, sky: Sky, horizon: float) -> None:
    """Still water under its far shore, which it mirrors; reeds, a jetty, a near bank."""
    h, w = canvas.height, canvas.width
    ridges(
        rng,
        canvas,
        sky,
        horizon,
        int(rng.integers(1, 5)),
        h * rng.uniform(0.04, 0.45),
        ("forest", "rock", "grass", "autumn", "snow"),
    )
    if rng.random() < 0.7:
        treeline(rng, canvas, sky, horizon + 0.01 * h, h * rng.uniform(0.02, 0.15), rng.uniform(0.1, 0.4))
    elif rng.random() < 0.4:
        paint_town(rng, canvas, horizon + 2, h * rng.uniform(0.05, 0.2), sky.light, sky.horizon, 0.4, towers=0.05)
    shore = horizon + 0.015 * h
    paint_water(rng, canvas, shore, sky.light, rng.uniform(0.3, 1.0))
    _afloat(rng, canvas, sky, shore)
    if rng.random() < 0.25:
        side = choose(rng, 0.1, 0.9)
        paint_pier(rng, canvas, side * w, shore + h * rng.uniform(0.08, 0.3), w * rng.uniform(0.3, 0.9), sky.light)
    if rng.random() < 0.5:
        bank = skyline(rng, w, max(rng.uniform(0.7, 1.0) * h, shore + 4), 0.15 * h, 0.3)
        paint_ridge(rng, canvas, bank, h, sky.light, choose(rng, "grass", "heath", "rock", "forest"), 0.0)
        scatter(
            rng,
            canvas,
            sky,
            float(bank.max()),
            choose(rng, paint_any_tree, paint_bush, paint_person, paint_animal),
            int(rng.integers(0, 4)),
            (0.1, 0.9),
        )


def _afloat(rng: np.random.Generator, canvas: Canvas, sky: Sky, horizon: float) -> None:
    """Boats, small far off and large close by, and what else stands in the water."""
    h, w = canvas.height, canvas.width
    for near in np.sort(rng.random(choose(rng, 0, 0, 1, 2, 4)) ** 2):
        x, size = rng.random() * w, h * (0.02 + rng.uniform(0.1, 0.8) * near)
        paint_boat(rng, canvas, x, horizon + h * (0.005 + 0.3 * near), size, sky.light, 0.4 * (1 - near))
    if rng.random() < 0.15:
        x, y, size = rng.random() * w, horizon + rng.uniform(0, 0.2) * h, h * rng.uniform(0.02, 0.2)
        paint_blob(rng, canvas, x, y, size, sky.light)
