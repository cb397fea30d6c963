"""Built places: skylines, towers, and facades that fill the picture."""

import numpy as np

from src.data.synthesis.brushes import choose, jitter
from src.data.synthesis.buildings import WALLS, facade
from src.data.synthesis.canvas import Canvas
from src.data.synthesis.houses import fronts
from src.data.synthesis.perspective import END, Panel, View, grain, lay_ground, paint_lane, paint_panel
from src.data.synthesis.scenery import scatter, treeline
from src.data.synthesis.sky import Sky
from src.data.synthesis.skyline import paint_town
from src.data.synthesis.street import shaded
from src.data.synthesis.terrain import GROUNDS, paint_ground
from src.data.synthesis.things import paint_person, paint_pole
from src.data.synthesis.trees import paint_any_tree, paint_bare_tree, paint_bush, paint_tree
from src.data.synthesis.vehicles import paint_car
from src.data.synthesis.water import paint_water


def town(rng: np.random.Generator, canvas: Canvas, sky: Sky, horizon: float) -> None:
    """A skyline over roofs, a river or a square; lit at night; glass towers close by that carry the sky's colours."""
    h, w = canvas.height, canvas.width
    base = min(horizon, 1.05 * h)
    if rng.random() < 0.6:
        paint_town(
            rng,
            canvas,
            base + 2,
            h * rng.uniform(0.1, 0.5),
            sky.light,
            sky.horizon,
            rng.uniform(0.4, 0.9),
            towers=rng.random() * 0.6,
        )
    paint_town(
        rng,
        canvas,
        base + 0.02 * h,
        h * rng.uniform(0.15, 0.8),
        sky.light,
        sky.horizon,
        rng.uniform(0.1, 0.5),
        towers=rng.random() * 0.6,
    )
    if base < 0.97 * h:
        if rng.random() < 0.3:
            paint_water(rng, canvas, base + 0.015 * h, sky.light, rng.uniform(0.2, 0.9))
        else:
            paint_ground(rng, canvas, base + 0.01 * h, sky.light, choose(rng, "asphalt", "paving", "grass", "gravel"))
    if rng.random() < 0.45:
        for _ in range(int(rng.integers(1, 4))):
            _tower(rng, canvas, sky, rng.uniform(-0.1, 1.0) * w, max(base, 0.9 * h))
    if rng.random() < 0.4 and base < h:
        scatter(
            rng,
            canvas,
            sky,
            base,
            choose(rng, paint_any_tree, paint_pole, paint_bush),
            int(rng.integers(1, 5)),
            (0.1, 0.6),
        )


def _tower(rng: np.random.Generator, canvas: Canvas, sky: Sky, x: float, base: float) -> None:
    """A high-rise close by, seen from below: two fronts, their sides leaning towards a point overhead."""
    h = canvas.height
    tall, wide = h * rng.uniform(0.4, 1.6), h * rng.uniform(0.12, 0.45)
    corner, lean = rng.uniform(0.2, 1.0), (0.5 * canvas.width - x) * rng.uniform(0, 0.12)
    storeys = int(rng.integers(6, 18))
    top, wall = base - tall, choose(rng, *WALLS)
    for start, stop, shade, drop in (
        (0.0, corner, 1.0, (0.06, 0.0)),
        (corner, 1.0, rng.uniform(0.5, 0.9), (0.0, 0.06)),
    ):
        columns = max(int(7 * (stop - start)), 1)
        if stop - start < 0.03:
            continue
        texture = facade(rng, storeys, columns, sky.light, sky.horizon, 0.02, tall / storeys, wall) * np.float32(shade)
        x0, x1 = x + start * wide, x + stop * wide
        canvas.quad(
            texture,
            np.array([(x0 + lean, top + drop[0] * tall), (x1 + lean, top + drop[1] * tall), (x1, base), (x0, base)]),
        )


def facade_place(rng: np.random.Generator, canvas: Canvas, sky: Sky, horizon: float) -> None:
    """A building from the front or at an angle that fills most of the picture; the sky is what is left over."""
    h, w = canvas.height, canvas.width
    if rng.random() < 0.3:
        sky = shaded(rng, sky)
    if rng.random() < 0.5:
        treeline(rng, canvas, sky, horizon, h * rng.uniform(0.05, 0.25), 0.2)
    view = View(focal=rng.uniform(0.7, 1.2) * w, middle=rng.uniform(-0.3, 1.3) * w, horizon=horizon, eye=1.6)
    stone = jitter(rng, np.mean(GROUNDS[choose(rng, "paving", "asphalt", "grass", "gravel")], axis=0), 0.15)
    ground = Canvas.blank(h, w)
    paint_lane(ground, view, (-END, END), sky.light.on(stone))
    lay_ground(canvas, ground, view, sky.light, grain(rng))
    side = 1 if view.middle < w / 2 else -1
    low = int(rng.integers(1, 6))
    walls = fronts(rng, sky.light, sky.horizon, 3, h / 5, (low, low + 2))
    frontal, distance = rng.random() < 0.5, rng.uniform(9, 30)
    if frontal:  # parallel to the picture; neighbours left and right at other depths
        x = view.x - view.middle / view.focal * distance * 1.2 + rng.uniform(-4, 10)
        while x < view.x + (w - view.middle) / view.focal * distance * 1.2:
            wall = choose(rng, *walls)
            wide, rise = wall.wide * choose(rng, 1, 2), wall.tall
            texture = np.tile(wall.texture, (1, round(wide / wall.wide), 1))
            z = distance * rng.uniform(0.95, 1.15)
            paint_panel(canvas, view, Panel(texture, (x, z), (x + wide, z), 0.0, rise))
            if rng.random() < 0.4:
                tiles = sky.light.on(jitter(rng, choose(rng, *WALLS), 0.2) * 0.5)
                paint_panel(
                    canvas,
                    view,
                    Panel(
                        np.full((2, 2, 3), tiles), (x - 0.3, z), (x + wide + 0.3, z), rise, rise + rng.uniform(0.4, 3)
                    ),
                )
            x += wide + (rng.uniform(0.3, 8) if rng.random() < 0.4 else 0)
    else:  # along a street that runs away from us at an angle
        turn, x0 = rng.uniform(0.15, 0.9), side * rng.uniform(2, 6)
        z = rng.uniform(0.5, 4)
        pieces = []
        while z < 90:
            wall = choose(rng, *walls)
            long, rise = wall.wide, wall.tall * rng.uniform(0.9, 1.1)
            near, far = (x0 + side * turn * (z - 4), z), (x0 + side * turn * (z + long - 4), z + long)
            pieces.append(
                (
                    z,
                    Panel(
                        wall.texture,
                        *((far, near) if side * (near[0] * far[1] - far[0] * near[1]) > 0 else (near, far)),
                        0.0,
                        rise,
                    ),
                )
            )
            z += long * (1 if rng.random() < 0.85 else 1.4)
        for _, panel in sorted(pieces, key=lambda piece: -piece[0]):
            paint_panel(canvas, view, panel)
    thing = choose(rng, paint_car, paint_person, paint_pole, paint_any_tree, paint_tree, paint_bare_tree)
    size = {paint_car: (0.3, 0.7), paint_person: (0.15, 0.5)}.get(thing, (0.3, 1.1))
    scatter(rng, canvas, sky, horizon, thing, int(rng.integers(0, 4)), size)
