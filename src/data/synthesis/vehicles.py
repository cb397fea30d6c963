"""Cars, vans, lorries and buses, from the side, from behind and from the front."""

import numpy as np

from src.data.synthesis.brushes import box, choose, ellipse, jitter
from src.data.synthesis.canvas import Canvas
from src.data.synthesis.sky import Light

PAINTS = (
    (0.86, 0.86, 0.88),
    (0.93, 0.93, 0.92),
    (0.08, 0.08, 0.1),
    (0.55, 0.07, 0.07),
    (0.13, 0.22, 0.48),
    (0.5, 0.51, 0.53),
    (0.3, 0.31, 0.33),
    (0.45, 0.6, 0.78),
    (0.7, 0.65, 0.5),
    (0.1, 0.25, 0.16),
)
CAR = {
    "hatch": (
        [(-0.5, -0.1), (-0.5, -0.21), (-0.32, -0.24), (0.45, -0.24), (0.5, -0.2), (0.5, -0.1)],
        [(-0.34, -0.23), (-0.2, -0.37), (0.3, -0.37), (0.46, -0.23)],
    ),
    "saloon": (
        [(-0.5, -0.08), (-0.49, -0.19), (-0.28, -0.22), (0.3, -0.22), (0.49, -0.19), (0.5, -0.08)],
        [(-0.28, -0.21), (-0.15, -0.33), (0.14, -0.33), (0.3, -0.21)],
    ),
    "van": (
        [(-0.5, -0.1), (-0.5, -0.24), (-0.4, -0.27), (0.5, -0.3), (0.5, -0.1)],
        [(-0.42, -0.26), (-0.3, -0.45), (0.49, -0.46), (0.5, -0.28)],
    ),
}


def paint_car(
    rng: np.random.Generator, canvas: Canvas, x: float, base: float, size: float, light: Light, depth: float = 0.0
) -> None:
    """Paints a car from the side, `size` pixels long, its wheels on row `base`."""
    paint = jitter(rng, choose(rng, *PAINTS), 0.1)
    body, cabin = (np.array(part) for part in CAR[choose(rng, *CAR)])
    turn = np.array([choose(rng, -1.0, 1.0) * size, size])
    at = np.array([x, base])
    tyre = light.on((0.05, 0.05, 0.055), depth)
    canvas.polygon(ellipse(x, base, size * 0.52, size * 0.03), tyre)
    canvas.polygon(cabin * turn + at, light.on(paint, depth))
    middle = cabin.mean(0)
    canvas.polygon(((cabin - middle) * (0.88, 0.72) + middle) * turn + at, _glass(rng, light, depth))
    pillar = choose(rng, -0.02, 0.05) * turn[0] + x
    canvas.polygon(box(pillar, base + middle[1] * size, 0.012 * size, 0.07 * size), light.on(paint, depth))
    canvas.polygon(body * turn + at, light.on(paint, depth))
    canvas.polygon(box(x, base - 0.1 * size, 0.42 * size, 0.03 * size), light.on(paint * 0.45, depth))
    for wheel in (-0.3, 0.3):
        middle = (x + wheel * size, base - 0.075 * size)
        canvas.polygon(ellipse(*middle, 0.085 * size, 0.085 * size), tyre)
        canvas.polygon(ellipse(*middle, 0.05 * size, 0.05 * size), light.on((0.45, 0.45, 0.46), depth))


def paint_car_end(
    rng: np.random.Generator, canvas: Canvas, x: float, base: float, size: float, light: Light, depth: float = 0.0
) -> None:
    """Paints a car from behind or from the front, `size` pixels wide."""
    paint = jitter(rng, choose(rng, *PAINTS), 0.1)
    tall, rear = size * rng.uniform(0.72, 1.05), rng.random() < 0.5
    tyre = light.on((0.04, 0.04, 0.045), depth)
    canvas.polygon(box(x, base - 0.04 * tall, 0.5 * size, 0.05 * tall), tyre)
    for side in (-0.36, 0.36):
        canvas.polygon(box(x + side * size, base - 0.1 * tall, 0.09 * size, 0.1 * tall), tyre)
    half = np.array([(0.47, -0.14), (0.5, -0.35), (0.46, -0.56), (0.36, -0.93), (0.3, -1.0)])
    outline = np.concatenate([half, half[::-1] * (-1, 1)]) * (size, tall) + (x, base)
    canvas.polygon(outline, light.on(paint, depth))
    pane = np.array([(-0.38, -0.6), (0.38, -0.6), (0.3, -0.92), (-0.3, -0.92)]) * (size, tall) + (x, base)
    canvas.polygon(pane, _glass(rng, light, depth))
    if size < 10 and not light.dark:
        return
    canvas.polygon(box(x, base - 0.22 * tall, 0.47 * size, 0.07 * tall), light.on(paint * 0.5, depth))
    canvas.polygon(box(x, base - 0.3 * tall, 0.14 * size, 0.05 * tall), light.on((0.8, 0.75, 0.45), depth))
    lamp = light.on((0.6, 0.03, 0.03) if rear else (0.85, 0.85, 0.8), depth)
    if light.dark or (rear and rng.random() < 0.3):
        lamp = np.array([0.95, 0.1, 0.06] if rear else [1.1, 1.05, 0.9], np.float32)
    for side in (-0.4, 0.4):
        canvas.polygon(box(x + side * size, base - 0.45 * tall, 0.07 * size, 0.05 * tall), lamp)


def paint_lorry(
    rng: np.random.Generator, canvas: Canvas, x: float, base: float, size: float, light: Light, depth: float = 0.0
) -> None:
    """Paints a lorry, van or bus from behind or from the front, `size` pixels wide: a tall box, often white."""
    paint = jitter(rng, choose(rng, *PAINTS, (0.9, 0.9, 0.9), (0.95, 0.95, 0.95)), 0.1)
    tall = size * rng.uniform(1.2, 1.6)
    for side in (-0.38, 0.38):
        canvas.polygon(box(x + side * size, base - 0.09 * size, 0.1 * size, 0.09 * size), light.on((0.04,) * 3, depth))
    canvas.polygon(box(x, base - 0.12 * size, 0.48 * size, 0.06 * size), light.on((0.1, 0.1, 0.1), depth))
    canvas.polygon(box(x, base - 0.15 * size - tall / 2, 0.5 * size, tall / 2), light.on(paint, depth))
    if rng.random() < 0.5:
        canvas.polygon(box(x, base - 0.8 * tall, 0.43 * size, 0.2 * tall), _glass(rng, light, depth))
    else:
        canvas.polygon(box(x, base - 0.15 * size - tall / 2, 0.44 * size, 0.46 * tall), light.on(paint * 0.93, depth))
        canvas.polygon(box(x, base - 0.15 * size - tall / 2, 0.008 * size, 0.46 * tall), light.on(paint * 0.6, depth))
        if rng.random() < 0.5:
            stripe = box(x, base - tall * rng.uniform(0.4, 0.9), 0.4 * size, 0.08 * tall)
            canvas.polygon(stripe, light.on(rng.uniform(0, 0.9, 3), depth))
    for side in (-0.44, 0.44):
        canvas.polygon(box(x + side * size, base - 0.2 * size, 0.05 * size, 0.03 * size), light.on((0.6, 0.05, 0.04)))


def _glass(rng: np.random.Generator, light: Light, depth: float) -> np.ndarray:
    """Colour [3] of a pane: dark, or with the sky in it."""
    return light.on((0.1, 0.11, 0.12), depth) + np.float32(rng.uniform(0.05, 0.6)) * light.air
