"""Buildings: facades with windows, roofs, streets in perspective, towns seen from afar."""

from itertools import pairwise

import cv2
import numpy as np

from src.data.synthesis.canvas import Canvas
from src.data.synthesis.noise import fbm, ramp
from src.data.synthesis.sky import Light
from src.data.synthesis.terrain import choose, jitter

WALLS = (
    (0.52, 0.28, 0.20),
    (0.42, 0.24, 0.18),
    (0.78, 0.70, 0.56),
    (0.86, 0.82, 0.74),
    (0.95, 0.95, 0.93),
    (0.97, 0.97, 0.97),
    (0.66, 0.66, 0.66),
    (0.50, 0.51, 0.53),
    (0.80, 0.62, 0.40),
    (0.82, 0.56, 0.48),
    (0.50, 0.64, 0.78),
    (0.62, 0.76, 0.88),
    (0.72, 0.78, 0.66),
    (0.30, 0.30, 0.32),
)
ROOFS = (
    (0.46, 0.22, 0.15),
    (0.28, 0.26, 0.26),
    (0.36, 0.34, 0.33),
    (0.55, 0.32, 0.22),
    (0.20, 0.21, 0.24),
    (0.5, 0.5, 0.52),
)


def facade(
    rng: np.random.Generator,
    floors: int,
    bays: int,
    light: Light,
    air: np.ndarray,
    depth: float = 0.0,
    fine: float = 20.0,
) -> np.ndarray:
    """A wall with a grid of windows.

    Args:
        floors, bays: windows up and across.
        air: colour [3] that glass reflects: the sky's, so glass is often sky-coloured and is never sky.
        depth: of air it is seen through, 0..1.
        fine: height of a floor in pixels, kept between 14 and 72.

    Returns:
        float32 [fine * floors, 0.6 to 1.3 * fine * bays, 3].
    """
    high = int(np.clip(fine, 14, 72))
    wide = int(high * rng.uniform(0.65, 1.3))
    line = max(high // 16, 1)
    glassy = floors > 2 and rng.random() < 0.22
    wall = light.on(jitter(rng, choose(rng, *WALLS), 0.08), depth)
    frame = light.on(choose(rng, (0.92, 0.92, 0.9), (0.2, 0.18, 0.16), (0.6, 0.58, 0.54)), depth)
    margin_x, margin_y = (1, 1) if glassy else (int(wide * rng.uniform(0.15, 0.32)), int(high * rng.uniform(0.15, 0.3)))
    bay = np.empty((high, wide, 3), np.float32)
    bay[:] = wall
    glass = np.zeros((high, wide), np.float32)
    if not glassy and rng.random() < 0.6:
        bay[margin_y - line : high - margin_y + line, margin_x - line : wide - margin_x + line] = frame
    glass[margin_y : high - margin_y, margin_x : wide - margin_x] = 1
    if rng.random() < 0.5:
        bar = slice(wide // 2, wide // 2 + line)
        bay[:, bar], glass[:, bar] = np.where(glass[:, bar, None] > 0, frame, wall), 0
    if not glassy and rng.random() < 0.6:  # sill and the shadow of the lintel
        bay[high - margin_y : high - margin_y + 2 * line, margin_x - line : wide - margin_x + line] = wall * np.float32(
            1.15
        )
        bay[margin_y - line : margin_y + line, margin_x:-margin_x] = wall * np.float32(0.45)
    if rng.random() < 0.35:
        bay[:line] = frame * np.float32(0.9)
    picture, panes = np.tile(bay, (floors, bays, 1)), np.tile(glass, (floors, bays))
    # Each window reflects more or less, or is lit from inside.
    mirror = np.clip(rng.normal(0.45 if glassy else 0.28, 0.22, (floors, bays)), 0.03, 1)
    colours = mirror[..., None] * np.asarray(air) + (1 - mirror[..., None]) * light.on((0.10, 0.11, 0.12), depth)
    if light.dark:
        lamp = np.array(choose(rng, (1.0, 0.78, 0.42), (1.0, 0.9, 0.7), (0.85, 0.92, 1.0))) * rng.uniform(
            0.5, 1.0, (floors, bays, 1)
        )
        colours = np.where(rng.random((floors, bays, 1)) < rng.uniform(0.1, 0.8), lamp, colours)
    size = (picture.shape[1], picture.shape[0])
    colours = cv2.resize(colours.astype(np.float32), size, interpolation=cv2.INTER_NEAREST)
    picture = cv2.blendLinear(colours, picture, panes, 1 - panes)
    dirt = 1 + 0.08 * fbm(rng, size[1], size[0], size[1] / 2, octaves=7, gain=0.78)
    if floors > 1 and rng.random() < 0.6:  # ground floor: shops, doors, or bare plinth
        shops = picture[-high:]
        shops[:] = light.on(jitter(rng, choose(rng, *WALLS), 0.2) * 0.8, depth)
        for x in range(0, size[0], wide):
            shops[high // 4 :, x + 2 * line : x + wide - 2 * line] = light.on(jitter(rng, (0.2, 0.2, 0.22), 0.5), depth)
    return picture * cv2.merge((dirt, dirt, dirt))


def paint_street_side(
    rng: np.random.Generator, canvas: Canvas, vanish: tuple[float, float], side: int, light: Light, air: np.ndarray
) -> None:
    """Paints a row of buildings along a street that runs to the vanishing point.

    Args:
        vanish: the vanishing point, x and y in pixels.
        side: -1 left, 1 right.
        air: colour [3] that windows reflect.
    """
    vx, vy = vanish
    near = (canvas.width - vx if side > 0 else vx) + 0.1 * canvas.width
    ground = rng.uniform(0.12, 0.4)
    tall = rng.uniform(0.35, 1.6)
    # Distances from the vanishing point at which one building ends and the next begins, near to far.
    ends, step = [near], rng.uniform(0.55, 0.8)
    while ends[-1] > near * 0.06:
        ends.append(ends[-1] * np.clip(step + rng.normal(0, 0.08), 0.3, 0.92))
    shaded = np.float32(1.0 if side * light.sun_side < 0 else rng.uniform(0.55, 0.9))
    for outer, inner in reversed(list(pairwise(ends))):
        if rng.random() < 0.08:
            continue
        rise, depth = tall * rng.uniform(0.65, 1.35), 0.5 * (1 - outer / near) ** 2
        floors = int(np.clip(rise / tall * rng.integers(2, 7), 1, 9))
        wall = facade(rng, floors, int(rng.integers(2, 7)), light, air, depth, rise * outer / floors) * shaded
        far_x, near_x = vx + side * inner, vx + side * outer
        roof = rise * rng.uniform(0.1, 0.3) if rng.random() < 0.5 else 0
        if roof:
            eaves = [(far_x, vy - rise * inner), (near_x, vy - rise * outer)]
            back = side * roof * 0.6
            ridge = [
                (near_x + back * outer, vy - (rise + roof) * outer),
                (far_x + back * inner, vy - (rise + roof) * inner),
            ]
            canvas.polygon(np.array(eaves + ridge), light.on(jitter(rng, choose(rng, *ROOFS)), depth) * shaded)
        if roof and rng.random() < 0.6:
            x = 0.5 * (far_x + near_x)
            top, w = vy - (rise + 1.5 * roof) * abs(x - vx), 0.03 * outer
            foot = top + roof * outer
            stack = np.array([(x - w, top), (x + w, top), (x + w, foot), (x - w, foot)])
            canvas.polygon(stack, light.on(jitter(rng, WALLS[0]), depth))
        corners = [
            (far_x, vy - rise * inner),
            (near_x, vy - rise * outer),
            (near_x, vy + ground * outer),
            (far_x, vy + ground * inner),
        ]
        # The wall that faces us, at the building's far end seen past a lower neighbour, is painted by the next one.
        canvas.quad(wall, np.array(corners))
        end = np.array([(near_x, vy - rise * outer), (near_x + side * 0.4 * outer, vy - rise * outer),
                        (near_x + side * 0.4 * outer, vy + ground * outer), (near_x, vy + ground * outer)])  # fmt: skip
        canvas.polygon(end, wall[0, 0] * np.float32(0.8))


def paint_house(
    rng: np.random.Generator,
    canvas: Canvas,
    x: float,
    base: float,
    height: float,
    light: Light,
    air: np.ndarray,
    depth: float = 0.0,
) -> None:
    """Paints a building from the front: left border `x`, foot at row `base`, walls `height` pixels high."""
    # A floor never fills more than a fifth of the picture: nearer than that a house is cut by the border.
    least = int(np.ceil(5 * height / canvas.height)) if depth < 0.3 else 1
    floors = int(rng.integers(least, least + 5))
    bays = int(rng.integers(2, 7))
    wide = height / floors * bays * rng.uniform(0.7, 1.2)
    wall = facade(rng, floors, bays, light, air, depth, height / floors)
    skew = rng.normal(0, 0.06) * height
    top = base - height
    roof = height * rng.uniform(0.2, 0.6) / np.sqrt(floors) if rng.random() < 0.65 else 0
    tiles = light.on(jitter(rng, choose(rng, *ROOFS)), depth)
    if roof and rng.random() < 0.7:
        cx, w = x + wide * rng.uniform(0.15, 0.85), wide * rng.uniform(0.02, 0.05)
        canvas.polygon(
            np.array([(cx - w, top - 1.2 * roof), (cx + w, top - 1.2 * roof), (cx + w, top), (cx - w, top)]),
            tiles * np.float32(0.8),
        )
    if roof:
        inset = wide * choose(rng, rng.uniform(0.05, 0.25), 0.5)
        over = 0.03 * wide
        shape = [
            (x - over, top + 1),
            (x + inset, top - roof),
            (x + wide - inset, top - roof + skew * 0.3),
            (x + wide + over, top + skew + 1),
        ]
        canvas.polygon(np.array(shape), tiles)
    canvas.quad(wall, np.array([(x, top), (x + wide, top + skew), (x + wide, base), (x, base)]))


def paint_town(
    rng: np.random.Generator, canvas: Canvas, base: float, height: float, light: Light, air: np.ndarray, depth: float
) -> None:
    """Paints a distant row of buildings, towers and spires standing on row `base`, up to about `height` pixels high."""
    x = -rng.uniform(0, 0.1) * canvas.width
    start, stop = sorted(rng.uniform(-0.6, 1.6, 2)) if rng.random() < 0.5 else (-1, 2)
    while x < canvas.width:
        tall = height * np.clip(rng.lognormal(-0.9, 0.5), 0.1, 1.2)
        wide = max(height * rng.uniform(0.12, 0.55), 3)
        if start * canvas.width < x < stop * canvas.width:
            colour = light.on(jitter(rng, choose(rng, *WALLS), 0.12) * rng.uniform(0.6, 1.0), depth)
            top = base - tall
            if tall > 22 and wide > 14:
                wall = facade(rng, max(int(tall / 9), 1), max(int(wide / 8), 1), light, air, depth)
                canvas.quad(wall, np.array([(x, top), (x + wide, top), (x + wide, base), (x, base)]))
            else:
                canvas.polygon(np.array([(x, top), (x + wide, top), (x + wide, base), (x, base)]), colour)
            if rng.random() < 0.3:
                middle = x + wide * rng.uniform(0.3, 0.7)
                spire = [(x, top), (middle, top - height * rng.uniform(0.05, 0.4)), (x + wide, top)]
                canvas.polygon(np.array(spire), colour * np.float32(0.8))
            elif rng.random() < 0.2:
                mast = x + wide / 2
                canvas.lines(
                    [np.array([(mast, top), (mast, top - height * rng.uniform(0.1, 0.4))])], 1, colour * np.float32(0.7)
                )
        x += wide * rng.uniform(0.8, 1.4)


def brick(rng: np.random.Generator, height: int, width: int, light: Light) -> np.ndarray:
    """A wall close up, of bricks, blocks or planks: float32 [height, width, 3]."""
    course, length = rng.uniform(0.02, 0.12) * height, rng.uniform(0.05, 0.4) * height
    rows = np.arange(height)
    course_of = (rows / course).astype(int)
    shift = (course_of % 2) * length / 2
    column_of = ((np.arange(width)[None, :] + shift[:, None]) / length).astype(int)
    tone = rng.normal(0, 0.1, (course_of.max() + 1, column_of.max() + 1)).astype(np.float32)[
        course_of[:, None], column_of
    ]
    joints = (rows[:, None] % course < 1.5) | ((np.arange(width)[None, :] + shift[:, None]) % length < 1.5)
    wall = jitter(rng, choose(rng, *WALLS), 0.15)
    shade = 0.75 + tone + 0.07 * fbm(rng, height, width, height / 3, octaves=7, gain=0.75)
    shade = np.where(joints, np.float32(rng.uniform(0.3, 1.1)), shade)
    return ramp(shade, light.on(wall * 0.2), light.on(wall))
