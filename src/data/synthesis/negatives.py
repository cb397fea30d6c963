"""Pictures without any sky, many of them with the colours and smoothness of one: what to answer "none" to."""

from collections.abc import Mapping

import cv2
import numpy as np

from src.data.synthesis.buildings import brick, facade
from src.data.synthesis.canvas import Canvas
from src.data.synthesis.noise import fbm, ramp
from src.data.synthesis.sky import Light, Sky, gradient
from src.data.synthesis.terrain import GROUNDS, WATERS, choose, jitter, paint_ground, paint_water
from src.data.synthesis.things import paint_blob, paint_car, paint_person
from src.data.synthesis.trees import BARK, LEAF_WEIGHTS, LEAVES, crown


def plain(rng: np.random.Generator, sky: Sky, height: int, width: int) -> Canvas:
    """A smooth surface, often in the colours of a sky: plaster, paper, metal, cloth."""
    colour = choose(
        rng,
        jitter(rng, sky.horizon, 0.1),
        jitter(rng, sky.zenith, 0.1),
        rng.uniform(0, 1, 3),
        np.full(3, rng.uniform(0.3, 1)),
    )
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-0.5 : 0.5 : height * 1j, -0.5 : 0.5 : width * 1j].astype(np.float32)
    slope = np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y
    grain = fbm(
        rng,
        height,
        width,
        height * rng.uniform(0.01, 0.12),
        octaves=6,
        gain=rng.uniform(0.4, 0.8),
        stretch=rng.uniform(0.3, 3),
    )
    shade = 0.8 + np.float32(rng.uniform(0, 0.6)) * slope + np.float32(rng.uniform(0, 0.1)) * grain
    return Canvas(ramp(shade, np.zeros(3), colour))


def wall(rng: np.random.Generator, sky: Sky, height: int, width: int) -> Canvas:
    """A brick wall or a facade that fills the picture, perhaps with a street in front."""
    if rng.random() < 0.4:
        return Canvas(brick(rng, height, width, sky.light))
    air = sky.horizon if rng.random() < 0.5 else sky.zenith
    floors = int(rng.integers(1, 9))
    front = facade(rng, floors, int(rng.integers(2, 10)), sky.light, air, fine=1.4 * height / floors)
    canvas = Canvas(np.broadcast_to(sky.light.tint * np.float32(0.5), (height, width, 3)))
    foot = rng.uniform(0.7, 1.2) * height
    tilt = rng.normal(0, 0.2, 4) * height
    corners = [
        (-0.2 * width, -0.4 * height - abs(tilt[0])),
        (1.2 * width, -0.4 * height - abs(tilt[1])),
        (1.2 * width, foot + tilt[2] * 0.3),
        (-0.2 * width, foot + tilt[3] * 0.3),
    ]
    canvas.quad(front, np.array(corners))
    return canvas


