"""Land and water: ridges with aerial perspective, ground that runs to the horizon, roads."""

import cv2
import numpy as np

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
WATERS = ((0.03, 0.10, 0.16), (0.05, 0.16, 0.15), (0.10, 0.14, 0.12), (0.04, 0.20, 0.30), (0.14, 0.18, 0.18))


def jitter(rng: np.random.Generator, colour: np.ndarray, amount: float = 0.08) -> np.ndarray:
    """A colour [3] near the given one: brightness and hue move by about `amount` of its value; 0..1.1."""
    colour = np.asarray(colour, np.float32)
    return np.clip(colour * (1 + rng.normal(0, amount) + rng.normal(0, amount / 2, 3)), 0, 1.1).astype(np.float32)


def choose(rng: np.random.Generator, *options):
    """One of the options, each as likely."""
    return options[int(rng.integers(len(options)))]


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
    shade = 0.45 + 0.2 * texture
    relief = fbm(rng, high, wide, canvas.height * 0.25, octaves=4, stretch=1.2)
    shade += 0.12 * light.sun_side * np.gradient(relief, axis=1) * canvas.height * 0.05 + 0.08 * relief
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


def paint_water(rng: np.random.Generator, canvas: Canvas, horizon: float, light: Light, calm: float) -> None:
    """Paints water below the horizon. It mirrors what is painted so far and is never sky.

    Args:
        calm: 0 an open, choppy sea .. 1 a mirror.
    """
    first = int(np.floor(horizon))
    high, wide = canvas.height - first, canvas.width
    if high < 2:
        return
    size = max(canvas.height, wide)
    tile = fbm(rng, size, size, size * 0.08, octaves=7, gain=0.72, stretch=3)
    waves, distance = plane(tile, high, wide, zoom=rng.uniform(0.5, 1.2), reach=rng.uniform(0.03, 0.15), fade=0.5)
    deep = light.on(jitter(rng, choose(rng, *WATERS), 0.2) * rng.uniform(0.8, 2.2))
    # Fresnel: grazing, far water mirrors; near water shows its depth.
    far = (distance / distance[0]).astype(np.float32)
    mirror = np.clip((0.15 + 0.7 * calm) + 0.6 * far ** np.float32(0.7), 0, 0.94) * np.ones((1, wide), np.float32)
    rows = np.arange(high, dtype=np.float32)[:, None]
    bend = waves * ((1 - calm) * 0.1 + 0.006) * canvas.height
    up = horizon - 1 - rows * np.float32(rng.uniform(0.8, 1.0))
    up = np.clip(np.abs(up) - np.abs(bend), 0, max(first - 1, 0)).astype(np.float32)
    across = np.arange(wide, dtype=np.float32)[None, :] + bend * np.float32(0.5)
    source = canvas.image[: max(first, 1)]
    reflected = cv2.remap(source, across.astype(np.float32), up, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    gloss = np.clip(mirror + (0.2 - 0.15 * calm) * waves, 0, 1).astype(np.float32)
    depths = np.empty_like(reflected)
    depths[:] = deep
    colour = cv2.blendLinear(reflected * np.float32(rng.uniform(0.75, 0.95)), depths, gloss, 1 - gloss)
    if calm < 0.5 and rng.random() < 0.4:
        foam = smoothstep(waves, 1.6, 2.3) * smoothstep(1 - far, 0.2, 0.9)
        colour += cv2.merge((foam, foam, foam)) * (light.on((0.95, 0.96, 0.98)) - colour)
    alpha = np.ones((high, wide), np.float32)
    alpha[0] = 1 - (horizon - first)
    canvas.paint(colour, alpha, first, 0)


def paint_road(rng: np.random.Generator, canvas: Canvas, vanish: tuple[float, float], light: Light) -> None:
    """Paints a straight road with markings from the vanishing point (x, y) to the lower border."""
    x, y = vanish
    bottom, wide = canvas.height + 2.0, canvas.width
    centre = x + rng.normal(0, 0.25) * wide
    half = rng.uniform(0.25, 0.8) * wide
    grey = rng.uniform(0.22, 0.5)
    near, far = light.on((grey, grey, grey * 1.02)), light.on((grey, grey, grey * 1.02), 0.5)

    def at(share: float, down: float) -> tuple[float, float]:
        """Point at `share` of the half width from the road's middle, `down` of the way from horizon to border."""
        return x + (centre + share * half - x) * down, y + (bottom - y) * down

    canvas.polygon(np.array([at(-0.01, 0.01), at(0.01, 0.01), at(1, 1), at(-1, 1)]), far)
    mask = np.array([at(-1, 0.12), at(1, 0.12), at(1, 1), at(-1, 1)])
    canvas.polygon(mask, 0.5 * near + 0.5 * far)
    white = light.on(choose(rng, (0.9, 0.9, 0.88), (0.85, 0.85, 0.85), (0.9, 0.75, 0.3)))
    if rng.random() < 0.75:
        for z in np.arange(1.0, 14, rng.uniform(0.5, 1.0)):
            canvas.polygon(
                np.array([at(s, 1 / d) for s, d in ((-0.02, z + 0.3), (0.02, z + 0.3), (0.02, z), (-0.02, z))]), white
            )
    if rng.random() < 0.6:
        for side in (-0.92, 0.92):
            canvas.polygon(np.array([at(side, 0.03), at(side + 0.03, 0.03), at(side + 0.03, 1), at(side, 1)]), white)
