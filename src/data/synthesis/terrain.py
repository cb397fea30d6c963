"""Land and water: ridges with aerial perspective, ground that runs to the horizon, roads."""

import cv2
import numpy as np

from src.data.synthesis.brushes import choose, jitter
from src.data.synthesis.canvas import Canvas
from src.data.synthesis.noise import fbm, fbm_line, plane, ramp, smoothstep
from src.data.synthesis.sky import Light

# Reflectances (RGB 0..1), darker and lighter end of each texture.
RIDGES = {
    "forest": ((0.05, 0.10, 0.04), (0.22, 0.30, 0.13)),
    "autumn": ((0.14, 0.09, 0.04), (0.52, 0.36, 0.14)),
    "grass": ((0.16, 0.24, 0.08), (0.42, 0.48, 0.20)),
    "rock": ((0.14, 0.13, 0.12), (0.50, 0.46, 0.42)),
    "desert": ((0.34, 0.22, 0.13), (0.80, 0.58, 0.38)),
    "snow": ((0.42, 0.48, 0.58), (0.95, 0.96, 0.98)),
    "heath": ((0.15, 0.13, 0.10), (0.38, 0.33, 0.22)),
}
GROUNDS = {
    "grass": ((0.10, 0.20, 0.05), (0.42, 0.52, 0.18)),
    "dry grass": ((0.30, 0.26, 0.12), (0.70, 0.62, 0.36)),
    "field": ((0.22, 0.18, 0.10), (0.52, 0.44, 0.26)),
    "sand": ((0.60, 0.52, 0.38), (0.98, 0.90, 0.74)),
    "snow": ((0.70, 0.75, 0.84), (1.02, 1.02, 1.02)),
    "soil": ((0.16, 0.11, 0.08), (0.42, 0.32, 0.24)),
    "asphalt": ((0.20, 0.20, 0.21), (0.42, 0.42, 0.43)),
    "paving": ((0.42, 0.40, 0.38), (0.72, 0.70, 0.66)),
    "gravel": ((0.26, 0.25, 0.24), (0.66, 0.64, 0.60)),
}


def skyline(rng: np.random.Generator, width: int, base: float, amplitude: float, roughness: float) -> np.ndarray:
    """The rows of a ridge's top edge: float32 [width]. `roughness` 0 gives rolling hills, 1 jagged peaks."""
    line = fbm_line(
        rng, width, width * rng.uniform(0.2, 0.7), octaves=3 + round(5 * roughness), gain=0.35 + 0.12 * roughness
    )
    if roughness > 0.5:
        line = np.abs(line) * -1.4 + 0.7  # valleys fold over into sharp peaks ("turbulence" in Musgrave's terms)
        line = -line
        amplitude *= 0.8
    return (base - amplitude * (0.4 + 0.6 * line)).astype(np.float32)


def paint_ridge(
    rng: np.random.Generator, canvas: Canvas, top: np.ndarray, bottom: float, light: Light, cover: str, depth: float
) -> None:
    """Paints a ridge between its top edge and `bottom`.

    Args:
        top: float32 [W], rows of the top edge.
        bottom: row down to which it reaches.
        cover: key of RIDGES.
        depth: 0 near .. 1 farthest; the farther, the hazier and the finer its texture.
    """
    first = int(max(np.floor(top.min()) - 3, 0))
    last = int(min(np.ceil(bottom), canvas.height))
    if last <= first:
        return
    high, wide = last - first, canvas.width
    rows = np.arange(first, last, dtype=np.float32)[:, None] + np.float32(0.5)
    below = rows - top[None, :]
    leafy = cover in ("forest", "autumn")
    cell = max(canvas.height * (0.05 if leafy else 0.16) * (1.15 - depth), 3)
    texture = fbm(rng, high, wide, cell, octaves=5, gain=0.68 if leafy else 0.58, stretch=1.4)
    # Vertical distance over the edge's slope is the distance to the edge: one pixel of soft border everywhere.
    slope = np.sqrt(1 + np.gradient(top) ** 2).astype(np.float32)
    edge = below / slope
    if leafy:
        edge = edge + texture * np.float32((1 - depth) * canvas.height * 0.008)
    alpha = np.clip(edge + 0.5, 0, 1)
    # Snow is smooth: with the contrast of rock it would look like clouds.
    contrast = np.float32(0.3 if cover == "snow" else 1.0)
    shade = 0.45 + 0.2 * contrast * texture
    relief = fbm(rng, high, wide, canvas.height * 0.25, octaves=4, stretch=1.2)
    shade += 0.12 * light.sun_side * np.gradient(relief, axis=1) * canvas.height * 0.05 + 0.08 * contrast * relief
    low, high_colour = (jitter(rng, c, 0.12) for c in RIDGES[cover])
    colour = ramp(np.clip(shade, -0.1, 1.1), light.on(low, depth), light.on(high_colour, depth))
    if cover == "rock" and rng.random() < 0.5:
        line = rng.uniform(0.1, 0.6) * (bottom - top.min())
        snow = smoothstep(line - below + 0.2 * line * texture + 0.15 * line * relief, -0.1 * line, 0.2 * line)
        white = ramp(np.clip(shade + 0.3, 0, 1), light.on((0.5, 0.57, 0.68), depth), light.on((1, 1, 1), depth))
        colour = cv2.blendLinear(white, colour, snow, 1 - snow)
    if light.haze * depth > 0.3 and rng.random() < 0.6:
        # Valley haze: the lower slopes lie deeper in it.
        veil = np.clip(below / max(bottom - float(top.min()), 1), 0, 1) ** 2 * np.float32(0.6 * light.veil(depth))
        colour += cv2.merge((veil, veil, veil)) * (light.air.astype(np.float32) - colour)
    canvas.paint(colour, alpha, first, 0)