def interior(rng: np.random.Generator, sky: Sky, height: int, width: int) -> Canvas:
    """A room: back wall, ceiling, floor, side walls, blown-out or curtained windows, furniture."""
    light = Light(
        tint=np.array([1.0, 0.96, 0.88], np.float32) * np.float32(rng.uniform(0.5, 1.05)),
        air=sky.horizon,
        haze=0.0,
        sun_side=0.0,
        dark=False,
    )
    base = jitter(
        rng,
        choose(
            rng,
            (0.9, 0.88, 0.84),
            (0.8, 0.85, 0.9),
            (0.75, 0.8, 0.65),
            (0.9, 0.8, 0.6),
            (0.97, 0.97, 0.97),
            (0.6, 0.5, 0.4),
        ),
        0.1,
    )
    left, right = sorted(rng.uniform(-0.2, 1.2, 2) * width)
    right = max(right, left + 0.3 * width)
    top, bottom = rng.uniform(-0.2, 0.3) * height, rng.uniform(0.6, 1.0) * height
    canvas = Canvas(np.broadcast_to(light.on(base), (height, width, 3)))
    far = 3 * width
    canvas.polygon(
        np.array([(left, top), (right, top), (right + far, top - far), (left - far, top - far)]),
        light.on(np.minimum(base * 1.08, 1)),
    )
    floor = light.on(jitter(rng, choose(rng, (0.5, 0.35, 0.22), (0.6, 0.55, 0.5), (0.3, 0.3, 0.32)), 0.15))
    canvas.polygon(
        np.array([(left, bottom), (right, bottom), (right + far, bottom + far), (left - far, bottom + far)]), floor
    )
    for x, side in ((left, -1), (right, 1)):
        canvas.polygon(
            np.array([(x, top), (x, bottom), (x + side * far, bottom + far), (x + side * far, top - far)]),
            light.on(base * rng.uniform(0.7, 0.95)),
        )
    for _ in range(int(rng.integers(0, 4))):
        x, y = rng.uniform(left, right), rng.uniform(top, bottom)
        w, h = width * rng.uniform(0.05, 0.25), height * rng.uniform(0.1, 0.45)
        frame = light.on(choose(rng, (0.95, 0.95, 0.95), (0.35, 0.22, 0.14), (0.15, 0.15, 0.15)))
        m = 0.03 * height
        canvas.polygon(
            np.array([(x - m, y - m), (x + w + m, y - m), (x + w + m, y + h + m), (x - m, y + h + m)]), frame
        )
        # Behind a curtain, a picture on the wall, a lit pane of frosted glass.
        colour = choose(rng, np.full(3, 1.2), np.array([1.1, 1.05, 0.9]), rng.uniform(0, 1, 3))
        folds = fbm(rng, int(h) + 2, int(w) + 2, max(w, 3), octaves=int(rng.integers(1, 6)), stretch=0.2)
        pane = ramp(0.7 + 0.15 * folds, np.zeros(3), colour)
        canvas.paint(pane, np.ones(pane.shape[:2], np.float32), int(y), int(x))
    for _ in range(int(rng.integers(1, 7))):
        x, y, w, h = (
            rng.uniform(-0.1, 1) * width,
            bottom + rng.uniform(-0.3, 0.2) * height,
            rng.uniform(0.1, 0.5) * width,
            rng.uniform(0.1, 0.5) * height,
        )
        tone = rng.uniform(0.05, 0.9, 3) if rng.random() < 0.4 else np.array(choose(rng, *BARK)) * rng.uniform(0.8, 2)
        canvas.polygon(np.array([(x, y), (x + w, y + rng.normal(0, 4)), (x + w, y + h), (x, y + h)]), light.on(tone))
        canvas.polygon(
            np.array([(x, y), (x + w, y), (x + 0.9 * w, y - 0.1 * h), (x + 0.1 * w, y - 0.1 * h)]),
            light.on(tone * 1.25),
        )
    fall = fbm(rng, height, width, height * 1.5, octaves=1)
    grain = fbm(rng, height, width, height * 0.04, octaves=4, gain=0.8)
    shade = 1 + np.float32(rng.uniform(0.02, 0.12)) * fall + np.float32(0.015) * grain
    canvas.image *= cv2.merge((shade, shade, shade))
    return canvas


def leaves(rng: np.random.Generator, sky: Sky, height: int, width: int) -> Canvas:
    """Foliage, a hedge or a wood that fills the picture."""
    dark, bright = LEAVES[rng.choice(len(LEAVES), p=LEAF_WEIGHTS)]
    depth = fbm(rng, height, width, height * rng.uniform(0.1, 0.5), octaves=8, gain=rng.uniform(0.6, 0.85))
    canvas = Canvas(
        ramp(np.clip(0.4 + 0.22 * depth, -0.05, 1.1), sky.light.on(dark), sky.light.on(jitter(rng, bright)))
    )
    for _ in range(int(rng.integers(2, 7))):
        size = int(height * rng.uniform(0.3, 1.0))
        patch, alpha = crown(
            rng,
            size,
            size,
            sky.light,
            rng.uniform(0, 0.4),
            loose=rng.uniform(0, 0.6),
            leaf=height * rng.uniform(0.004, 0.03),
        )
        canvas.paint(patch, alpha, int(rng.uniform(-0.5, 0.9) * height), int(rng.uniform(-0.2, 0.9) * width))
    for _ in range(int(rng.integers(0, 7))):
        x, w = rng.uniform(0, 1) * width, height * rng.uniform(0.01, 0.08)
        lean = rng.normal(0, 0.08) * width
        shape = [(x - w, height * 1.1), (x + w, height * 1.1), (x + lean + 0.7 * w, -5), (x + lean - 0.7 * w, -5)]
        canvas.polygon(np.array(shape), sky.light.on(jitter(rng, choose(rng, *BARK), 0.2)))
    return canvas


