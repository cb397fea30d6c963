"""Things that stand in front of the sky: poles, lamps, wires, aircraft, boats, cars, people, and shapes of no name."""

import cv2
import numpy as np

from src.data.synthesis.canvas import Canvas
from src.data.synthesis.noise import fbm, ramp, smoothstep
from src.data.synthesis.sky import Light
from src.data.synthesis.terrain import choose, jitter


def paint_pole(rng: np.random.Generator, canvas: Canvas, x: float, base: float, height: float, light: Light) -> None:
    """Paints a lamp post, traffic light, sign post or mast standing at (x, base)."""
    grey = rng.uniform(0.08, 0.6)
    colour = light.on((grey, grey, grey))
    thick = max(height * rng.uniform(0.012, 0.03), 1)
    top = base - height
    canvas.polygon(
        np.array([(x - thick / 2, base), (x - thick / 3, top), (x + thick / 3, top), (x + thick / 2, base)]), colour
    )
    kind = choose(rng, "lamp", "lamp", "light", "sign", "mast")
    side = choose(rng, -1, 1)
    if kind == "lamp":
        reach = height * rng.uniform(0.08, 0.25) * side
        canvas.lines(
            [np.array([(x, top + abs(reach) * 0.4), (x + reach * 0.5, top), (x + reach, top)])],
            max(int(thick * 0.6), 1),
            colour,
        )
        head = np.array(
            [
                (x + reach * 0.8, top - thick),
                (x + reach * 1.3, top - thick),
                (x + reach * 1.3, top + thick),
                (x + reach * 0.8, top + thick),
            ]
        )
        canvas.polygon(head, np.array([1.0, 0.9, 0.65]) if light.dark else colour)
    elif kind == "light":
        w, h = thick * 2.2, thick * 6
        canvas.polygon(
            np.array([(x - w, top), (x + w, top), (x + w, top + h), (x - w, top + h)]), light.on((0.06, 0.07, 0.06))
        )
        lamp = choose(rng, (1, 0.1, 0.05), (1, 0.7, 0.1), (0.1, 0.9, 0.4))
        y = top + h * choose(rng, 0.2, 0.5, 0.8)
        canvas.polygon(_ellipse(x, y, w * 0.6, w * 0.6), np.array(lamp))
    elif kind == "sign":
        w, h = height * rng.uniform(0.05, 0.15), height * rng.uniform(0.05, 0.15)
        board = light.on(
            choose(rng, (0.9, 0.9, 0.9), (0.1, 0.25, 0.6), (0.8, 0.1, 0.1), (0.1, 0.4, 0.2), (0.9, 0.7, 0.1))
        )
        shape = (
            _ellipse(x, top + h, w, h)
            if rng.random() < 0.5
            else np.array([(x - w, top), (x + w, top), (x + w, top + h), (x - w, top + h)])
        )
        canvas.polygon(shape, board)


def paint_wires(rng: np.random.Generator, canvas: Canvas, light: Light) -> None:
    """Paints overhead wires that hang across the picture in shallow parabolas (close to catenaries)."""
    y0, y1 = rng.uniform(-0.1, 0.5, 2) * canvas.height
    gap, sag = rng.uniform(0.015, 0.06) * canvas.height, rng.uniform(0.0, 0.12) * canvas.height
    t = np.linspace(0, 1, 24)
    lines = [
        np.stack([t * canvas.width, y0 + (y1 - y0) * t + 4 * sag * t * (1 - t) + k * gap], axis=1)
        for k in range(int(rng.integers(1, 6)))
    ]
    canvas.lines(lines, 1 if canvas.height < 500 else int(rng.integers(1, 3)), light.on((0.1, 0.1, 0.1)))


