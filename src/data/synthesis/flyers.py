"""What flies: birds alone and in flocks, aircraft far and close, balloons, kites."""

import numpy as np

from src.data.synthesis.brushes import box, choose, ellipse, jitter
from src.data.synthesis.canvas import Canvas
from src.data.synthesis.sky import Light
from src.data.synthesis.things import paint_shape

PAINTS = (
    (0.94, 0.94, 0.94),
    (0.75, 0.78, 0.82),
    (0.4, 0.42, 0.45),
    (0.7, 0.15, 0.12),
    (0.15, 0.15, 0.17),
    (0.25, 0.4, 0.65),
    (0.3, 0.33, 0.24),
    (0.9, 0.75, 0.2),
)
PLUMES = ((0.95, 0.95, 0.95), (0.1, 0.1, 0.11), (0.4, 0.33, 0.27), (0.6, 0.62, 0.65), (0.3, 0.2, 0.12))


def _turned(points: list, angle: float, flip: float, size: float, at: tuple[float, float]) -> np.ndarray:
    """Points [N, 2] of a unit drawing, mirrored, turned by `angle` radians, enlarged and moved."""
    c, s = np.cos(angle), np.sin(angle)
    return (np.array(points) * (flip, 1)) @ np.array([[c, s], [-s, c]]) * size + at


def paint_birds(rng: np.random.Generator, canvas: Canvas, horizon: float, light: Light) -> None:
    """Paints a flock far off, or one bird close by with its wings spread."""
    x, y = rng.uniform(0.1, 0.9) * canvas.width, rng.uniform(0.1, 0.8) * np.clip(horizon, 0.1 * canvas.height, None)
    if rng.random() < 0.6:
        count = int(rng.integers(2, 40))
        middles = rng.normal((x, y), (0.16 * canvas.width, 0.09 * canvas.height), (count, 2))
        spans = canvas.height * rng.uniform(0.006, 0.02) * rng.uniform(0.6, 1.3, count)
        beat = rng.uniform(-0.6, 0.6, (count, 2))
        wings = [
            np.array([(bx - s, by + s * up), (bx, by), (bx + s, by + s * up + 0.3 * s * tilt)])
            for (bx, by), s, (up, tilt) in zip(middles, spans, beat, strict=True)
        ]
        canvas.lines(wings, max(canvas.height / 260, 0.7), light.on(choose(rng, *PLUMES)) * np.float32(0.6))
        return
    size = canvas.height * rng.uniform(0.06, 0.35)
    angle, flip = rng.normal(0, 0.4), choose(rng, -1.0, 1.0)
    tone = light.on(jitter(rng, choose(rng, *PLUMES), 0.1))
    lift, sweep = rng.uniform(-1.1, 0.6), rng.uniform(-0.3, 0.3)
    for side, dim in ((1, 0.75), (-1, 1.0)):
        tip = np.array([sweep - 0.25, lift * (1 if side < 0 else 0.8)])
        wing = [(0.18, -0.05), (0.25 + sweep, 0.55 * tip[1]), tuple(tip), (-0.05 + sweep, 0.5 * tip[1]), (-0.15, 0.02)]
        paint_shape(rng, canvas, _turned(wing, angle, flip, size, (x, y)), tone * 0.4 * dim, tone * dim, grain=0.08)
    body = [
        (-0.75, -0.06),
        (-0.7, 0.08),
        (-0.35, 0.06),
        (0, 0.13),
        (0.35, 0.06),
        (0.52, 0.03),
        (0.62, 0.0),
        (0.5, -0.06),
        (0.3, -0.08),
        (0, -0.1),
        (-0.35, -0.04),
    ]
    paint_shape(rng, canvas, _turned(body, angle, flip, size, (x, y)), tone * 0.5, tone, grain=0.08)


