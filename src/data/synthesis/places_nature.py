"""Country under the sky: fields, mountains, woods, deserts, snow, and the view up through a canopy."""

import numpy as np

from src.data.synthesis.brushes import choose, jitter
from src.data.synthesis.canvas import Canvas
from src.data.synthesis.houses import paint_house
from src.data.synthesis.noise import fbm
from src.data.synthesis.perspective import FAR, View, paint_lane
from src.data.synthesis.scenery import ridges, scatter, treeline
from src.data.synthesis.sky import Sky
from src.data.synthesis.skyline import paint_pylon
from src.data.synthesis.terrain import paint_dune, paint_ground, paint_mesa, paint_ridge, skyline
from src.data.synthesis.things import paint_animal, paint_blob, paint_flower, paint_person
from src.data.synthesis.trees import (
    BARK,
    crown,
    limbs,
    paint_any_tree,
    paint_bare_tree,
    paint_bush,
    paint_conifer,
    paint_palm,
    paint_tree,
)


def landscape(rng: np.random.Generator, canvas: Canvas, sky: Sky, horizon: float) -> None:
    """Hills, fields and hedges, a farm, a road, cattle, trees, pylons, flowers close by."""
    h, w = canvas.height, canvas.width
    if rng.random() < 0.75:
        ridges(
            rng,
            canvas,
            sky,
            horizon,
            int(rng.integers(1, 4)),
            h * rng.uniform(0.02, 0.22),
            ("forest", "grass", "heath", "autumn", "forest"),
            rng.uniform(0, 0.5),
        )
    if rng.random() < 0.5:
        treeline(rng, canvas, sky, horizon + 0.02 * h, h * rng.uniform(0.01, 0.08), rng.uniform(0.1, 0.4))
    ground = choose(rng, "grass", "grass", "grass", "dry grass", "field", "soil", "sand")
    paint_ground(rng, canvas, horizon + 0.02 * h, sky.light, ground)
    if rng.random() < 0.3:
        view = View(focal=w, middle=rng.uniform(0.2, 0.8) * w, horizon=horizon + 0.015 * h, x=rng.normal(0, 3))
        grey = jitter(rng, choose(rng, (0.3, 0.3, 0.31), (0.5, 0.42, 0.32), (0.62, 0.6, 0.56)), 0.15)
        paint_lane(canvas, view, (-rng.uniform(1, 3), rng.uniform(1, 3)), sky.light.on(grey, 0.05), FAR)
    for _ in range(choose(rng, 0, 0, 0, 1, 1, 2)):
        x, tall = rng.uniform(0, 0.9) * w, h * rng.uniform(0.03, 0.18)
        paint_house(
            rng, canvas, x, horizon + 0.05 * h, tall, sky.light, sky.horizon, 0.1, floors=int(rng.integers(1, 3))
        )
    if rng.random() < 0.12:
        paint_pylon(rng, canvas, rng.random() * w, horizon + 0.1 * h, h * rng.uniform(0.2, 0.8), sky.light, 0.1)
    if rng.random() < 0.5:
        scatter(rng, canvas, sky, horizon, paint_any_tree, int(rng.integers(1, 6)), (0.06, 0.9))
    scatter(rng, canvas, sky, horizon, paint_bush, int(rng.integers(0, 4)), (0.02, 0.2))
    if rng.random() < 0.35:
        animals = choose(rng, (1, 0.2, 0.7), (7, 0.03, 0.2))
        scatter(rng, canvas, sky, horizon, paint_animal, int(rng.integers(1, 1 + animals[0] * 2)), animals[1:])
    if rng.random() < 0.12:
        close = choose(rng, paint_blob, paint_person, paint_flower)
        for x in rng.uniform(0.1, 0.9, int(rng.integers(1, 4))) * w:
            close(rng, canvas, x, h * (0.7 if close is paint_blob else 1.05), h * rng.uniform(0.2, 0.8), sky.light)