def paint_flyer(rng: np.random.Generator, canvas: Canvas, horizon: float, light: Light) -> None:
    """Paints an aircraft, a bird flock or a balloon in the sky."""
    x, y = rng.uniform(0.1, 0.9) * canvas.width, rng.uniform(0.1, 0.8) * max(horizon, 0.1 * canvas.height)
    size = canvas.height * rng.uniform(0.02, 0.3)
    kind = choose(rng, "plane", "birds", "balloon")
    if kind == "plane":
        body = np.array([(-1, 0.02), (-0.9, -0.06), (0.75, -0.07), (1, 0.02), (0.7, 0.09), (-0.8, 0.08)])
        wing = np.array([(-0.15, 0.02), (0.2, 0.02), (-0.2, rng.uniform(0.3, 0.6)), (-0.38, rng.uniform(0.3, 0.6))])
        tail = np.array([(-1, 0), (-0.7, -0.03), (-0.95, -0.35), (-1.12, -0.35)])
        angle, flip = rng.normal(0, 0.25), choose(rng, -1, 1)
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        colour = light.on(
            jitter(rng, choose(rng, (0.9, 0.9, 0.9), (0.4, 0.42, 0.45), (0.7, 0.15, 0.12), (0.15, 0.15, 0.17)), 0.1)
        )
        for part, tone in ((body, 1.0), (tail, 0.85), (wing, 0.7)):
            canvas.polygon((part * (flip, 1)) @ turn * size + (x, y), colour * np.float32(tone))
    elif kind == "birds":
        wings = []
        for _ in range(int(rng.integers(1, 12))):
            bx, by, s = (
                x + rng.normal(0, 0.12) * canvas.width,
                y + rng.normal(0, 0.08) * canvas.height,
                size * rng.uniform(0.1, 0.25),
            )
            wings.append(np.array([(bx - s, by - s * 0.4), (bx, by), (bx + s, by - s * 0.5)]))
        canvas.lines(wings, 1, light.on((0.08, 0.08, 0.08)))
    else:
        colour = light.on(jitter(rng, (0.8, 0.3, 0.2), 0.4))
        canvas.polygon(_ellipse(x, y, size * 0.4, size * 0.48), colour)
        canvas.polygon(
            np.array([(x - size * 0.22, y + size * 0.4), (x + size * 0.22, y + size * 0.4), (x, y + size * 0.65)]),
            colour * np.float32(0.8),
        )
        canvas.polygon(
            np.array(
                [(x - 2, y + size * 0.66), (x + 2, y + size * 0.66), (x + 2, y + size * 0.74), (x - 2, y + size * 0.74)]
            ),
            colour * np.float32(0.3),
        )


def paint_boat(rng: np.random.Generator, canvas: Canvas, x: float, waterline: float, size: float, light: Light) -> None:
    """Paints a ship or a sailing boat, `size` pixels long, on the water."""
    hull = light.on(
        jitter(rng, choose(rng, (0.9, 0.9, 0.9), (0.15, 0.2, 0.35), (0.5, 0.12, 0.1), (0.2, 0.2, 0.2)), 0.15)
    )
    h = size * 0.14
    canvas.polygon(
        np.array(
            [
                (x - size / 2, waterline - h),
                (x + size / 2, waterline - h * 1.2),
                (x + size * 0.42, waterline),
                (x - size * 0.42, waterline),
            ]
        ),
        hull,
    )
    if rng.random() < 0.5:
        mast = waterline - size * rng.uniform(0.8, 1.5)
        canvas.lines([np.array([(x, waterline - h), (x, mast)])], 1, light.on((0.6, 0.55, 0.5)))
        sail = light.on(choose(rng, (0.97, 0.97, 0.95), (0.9, 0.85, 0.75), (0.7, 0.15, 0.15)))
        canvas.polygon(np.array([(x, mast), (x + size * 0.38, waterline - 1.5 * h), (x, waterline - 1.5 * h)]), sail)
    else:
        w, up = size * rng.uniform(0.1, 0.25), size * rng.uniform(0.1, 0.2)
        canvas.polygon(
            np.array(
                [
                    (x - w, waterline - h - up),
                    (x + w, waterline - h - up),
                    (x + w, waterline - h),
                    (x - w, waterline - h),
                ]
            ),
            light.on((0.9, 0.9, 0.9)),
        )


def paint_car(rng: np.random.Generator, canvas: Canvas, x: float, base: float, size: float, light: Light) -> None:
    """Paints a car from the side, `size` pixels long, its wheels on row `base`."""
    paint = light.on(
        jitter(
            rng,
            choose(rng, (0.85, 0.85, 0.87), (0.1, 0.1, 0.12), (0.6, 0.08, 0.08), (0.15, 0.25, 0.5), (0.5, 0.5, 0.52)),
            0.1,
        )
    )
    at = np.array([x, base])
    cabin = np.array([(-0.28, -0.22), (-0.17, -0.36), (0.17, -0.36), (0.3, -0.22)])
    body = np.array([(-0.5, -0.08), (-0.49, -0.2), (-0.3, -0.23), (0.32, -0.23), (0.48, -0.18), (0.5, -0.08)])
    canvas.polygon(_ellipse(x, base, size * 0.52, size * 0.035), light.on((0.05, 0.05, 0.05)))
    canvas.polygon(cabin * size + at, paint * np.float32(0.9))
    glass = 0.5 * light.on((0.15, 0.17, 0.18)) + 0.25 * light.air
    canvas.polygon(cabin * (0.9 * size, 0.92 * size) + at - (0, 0.015 * size), glass)
    canvas.polygon(body * size + at, paint)
    for wheel in (-0.3, 0.3):
        canvas.polygon(
            _ellipse(x + wheel * size, base - 0.08 * size, 0.085 * size, 0.085 * size), light.on((0.06, 0.06, 0.06))
        )