def paint_aircraft(rng: np.random.Generator, canvas: Canvas, horizon: float, light: Light) -> None:
    """Paints an aeroplane far or near, a flying wing or drone, a helicopter, a balloon or a kite."""
    high = canvas.height
    x, y = rng.uniform(0.1, 0.9) * canvas.width, rng.uniform(0.1, 0.8) * np.clip(horizon, 0.1 * high, None)
    size = high * choose(rng, rng.uniform(0.01, 0.06), rng.uniform(0.06, 0.25), rng.uniform(0.25, 0.8))
    paint = jitter(rng, choose(rng, *PAINTS), 0.1)
    choose(rng, _airliner, _airliner, _light_plane, _drone, _helicopter, _balloon)(
        rng, canvas, (x, y), size, paint, light
    )


def _airliner(rng, canvas: Canvas, at: tuple, size: float, paint: np.ndarray, light: Light) -> None:
    """From the side or from below, with engines and windows."""
    angle, flip, tone = rng.normal(0, 0.25), choose(rng, -1.0, 1.0), light.on(paint)
    hang = rng.uniform(0.2, 0.6)
    far_wing = [(-0.05, -0.02), (0.2, -0.02), (-0.15, -0.7 * hang), (-0.3, -0.7 * hang)]
    body = [
        (-1, -0.03),
        (-0.85, 0.05),
        (-0.3, 0.09),
        (0.75, 0.09),
        (0.93, 0.05),
        (1, 0.01),
        (0.9, -0.06),
        (0.7, -0.09),
        (-0.6, -0.08),
    ]
    tail = [(-1, -0.02), (-0.68, -0.06), (-0.92, -0.36), (-1.08, -0.36)]
    wing = [(-0.15, 0.03), (0.22, 0.03), (-0.2, hang), (-0.36, hang)]
    canvas.polygon(_turned(far_wing, angle, flip, size, at), tone * 0.7)
    canvas.polygon(_turned(tail, angle, flip, size, at), light.on(rng.uniform(0, 1, 3)) if rng.random() < 0.6 else tone)
    paint_shape(rng, canvas, _turned(body, angle, flip, size, at), tone * 0.45, tone, grain=0.03)
    if size > 12:
        row = [np.array([(t, -0.02), (t + 0.02, -0.02)]) for t in np.arange(-0.6, 0.75, 0.06)]
        canvas.lines(
            [_turned(p, angle, flip, size, at) for p in row], max(size * 0.025, 0.6), light.on((0.1, 0.1, 0.12))
        )
    canvas.polygon(_turned(wing, angle, flip, size, at), tone * rng.uniform(0.4, 0.8))
    for t in (0.35, 0.6):
        pod = ellipse(0.12 - 0.5 * t * 0.4, 0.05 + hang * t * 0.8, 0.09, 0.035)
        canvas.polygon(_turned(pod, angle, flip, size, at), tone * 0.6)


def _light_plane(rng, canvas: Canvas, at: tuple, size: float, paint: np.ndarray, light: Light) -> None:
    """A propeller plane from the front or from behind: a straight wing, a cabin, a tail."""
    angle, tone = rng.normal(0, 0.35), light.on(paint)
    high_wing = rng.uniform(-0.12, 0.08)
    wing = [
        (-1, high_wing - 0.05),
        (0, high_wing - 0.02),
        (1, high_wing - 0.05),
        (1, high_wing - 0.02),
        (0, high_wing + 0.05),
        (-1, high_wing - 0.02),
    ]
    canvas.polygon(_turned(box(0, -0.05, 0.32, 0.012), angle, 1, size, at), tone * 0.75)
    canvas.polygon(_turned(box(0, -0.18, 0.012, 0.14), angle, 1, size, at), tone * 0.8)
    paint_shape(rng, canvas, _turned(ellipse(0, 0, 0.13, 0.15), angle, 1, size, at), tone * 0.4, tone, grain=0.03)
    canvas.polygon(_turned(wing, angle, 1, size, at), tone * rng.uniform(0.4, 1))
    legs = [np.array([(0.05 * s, 0.1), (0.2 * s, 0.28)]) for s in (-1, 1)]
    canvas.lines([_turned(leg, angle, 1, size, at) for leg in legs], max(size * 0.02, 0.5), tone * 0.5)
    for side in (-1, 1):
        canvas.polygon(_turned(ellipse(0.2 * side, 0.3, 0.03, 0.05), angle, 1, size, at), light.on((0.05, 0.05, 0.05)))


