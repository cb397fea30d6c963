"""Pictures without any sky, many of them with the colours and smoothness of one: what to answer "none" to."""

from collections.abc import Mapping
from dataclasses import replace

import cv2
import numpy as np

from src.data.synthesis.brushes import box, choose, jitter
from src.data.synthesis.buildings import brick, facade
from src.data.synthesis.canvas import Canvas
from src.data.synthesis.houses import build_row, fronts
from src.data.synthesis.interiors import corridor, room
from src.data.synthesis.noise import fbm, ramp
from src.data.synthesis.perspective import Panel, View, paint_panel
from src.data.synthesis.sky import Sky, paint_sky
from src.data.synthesis.street import build_street, paint_street, shaded
from src.data.synthesis.terrain import GROUNDS, paint_ground
from src.data.synthesis.things import paint_animal, paint_blob, paint_flower, paint_person, paint_pole
from src.data.synthesis.trees import BARK, LEAF_WEIGHTS, LEAVES, crown, paint_bush
from src.data.synthesis.vehicles import paint_car
from src.data.synthesis.water import WATERS, paint_boat, paint_water


def plaster(rng: np.random.Generator, sky: Sky, height: int, width: int) -> Canvas:
    """A painted wall, often in the colours of the sky outside, with what a sky has not: grain, joints, a floor."""
    light, white = sky.light, np.full(3, rng.uniform(0.7, 1.0))
    colour = choose(
        rng,
        jitter(rng, sky.horizon, 0.1),
        light.on(jitter(rng, (0.6, 0.76, 0.92))),
        light.on(white),
        rng.uniform(0.2, 1, 3),
    )
    # Finer and fainter than any cloud.
    cell, stretch = height * rng.uniform(0.005, 0.06), rng.uniform(0.3, 3)
    uneven = fbm(rng, height, width, cell, octaves=5, gain=rng.uniform(0.6, 0.85), stretch=stretch)
    fall = np.linspace(*rng.uniform(0.75, 1.05, 2), width, dtype=np.float32)[None, :]
    canvas = Canvas(ramp(fall + np.float32(rng.uniform(0.005, 0.035)) * uneven, np.zeros(3), colour))
    seam, thick = colour * np.float32(rng.uniform(0.5, 0.85)), rng.uniform(0.6, 2) * height / 288
    lines = []
    if rng.random() < 0.7:
        step, start = height * rng.uniform(0.15, 0.6), rng.random()
        lines += [np.array([(x, 0), (x, height)]) for x in np.arange(start, width, step * rng.uniform(0.8, 3))]
        lines += [np.array([(0, y), (width, y)]) for y in np.arange(start, height, step)]
    if lines:
        canvas.lines(lines, thick, seam)
    if rng.random() < 0.7 or not lines:
        foot = height * rng.uniform(0.7, 0.97)
        canvas.polygon(
            np.array([(0, foot), (width, foot), (width, height), (0, height)]), light.on(rng.uniform(0.1, 0.7, 3))
        )
        canvas.polygon(np.array([(0, foot - 4 * thick), (width, foot - 4 * thick), (width, foot), (0, foot)]), seam)
    for _ in range(int(rng.integers(0, 4))):
        x, y, w, h = *rng.uniform(0.1, 0.8, 2) * (width, height), *rng.uniform(0.05, 0.3, 2) * (width, height)
        canvas.polygon(box(x, y, w / 2, h / 2), light.on(rng.uniform(0, 1, 3)))
        canvas.polygon(box(x, y, w / 2.4, h / 2.4), light.on(rng.uniform(0, 1, 3)))
    return canvas


def wall(rng: np.random.Generator, sky: Sky, height: int, width: int) -> Canvas:
    """Plaster, brick or a facade that fills the picture; at times posters, a pole, a car, a person in front."""
    kind = choose(rng, "plain", "plain", "brick", "facade", "facade")
    if kind == "plain":
        return plaster(rng, sky, height, width)
    if kind == "brick":
        return Canvas(brick(rng, height, width, sky.light))
    air = sky.horizon * rng.uniform(0.5, 1.1)
    floors = int(rng.integers(2, 9))
    front = facade(rng, floors, int(rng.integers(2, 10)), sky.light, air, fine=1.4 * height / floors)
    canvas = Canvas(np.broadcast_to(sky.light.tint * np.float32(0.4), (height, width, 3)))
    foot, tilt = rng.uniform(0.75, 1.2) * height, rng.normal(0, 0.2, 4) * height
    corners = [
        (-0.2 * width, -0.3 * height - abs(tilt[0])),
        (1.2 * width, -0.3 * height - abs(tilt[1])),
        (1.2 * width, foot + tilt[2] * 0.3),
        (-0.2 * width, foot + tilt[3] * 0.3),
    ]
    canvas.quad(front, np.array(corners))
    for _ in range(int(rng.integers(0, 4))):
        thing = choose(rng, paint_car, paint_person, paint_pole, paint_bush)
        thing(
            rng,
            canvas,
            rng.random() * width,
            height * rng.uniform(0.85, 1.05),
            height * rng.uniform(0.2, 0.6),
            sky.light,
        )
    return canvas