def paint_person(rng: np.random.Generator, canvas: Canvas, x: float, base: float, height: float, light: Light) -> None:
    """Paints a standing person, `height` pixels high."""
    coat, legs = (light.on(rng.uniform(0.05, 0.8, 3) * rng.uniform(0.3, 1)) for _ in range(2))
    for side in (-1, 1):
        hip, foot = x + side * 0.05 * height, x + side * height * rng.uniform(0.03, 0.12)
        canvas.polygon(
            np.array(
                [
                    (x, base - 0.5 * height),
                    (hip + side * 0.04 * height, base - 0.5 * height),
                    (foot + 0.03 * height, base),
                    (foot - 0.03 * height, base),
                ]
            ),
            legs,
        )
    right = np.array([(0.04, -0.84), (0.12, -0.8), (0.16, -0.5), (0.12, -0.46), (0.1, -0.62), (0.09, -0.42)])
    torso = np.concatenate([right, right[::-1] * (-1, 1)])
    canvas.polygon(torso * height * (rng.uniform(0.8, 1.15), 1) + (x, base), coat)
    canvas.polygon(
        _ellipse(x, base - 0.92 * height, 0.055 * height, 0.075 * height),
        light.on(jitter(rng, choose(rng, (0.8, 0.6, 0.5), (0.45, 0.3, 0.2), (0.2, 0.15, 0.1)))),
    )


def paint_blob(rng: np.random.Generator, canvas: Canvas, x: float, y: float, size: float, light: Light) -> None:
    """Paints a rounded object of random outline and texture: an animal, a rock, a statue, whatever stands close."""
    t = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    radius = 1 + sum(rng.normal(0, 0.35 / k) * np.sin(k * t + rng.uniform(0, 6.3)) for k in range(2, 9))
    angle = rng.uniform(0, np.pi)
    px, py = radius * np.cos(t), radius * np.sin(t) * rng.uniform(0.35, 1.0)
    outline = np.stack([px * np.cos(angle) - py * np.sin(angle), px * np.sin(angle) + py * np.cos(angle)], 1) * size + (
        x,
        y,
    )
    low = np.floor(np.clip(outline.min(0) - 2, 0, None)).astype(int)
    high = np.ceil(np.minimum(outline.max(0) + 2, (canvas.width, canvas.height))).astype(int)
    w, h = high - low
    if w < 2 or h < 2:
        return
    mask = np.zeros((h, w), np.uint8)
    cv2.fillPoly(mask, [np.round((outline - low - 0.5) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    alpha = mask.astype(np.float32) / np.float32(255)
    # Rounded: the shade follows the distance to the outline.
    inside = cv2.GaussianBlur(alpha, (0, 0), max(size / 5, 0.5))
    texture = fbm(
        rng,
        h,
        w,
        max(size * rng.uniform(0.1, 0.8), 3),
        octaves=6,
        gain=rng.uniform(0.4, 0.8),
        stretch=rng.uniform(0.4, 2.5),
    )
    lower, upper = rng.uniform(0.0, 0.35, 3), rng.uniform(0.3, 1.0, 3)
    if rng.random() < 0.75:  # most things are not colourful
        lower, upper = (0.8 * c.mean() + 0.2 * c for c in (lower, upper))
    down = np.linspace(0.15, -0.15, h, dtype=np.float32)[:, None]
    contrast = np.float32(rng.uniform(0.05, 0.25))
    shade = 0.2 + 0.5 * smoothstep(inside, 0.4, 1.0) + contrast * texture + down
    if rng.random() < 0.3:  # fur
        alpha = np.clip(alpha * 1.6 - 0.3 * np.abs(texture) * (1 - inside) * 2, 0, 1)
    canvas.paint(ramp(np.clip(shade, 0, 1.1), light.on(lower), light.on(upper)), alpha, int(low[1]), int(low[0]))


def _ellipse(x: float, y: float, radius_x: float, radius_y: float) -> np.ndarray:
    """Outline [24, 2] of an ellipse."""
    t = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    return np.stack([x + radius_x * np.cos(t), y + radius_y * np.sin(t)], axis=1)
