"""Water that mirrors what stands around it and is never sky itself, and what floats on it."""

import cv2
import numpy as np

from src.data.synthesis.brushes import box, choose, jitter
from src.data.synthesis.canvas import Canvas
from src.data.synthesis.noise import fbm, plane, smoothstep
from src.data.synthesis.sky import Light

WATERS = ((0.03, 0.10, 0.16), (0.05, 0.16, 0.15), (0.10, 0.14, 0.12), (0.04, 0.20, 0.30), (0.14, 0.18, 0.18))
HULLS = ((0.92, 0.92, 0.92), (0.15, 0.2, 0.35), (0.5, 0.12, 0.1), (0.2, 0.2, 0.2), (0.35, 0.5, 0.65))


def paint_water(rng: np.random.Generator, canvas: Canvas, horizon: float, light: Light, calm: float) -> None:
    """Paints water below the horizon. It mirrors what is painted so far and is never sky.

    Args:
        calm: 0 an open, choppy sea .. 1 a mirror.
    """
    first = int(np.floor(horizon))
    high, wide = canvas.height - first, canvas.width
    if high < 2 or first < 1:
        return
    size = max(canvas.height, wide)
    tile = fbm(rng, size // 2 + 1, size // 2 + 1, size * 0.04, octaves=6, gain=0.74, stretch=3)
    zoom = rng.uniform(0.25, 0.6)
    waves, distance = plane(tile, high, wide, zoom=zoom, reach=rng.uniform(0.03, 0.15), fade=0.5)
    # Fresnel: grazing, far water mirrors; near water shows its depth.
    far = (distance / distance[0]).astype(np.float32)
    mirror = np.clip((0.15 + 0.7 * calm) + 0.6 * far ** np.float32(0.7), 0, 0.94) * np.ones((1, wide), np.float32)
    rows = np.arange(high, dtype=np.float32)[:, None]
    bend = waves * np.float32(((1 - calm) * 0.1 + 0.006) * canvas.height)
    up = horizon - 1 - rows * np.float32(rng.uniform(0.8, 1.0))
    up = np.clip(np.abs(up) - np.abs(bend), 0, first - 1).astype(np.float32)
    across = np.arange(wide, dtype=np.float32)[None, :] + bend * np.float32(0.5)
    reflected = cv2.remap(canvas.image[:first], across, up, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    gloss = np.clip(mirror + np.float32(0.2 - 0.15 * calm) * waves, 0, 1).astype(np.float32)
    depths = np.empty_like(reflected)
    depths[:] = light.on(jitter(rng, choose(rng, *WATERS), 0.2) * rng.uniform(0.8, 2.2))
    reflected *= np.float32(rng.uniform(0.75, 1.0))
    colour = cv2.blendLinear(reflected, depths, gloss, 1 - gloss)
    if calm < 0.5 and rng.random() < 0.4:
        foam = smoothstep(waves, 1.6, 2.3) * smoothstep(1 - far, 0.2, 0.9)
        colour += cv2.merge((foam, foam, foam)) * (light.on((0.95, 0.96, 0.98)) - colour)
    if rng.random() < 0.25:  # the sea far out melts into the sky
        veil = np.repeat(np.float32(rng.uniform(0.4, 0.95)) * far ** np.float32(rng.uniform(1, 3)), wide, axis=1)
        colour += cv2.merge((veil, veil, veil)) * (light.air.astype(np.float32) - colour)
    alpha = np.ones((high, wide), np.float32)
    alpha[0] = 1 - (horizon - first)
    canvas.paint(colour, alpha, first, 0)


def paint_boat(
    rng: np.random.Generator, canvas: Canvas, x: float, waterline: float, size: float, light: Light, depth: float = 0.0
) -> None:
    """Paints a sailing boat, a motor boat or a ship, `size` pixels long, on the water."""
    paint = jitter(rng, choose(rng, *HULLS), 0.15)
    turn, h = choose(rng, -1.0, 1.0), size * rng.uniform(0.09, 0.16)
    at = np.array([x, waterline])
    hull = np.array([(-0.5, -1.0), (0.5, -1.4), (0.4, 0.0), (-0.44, 0.0)]) * (turn * size, h) + at
    kind = choose(rng, "sail", "motor", "ship")
    white = light.on(choose(rng, (0.96, 0.96, 0.95), (0.9, 0.86, 0.76), (0.7, 0.15, 0.15)), depth)
    if kind == "sail":
        mast = size * rng.uniform(0.8, 1.5)
        canvas.lines([np.array([(x, waterline - h), (x, waterline - mast)])], size * 0.012, light.on((0.5,) * 3, depth))
        if rng.random() < 0.6:
            sail = np.array([(0.02, -mast), (0.4 * size, -1.6 * h), (0.02, -1.6 * h)]) * (turn, 1) + at
            canvas.polygon(sail, white)
            jib = np.array([(-0.02, -0.9 * mast), (-0.02, -1.6 * h), (-0.42 * size, -1.3 * h)]) * (turn, 1) + at
            canvas.polygon(jib, white * np.float32(0.92))
    elif kind == "motor":
        w, up = size * rng.uniform(0.12, 0.25), size * rng.uniform(0.1, 0.2)
        canvas.polygon(box(x, waterline - h - up / 2, w, up / 2), white)
        canvas.polygon(box(x, waterline - h - 0.6 * up, 0.9 * w, up / 5), light.on((0.1, 0.12, 0.14), depth))
    else:
        for i, level in enumerate(np.sort(rng.uniform(0.05, 0.35, int(rng.integers(1, 4))))[::-1]):
            deck = jitter(rng, choose(rng, *HULLS), 0.2)
            canvas.polygon(box(x - turn * size * 0.15, waterline - h, size * level, h * (1 + i)), light.on(deck, depth))
    canvas.polygon(hull, light.on(paint, depth))


def paint_pier(
    rng: np.random.Generator, canvas: Canvas, x: float, waterline: float, size: float, light: Light, depth: float = 0.0
) -> None:
    """Paints a jetty on piles from x, `size` pixels long, towards a side of the picture."""
    wood = jitter(rng, choose(rng, (0.35, 0.26, 0.18), (0.5, 0.47, 0.43), (0.62, 0.6, 0.57)), 0.15)
    deck, thick = waterline - size * rng.uniform(0.06, 0.15), max(size * 0.015, 1.0)
    for step in np.arange(-0.5, 0.51, rng.uniform(0.06, 0.15)):
        pile = x + step * size
        canvas.polygon(
            box(pile, 0.5 * (deck + waterline) + thick, thick * 0.6, 0.5 * (waterline - deck) + thick),
            light.on(wood * 0.6, depth),
        )
    canvas.polygon(box(x, deck, size / 2, thick), light.on(wood, depth))
    if rng.random() < 0.5:
        rail = deck - size * 0.05
        posts = [np.array([(x + t * size, deck), (x + t * size, rail)]) for t in np.arange(-0.5, 0.51, 0.07)]
        canvas.lines(
            [*posts, np.array([(x - size / 2, rail), (x + size / 2, rail)])], thick * 0.4, light.on(wood, depth)
        )