def _drone(rng, canvas: Canvas, at: tuple, size: float, paint: np.ndarray, light: Light) -> None:
    """A slender flying wing or glider in a turn."""
    angle, tone = rng.normal(0, 0.5), light.on(paint)
    sweep = rng.uniform(0, 0.2)
    wing = [
        (-1, sweep),
        (-0.9, sweep - 0.06),
        (0, -0.05),
        (0.9, sweep - 0.06),
        (1, sweep),
        (0.9, sweep),
        (0, 0.06),
        (-0.9, sweep),
    ]
    canvas.polygon(_turned(wing, angle, 1, size, at), tone)
    canvas.polygon(_turned(ellipse(0, 0.02, 0.06, 0.09), angle, 1, size, at), tone * 0.6)
    canvas.polygon(_turned(box(0, -0.1, 0.15, 0.012), angle, 1, size, at), tone * 0.7)


def _helicopter(rng, canvas: Canvas, at: tuple, size: float, paint: np.ndarray, light: Light) -> None:
    angle, flip, tone = rng.normal(0, 0.15), choose(rng, -1.0, 1.0), light.on(paint)
    boom = [(-0.1, -0.08), (-1, -0.12), (-1.05, -0.3), (-0.95, -0.3), (-0.9, -0.06), (-0.1, 0.06)]
    canvas.polygon(_turned(boom, angle, flip, size, at), tone * 0.8)
    paint_shape(rng, canvas, _turned(ellipse(0.1, 0, 0.34, 0.19), angle, flip, size, at), tone * 0.4, tone, grain=0.03)
    canvas.polygon(_turned(ellipse(0.28, -0.02, 0.13, 0.1), angle, flip, size, at), light.on((0.1, 0.12, 0.15)))
    struts = [
        [(-0.8, -0.26), (0.95, -0.26)],
        [(0.1, -0.26), (0.1, -0.15)],
        [(-0.2, 0.28), (0.45, 0.28)],
        [(0, 0.28), (0, 0.1)],
        [(0.25, 0.28), (0.25, 0.1)],
    ]
    canvas.lines([_turned(p, angle, flip, size, at) for p in struts], max(size * 0.018, 0.6), tone * 0.4)


def _balloon(rng, canvas: Canvas, at: tuple, size: float, paint: np.ndarray, light: Light) -> None:
    colours = [light.on(rng.uniform(0.05, 0.95, 3)) for _ in range(2)]
    t = np.linspace(-1, 1, 13)
    round_part = np.sqrt(np.clip(1 - (t - 0.05) ** 2 * 0.98, 0, 1)) * np.where(
        t > 0.2, 1 - 0.6 * np.clip(t - 0.2, 0, 1) ** 1.3, 1
    )
    for i, share in enumerate((1.0, 0.75, 0.45, 0.15)):
        side = np.stack([0.42 * share * round_part, 0.55 * t], axis=1)
        canvas.polygon(
            np.concatenate([side, side[::-1] * (-1, 1)]) * size + at, colours[i % 2] * np.float32(1 - 0.06 * i)
        )
    ropes = [np.array([(0.12 * s, 0.5), (0.05 * s, 0.68)]) * size + at for s in (-1, 1)]
    canvas.lines(ropes, max(0.01 * size, 0.4), light.on((0.2, 0.2, 0.2)))
    canvas.polygon(box(at[0], at[1] + 0.72 * size, 0.06 * size, 0.05 * size), light.on((0.35, 0.22, 0.1)))
