"""Rooms and corridors: white ceilings, pale walls, lamps, and windows blown out by the daylight; never sky."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from src.data.synthesis.brushes import box, choose, ellipse, jitter
from src.data.synthesis.buildings import brick
from src.data.synthesis.canvas import Canvas
from src.data.synthesis.noise import fbm, ramp
from src.data.synthesis.perspective import Panel, View, paint_panel, paint_polygon, paint_strip
from src.data.synthesis.sky import Light, Sky
from src.data.synthesis.things import paint_person, paint_shape

PAINTS = (
    (0.93, 0.92, 0.9),
    (0.97, 0.97, 0.97),
    (0.9, 0.88, 0.82),
    (0.75, 0.84, 0.93),
    (0.6, 0.74, 0.88),
    (0.8, 0.84, 0.74),
    (0.9, 0.8, 0.6),
    (0.86, 0.66, 0.6),
    (0.55, 0.42, 0.3),
    (0.5, 0.52, 0.56),
    (0.7, 0.7, 0.72),
)
FLOORS = (
    (0.5, 0.35, 0.22),
    (0.62, 0.48, 0.32),
    (0.6, 0.55, 0.5),
    (0.3, 0.3, 0.32),
    (0.75, 0.73, 0.7),
    (0.45, 0.2, 0.16),
)
WOODS = ((0.36, 0.22, 0.13), (0.55, 0.38, 0.22), (0.9, 0.89, 0.87), (0.12, 0.11, 0.11), (0.68, 0.6, 0.5))


def _indoors(rng: np.random.Generator, sky: Sky) -> Light:
    """Lamplight or daylight through windows; no air to speak of."""
    level, warmth = rng.uniform(0.55, 1.25), rng.uniform(-0.05, 0.3)
    tint = np.array([1 + 0.2 * warmth, 1.0, 1 - 0.5 * warmth]) * level
    return replace(sky.light, tint=tint.astype(np.float32), haze=0.0, dark=False)


def _shell(
    rng: np.random.Generator, canvas: Canvas, view: View, light: Light, half: float, tall: float, deep: float
) -> None:
    """Floor, ceiling and three walls of a room `2 * half` wide, `tall` high and `deep` long, metres."""
    wall = jitter(rng, choose(rng, *PAINTS), 0.08)
    top = np.minimum(
        jitter(rng, choose(rng, (0.97, 0.97, 0.97), (0.97, 0.97, 0.97), wall, (0.6, 0.45, 0.3)), 0.05), 1.05
    )
    left, right = view.x - half, view.x + half * rng.uniform(0.6, 1.4)
    for y, colour in ((tall, top), (0.0, jitter(rng, choose(rng, *FLOORS), 0.15))):
        # Nearer to the window, farther from the lamp: the light falls off along the room.
        bright, dim = rng.uniform(0.9, 1.1), rng.uniform(0.75, 1.0)
        # Each strip goes on to behind the back wall, and the next is painted over it: where two only met was a seam.
        for share, near in zip(np.linspace(bright, dim, 32, dtype=np.float32), np.linspace(-1, deep, 32), strict=True):
            paint_strip(canvas, view, (left - 1, right + 1), (near, deep + 1), light.on(colour * share), y)
    surface = np.broadcast_to(light.on(wall), (8, 8, 3))
    tiled = rng.random() < 0.2
    texture = brick(rng, 120, 180, light) if tiled else surface
    for start, stop, shade in (
        ((left, -1.0), (left, deep + 1), rng.uniform(0.75, 1.0)),
        ((right, deep + 1), (right, -1.0), rng.uniform(0.7, 1.0)),
        ((left, deep), (right, deep), 1.0),
    ):
        paint_panel(canvas, view, Panel(texture * np.float32(shade), start, stop, 0.0, tall))
        if rng.random() < 0.5:  # skirting
            paint_panel(canvas, view, Panel(surface * np.float32(0.6), start, stop, 0.0, 0.12))
    _openings(rng, canvas, view, light, (left, right), tall, deep)
    _lamps(rng, canvas, view, light, (left, right), tall, deep)


def _openings(
    rng: np.random.Generator,
    canvas: Canvas,
    view: View,
    light: Light,
    sides: tuple[float, float],
    tall: float,
    deep: float,
) -> None:
    """Windows, doors, pictures and mirrors on the walls."""
    for _ in range(int(rng.integers(1, 6))):
        wide, y0 = rng.uniform(0.4, 1.8), rng.uniform(0.0, 1.2)
        y1 = min(y0 + rng.uniform(0.5, 2.0), tall - 0.1)
        on_side = rng.random() < 0.5
        if on_side:
            x, z = choose(rng, *sides), rng.uniform(0.8, max(deep - wide, 0.9))
            inward = 0.01 if x < view.x else -0.01
            ends = (
                ((x + inward, z), (x + inward, z + wide)) if x < view.x else ((x + inward, z + wide), (x + inward, z))
            )
        else:
            x = rng.uniform(sides[0], max(sides[1] - wide, sides[0] + 0.1))
            ends = ((x, deep - 0.01), (x + wide, deep - 0.01))
        paint_panel(canvas, view, Panel(_pane(rng, light), *ends, y0, y1))


def _pane(rng: np.random.Generator, light: Light) -> np.ndarray:
    """What is in a wall or on it, float32 [h, w, 3]: a blown-out window, a curtain, a door, a picture, a shelf."""
    kind = choose(rng, "window", "window", "window", "curtain", "door", "picture", "shelf")
    h, w = 64, 48
    frame = light.on(choose(rng, *WOODS))
    if kind == "shelf":
        pane = np.empty((h, w, 3), np.float32)
        pane[:] = frame * np.float32(0.4)
        for y in range(2, h, 12):
            widths = np.cumsum(rng.integers(2, 5, w // 2))
            for a, b in pairwise(widths):
                pane[y + int(rng.integers(0, 4)) : y + 10, a:b] = light.on(rng.uniform(0.05, 0.9, 3))
        return pane
    if kind == "window":
        # Daylight far brighter than the room; a hedge or a house may show low in it, hardly darker than white.
        pane = ramp(
            np.full((h, w), rng.uniform(0.75, 1.2), np.float32),
            np.zeros(3),
            choose(rng, (1, 1, 1), (0.9, 0.96, 1.05), (0.75, 0.85, 1)),
        )
        if rng.random() < 0.6:
            line = int(rng.uniform(0.3, 0.9) * h)
            leaves = fbm(rng, h - line, w, 8, octaves=4)
            pane[line:] = ramp(
                np.clip(0.5 + 0.2 * leaves, 0, 1), np.array((0.1, 0.16, 0.06)), np.array((0.6, 0.75, 0.45))
            )
        for at in np.linspace(0, w - 2, int(rng.integers(2, 5))).astype(int):
            pane[:, at : at + 2] = frame
        for at in np.linspace(0, h - 2, int(rng.integers(2, 6))).astype(int):
            pane[at : at + 2] = frame
        return pane
    tone = light.on(rng.uniform(0.1, 1.0, 3) if kind == "picture" else choose(rng, *PAINTS, *WOODS))
    folds = fbm(rng, h, w, 30 if kind == "picture" else 6, octaves=5, stretch=1 if kind == "picture" else 0.1)
    pane = ramp(np.clip(0.8 + (0.05 if kind == "door" else 0.15) * folds, 0, 1.2), np.zeros(3), tone)
    if kind != "curtain":
        pane[:2], pane[-2:], pane[:, :2], pane[:, -2:] = (frame,) * 4
    return pane


def _lamps(
    rng: np.random.Generator,
    canvas: Canvas,
    view: View,
    light: Light,
    sides: tuple[float, float],
    tall: float,
    deep: float,
) -> None:
    """Ceiling lights, a pendant, coving."""
    for z in np.arange(1.2, deep, rng.uniform(1.2, 3)) if rng.random() < 0.5 else ():
        x, w, long = 0.5 * sum(sides) + rng.choice([-0.8, 0, 0.8]), rng.uniform(0.1, 0.5), rng.uniform(0.1, 1.0)
        lamp = np.array(
            [
                (x - w, tall - 0.01, z),
                (x + w, tall - 0.01, z),
                (x + w, tall - 0.01, z + long),
                (x - w, tall - 0.01, z + long),
            ]
        )
        paint_polygon(canvas, view, lamp, np.array((1.15, 1.12, 1.05)))
    if rng.random() < 0.3:
        (x, y), (_, hook) = view.project(
            np.array([(view.x + rng.normal(0, 0.8), tall - 0.8, 2.5), (view.x, tall, 2.5)])
        )
        size = 0.25 * view.scale(2.5)
        canvas.lines([np.array([(x, hook), (x, y)])], max(canvas.height / 300, 0.6), light.on((0.1, 0.1, 0.1)))
        canvas.polygon(ellipse(x, y, size, 0.6 * size), np.array((1.1, 1.02, 0.85)) * rng.uniform(0.6, 1.1))


def room(rng: np.random.Generator, sky: Sky, height: int, width: int) -> Canvas:
    """A furnished room."""
    light, canvas = _indoors(rng, sky), Canvas(np.zeros((height, width, 3), np.float32))
    view = View(
        focal=rng.uniform(0.5, 1.0) * width,
        middle=rng.uniform(0.1, 0.9) * width,
        horizon=rng.uniform(0.25, 0.75) * height,
        eye=rng.uniform(1.0, 1.8),
    )
    deep = rng.uniform(2.2, 7)
    _shell(rng, canvas, view, light, rng.uniform(1.3, 3.5), rng.uniform(2.2, 3.6), deep)
    for z in np.sort(rng.uniform(1.2, deep, int(rng.integers(2, 8))))[::-1]:
        x, tall, wide = view.x + rng.normal(0, 1.2), rng.uniform(0.35, 1.6), rng.uniform(0.3, 2.0)
        _furniture(rng, canvas, view, light, x, z, wide, tall)
    if rng.random() < 0.15:
        paint_person(
            rng,
            canvas,
            rng.uniform(0.1, 0.9) * width,
            height * rng.uniform(0.9, 1.4),
            height * rng.uniform(0.6, 1.2),
            light,
        )
    return _softened(rng, canvas)


def corridor(rng: np.random.Generator, sky: Sky, height: int, width: int) -> Canvas:
    """A long passage: rows of lamps and doors, a bright end."""
    light, canvas = _indoors(rng, sky), Canvas(np.zeros((height, width, 3), np.float32))
    view = View(
        focal=rng.uniform(0.6, 1.1) * width,
        middle=rng.uniform(0.3, 0.7) * width,
        horizon=rng.uniform(0.4, 0.6) * height,
        eye=1.6,
    )
    half, tall, deep = rng.uniform(0.9, 4), rng.uniform(2.3, 5), rng.uniform(10, 30)
    _shell(rng, canvas, view, light, half, tall, deep)
    for z in np.arange(deep - 1, 1.5, -rng.uniform(2, 5)):
        for side in (-1, 1):
            if rng.random() < 0.6:
                x = view.x + side * (half - 0.02) * 0.6
                ends = ((x, z), (x, z + 1.0)) if side < 0 else ((x, z + 1.0), (x, z))
                if rng.random() < 0.4:  # a column
                    ends = ((x - 0.2, z), (x + 0.2, z))
                paint_panel(canvas, view, Panel(_pane(rng, light), *ends, 0.0, min(2.1, tall)))
    for z in np.sort(rng.uniform(3, deep, int(rng.integers(0, 5))))[::-1]:
        (x, base), size = view.project(np.array([(view.x + rng.normal(0, half / 2), 0, z)]))[0], 1.7 * view.scale(z)
        paint_person(rng, canvas, x, base, size, light)
    return _softened(rng, canvas)


def _furniture(
    rng: np.random.Generator, canvas: Canvas, view: View, light: Light, x: float, z: float, wide: float, tall: float
) -> None:
    """A cupboard, bed, sofa, table or lamp: a front, a top, and what lies on it."""
    tone = jitter(rng, choose(rng, *WOODS, (0.95, 0.95, 0.95), rng.uniform(0.05, 0.9, 3)), 0.15)
    deep, legs = rng.uniform(0.3, 1.2), rng.random() < 0.3
    back = np.array(
        [
            (x - wide / 2, tall, z),
            (x + wide / 2, tall, z),
            (x + wide / 2, tall, z + deep),
            (x - wide / 2, tall, z + deep),
        ]
    )
    paint_polygon(canvas, view, back, light.on(np.minimum(tone * 1.2, 1.05)))
    foot = tall - 0.06 if legs else 0.0
    front = np.array(
        [(x - wide / 2, tall, z), (x + wide / 2, tall, z), (x + wide / 2, foot, z), (x - wide / 2, foot, z)]
    )
    paint_polygon(canvas, view, front, light.on(tone * 0.8))
    for side in (-1, 1):
        (px, top), (_, base) = view.project(np.array([(x + side * wide * 0.45, tall, z), (x, 0, z)]))
        if legs:
            canvas.lines([np.array([(px, top), (px, base)])], max(0.05 * view.scale(z), 1), light.on(tone * 0.6))
    if rng.random() < 0.5:  # a cushion, a vase, a screen
        (px, py), size = (
            view.project(np.array([(x + rng.normal(0, wide / 5), tall, z)]))[0],
            view.scale(z) * rng.uniform(0.08, 0.3),
        )
        colour = light.on(rng.uniform(0.05, 1.0, 3))
        shape = (
            ellipse(px, py - size * 0.7, size, 0.7 * size)
            if rng.random() < 0.6
            else box(px, py - size * 0.6, size, 0.6 * size)
        )
        paint_shape(rng, canvas, shape, 0.5 * colour, colour, grain=0.04)


def _softened(rng: np.random.Generator, canvas: Canvas) -> Canvas:
    """Uneven light and a faint grain over everything."""
    h, w = canvas.height, canvas.width
    shade = 1 + np.float32(rng.uniform(0.03, 0.15)) * fbm(rng, h, w, h * 1.2, octaves=2)
    shade += np.float32(0.012) * fbm(rng, h, w, h * 0.05, octaves=4, gain=0.8)
    canvas.image *= shade[..., None]
    return canvas