def ground(rng: np.random.Generator, sky: Sky, height: int, width: int) -> Canvas:
    """Ground seen from above or from an angle: the horizon lies beyond the upper border."""
    canvas = Canvas(np.zeros((3 * height, width, 3), np.float32))
    horizon = rng.uniform(0.3, 1.8) * height
    light = Light(sky.light.tint, sky.light.air, 0.0, sky.light.sun_side, sky.light.dark)
    paint_ground(rng, canvas, horizon, light, str(choose(rng, *GROUNDS)))
    return Canvas(canvas.image[-height:])


def water(rng: np.random.Generator, sky: Sky, height: int, width: int) -> Canvas:
    """A water surface that mirrors a sky which is out of the picture, or water seen from above."""
    if rng.random() < 0.3:
        waves = fbm(
            rng,
            height,
            width,
            height * rng.uniform(0.05, 0.4),
            octaves=7,
            gain=rng.uniform(0.5, 0.75),
            stretch=rng.uniform(1, 3),
        )
        deep = jitter(rng, choose(rng, *WATERS), 0.2)
        return Canvas(ramp(np.clip(0.3 + 0.17 * waves, 0, 1.2), sky.light.on(deep * 1.5), 0.7 * sky.horizon))
    tall = 2 * height
    canvas = Canvas(gradient(sky, tall, width, height * 0.8))
    paint_water(rng, canvas, height * 0.8, sky.light, rng.random())
    return Canvas(canvas.image[-height:])


def shelf(rng: np.random.Generator, sky: Sky, height: int, width: int) -> Canvas:
    """Rows of upright coloured things: books, goods, lockers, people's clothes."""
    canvas = Canvas(np.zeros((height, width, 3), np.float32) + np.float32(0.08))
    rows = int(rng.integers(1, 5))
    tint = np.float32(rng.uniform(0.6, 1.1))
    for row in range(rows):
        x, foot = -5.0, (row + 1) * height / rows - 3
        while x < width:
            w, h = height / rows * rng.uniform(0.06, 0.5), height / rows * rng.uniform(0.5, 0.95)
            tone = np.full(3, rng.uniform(0.1, 1.0)) + rng.normal(0, 0.12, 3)
            tone = np.clip(tone, 0.03, 1) * tint
            canvas.polygon(np.array([(x, foot - h), (x + w, foot - h), (x + w, foot), (x, foot)]), tone)
            x += w * rng.uniform(1.0, 1.15)
    shade = 1 + 0.08 * fbm(rng, height, width, height * 0.3, octaves=7, gain=0.75)
    canvas.image *= cv2.merge((shade, shade, shade))
    return canvas


PAINTERS = {
    "room": interior,
    "corridor": interior,
    "wall": wall,
    "ground": ground,
    "foliage": leaves,
    "water": water,
    "canyon": shelf,
    "close_up": plain,
}


def paint_no_sky(rng: np.random.Generator, sky: Sky, height: int, width: int, weights: Mapping[str, float]) -> Canvas:
    """One of the pictures above, by weight, perhaps with objects in front. The whole canvas counts as covered.

    Args:
        weights: how often each key of PAINTERS is drawn relative to the others, >= 0.
    """
    share = np.array([weights[name] for name in PAINTERS])
    scenery = PAINTERS[str(rng.choice(list(PAINTERS), p=share / share.sum()))]
    canvas = scenery(rng, sky, height, width)
    # A plain surface alone could as well be a plain sky, so something always stands before it.
    count = int(rng.choice([1, 1, 2, 4] if scenery is plain else [0, 0, 0, 1, 2]))
    painters = (paint_blob, paint_person, paint_car) if scenery is ground else (paint_blob, paint_blob, paint_person)
    for _ in range(count):
        x, y, size = rng.uniform(0.1, 0.9) * width, rng.uniform(0.4, 0.95) * height, height * rng.uniform(0.1, 0.45)
        choose(rng, *painters)(rng, canvas, x, y, size, sky.light)
    canvas.cover[:] = 1
    return canvas
