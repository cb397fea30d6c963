"""Whole buildings in the world of a pinhole camera: a front along the street, a gable end, a roof, chimneys."""

from dataclasses import dataclass

import numpy as np

from src.data.synthesis.brushes import box, choose, jitter
from src.data.synthesis.buildings import ROOFS, WALLS, facade
from src.data.synthesis.canvas import Canvas
from src.data.synthesis.perspective import NEAR, Panel, View, paint_panel, paint_polygon
from src.data.synthesis.sky import Light


@dataclass(frozen=True)
class Building:
    """A box with a roof beside the road; metres.

    Attributes:
        x: of its front; the body lies behind it, away from the camera's axis.
        z: depths of its near and far end.
        deep: how far the body reaches behind the front.
        eaves, ridge: heights of the wall and of the roof's ridge; equal for a flat roof.
        front, end: textures float32 [h, w, 3] of the long side and of the end towards the camera.
        roof: reflectance [3].
        chimneys: how far along the ridge each stands, 0..1.
    """

    x: float
    z: tuple[float, float]
    deep: float
    eaves: float
    ridge: float
    front: np.ndarray
    end: np.ndarray
    roof: np.ndarray
    chimneys: tuple[float, ...]


@dataclass(frozen=True)
class Front:
    """A wall's texture, float32 [h, w, 3], and what it measures in metres."""

    texture: np.ndarray
    wide: float
    tall: float


def fronts(
    rng: np.random.Generator, light: Light, air: np.ndarray, count: int, fine: float, floors: tuple[int, int]
) -> list[Front]:
    """Draws walls for a street's buildings.

    Args:
        air: colour [3] that windows reflect.
        fine: a floor's height in pixels.
        floors: least and most of them.
    """
    found = []
    for _ in range(count):
        storeys, bays = int(rng.integers(floors[0], floors[1] + 1)), int(rng.integers(3, 8))
        texture, storey = facade(rng, storeys, bays, light, air, 0.0, fine), rng.uniform(2.7, 3.8)
        found.append(Front(texture, storey * storeys * texture.shape[1] / texture.shape[0], storey * storeys))
    return found


