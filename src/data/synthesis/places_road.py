"""Places seen from a road: streets between fronts, lanes between gardens, highways through open land."""

import numpy as np

from src.data.synthesis.brushes import choose, jitter
from src.data.synthesis.canvas import Canvas
from src.data.synthesis.houses import build_row, fronts, paint_house
from src.data.synthesis.perspective import NEAR, Panel, View, grain, paint_panel
from src.data.synthesis.scenery import ridges, scatter, treeline
from src.data.synthesis.sky import Sky
from src.data.synthesis.skyline import paint_town
from src.data.synthesis.street import Stand, Street, build_street, paint_gantry, paint_street, shaded
from src.data.synthesis.terrain import GROUNDS, paint_ground
from src.data.synthesis.things import paint_person, paint_pole
from src.data.synthesis.trees import paint_any_tree, paint_bare_tree, paint_bush, paint_conifer, paint_tree
from src.data.synthesis.vehicles import paint_car, paint_car_end, paint_lorry


def _eye(rng: np.random.Generator, canvas: Canvas, horizon: float, height: tuple[float, float] = (1.1, 2.4)) -> View:
    """A camera on the road, held by a hand or behind a windscreen."""
    return View(
        focal=rng.uniform(0.7, 1.3) * canvas.width,
        middle=rng.uniform(0.25, 0.75) * canvas.width,
        horizon=horizon,
        eye=rng.uniform(*height),
    )


def _far_end(rng: np.random.Generator, canvas: Canvas, sky: Sky, horizon: float, tall: float) -> None:
    """What closes the view at the end of a road: houses, towers, trees, hills."""
    h = canvas.height
    if rng.random() < 0.3:
        ridges(rng, canvas, sky, horizon, 1, h * tall * rng.uniform(0.3, 1.0), ("forest", "grass", "heath"), 0.2)
    if rng.random() < 0.5:
        paint_town(rng, canvas, horizon + 2, h * tall * rng.uniform(0.3, 1.2), sky.light, sky.horizon, 0.5, towers=0.1)
    if rng.random() < 0.8:
        treeline(rng, canvas, sky, horizon + 0.01 * h, h * tall * rng.uniform(0.2, 0.6), rng.uniform(0.2, 0.6))


def street(rng: np.random.Generator, canvas: Canvas, sky: Sky, horizon: float) -> None:
    """A street from the road: fronts, pavements, traffic, trees, lamps and wires, the sky a wedge between."""
    sky = shaded(rng, sky)
    _far_end(rng, canvas, sky, horizon, 0.15)
    view = _eye(rng, canvas, horizon)
    paint_street(rng, canvas, view, sky.light, build_street(rng, sky, canvas.height / 7))


def suburb(rng: np.random.Generator, canvas: Canvas, sky: Sky, horizon: float) -> None:
    """Low houses with roofs and chimneys in gardens behind hedges and fences, along a road or across it."""
    h, w = canvas.height, canvas.width
    _far_end(rng, canvas, sky, horizon, 0.12)
    if rng.random() < 0.5:
        paint_street(rng, canvas, _eye(rng, canvas, horizon), sky.light, _lane(rng, sky, h / 9))
        return
    paint_ground(rng, canvas, horizon, sky.light, choose(rng, "grass", "grass", "asphalt", "paving", "gravel", "snow"))
    for near in np.sort(rng.random(int(rng.integers(1, 5)))):
        tall, floors = h * (0.08 + near * rng.uniform(0.1, 0.4)), int(rng.integers(1, 4))
        paint_house(
            rng,
            canvas,
            rng.uniform(-0.2, 0.8) * w,
            horizon + (0.03 + 0.12 * near) * h,
            tall,
            sky.light,
            sky.horizon,
            0.2 * (1 - near),
            floors=floors,
        )
    if rng.random() < 0.4:
        hedge = horizon + h * rng.uniform(0.12, 0.2)
        for x in np.arange(0, w, h * 0.12):
            paint_bush(rng, canvas, x, hedge, h * rng.uniform(0.05, 0.09), sky.light)
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