def foliage(rng: np.random.Generator, sky: Sky, height: int, width: int) -> Canvas:
    """Leaves, a hedge or a wood that fills the picture."""
    light, (dark, bright) = sky.light, LEAVES[rng.choice(len(LEAVES), p=LEAF_WEIGHTS)]
    depth = fbm(rng, height, width, height * rng.uniform(0.1, 0.5), octaves=8, gain=rng.uniform(0.6, 0.85))
    canvas = Canvas(ramp(np.clip(0.4 + 0.22 * depth, -0.05, 1.1), light.on(dark), light.on(jitter(rng, bright))))
    for _ in range(int(rng.integers(1, 5))):
        size, leaf = max(int(height * rng.uniform(0.3, 0.9)), 4), height * rng.uniform(0.004, 0.03)
        patch, alpha = crown(rng, size, size, light, rng.uniform(0, 0.4), loose=rng.uniform(0, 0.6), leaf=leaf)
        canvas.paint(patch, alpha, int(rng.uniform(-0.5, 0.9) * height), int(rng.uniform(-0.2, 0.9) * width))
    for _ in range(int(rng.integers(0, 7))):
        x, w = rng.uniform(0, 1) * width, height * rng.uniform(0.01, 0.08)
        lean = rng.normal(0, 0.08) * width
        shape = [(x - w, height * 1.1), (x + w, height * 1.1), (x + lean + 0.7 * w, -5), (x + lean - 0.7 * w, -5)]
        canvas.polygon(np.array(shape), light.on(jitter(rng, choose(rng, *BARK), 0.2)))
    if rng.random() < 0.3:
        choose(rng, paint_animal, paint_person, paint_flower)(
            rng,
            canvas,
            rng.uniform(0.2, 0.8) * width,
            height * rng.uniform(0.8, 1.1),
            height * rng.uniform(0.3, 0.8),
            light,
        )
    return canvas


def ground(rng: np.random.Generator, sky: Sky, height: int, width: int) -> Canvas:
    """Ground seen from above or at an angle, with animals, people or things on it: no horizon in the picture."""
    canvas = Canvas(np.zeros((3 * height, width, 3), np.float32))
    light, kind = replace(sky.light, haze=0.0), choose(rng, *GROUNDS)
    paint_ground(rng, canvas, rng.uniform(0.3, 1.8) * height, light, kind)
    canvas = Canvas(canvas.image[-height:])
    thing = choose(rng, paint_animal, paint_animal, paint_blob, paint_person, paint_car, paint_flower)
    smooth = kind in ("snow", "sand", "asphalt")  # alone it could as well be a sky
    for near in np.sort(rng.random(int(rng.integers(int(smooth), 5)))):
        size = height * rng.uniform(0.15, 0.7) * (0.5 + 0.5 * near)
        thing(rng, canvas, rng.uniform(0.1, 0.9) * width, height * (0.35 + 0.65 * near), size, light)
    return canvas


def water(rng: np.random.Generator, sky: Sky, height: int, width: int) -> Canvas:
    """A water surface that mirrors a sky which is out of the picture, or water seen from above."""
    if rng.random() < 0.3:
        cell, gain, stretch = height * rng.uniform(0.05, 0.4), rng.uniform(0.5, 0.75), rng.uniform(1, 3)
        waves = fbm(rng, height, width, cell, octaves=7, gain=gain, stretch=stretch)
        deep = jitter(rng, choose(rng, *WATERS), 0.2)
        canvas = Canvas(ramp(np.clip(0.3 + 0.17 * waves, 0, 1.2), sky.light.on(deep * 1.5), 0.7 * sky.horizon))
    else:
        canvas = Canvas(paint_sky(rng, sky, 2 * height, width, height * 0.8))
        paint_water(rng, canvas, height * 0.8, sky.light, rng.random())
        canvas = Canvas(canvas.image[-height:])
    for near in np.sort(rng.random(int(rng.integers(0, 4)))):
        thing = choose(rng, paint_boat, paint_boat, paint_blob, paint_person)
        size = height * (0.1 + rng.uniform(0.2, 0.8) * near)
        thing(rng, canvas, rng.random() * width, height * (0.2 + 0.8 * near), size, sky.light)
    return canvas