def mountains(rng: np.random.Generator, canvas: Canvas, sky: Sky, horizon: float) -> None:
    """Range behind range, hazier with distance, snow on the peaks, conifers in front."""
    h = canvas.height
    covers = choose(rng, ("rock",), ("rock", "forest"), ("rock", "snow"), ("forest",), ("desert", "rock"))
    ridges(rng, canvas, sky, horizon, int(rng.integers(2, 6)), h * rng.uniform(0.15, 0.6), covers, rng.uniform(0.4, 1))
    ground = choose(rng, "grass", "dry grass", "gravel", "snow", "soil")
    paint_ground(rng, canvas, horizon + rng.uniform(0.03, 0.15) * h, sky.light, ground)
    if rng.random() < 0.7:
        painter = choose(rng, paint_conifer, paint_conifer, paint_any_tree, paint_bush)
        scatter(rng, canvas, sky, horizon + 0.04 * h, painter, int(rng.integers(1, 8)), (0.05, 0.6))
    if rng.random() < 0.25:
        x = rng.uniform(0.1, 0.8) * canvas.width
        paint_house(
            rng, canvas, x, horizon + 0.12 * h, h * rng.uniform(0.04, 0.2), sky.light, sky.horizon, 0.05, floors=1
        )
    if rng.random() < 0.2:
        scatter(rng, canvas, sky, horizon + 0.1 * h, choose(rng, paint_person, paint_animal, paint_blob), 2, (0.1, 0.5))


def forest(rng: np.random.Generator, canvas: Canvas, sky: Sky, horizon: float) -> None:
    """A wood's edge, trees alone against the sky, often bare in winter."""
    h = canvas.height
    if rng.random() < 0.7:
        treeline(rng, canvas, sky, horizon, h * rng.uniform(0.05, 0.35), 0.3)
    ground = choose(rng, "grass", "soil", "dry grass", "snow", "grass")
    paint_ground(rng, canvas, horizon, sky.light, ground)
    winter = rng.random() < (0.75 if ground == "snow" else 0.4)
    painter = choose(rng, *((paint_bare_tree,) * 3 if winter else (paint_any_tree, paint_tree, paint_conifer)))
    count = int(rng.integers(1, 4)) if rng.random() < 0.35 else int(rng.integers(5, 12))
    scatter(rng, canvas, sky, horizon, painter, count, (0.25, 1.4))
    scatter(rng, canvas, sky, horizon, paint_bush, int(rng.integers(0, 4)), (0.03, 0.25))


def desert(rng: np.random.Generator, canvas: Canvas, sky: Sky, horizon: float) -> None:
    """Dunes, mesas or bare hills in the colours of sand, shrubs, a palm, a caravan."""
    h, w = canvas.height, canvas.width
    if rng.random() < 0.5:
        for _ in range(int(rng.integers(1, 4))):
            paint_mesa(
                rng, canvas, rng.uniform(-0.1, 0.9) * w, horizon + 0.03 * h, h * rng.uniform(0.08, 0.5), sky.light
            )
    else:
        ridges(
            rng, canvas, sky, horizon, int(rng.integers(1, 4)), h * rng.uniform(0.05, 0.3), ("desert", "desert", "rock")
        )
    paint_ground(rng, canvas, horizon + 0.02 * h, sky.light, choose(rng, "sand", "sand", "soil", "gravel"))
    if rng.random() < 0.5:
        for near in np.sort(rng.random(int(rng.integers(2, 6)))):
            paint_dune(
                rng, canvas, horizon + near * 0.4 * h, h * rng.uniform(0.05, 0.3) * (0.3 + near), sky.light, 1 - near
            )
    scatter(rng, canvas, sky, horizon, choose(rng, paint_bush, paint_palm), int(rng.integers(0, 5)), (0.03, 0.5))
    if rng.random() < 0.3:
        scatter(rng, canvas, sky, horizon, choose(rng, paint_animal, paint_person), int(rng.integers(1, 5)), (0.1, 0.6))