def _lane(rng: np.random.Generator, sky: Sky, fine: float) -> Street:
    """A quiet road between detached houses."""
    half, stands, buildings = rng.uniform(2.5, 4.5), [], []
    walls = fronts(rng, sky.light, sky.horizon, 4, fine, (1, 2))
    for side in (-1, 1):
        edge = side * (half + rng.uniform(4, 12))
        buildings += build_row(rng, walls, edge, (rng.uniform(2, 15), 160), gaps=0.5)
        for z in rng.uniform(5, 90, int(rng.integers(3, 9))):
            painter = choose(rng, paint_tree, paint_bare_tree, paint_conifer, paint_bush, paint_bush)
            stands.append(
                Stand(
                    side * rng.uniform(half + 1.5, abs(edge)),
                    z,
                    rng.uniform(1, 2) if painter is paint_bush else rng.uniform(3, 10),
                    painter,
                )
            )
        if rng.random() < 0.5:
            stands += [Stand(side * (half + 1), z, 1.3, paint_bush) for z in np.arange(rng.uniform(3, 9), 40, 1.4)]
        stands += [
            Stand(side * (half + 0.5), z, rng.uniform(4, 8), paint_pole) for z in np.arange(rng.uniform(5, 25), 120, 35)
        ]
        for z in rng.uniform(5, 60, int(rng.integers(0, 4))):
            stands.append(Stand(side * (half - 0.9), z, rng.uniform(1.6, 1.9), paint_car_end))
    return Street(
        road=(-half, half),
        walk=choose(rng, 0.0, 1.5, 2.0),
        grey=np.full(3, rng.uniform(0.2, 0.55)),
        slabs=np.full(3, rng.uniform(0.4, 0.7)),
        verge=jitter(rng, np.mean(GROUNDS[choose(rng, "grass", "grass", "dry grass", "gravel", "snow")], axis=0), 0.15),
        marks=((0.0, 0.1, 3.0, 3.0),) if rng.random() < 0.5 else (),
        grain=grain(rng),
        buildings=buildings,
        stands=stands,
        wires=tuple((side * (half + 0.5), y) for side in (-1, 1) for y in (6.5, 7.0)) if rng.random() < 0.35 else (),
    )


def highway(rng: np.random.Generator, canvas: Canvas, sky: Sky, horizon: float) -> None:
    """A wide road with guard rails, lorries, gantries and bridges through open land."""
    w = canvas.width
    _far_end(rng, canvas, sky, horizon, 0.12)
    view = _eye(rng, canvas, horizon, (1.3, 3.0))
    lanes, width = int(rng.integers(2, 5)), 3.6
    left = -rng.uniform(0.5, lanes - 0.5) * width
    right, stands = left + lanes * width, []
    for side, edge in ((-1, left), (1, right)):
        painter = choose(rng, paint_tree, paint_bush, paint_bare_tree, paint_conifer, None)
        if painter:
            for z in rng.uniform(8, 160, int(rng.integers(4, 12))):
                size = rng.uniform(1, 3) if painter is paint_bush else rng.uniform(4, 12)
                stands.append(Stand(edge + side * rng.uniform(5, 25), z, size, painter))
        if rng.random() < 0.4:
            stands += [Stand(edge + side * 1.5, z, rng.uniform(9, 12), paint_pole) for z in np.arange(15, 200, 40)]
    for _ in range(int(rng.integers(1, 8))):
        lorry = rng.random() < 0.4
        x = left + width * (0.5 + rng.integers(lanes))
        stands.append(
            Stand(
                x,
                rng.uniform(8, 140),
                2.5 if lorry else rng.uniform(1.7, 1.9),
                paint_lorry if lorry else paint_car_end,
                rng.uniform(-2, 4),
            )
        )
    marks = [(left + i * width, 0.15, 4.0, 8.0) for i in range(1, lanes)] + [
        (x, 0.18, 9.0, 0.0) for x in (left + 0.3, right - 0.3)
    ]
    road = Street(
        road=(left - 1.5, right + 1.5),
        walk=0.0,
        grey=np.full(3, rng.uniform(0.2, 0.65)) * (1, 1, rng.uniform(0.98, 1.1)),
        slabs=np.full(3, 0.5),
        verge=jitter(
            rng, np.mean(GROUNDS[choose(rng, "grass", "grass", "dry grass", "sand", "snow", "gravel")], axis=0), 0.15
        ),
        marks=tuple(marks),
        grain=grain(rng),
        stands=stands,
    )
    steel = jitter(rng, (0.6, 0.61, 0.62), 0.2)
    spans = [(z, rng.random()) for z in rng.uniform(18, 150, choose(rng, 0, 0, 1, 2))]
    paint_street(rng, canvas, view, sky.light, road)
    for z, _ in sorted(spans, reverse=True):
        paint_gantry(rng, canvas, view, sky.light, road.road, z)
    for x in (left - 1.2, right + 1.2):
        if rng.random() < 0.7:
            start, stop = ((x, view.z + NEAR), (x, 150.0)) if x < view.x else ((x, 150.0), (x, view.z + NEAR))
            depths = np.linspace(start[1], stop[1], 32)
            rail = np.tile([sky.light.on(steel, view.depth(z)) for z in depths], (4, 1, 1))
            paint_panel(canvas, view, Panel(rail, start, stop, 0.45, 0.8))
    if rng.random() < 0.15:  # a bonnet
        x = np.linspace(0, w, 12)
        dome = canvas.height * (rng.uniform(0.86, 0.97) + 0.12 * (x / w - 0.5) ** 2 * 4)
        canvas.polygon(
            np.concatenate([np.stack([x, dome], 1), [(w, 2 * w), (0, 2 * w)]]), sky.light.on(rng.uniform(0, 0.8, 3))
        )
