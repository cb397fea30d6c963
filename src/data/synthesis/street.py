"""A street as a world in metres: what stands along it and what it looks like from a camera anywhere on it.

Used by the pictures of streets, suburbs and highways and by the clips that drive along them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from src.data.synthesis.brushes import choose, jitter
from src.data.synthesis.canvas import Canvas
from src.data.synthesis.houses import Building, build_row, fronts, paint_building
from src.data.synthesis.perspective import (
    END,
    FAR,
    NEAR,
    View,
    grain,
    lay_ground,
    paint_lane,
    paint_polygon,
    paint_strip,
)
from src.data.synthesis.sky import Light, Sky
from src.data.synthesis.terrain import GROUNDS
from src.data.synthesis.things import paint_cyclist, paint_person, paint_pole
from src.data.synthesis.trees import paint_bare_tree, paint_bush, paint_conifer, paint_tree
from src.data.synthesis.vehicles import paint_car_end, paint_lorry

SIDES = ("row", "row", "row", "gaps", "trees", "open")


@dataclass(frozen=True)
class Stand:
    """One thing on the ground.

    Attributes:
        x, z: where, in metres.
        size: metres, what its painter calls its size (a height, or a width for a vehicle).
        paint: `paint(rng, canvas, x, base, size, light, depth)` in pixels.
        speed: metres per second along z, negative towards the camera.
    """

    x: float
    z: float
    size: float
    paint: Callable
    speed: float = 0.0


@dataclass(frozen=True)
class Street:
    """Everything along one road; metres.

    Attributes:
        road: columns of its left and right kerb.
        walk: width of the pavements; 0 for none.
        grey, slabs, verge: reflectances [3] of road, pavement and of the ground beyond.
        marks: (column, width, length, gap) of each line; gap 0 is unbroken.
        grain: unevenness of the ground; see `perspective.grain`.
        buildings: nearest first on either side.
        stands: in any order.
        wires: (column, height) of each overhead line along the street.
        crossing: depth of a zebra crossing, if any.
    """

    road: tuple[float, float]
    walk: float
    grey: np.ndarray
    slabs: np.ndarray
    verge: np.ndarray
    marks: tuple[tuple[float, float, float, float], ...]
    grain: np.ndarray
    buildings: list[Building] = field(default_factory=list)
    stands: list[Stand] = field(default_factory=list)
    wires: tuple[tuple[float, float], ...] = ()
    crossing: float | None = None


def build_street(rng: np.random.Generator, sky: Sky, fine: float, length: float = 260.0) -> Street:
    """Draws a city street; the camera drives on it at x = 0.

    Args:
        fine: height of a floor in the fronts' textures, in pixels.
        length: metres over which its sides are built up.
    """
    left, right = -rng.uniform(2, 8), rng.uniform(2, 6)
    walk = rng.uniform(1.5, 4)
    grey = np.full(3, rng.uniform(0.14, 0.5)) * (1, 1, rng.uniform(0.98, 1.12))
    middle = 0.5 * (left + right)
    lines = [(middle, 0.12, *choose(rng, (2.0, 4.0), (4.0, 2.0), (9.0, 0.0)))]
    if rng.random() < 0.6:
        lines += [(x + s, 0.1, 9.0, 0.0) for x, s in ((left, 0.4), (right, -0.4)) for s in (s, 1.6 * s)]
    low = int(rng.integers(1, 5))
    walls = fronts(rng, sky.light, sky.horizon, 5, fine, (low, low + int(rng.integers(1, 4))))
    buildings: list[Building] = []
    stands = _traffic(rng, left, right, length)
    for side, kerb in ((-1, left), (1, right)):
        kind, edge = choose(rng, *SIDES), kerb + side * walk
        if kind in ("row", "gaps"):
            inset = side * choose(rng, 0.0, 0.0, rng.uniform(2, 6))
            gaps = 0.3 if kind == "gaps" else 0.02
            buildings += build_row(rng, walls, edge + inset, (rng.uniform(-4, 12), length), gaps=gaps)
        elif rng.random() < 0.7:  # a low building beyond the open ground
            beyond = edge + side * rng.uniform(15, 50)
            buildings += build_row(rng, walls, beyond, (rng.uniform(10, 50), length), gaps=0.4)
        stands += _furniture(rng, side, kerb, edge, kind, length)
    return Street(
        road=(left, right),
        walk=walk,
        grey=grey,
        slabs=jitter(
            rng, choose(rng, (0.5, 0.48, 0.45), (0.62, 0.6, 0.57), (0.35, 0.35, 0.36), (0.42, 0.25, 0.2)), 0.15
        ),
        verge=jitter(rng, np.mean(GROUNDS[choose(rng, "grass", "grass", "paving", "asphalt", "gravel")], axis=0), 0.15),
        marks=tuple(lines),
        grain=grain(rng),
        buildings=buildings,
        stands=stands,
        wires=tuple((left + rng.random() * (right - left), rng.uniform(5, 8)) for _ in range(int(rng.integers(0, 5))))
        if rng.random() < 0.25
        else (),
        crossing=rng.uniform(6, 30) if rng.random() < 0.25 else None,
    )


def _traffic(rng: np.random.Generator, left: float, right: float, length: float) -> list[Stand]:
    """Vehicles parked at both kerbs and moving on both lanes."""
    stands = []
    for kerb, inward in ((left, 1), (right, -1)):
        if rng.random() < 0.6:
            z, dense = rng.uniform(3, 20), rng.uniform(5.5, 20)
            while z < min(length, 90):
                stands.append(Stand(kerb + inward * 1.0, z, rng.uniform(1.6, 1.9), paint_car_end))
                z += dense * rng.uniform(0.9, 2)
    for _ in range(int(rng.integers(0, 5))):
        ahead = rng.random() < 0.5
        x = 0.5 * right if ahead else 0.5 * left
        large = rng.random() < 0.2
        stands.append(
            Stand(
                x,
                rng.uniform(7, 90),
                2.4 if large else rng.uniform(1.6, 1.9),
                paint_lorry if large else paint_car_end,
                9.0 if ahead else -8.0,
            )
        )
    return stands


def _furniture(rng: np.random.Generator, side: int, kerb: float, edge: float, kind: str, length: float) -> list[Stand]:
    """Trees, lamp posts, signs and people on one pavement, and a wood or park behind it if nothing is built there."""
    stands = []
    bare = rng.random() < 0.5
    tree = (
        choose(rng, paint_bare_tree, paint_bare_tree, paint_tree)
        if bare
        else choose(rng, paint_tree, paint_tree, paint_conifer)
    )
    if kind == "trees":
        for z in np.sort(rng.uniform(6, 120, int(rng.integers(6, 14)))):
            stands.append(Stand(edge + side * rng.uniform(0.5, 14), z, rng.uniform(6, 15), tree))
        for z in rng.uniform(4, 80, int(rng.integers(0, 8))):
            stands.append(Stand(edge + side * rng.uniform(0.3, 4), z, rng.uniform(1, 3), paint_bush))
    elif rng.random() < 0.4:
        for z in np.arange(rng.uniform(4, 15), 80, rng.uniform(7, 20)):
            stands.append(Stand(kerb + side * rng.uniform(0.6, 1.2), z, rng.uniform(5, 11), tree))
    for z in np.arange(rng.uniform(3, 20), 130, rng.uniform(9, 30)):
        stands.append(Stand(kerb + side * 0.5, z, rng.uniform(3, 9), paint_pole))
    for z in rng.uniform(3, 60, int(rng.integers(0, 7))):
        stands.append(
            Stand(kerb + rng.random() * (edge - kerb), z, rng.uniform(1.5, 1.9), paint_person, choose(rng, -1.2, 1.2))
        )
    for z in rng.uniform(6, 50, int(rng.integers(0, 3))):
        stands.append(Stand(kerb - side * 0.7, z, rng.uniform(1.6, 1.9), paint_cyclist, 4.0 * side))
    return [stand for stand in stands if stand.z < length]


def shaded(rng: np.random.Generator, sky: Sky) -> Sky:
    """The same sky over a street that lies in the shade of its own buildings, now and then: dark against white."""
    if sky.light.dark or rng.random() < 0.45:
        return sky
    return replace(
        sky, light=replace(sky.light, tint=(sky.light.tint * np.float32(rng.uniform(0.25, 0.8))).astype(np.float32))
    )


def paint_road(canvas: Canvas, view: View, light: Light, street: Street, stop: float) -> None:
    """Paints the flat part down to depth `stop`: verge, pavements, kerbs, carriageway, markings."""
    left, right = street.road
    paint_lane(canvas, view, (-END, END), light.on(street.verge), stop)
    if street.walk:
        slabs, kerbs = light.on(street.slabs), light.on(street.slabs * 1.15)
        for kerb, side in ((left, -1), (right, 1)):
            paint_lane(canvas, view, (kerb, kerb + side * street.walk), slabs, stop)
            paint_lane(canvas, view, (kerb, kerb + side * 0.15), kerbs, stop)
    paint_lane(canvas, view, street.road, light.on(street.grey), stop)
    paint = light.on((0.88, 0.88, 0.86))
    for x, wide, long, gap in street.marks:
        if not gap:
            paint_lane(canvas, view, (x - wide / 2, x + wide / 2), paint, min(stop, FAR / 3))
            continue
        first = np.floor(view.z / (long + gap)) * (long + gap)
        for z in first + np.arange(0, 80, long + gap):
            paint_strip(canvas, view, (x - wide / 2, x + wide / 2), (z + long, z), paint)
    if street.crossing is not None:
        for x in np.arange(left + 0.4, right - 0.5, 1.0):
            paint_strip(canvas, view, (x, x + 0.5), (street.crossing + 3, street.crossing), paint)


def paint_street(
    rng: np.random.Generator,
    canvas: Canvas,
    view: View,
    light: Light,
    street: Street,
    ground_to: float = END,
) -> None:
    """Paints a street from the camera's place, far to near.

    Args:
        ground_to: depth at which the ground ends, metres.
    """
    ground = Canvas.blank(canvas.height, canvas.width)
    paint_road(ground, view, light, street, ground_to)
    lay_ground(canvas, ground, view, light, street.grain, ground_to)
    for building in sorted(street.buildings, key=lambda b: -b.z[0]):
        paint_building(canvas, view, light, building)
    paint_wires_along(canvas, view, light, street.wires)
    for thing in sorted(street.stands, key=lambda thing: -thing.z):
        if thing.z < view.z + 2.5 * NEAR:
            continue
        (x, base), scale = view.project(np.array([(thing.x, 0, thing.z)]))[0], view.scale(thing.z)
        if thing.size * scale > 2 and abs(x - canvas.width / 2) < canvas.width:
            thing.paint(rng, canvas, x, base, thing.size * scale, light, view.depth(thing.z))


def paint_wires_along(canvas: Canvas, view: View, light: Light, wires: tuple[tuple[float, float], ...]) -> None:
    """Paints overhead lines that run along the street, sagging between masts 30 m apart."""
    z = view.z + np.geomspace(NEAR, 200, 40)
    sag = 0.5 * np.sin(np.pi * (z % 30) / 30)
    for x, height in wires:
        line = view.project(np.stack([np.full_like(z, x), height - sag, z], axis=1))
        for part in range(0, len(z) - 1, 3):  # each through the air before it
            colour = light.on((0.08, 0.08, 0.08), view.depth(z[part]))
            canvas.lines([line[part : part + 4]], max(canvas.height / 400, 0.6), colour)


def paint_gantry(
    rng: np.random.Generator, canvas: Canvas, view: View, light: Light, road: tuple[float, float], z: float
) -> None:
    """Paints a bridge or a gantry with signs across the road at depth z."""
    left, right = road[0] - 2, road[1] + 2
    bridge = rng.random() < 0.4
    colour = light.on(np.full(3, rng.uniform(0.25, 0.75)), view.depth(z))
    low, high = (5.5, 7.5) if bridge else (6.8, 7.2)
    reach = 300 if bridge else 0

    def upright(x0: float, x1: float, y0: float, y1: float, paint: np.ndarray) -> None:
        paint_polygon(canvas, view, np.array([(x0, y1, z), (x1, y1, z), (x1, y0, z), (x0, y0, z)]), paint)

    upright(left - reach, right + reach, low, high, colour)
    for x in (left, right, *((0.5 * (left + right),) if bridge else ())):
        upright(x - 0.3, x + 0.3, 0, high, colour * np.float32(0.8))
    if bridge:
        upright(left - reach, right + reach, high, high + 1.0, colour * np.float32(rng.uniform(0.6, 1.2)))
        return
    board = light.on(choose(rng, (0.05, 0.2, 0.5), (0.04, 0.3, 0.15), (0.85, 0.85, 0.85)), view.depth(z))
    for x in rng.uniform(road[0], road[1], int(rng.integers(1, 4))):
        upright(x - 1.8, x + 1.8, 5.6, 8.6, board)
        upright(x - 1.3, x + 1.0, 7.4, 7.9, light.on((0.9, 0.9, 0.9)))