def snow(rng: np.random.Generator, canvas: Canvas, sky: Sky, horizon: float) -> None:
    """Snow nearly as bright as the sky above it, trees and fences the only dark things."""
    h = canvas.height
    if rng.random() < 0.7:
        ridges(
            rng,
            canvas,
            sky,
            horizon,
            int(rng.integers(1, 4)),
            h * rng.uniform(0.03, 0.4),
            ("snow", "snow", "rock", "forest"),
        )
    paint_ground(rng, canvas, horizon + 0.01 * h, sky.light, "snow")
    for near in np.sort(rng.random(int(rng.integers(0, 4)))):
        bank = skyline(rng, canvas.width, horizon + near * 0.5 * h, 0.1 * h * rng.random(), 0.1)
        paint_ridge(rng, canvas, bank, h, sky.light, "snow", 0.1 * (1 - near))
    painter = choose(rng, paint_conifer, paint_conifer, paint_bare_tree, paint_any_tree)
    scatter(rng, canvas, sky, horizon, painter, int(rng.integers(0, 7)), (0.08, 0.9))
    if rng.random() < 0.4:
        scatter(
            rng,
            canvas,
            sky,
            horizon,
            choose(rng, paint_person, paint_blob, paint_animal),
            int(rng.integers(1, 4)),
            (0.1, 0.5),
        )


def canopy(rng: np.random.Generator, canvas: Canvas, sky: Sky, horizon: float) -> None:
    """A look up: trunks that converge on a point overhead, branches and leaves with sky between them."""
    h, w = canvas.height, canvas.width
    size, light = max(h, w), sky.light
    above = np.array([rng.uniform(0.3, 0.7) * w, rng.uniform(-0.4, 0.5) * h])
    bare = rng.random() < 0.4
    leaf = size * rng.uniform(0.004, 0.012)
    for angle in np.arange(count := int(rng.integers(2, 7))) * 2 * np.pi / count + rng.normal(0, 0.25, count):
        out = np.array([np.cos(angle), np.sin(angle)])
        foot, tip = above + out * size * 1.2, above + out * size * rng.uniform(0.05, 0.3)
        thick, across = size * rng.uniform(0.015, 0.05), np.array([-out[1], out[0]])
        bark = light.on(jitter(rng, choose(rng, *BARK), 0.15) * rng.uniform(0.3, 0.9))
        stem = [foot - across * thick, tip - across * 0.1 * thick, tip + across * 0.1 * thick, foot + across * thick]
        canvas.polygon(np.array(stem), bark)
        starts = tip + (foot - tip) * rng.uniform(0.0, 0.6, (4 if bare else 2, 1))
        headings = np.arctan2(-out[0], out[1]) + rng.normal(0, 0.9, len(starts))
        for lines, t in limbs(rng, starts, size * rng.uniform(0.1, 0.2), headings, thick * 0.4, 0.5):
            canvas.lines(list(lines), t, bark)
    if bare:
        return
    for _ in range(int(rng.integers(1, 4))):
        side = int(size * rng.uniform(0.4, 0.9))
        patch, alpha = crown(rng, side, side, light, 0.0, loose=rng.uniform(0.2, 0.8), leaf=leaf)
        backlit = np.float32(rng.uniform(0.5, 1.0))
        canvas.paint(patch * backlit, alpha, int(rng.uniform(-0.5, 0.8) * h), int(rng.uniform(-0.3, 0.8) * w))
    # Gaps and single leaves all over.
    gaps = fbm(rng, h, w, size * 0.3, octaves=8, gain=0.75)
    alpha = np.clip((gaps - np.float32(rng.uniform(0.0, 1.2))) * 5, 0, 1)
    canvas.paint(light.on(jitter(rng, (0.12, 0.2, 0.06), 0.3)), alpha)