def paint_ground(rng: np.random.Generator, canvas: Canvas, horizon: float, light: Light, kind: str) -> None:
    """Paints flat ground (a key of GROUNDS) from the horizon down to the picture's lower border."""
    first = int(np.floor(horizon))
    high = canvas.height - first
    if high < 2:
        return
    wide, size = canvas.width, max(canvas.height, canvas.width)
    tile = fbm(rng, size, size, size * 0.15, octaves=8, gain=0.74 if kind not in ("asphalt", "snow") else 0.62)
    if kind in ("field", "soil", "dry grass") and rng.random() < 0.6:
        furrows = np.sin(np.arange(size, dtype=np.float32) * np.float32(2 * np.pi / (size * rng.uniform(0.02, 0.08))))
        tile += furrows[None, :] * np.float32(rng.uniform(0.4, 1.2))
    if kind == "paving":
        step = max(int(size * rng.uniform(0.05, 0.12)), 4)
        tile[::step] -= 1.5
        tile[:, ::step] -= 1.5
    reach = rng.uniform(0.02, 0.12)
    texture, distance = plane(tile, high, wide, zoom=rng.uniform(0.5, 1.0), reach=reach)
    patches = fbm(rng, high, wide, max(high * 0.3, 2), octaves=3, stretch=4)
    blades = fbm(rng, high, wide, max(size * 0.012, 2), octaves=3, gain=0.9)
    texture += blades * (0.9 / distance).astype(np.float32) * np.float32(0.4 if kind in ("asphalt", "snow") else 1)
    low, top = (jitter(rng, c, 0.12) for c in GROUNDS[kind])
    contrast = 0.6 if kind in ("snow", "sand", "asphalt") else 1.0
    shade = np.clip(0.5 + contrast * (0.2 * texture + 0.1 * patches), -0.1, 1.15)
    colour = ramp(shade, light.on(low), light.on(top))
    veil = (light.veil(1.0) * (distance / distance[0]) ** 2).astype(np.float32)
    veil = np.repeat(np.float32(0.8) * veil, wide, axis=1)
    colour = cv2.blendLinear(np.broadcast_to(light.air.astype(np.float32), colour.shape).copy(), colour, veil, 1 - veil)
    alpha = np.ones((high, wide), np.float32)
    alpha[0] = 1 - (horizon - first)
    canvas.paint(colour, alpha, first, 0)


def paint_dune(
    rng: np.random.Generator, canvas: Canvas, base: float, height: float, light: Light, depth: float
) -> None:
    """Paints a dune across the picture: a sharp crest between its lit and its shaded flank."""
    wide = canvas.width
    x = np.arange(wide, dtype=np.float32) / wide
    top = base - height * (0.5 + 0.5 * np.sin(2 * np.pi * (x * rng.uniform(0.4, 1.2) + rng.random()))) ** rng.uniform(
        0.8, 2
    )
    paint_ridge(rng, canvas, top.astype(np.float32), base + 0.3 * canvas.height, light, "desert", 0.5 * depth)
    dark = light.on(jitter(rng, RIDGES["desert"][0], 0.1) * 1.3, 0.5 * depth)
    at, reach = int(rng.uniform(0.1, 0.9) * wide), int(wide * rng.uniform(0.2, 0.5))
    columns = np.arange(max(at - reach, 0), min(at + reach, wide), 8)
    if len(columns) > 2:
        swing = height * 0.5 * np.clip(1 - np.abs(columns - at) / reach, 0, 1) * (1 + 0.3 * np.sin(columns / reach * 5))
        crest = top[columns]
        canvas.polygon(
            np.concatenate([np.stack([columns, crest + 0.5], 1), np.stack([columns, crest + swing], 1)[::-1]]), dark
        )


def paint_mesa(
    rng: np.random.Generator, canvas: Canvas, x: float, base: float, height: float, light: Light, depth: float = 0.3
) -> None:
    """Paints a table mountain or rock tower whose left border is x: steep walls over a slope of rubble."""
    wide, steps = height * rng.uniform(0.4, 3.0), 40
    t = np.linspace(0, 1, steps)
    wall = np.clip(np.minimum(t, 1 - t) * rng.uniform(6, 20) - 0.5, 0, 1)
    slope = np.clip(np.minimum(t, 1 - t) * 3.5, 0, 1) * rng.uniform(0.2, 0.5)
    rise = height * np.clip(slope + (1 - slope) * wall + rng.normal(0, 0.015, steps), 0, None)
    line = np.full(canvas.width, base + 2, np.float32)
    columns = np.arange(canvas.width)
    inside = (columns > x) & (columns < x + wide)
    line[inside] = base - np.interp((columns[inside] - x) / wide, t, rise)
    paint_ridge(rng, canvas, line, base + 0.06 * canvas.height, light, choose(rng, "desert", "desert", "rock"), depth)