def canyon(rng: np.random.Generator, sky: Sky, height: int, width: int) -> Canvas:
    """A street whose sky is out of the picture: between high fronts, closed by one more at the end."""
    sky = shaded(rng, sky)
    canvas = Canvas(np.broadcast_to(sky.light.on((0.3, 0.3, 0.3)), (height, width, 3)))
    view = View(
        focal=rng.uniform(0.9, 1.6) * width,
        middle=rng.uniform(0.3, 0.7) * width,
        horizon=rng.uniform(0.2, 0.6) * height,
        eye=rng.uniform(1.2, 2.2),
    )
    road = build_street(rng, sky, height / 5, length=60.0)
    walls = fronts(rng, sky.light, sky.horizon, 3, height / 6, (9, 12))
    rows = [
        building
        for side, kerb in zip((-1, 1), road.road, strict=True)
        for building in build_row(rng, walls, kerb + side * (road.walk + 0.2), (-2.0, 60.0), gaps=0.0)
    ]
    end = rng.uniform(20, 60)
    high = view.eye + 1.2 * (view.horizon + 5) / view.scale(end)
    reach = 1.2 * width / view.scale(end)
    paint_panel(canvas, view, Panel(choose(rng, *walls).texture, (-reach, end), (reach, end), 0.0, high))
    kept = [thing for thing in road.stands if thing.z < end]
    before = [building for building in rows if building.z[0] < end]
    paint_street(rng, canvas, view, sky.light, replace(road, buildings=before, stands=kept), ground_to=end)
    return canvas


def close_up(rng: np.random.Generator, sky: Sky, height: int, width: int) -> Canvas:
    """One sharp thing before a background out of focus, in the colours of leaves, walls or a sky that is none."""
    kind = choose(rng, "wall", "leaves", "spots", "room")
    if kind == "wall":
        canvas = plaster(rng, sky, height, width)
    elif kind == "room":
        canvas = room(rng, sky, height, width)
    elif kind == "leaves":
        canvas = foliage(rng, sky, height, width)
    else:
        spots = fbm(rng, height, width, height * rng.uniform(0.2, 0.5), octaves=3, gain=0.6)
        canvas = Canvas(ramp(np.clip(0.5 + 0.25 * spots, 0, 1), rng.uniform(0, 0.5, 3), rng.uniform(0.3, 1, 3)))
    canvas = Canvas(cv2.GaussianBlur(canvas.image, (0, 0), max(height * rng.uniform(0.01, 0.05), 0.5)))
    thing = choose(rng, paint_blob, paint_blob, paint_person, paint_animal, paint_flower)
    for _ in range(int(rng.integers(1, 4))):
        y = height * (rng.uniform(0.4, 0.8) if thing is paint_blob else rng.uniform(0.9, 1.3))
        size = height * (rng.uniform(0.15, 0.4) if thing is paint_blob else rng.uniform(0.5, 1.3))
        thing(rng, canvas, rng.uniform(0.1, 0.9) * width, y, size, sky.light)
    return canvas


PAINTERS = {
    "room": room,
    "corridor": corridor,
    "wall": wall,
    "ground": ground,
    "foliage": foliage,
    "water": water,
    "canyon": canyon,
    "close_up": close_up,
}


def paint_no_sky(rng: np.random.Generator, sky: Sky, height: int, width: int, weights: Mapping[str, float]) -> Canvas:
    """One of the pictures above, by weight. The whole canvas counts as covered.

    Args:
        weights: how often each key of PAINTERS is drawn relative to the others, >= 0.
    """
    share = np.array([weights[name] for name in PAINTERS])
    canvas = PAINTERS[str(rng.choice(list(PAINTERS), p=share / share.sum()))](rng, sky, height, width)
    canvas.cover[:] = 1
    return canvas
