"""Things that stand on the ground: people, animals, posts, lamps, signs, fences, and shapes of no name."""

import cv2
import numpy as np

from src.data.synthesis.brushes import box, choose, ellipse, jitter
from src.data.synthesis.canvas import Canvas
from src.data.synthesis.noise import fbm, ramp, smoothstep
from src.data.synthesis.sky import Light

SKIN = ((0.8, 0.6, 0.5), (0.45, 0.3, 0.2), (0.2, 0.15, 0.1))
SIGNS = ((0.9, 0.9, 0.9), (0.1, 0.25, 0.6), (0.8, 0.1, 0.1), (0.1, 0.4, 0.2), (0.9, 0.7, 0.1), (0.75, 0.85, 0.95))
FUR = (
    (0.92, 0.9, 0.85),
    (0.85, 0.82, 0.75),
    (0.1, 0.09, 0.08),
    (0.42, 0.24, 0.12),
    (0.55, 0.4, 0.28),
    (0.35, 0.34, 0.33),
)


def paint_shape(
    rng: np.random.Generator,
    canvas: Canvas,
    outline: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    *,
    grain: float = 0.12,
    cell: float | None = None,
    ragged: float = 0.0,
) -> None:
    """Paints a solid body: the outline [N, 2] filled with a texture, brighter in the middle and towards the top.

    Args:
        low, high: colours [3] of its dark and its lit side.
        grain: contrast of its texture.
        cell: size of the texture's features in pixels; by default a fifth of the body.
        ragged: 0 a clean outline .. 1 fur.
    """
    first = np.floor(np.clip(outline.min(0) - 2, 0, None)).astype(int)
    last = np.ceil(np.minimum(outline.max(0) + 2, (canvas.width, canvas.height))).astype(int)
    w, h = (int(side) for side in last - first)
    if w < 2 or h < 2:
        return
    mask = np.zeros((h, w), np.uint8)
    cv2.fillPoly(mask, [np.round((outline - first - 0.5) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    alpha = mask.astype(np.float32) * np.float32(1 / 255)
    size = max(float(np.sqrt(np.prod(np.ptp(outline, axis=0)))), 1.0)
    inside = cv2.GaussianBlur(cv2.resize(alpha, (48, 48), interpolation=cv2.INTER_AREA), (0, 0), 4)
    inside = cv2.resize(inside, (w, h))
    texture = fbm(
        rng, h, w, max(cell or size / 5, 3), octaves=6, gain=rng.uniform(0.5, 0.8), stretch=rng.uniform(0.5, 2)
    )
    down = np.linspace(0.15, -0.15, h, dtype=np.float32)[:, None]
    shade = 0.25 + 0.5 * smoothstep(inside, 0.3, 1.0) + np.float32(grain) * texture + down
    if ragged:
        alpha = np.clip(alpha * 1.6 - np.float32(0.6 * ragged) * np.abs(texture) * (1 - inside), 0, 1)
    canvas.paint(ramp(np.clip(shade, 0, 1.1), low, high), alpha, int(first[1]), int(first[0]))


def paint_pole(
    rng: np.random.Generator, canvas: Canvas, x: float, base: float, height: float, light: Light, depth: float = 0.0
) -> None:
    """Paints a lamp post, traffic light, sign post or mast standing at (x, base)."""
    grey = rng.uniform(0.05, 0.7)
    colour = light.on((grey, grey, grey), depth)
    thick = max(height * rng.uniform(0.008, 0.028), 0.8)
    top, side = base - height, choose(rng, -1, 1)
    canvas.polygon(
        np.array([(x - thick / 2, base), (x - thick / 3, top), (x + thick / 3, top), (x + thick / 2, base)]), colour
    )
    kind = choose(rng, "lamp", "lamp", "light", "sign", "mast")
    if kind == "lamp":
        reach = height * rng.uniform(0.08, 0.25) * side
        arm = np.array([(x, top + abs(reach) * 0.4), (x + reach * 0.5, top), (x + reach, top)])
        canvas.lines([arm], max(thick * 0.6, 0.6), colour)
        head = box(x + reach * 1.05, top, abs(reach) * 0.25, 0.8 * thick)
        canvas.polygon(head, np.array([1.0, 0.9, 0.65]) if light.dark else colour)
    elif kind == "light":
        paint_signal(rng, canvas, x, top, thick, light, depth)
        if rng.random() < 0.4:
            reach = side * height * rng.uniform(0.2, 0.7)
            canvas.lines([np.array([(x, top), (x + reach, top)])], max(thick * 0.7, 0.7), colour)
            paint_signal(rng, canvas, x + reach, top - 3 * thick, thick, light, depth)
    elif kind == "sign":
        w, h = height * rng.uniform(0.04, 0.12), height * rng.uniform(0.04, 0.12)
        round_one = rng.random() < 0.5
        shape = ellipse if round_one else box
        canvas.polygon(shape(x, top + h, w, h), light.on(choose(rng, *SIGNS), depth))
        canvas.polygon(shape(x, top + h, w * 0.75, h * 0.75), light.on(choose(rng, *SIGNS), depth))


def paint_signal(
    rng: np.random.Generator, canvas: Canvas, x: float, top: float, thick: float, light: Light, depth: float
) -> None:
    """Paints the box of a traffic light below `top`."""
    w, h = thick * 2, thick * 5.5
    canvas.polygon(box(x, top + h / 2, w, h / 2), light.on((0.05, 0.06, 0.05), depth))
    row = int(rng.integers(3))
    lamp = ((1, 0.1, 0.05), (1, 0.7, 0.1), (0.1, 0.9, 0.5))[row]
    canvas.polygon(ellipse(x, top + h * (0.2 + 0.3 * row), w * 0.6, w * 0.6), np.array(lamp))


def paint_cyclist(
    rng: np.random.Generator, canvas: Canvas, x: float, base: float, height: float, light: Light, depth: float = 0.0
) -> None:
    """Paints a person with a bicycle, `height` pixels high."""
    tyre, r = light.on((0.05, 0.05, 0.05), depth), 0.19 * height
    for side in (-1, 1):
        ring = ellipse(x + side * 0.24 * height, base - r, r, r)
        canvas.lines([np.concatenate([ring, ring[:1]])], max(0.02 * height, 0.6), tyre)
    frame = np.array([(-0.24, -0.19), (-0.08, -0.45), (0.2, -0.45), (0.24, -0.19), (-0.02, -0.19), (-0.08, -0.45)])
    canvas.lines([frame * height + (x, base)], max(0.025 * height, 0.6), light.on(rng.uniform(0, 0.7, 3), depth))
    paint_person(rng, canvas, x, base, height, light, depth)


def paint_person(
    rng: np.random.Generator, canvas: Canvas, x: float, base: float, height: float, light: Light, depth: float = 0.0
) -> None:
    """Paints a standing person, `height` pixels high."""
    coat, legs = (
        light.on(rng.uniform(0.03, 0.8) * rng.uniform(0.6, 1.2, 3) ** choose(rng, 1, 1, 3), depth) for _ in range(2)
    )
    for side in (-1, 1):
        hip, foot = x + side * 0.05 * height, x + side * height * rng.uniform(0.03, 0.12)
        leg = [(x, -0.5), (hip + side * 0.04 * height, -0.5), (foot + 0.03 * height, 0), (foot - 0.03 * height, 0)]
        canvas.polygon(np.array([(px, base + py * height) for px, py in leg]), legs)
    right = np.array([(0.04, -0.84), (0.12, -0.8), (0.16, -0.5), (0.12, -0.46), (0.1, -0.62), (0.09, -0.42)])
    torso = np.concatenate([right, right[::-1] * (-1, 1)]) * height * (rng.uniform(0.8, 1.15), 1) + (x, base)
    if height > 60:
        paint_shape(rng, canvas, torso, coat * 0.5, coat, grain=0.15)
    else:
        canvas.polygon(torso, coat)
    head = ellipse(x, base - 0.92 * height, 0.055 * height, 0.075 * height)
    canvas.polygon(head, 0.3 * light.on(choose(rng, *SKIN), depth))
    canvas.polygon(
        head * (1, 0.85) + (0, 0.15 * (base - 0.9 * height)), light.on(jitter(rng, choose(rng, *SKIN)), depth)
    )


def paint_animal(
    rng: np.random.Generator, canvas: Canvas, x: float, base: float, size: float, light: Light, depth: float = 0.0
) -> None:
    """Paints a grazing or standing cow, sheep, horse or dog, `size` pixels long."""
    fur = jitter(rng, choose(rng, *FUR), 0.15)
    low, high = light.on(fur * 0.4, depth), light.on(fur, depth)
    turn, leg = choose(rng, -1.0, 1.0), rng.uniform(0.2, 0.4)
    at, deep = np.array([x, base]), rng.uniform(0.16, 0.26)
    for side in (-0.34, -0.26, 0.22, 0.3):
        stilt = np.array([(side - 0.03, -leg - 0.1), (side + 0.05, -leg - 0.1), (side + 0.03, 0), (side - 0.01, 0)])
        canvas.polygon(stilt * (turn * size, size) + at, 0.7 * high)
    t = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    bulge = 1 + 0.06 * np.sin(3 * t + rng.uniform(0, 6)) + 0.04 * np.sin(5 * t + rng.uniform(0, 6))
    body = np.stack([0.42 * np.sign(np.cos(t)) * np.abs(np.cos(t)) ** 0.7, deep * np.sin(t)], axis=1) * bulge[:, None]
    body = (body - (0, leg + deep)) * (turn * size, size) + at
    paint_shape(rng, canvas, body, low, high, grain=0.1 if fur.mean() > 0.6 else 0.16, ragged=rng.random())
    nose = np.array([rng.uniform(0.5, 0.6), -rng.uniform(0.05, 0.9 * (leg + 2.6 * deep))])
    neck = np.array(
        [
            (0.28, -leg - 1.8 * deep),
            (0.4, -leg - deep),
            (nose[0] - 0.02, nose[1] + 0.07),
            (nose[0] - 0.03, nose[1] - 0.07),
        ]
    )
    canvas.polygon(neck * (turn * size, size) + at, 0.85 * high)
    canvas.polygon(ellipse(x + turn * size * nose[0], base + size * nose[1], 0.1 * size, 0.065 * size), 0.8 * high)


def paint_blob(
    rng: np.random.Generator, canvas: Canvas, x: float, y: float, size: float, light: Light, depth: float = 0.0
) -> None:
    """Paints a rounded object of random outline and texture: a rock, a statue, whatever stands close."""
    t = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    radius = 1 + sum(rng.normal(0, 0.35 / k) * np.sin(k * t + rng.uniform(0, 6.3)) for k in range(2, 9))
    angle = rng.uniform(0, np.pi)
    px, py = radius * np.cos(t), radius * np.sin(t) * rng.uniform(0.35, 1.0)
    turned = np.stack([px * np.cos(angle) - py * np.sin(angle), px * np.sin(angle) + py * np.cos(angle)], 1)
    low, high = rng.uniform(0.0, 0.35, 3), rng.uniform(0.3, 1.0, 3)
    if rng.random() < 0.75:  # most things are not colourful
        low, high = (0.8 * c.mean() + 0.2 * c for c in (low, high))
    paint_shape(
        rng,
        canvas,
        turned * size + (x, y),
        light.on(low, depth),
        light.on(high, depth),
        grain=rng.uniform(0.05, 0.25),
        cell=size * rng.uniform(0.1, 0.8),
        ragged=choose(rng, 0.0, 0.0, 1.0),
    )


def paint_flower(
    rng: np.random.Generator, canvas: Canvas, x: float, base: float, height: float, light: Light, depth: float = 0.0
) -> None:
    """Paints a flower on its stalk, seen close."""
    green = light.on(jitter(rng, (0.2, 0.35, 0.1), 0.2), depth)
    head = np.array([x + rng.normal(0, 0.1) * height, base - height])
    canvas.lines([np.array([(x, base), (0.6 * x + 0.4 * head[0], base - 0.5 * height), head])], height * 0.025, green)
    petals = light.on(
        jitter(
            rng,
            choose(
                rng,
                (0.9, 0.1, 0.1),
                (0.95, 0.9, 0.95),
                (0.95, 0.75, 0.1),
                (0.6, 0.3, 0.8),
                (0.55, 0.7, 0.95),
                (0.95, 0.6, 0.7),
            ),
            0.1,
        ),
        depth,
    )
    count, reach = int(rng.integers(5, 14)), height * rng.uniform(0.15, 0.3)
    for angle in np.arange(count) * 2 * np.pi / count + rng.random():
        middle = head + 0.6 * reach * np.array([np.cos(angle), np.sin(angle)])
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        petal = ellipse(0, 0, 0.5 * reach, 1.6 * reach / count) @ turn + middle
        canvas.polygon(petal, petals * np.float32(rng.uniform(0.75, 1.1)))
    canvas.polygon(ellipse(*head, 0.3 * reach, 0.3 * reach), light.on((0.75, 0.55, 0.1), depth))