def build_row(
    rng: np.random.Generator,
    walls: list[Front],
    x: float,
    z: tuple[float, float],
    *,
    gaps: float,
) -> list[Building]:
    """Buildings along one side of a road, from depth z[0] to z[1], far ones last.

    Args:
        walls: their fronts; see `fronts`.
        x: metres to the right of the camera's axis, negative to the left.
        gaps: probability that one is missing, 0..1.
    """
    buildings, at = [], z[0]
    pitched = rng.random()
    roof = jitter(rng, choose(rng, *ROOFS), 0.1)
    while at < z[1]:
        wall = choose(rng, *walls)
        # Far ones are merged into longer ones: nobody counts them.
        long, front, eaves = (
            wall.wide * rng.uniform(0.8, 1.2) * (1 + at / 80),
            wall.texture,
            wall.tall * rng.uniform(0.9, 1.1),
        )
        if rng.random() >= gaps:
            rise = rng.uniform(1.5, 4.5) if rng.random() < pitched else 0.0
            shade = np.float32(rng.uniform(0.8, 1.1))
            buildings.append(
                Building(
                    x=x * rng.uniform(1, 1.15 if gaps else 1.02),
                    z=(at, at + long),
                    deep=rng.uniform(7, 14),
                    eaves=eaves,
                    ridge=eaves + rise,
                    front=front * shade,
                    end=front[:, : max(front.shape[1] // 3, 2)] * (shade * np.float32(rng.uniform(0.6, 1.1))),
                    roof=jitter(rng, roof, 0.1),
                    chimneys=tuple(rng.random(int(rng.integers(0, 4)))) if rise else (),
                )
            )
        at += long * (1 if rng.random() >= gaps else rng.uniform(1, 1.8))
    return buildings


def paint_building(canvas: Canvas, view: View, light: Light, building: Building) -> None:
    """Paints the sides that the camera sees, hazier with distance."""
    side = 1 if building.x > view.x else -1
    near, far = building.z
    edge = canvas.width if side > 0 else 0
    if far <= view.z + NEAR or side * (view.middle + (building.x - view.x) * view.scale(far)) > edge:
        return  # behind the camera, or beside the picture even at its far end
    back = building.x + side * building.deep
    crest = building.x + side * building.deep / 2
    veil = np.float32(light.veil(view.depth(0.5 * (max(near, view.z) + far))))
    air = light.air.astype(np.float32)

    def hazed(texture: np.ndarray) -> np.ndarray:
        return texture * (1 - veil) + veil * air if veil > 0.02 else texture

    roof = hazed(light.on(building.roof))
    if near > view.z + NEAR:
        ends = (building.x, back) if side > 0 else (back, building.x)
        paint_panel(canvas, view, Panel(hazed(building.end), (ends[0], near), (ends[1], near), 0.0, building.eaves))
        if building.ridge > building.eaves:
            gable = [(building.x, building.eaves), (crest, building.ridge), (back, building.eaves)]
            paint_polygon(canvas, view, np.array([(x, y, near) for x, y in gable]), hazed(building.end[2].mean(0)))
    if building.ridge > building.eaves:
        slope = np.array(
            [
                (building.x - 0.3 * side, building.eaves - 0.2, near),
                (building.x - 0.3 * side, building.eaves - 0.2, far),
                (crest, building.ridge, far),
                (crest, building.ridge, near),
            ]
        )
        for share in building.chimneys:
            z = near + share * (far - near)
            if z > view.z + NEAR:
                top, w = building.ridge + 1.3, 0.5
                stack = [
                    (crest - w, top),
                    (crest + w, top),
                    (crest + w, building.ridge - 1),
                    (crest - w, building.ridge - 1),
                ]
                paint_polygon(
                    canvas, view, np.array([(x, y, z) for x, y in stack]), hazed(light.on(building.roof * 0.8))
                )
        paint_polygon(canvas, view, slope, roof)
    # The texture's left border is what the camera has on its left: the far end on the right side of the road.
    start, stop = ((building.x, far), (building.x, near)) if side > 0 else ((building.x, near), (building.x, far))
    paint_panel(canvas, view, Panel(hazed(building.front), start, stop, 0.0, building.eaves))


def paint_house(
    rng: np.random.Generator,
    canvas: Canvas,
    x: float,
    base: float,
    height: float,
    light: Light,
    air: np.ndarray,
    depth: float = 0.0,
    floors: int | None = None,
) -> None:
    """Paints a building from the front: left border `x`, foot at row `base`, walls `height` pixels high."""
    # A floor never fills more than a fifth of the picture: nearer than that a house is cut by the border.
    least = int(np.ceil(5 * height / canvas.height)) if depth < 0.3 else 1
    floors = floors or int(rng.integers(least, least + 5))
    bays = int(rng.integers(2, 7))
    wide = height / floors * bays * rng.uniform(0.7, 1.2)
    wall = facade(rng, floors, bays, light, air, depth, height / floors)
    skew = rng.normal(0, 0.06) * height
    top = base - height
    roof = height * rng.uniform(0.2, 0.6) / np.sqrt(floors) if rng.random() < 0.65 else 0
    tiles = light.on(jitter(rng, choose(rng, *ROOFS)), depth)
    if roof:
        for share in rng.uniform(0.1, 0.9, int(rng.integers(0, 3))):
            stack = box(x + wide * share, top - 0.6 * roof, max(wide * 0.025, 1), 0.6 * roof)
            canvas.polygon(stack, light.on(jitter(rng, choose(rng, *WALLS[:3])), depth))
        inset, over = wide * choose(rng, rng.uniform(0.02, 0.25), 0.5), 0.03 * wide
        shape = [
            (x - over, top + 1),
            (x + inset, top - roof),
            (x + wide - inset, top - roof + skew * 0.3),
            (x + wide + over, top + skew + 1),
        ]
        canvas.polygon(np.array(shape), tiles)
    elif rng.random() < 0.4:  # aerials and plant on a flat roof
        for share in rng.uniform(0.05, 0.95, int(rng.integers(1, 5))):
            tall = height * rng.uniform(0.05, 0.2)
            canvas.lines(
                [np.array([(x + wide * share, top), (x + wide * share, top - tall)])],
                max(height * 0.006, 0.5),
                tiles * 0.6,
            )
    canvas.quad(wall, np.array([(x, top), (x + wide, top + skew), (x + wide, base), (x, base)]))
