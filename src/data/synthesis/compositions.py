"""What stands where: outdoor scenes composed of terrain, buildings, trees and things, far to near."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from src.data.synthesis.buildings import paint_house, paint_street_side, paint_town
from src.data.synthesis.canvas import Canvas
from src.data.synthesis.sky import Sky, paint_sky
from src.data.synthesis.terrain import (
    GROUNDS,
    RIDGES,
    choose,
    paint_ground,
    paint_ridge,
    paint_road,
    paint_water,
    skyline,
)
from src.data.synthesis.things import (
    paint_blob,
    paint_boat,
    paint_car,
    paint_flyer,
    paint_person,
    paint_pole,
    paint_wires,
)
from src.data.synthesis.trees import paint_any_tree, paint_branches, paint_bush


@dataclass(frozen=True)
class Place:
    """A kind of scenery.

    Attributes:
        paint: paints it: `paint(rng, canvas, sky, horizon)`, the canvas already showing the sky.
        low, high: range of the horizon's row as a share of the height; above 1 it lies below the picture.
    """

    paint: Callable[[np.random.Generator, Canvas, Sky, float], None]
    low: float
    high: float


def compose(
    rng: np.random.Generator, sky: Sky, height: int, width: int, place: str, foreground: Mapping[str, float]
) -> Canvas:
    """Paints a random outdoor scene under the given sky.

    Args:
        place: key of PLACES.
        foreground: how likely each thing of options.FOREGROUND stands in front of it, 0..1 by name.
    """
    scenery = PLACES[place]
    horizon = rng.uniform(scenery.low, scenery.high) * height
    canvas = Canvas(paint_sky(rng, sky, height, width, horizon))
    scenery.paint(rng, canvas, sky, horizon)
    return canvas


def ridges(rng: np.random.Generator, canvas: Canvas, sky: Sky, horizon: float, count: int, tall: float) -> None:
    """Paints `count` ridges from the farthest to the nearest; the farthest is `tall` pixels high."""
    roughness = rng.random()
    covers = [str(choose(rng, *RIDGES)) for _ in range(2)]
    for i in range(count):
        near = (i + 1) / count
        depth = 1 - 0.85 * near
        base = horizon + near * 0.04 * canvas.height
        top = skyline(
            rng, canvas.width, base, tall * (1 - 0.7 * near) * rng.uniform(0.6, 1.3), roughness * (1 - 0.5 * near)
        )
        paint_ridge(rng, canvas, top, base + 0.2 * canvas.height, sky.light, covers[i * 2 // count], depth)


def treeline(rng: np.random.Generator, canvas: Canvas, sky: Sky, base: float, tall: float, depth: float) -> None:
    """Paints a far wood or hedge as one ragged ridge."""
    top = skyline(rng, canvas.width, base, tall, 0.5)
    paint_ridge(
        rng, canvas, top, base + 0.1 * canvas.height, sky.light, choose(rng, "forest", "forest", "autumn"), depth
    )


def scatter(
    rng: np.random.Generator, canvas: Canvas, sky: Sky, horizon: float, painter, count: int, size: tuple[float, float]
) -> None:
    """Stands `count` things on the ground, far to near; their size in shares of the height grows with nearness."""
    for near in np.sort(rng.random(count)):
        base = horizon + (0.02 + 0.9 * near) * 0.5 * canvas.height
        tall = canvas.height * (size[0] + (size[1] - size[0]) * near) * rng.uniform(0.7, 1.3)
        painter(rng, canvas, rng.uniform(-0.05, 1.05) * canvas.width, base, tall, sky.light)


def foreground(rng: np.random.Generator, canvas: Canvas, sky: Sky, horizon: float) -> None:
    """Now and then something close, in front of everything."""
    if rng.random() < 0.15:
        paint_branches(rng, canvas, sky.light)
    if rng.random() < 0.15:
        paint_wires(rng, canvas, sky.light)
    if rng.random() < 0.15:
        paint_flyer(rng, canvas, horizon, sky.light)
    if rng.random() < 0.2:
        x = rng.uniform(0, 1) * canvas.width
        paint_pole(
            rng, canvas, x, canvas.height * rng.uniform(0.8, 1.2), canvas.height * rng.uniform(0.4, 1.4), sky.light
        )


def landscape(rng: np.random.Generator, canvas: Canvas, sky: Sky, horizon: float) -> None:
    """Hills or mountains, fields, some trees, perhaps a road, a lake or a village."""
    h = canvas.height
    ridges(rng, canvas, sky, horizon, int(rng.integers(1, 5)), h * rng.uniform(0.03, 0.45))
    if rng.random() < 0.25:
        paint_water(rng, canvas, horizon + 0.02 * h, sky.light, rng.random())
        # The near bank, on which the trees stand.
        bank = skyline(rng, canvas.width, horizon + rng.uniform(0.03, 0.3) * h, 0.05 * h, 0.2)
        paint_ridge(rng, canvas, bank, h, sky.light, choose(rng, "grass", "heath", "rock", "forest"), 0.05)
        horizon = float(bank.max())
    else:
        paint_ground(rng, canvas, horizon + 0.02 * h, sky.light, str(choose(rng, *GROUNDS)))
        if rng.random() < 0.3:
            paint_road(rng, canvas, (rng.uniform(0.2, 0.8) * canvas.width, horizon + 0.02 * h), sky.light)
        if rng.random() < 0.3:
            x = rng.uniform(0, 0.9) * canvas.width
            paint_house(rng, canvas, x, horizon + 0.08 * h, h * rng.uniform(0.04, 0.2), sky.light, sky.horizon, 0.1)
    if rng.random() < 0.4:
        treeline(rng, canvas, sky, horizon + 0.03 * h, h * rng.uniform(0.02, 0.08), 0.3)
    scatter(rng, canvas, sky, horizon, paint_any_tree, int(rng.integers(0, 7)), (0.06, 0.9))
    scatter(rng, canvas, sky, horizon, paint_bush, int(rng.integers(0, 4)), (0.02, 0.2))
    foreground(rng, canvas, sky, horizon)


def sea(rng: np.random.Generator, canvas: Canvas, sky: Sky, horizon: float) -> None:
    """Open water, a far coast, boats, perhaps a beach or rocks in front."""
    h = canvas.height
    if rng.random() < 0.4:
        ridges(rng, canvas, sky, horizon - 0.02 * h, int(rng.integers(1, 3)), h * rng.uniform(0.02, 0.15))
    paint_water(rng, canvas, horizon, sky.light, rng.random() ** 2)
    for _ in range(int(rng.integers(0, 4))):
        paint_boat(
            rng,
            canvas,
            rng.random() * canvas.width,
            horizon + h * rng.uniform(0, 0.08),
            h * rng.uniform(0.02, 0.25),
            sky.light,
        )
    if rng.random() < 0.35:
        shore = rng.uniform(0.6, 0.95) * h
        top = skyline(rng, canvas.width, max(shore, horizon + 5), 0.15 * h * rng.random(), 0.3)
        paint_ridge(rng, canvas, top, h, sky.light, choose(rng, "desert", "rock", "grass"), 0.0)
    foreground(rng, canvas, sky, horizon)


def street(rng: np.random.Generator, canvas: Canvas, sky: Sky, horizon: float) -> None:
    """A road between buildings, with trees, lamps, cars and people."""
    h, w = canvas.height, canvas.width
    vanish = (rng.uniform(0.15, 0.85) * w, horizon)
    if rng.random() < 0.6:
        paint_town(rng, canvas, horizon + 2, h * rng.uniform(0.05, 0.3), sky.light, sky.horizon, 0.5)
    treeline(rng, canvas, sky, horizon + 0.02 * h, h * rng.uniform(0.02, 0.12), 0.4)
    paint_ground(rng, canvas, horizon, sky.light, choose(rng, "asphalt", "asphalt", "paving", "grass"))
    paint_road(rng, canvas, vanish, sky.light)
    for side in (-1, 1):
        if rng.random() < 0.8:
            paint_street_side(rng, canvas, vanish, side, sky.light, sky.horizon)
        else:
            for near in np.sort(rng.random(5)):
                x = vanish[0] + side * near * w * 0.7
                paint_any_tree(
                    rng, canvas, x, horizon + near * 0.3 * h, h * (0.1 + near * rng.uniform(0.4, 1.0)), sky.light
                )
    for near in np.sort(rng.random(int(rng.integers(0, 6)))):
        x = vanish[0] + choose(rng, -1, 1) * (0.05 + near * rng.uniform(0.2, 0.6)) * w
        base = horizon + (0.03 + 0.35 * near) * h
        painter = choose(rng, paint_car, paint_car, paint_person, paint_pole, paint_pole, paint_any_tree)
        size = {paint_car: 0.6, paint_person: 0.35}.get(painter, 1.1)
        painter(rng, canvas, x, base, h * size * (0.08 + near), sky.light)
    foreground(rng, canvas, sky, horizon)


def houses(rng: np.random.Generator, canvas: Canvas, sky: Sky, horizon: float) -> None:
    """Buildings from the front, near enough to cut the upper border at times."""
    h, w = canvas.height, canvas.width
    if rng.random() < 0.5:
        paint_town(rng, canvas, horizon + 2, h * rng.uniform(0.1, 0.5), sky.light, sky.horizon, rng.uniform(0.3, 0.9))
    if rng.random() < 0.6:
        treeline(rng, canvas, sky, horizon + 0.02 * h, h * rng.uniform(0.03, 0.15), 0.3)
    paint_ground(rng, canvas, horizon, sky.light, choose(rng, "asphalt", "paving", "grass", "gravel", "snow"))
    for near in np.sort(rng.random(int(rng.integers(1, 5)))):
        tall = h * (0.15 + near * rng.uniform(0.1, 0.9))
        paint_house(
            rng,
            canvas,
            rng.uniform(-0.2, 0.8) * w,
            horizon + (0.03 + 0.12 * near) * h,
            tall,
            sky.light,
            sky.horizon,
            0.2 * (1 - near),
        )
    scatter(rng, canvas, sky, horizon, paint_any_tree, int(rng.integers(0, 5)), (0.1, 0.8))
    scatter(
        rng,
        canvas,
        sky,
        horizon,
        choose(rng, paint_car, paint_person, paint_pole, paint_bush),
        int(rng.integers(0, 4)),
        (0.08, 0.5),
    )
    foreground(rng, canvas, sky, horizon)


def skyscape(rng: np.random.Generator, canvas: Canvas, sky: Sky, horizon: float) -> None:
    """A look up: sky with little in it, perhaps a low town, poles, wires, branches, an aircraft."""
    h = canvas.height
    if horizon < h:
        if rng.random() < 0.5:
            paint_town(
                rng, canvas, horizon + 0.1 * h, h * rng.uniform(0.1, 0.4), sky.light, sky.horizon, rng.uniform(0, 0.8)
            )
        treeline(rng, canvas, sky, horizon + 0.05 * h, h * rng.uniform(0.02, 0.12), 0.1)
        paint_ground(rng, canvas, horizon + 0.04 * h, sky.light, str(choose(rng, *GROUNDS)))
    for painter, chance in ((paint_wires, 0.4), (paint_branches, 0.4)):
        if rng.random() < chance:
            painter(rng, canvas, sky.light)
    if rng.random() < 0.4:
        paint_flyer(rng, canvas, horizon, sky.light)
    scatter(
        rng, canvas, sky, min(horizon, h), choose(rng, paint_any_tree, paint_pole), int(rng.integers(0, 4)), (0.3, 1.2)
    )


def woods(rng: np.random.Generator, canvas: Canvas, sky: Sky, horizon: float) -> None:
    """Sky seen through and above trees."""
    h = canvas.height
    treeline(rng, canvas, sky, horizon, h * rng.uniform(0.05, 0.3), 0.3)
    paint_ground(rng, canvas, horizon, sky.light, choose(rng, "grass", "soil", "dry grass", "snow"))
    scatter(rng, canvas, sky, horizon, paint_any_tree, int(rng.integers(5, 13)), (0.25, 1.4))
    scatter(rng, canvas, sky, horizon, paint_bush, int(rng.integers(0, 4)), (0.03, 0.25))
    foreground(rng, canvas, sky, horizon)


def closeup(rng: np.random.Generator, canvas: Canvas, sky: Sky, horizon: float) -> None:
    """Something large in front of a simple background."""
    h, w = canvas.height, canvas.width
    if rng.random() < 0.7:
        ridges(rng, canvas, sky, horizon, int(rng.integers(1, 3)), h * rng.uniform(0.02, 0.2))
    paint_ground(rng, canvas, horizon, sky.light, str(choose(rng, *GROUNDS)))
    for _ in range(int(rng.integers(1, 4))):
        painter = choose(rng, paint_blob, paint_blob, paint_blob, paint_person, paint_car)
        size = h * (rng.uniform(0.1, 0.45) if painter is paint_blob else rng.uniform(0.3, 0.8))
        y = horizon + h * (rng.uniform(-0.3, 0.3) if painter is paint_blob else rng.uniform(0.1, 0.4))
        painter(rng, canvas, rng.uniform(0.1, 0.9) * w, y, size, sky.light)
    foreground(rng, canvas, sky, horizon)


PLACES = {
    "landscape": Place(landscape, 0.12, 0.85),
    "mountains": Place(landscape, 0.12, 0.85),
    "forest": Place(woods, 0.3, 0.85),
    "desert": Place(landscape, 0.12, 0.85),
    "snow": Place(landscape, 0.12, 0.85),
    "coast": Place(sea, 0.1, 0.85),
    "lake": Place(sea, 0.1, 0.85),
    "street": Place(street, 0.35, 0.75),
    "town": Place(skyscape, 0.75, 1.2),
    "suburb": Place(houses, 0.4, 0.9),
    "highway": Place(street, 0.35, 0.75),
    "facade": Place(houses, 0.4, 0.9),
    "flight": Place(closeup, 0.1, 0.9),
    "canopy": Place(woods, 0.3, 0.85),
}
