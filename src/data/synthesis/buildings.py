"""Walls: facades with windows, shops and balconies, brick, and the roofs that go with them, as textures and colours."""

import cv2
import numpy as np

from src.data.synthesis.brushes import choose, jitter
from src.data.synthesis.noise import fbm, ramp
from src.data.synthesis.sky import Light

WALLS = (
    (0.52, 0.28, 0.20),
    (0.42, 0.24, 0.18),
    (0.36, 0.22, 0.17),
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
    (0.72, 0.68, 0.60),
    (0.58, 0.52, 0.42),
)
ROOFS = (
    (0.46, 0.22, 0.15),
    (0.28, 0.26, 0.26),
    (0.36, 0.34, 0.33),
    (0.55, 0.32, 0.22),
    (0.20, 0.21, 0.24),
    (0.50, 0.50, 0.52),
    (0.30, 0.38, 0.34),
)
SHOPS = (
    (0.10, 0.30, 0.18),
    (0.55, 0.08, 0.08),
    (0.10, 0.15, 0.40),
    (0.08, 0.08, 0.09),
    (0.90, 0.90, 0.88),
    (0.80, 0.65, 0.15),
    (0.35, 0.20, 0.12),
    (0.40, 0.60, 0.80),
)


def facade(
    rng: np.random.Generator,
    floors: int,
    bays: int,
    light: Light,
    air: np.ndarray,
    depth: float = 0.0,
    fine: float = 20.0,
    wall: np.ndarray | None = None,
) -> np.ndarray:
    """A wall with a grid of windows.

    Args:
        floors, bays: windows up and across.
        air: colour [3] that glass reflects: the sky's, so glass is often sky-coloured and is never sky.
        depth: of air it is seen through, 0..1.
        fine: height of a floor in pixels, kept between 14 and 72.
        wall: its reflectance [3]; drawn at random if None.

    Returns:
        float32 [fine * floors, 0.6 to 1.3 * fine * bays, 3].
    """
    high = int(np.clip(fine, 14, 72))
    wide = int(high * rng.uniform(0.65, 1.3))
    wall = light.on(jitter(rng, choose(rng, *WALLS) if wall is None else wall, 0.08), depth)
    glassy = floors > 2 and rng.random() < 0.2
    bay, glass = _bay(rng, high, wide, wall, light, depth, glassy)
    picture, panes = np.tile(bay, (floors, bays, 1)), np.tile(glass, (floors, bays))
    # Each window reflects more or less, or is lit from inside.
    mirror = np.clip(rng.normal(0.5 if glassy else 0.28, 0.22, (floors, bays)), 0.03, 1)[..., None]
    if glassy and rng.random() < 0.4:  # one mirror: the sky's gradient from floor to floor
        mirror = np.linspace(1, rng.uniform(0.3, 0.9), floors)[:, None, None] * rng.uniform(
            0.85, 1.0, (floors, bays, 1)
        )
    colours = mirror * np.asarray(air) + (1 - mirror) * light.on((0.10, 0.11, 0.12), depth)
    if light.dark:
        lamp = np.array(choose(rng, (1.0, 0.78, 0.42), (1.0, 0.9, 0.7), (0.85, 0.92, 1.0)))
        shine = lamp * rng.uniform(0.5, 1.0, (floors, bays, 1))
        colours = np.where(rng.random((floors, bays, 1)) < rng.uniform(0.1, 0.8), shine, colours)
    size = (picture.shape[1], picture.shape[0])
    colours = cv2.resize(colours.astype(np.float32), size, interpolation=cv2.INTER_NEAREST)
    picture = cv2.blendLinear(colours, picture, panes, 1 - panes)
    if floors > 1 and rng.random() < 0.6:
        picture[-high:] = _shops(rng, high, wide, bays, light, air, depth)
    line = max(high // 12, 1)
    if rng.random() < 0.6:  # cornice and its shadow
        picture[: 2 * line], picture[2 * line : 3 * line] = wall * np.float32(1.1), wall * np.float32(0.55)
    dirt = np.float32(1) + np.float32(rng.uniform(0.03, 0.1)) * fbm(rng, *size[::-1], size[1] / 2, octaves=6, gain=0.8)
    picture *= dirt[..., None]
    return picture


def _bay(
    rng: np.random.Generator, high: int, wide: int, wall: np.ndarray, light: Light, depth: float, glassy: bool
) -> tuple[np.ndarray, np.ndarray]:
    """One window in its piece of wall, float32 [high, wide, 3], and where its glass is, float32 [high, wide]."""
    line = max(high // 16, 1)
    frame = light.on(choose(rng, (0.92, 0.92, 0.9), (0.2, 0.18, 0.16), (0.6, 0.58, 0.54)), depth)
    x0, y0 = (1, 1) if glassy else (int(wide * rng.uniform(0.12, 0.34)), int(high * rng.uniform(0.12, 0.32)))
    x1, y1 = wide - x0, high - y0
    bay, glass = np.empty((high, wide, 3), np.float32), np.zeros((high, wide), np.float32)
    bay[:] = wall
    if wall.mean() < 0.6 and rng.random() < 0.5:  # courses of brick
        bay[:: max(high // 12, 2)] *= np.float32(rng.uniform(0.8, 1.25))
    if not glassy and rng.random() < 0.6:
        bay[max(y0 - line, 0) : y1 + line, max(x0 - line, 0) : x1 + line] = frame
    glass[y0:y1, x0:x1] = 1
    if not glassy and rng.random() < 0.2:  # arched
        y, x = np.mgrid[0:high, 0:wide]
        r = (x1 - x0) / 2
        glass[(y < y0 + r) & ((x - wide / 2 + 0.5) ** 2 + (y - y0 - r) ** 2 > r * r)] = 0
    for bar, axis in ((wide // 2, 1), (high // 2, 0)):
        if rng.random() < 0.5:
            across = (slice(None), slice(bar, bar + line)) if axis else (slice(bar, bar + line), slice(None))
            bay[across] = np.where(glass[across][..., None] > 0, frame, bay[across])
            glass[across] = 0
    if not glassy and rng.random() < 0.6:  # sill and the shadow of the lintel
        bay[y1 : y1 + 2 * line, max(x0 - line, 0) : x1 + line] = np.minimum(wall * np.float32(1.2), 1.1)
        bay[y0 : y0 + line, x0:x1], glass[y0 : y0 + line, x0:x1] = wall * np.float32(0.4), 0
    if not glassy and rng.random() < 0.2:  # balcony: a slab and its railing
        rail = light.on(choose(rng, (0.08, 0.08, 0.08), (0.85, 0.85, 0.85)), depth)
        top = int(0.68 * high)
        bay[top : top + line], glass[top : top + line] = rail, 0
        bay[top:-line, :: max(wide // 10, 2)], glass[top:-line, :: max(wide // 10, 2)] = rail, 0
        bay[-line:], glass[-line:] = wall * np.float32(0.6), 0
    if rng.random() < 0.3:
        bay[:line] = frame * np.float32(0.9)
    return bay, glass


def _shops(
    rng: np.random.Generator, high: int, wide: int, bays: int, light: Light, air: np.ndarray, depth: float
) -> np.ndarray:
    """The ground floor, float32 [high, wide * bays, 3]: shop windows under their signs, doors, or a bare plinth."""
    strip = np.empty((high, wide * bays, 3), np.float32)
    strip[:] = light.on(jitter(rng, choose(rng, *WALLS), 0.2) * 0.8, depth)
    if rng.random() < 0.25:
        return strip
    line, x = max(high // 16, 1), 0
    while x < strip.shape[1]:
        end = x + wide * int(rng.integers(1, 4))
        front, letters = jitter(rng, choose(rng, *SHOPS), 0.2), light.on(choose(rng, *SHOPS), depth)
        strip[high // 8 : high // 3, x + line : end - line] = light.on(front, depth)
        for at in range(x + 3 * line, end - 4 * line, 3 * line):
            if rng.random() < 0.6:
                strip[high // 6 : high // 4, at : at + line] = letters
        pane = light.on(jitter(rng, (0.15, 0.15, 0.16), 0.5), depth) + np.float32(rng.uniform(0, 0.4)) * air
        if light.dark and rng.random() < 0.7:
            pane = np.array([1.0, 0.9, 0.7]) * rng.uniform(0.5, 1.1)
        strip[high // 3 + line : high - line, x + 2 * line : end - 2 * line] = pane
        strip[high // 3 :, x + (end - x) // 2 : x + (end - x) // 2 + line] = light.on(front, depth)
        x = end
    return strip


def brick(rng: np.random.Generator, height: int, width: int, light: Light) -> np.ndarray:
    """A wall close up, of bricks, blocks or planks: float32 [height, width, 3]."""
    course, length = max(rng.uniform(0.02, 0.12) * height, 2), max(rng.uniform(0.05, 0.4) * height, 2)
    rows, columns = np.arange(height), np.arange(width)
    course_of = (rows / course).astype(int)
    along = columns[None, :] + (course_of % 2 * length / 2)[:, None]
    column_of = (along / length).astype(int)
    tone = rng.normal(0, 0.1, (course_of.max() + 1, column_of.max() + 1)).astype(np.float32)[
        course_of[:, None], column_of
    ]
    joints = (rows[:, None] % course < 1.5) | (along % length < 1.5)
    wall = jitter(rng, choose(rng, *WALLS), 0.15)
    shade = np.float32(0.75) + tone + np.float32(0.07) * fbm(rng, height, width, height / 3, octaves=7, gain=0.75)
    shade = np.where(joints, np.float32(rng.uniform(0.3, 1.1)), shade)
    return ramp(shade, light.on(wall * 0.2), light.on(wall))
