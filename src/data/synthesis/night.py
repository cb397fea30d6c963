"""What only the night shows: stars and their trails, the Milky Way, the moon."""

import cv2
import numpy as np

from src.data.synthesis.noise import fbm, ramp, smoothstep


def paint_night(rng: np.random.Generator, picture: np.ndarray, horizon: float, veiled: bool) -> None:
    """Adds lights of the night to a sky in place.

    Args:
        picture: float32 [H, W, 3].
        horizon: its row.
        veiled: clouds hide the faint things.
    """
    if rng.random() < (0.3 if veiled else 0.35):
        _moon(rng, picture, horizon)
    if veiled:
        return
    kind = rng.random()
    if kind < 0.08:
        _trails(rng, picture)
    elif kind < 0.65:
        _stars(rng, picture, int(rng.integers(15, 150) * 10 ** rng.uniform(0, 0.8)))
        if rng.random() < 0.3:
            _milky_way(rng, picture)


def _stars(rng: np.random.Generator, picture: np.ndarray, count: int) -> None:
    """Points of light; few are bright (their number grows tenfold for every 2 magnitudes)."""
    height, width = picture.shape[:2]
    scale = max(height / 288, 0.5)
    flux = np.minimum(0.1 * (1 - rng.random(count)) ** -0.7, 3.0)
    colour = np.clip(1 + rng.normal(0, 0.12, (count, 1)) * np.array([1.0, 0.0, -1.0]), 0.6, 1.4)
    layer = np.zeros_like(picture)
    layer[rng.integers(0, height, count), rng.integers(0, width, count)] = flux[:, None] * colour
    picture += cv2.GaussianBlur(layer, (0, 0), rng.uniform(0.35, 0.6) * scale) * np.float32(2 * scale)


def _trails(rng: np.random.Generator, picture: np.ndarray) -> None:
    """A long exposure: every star draws an arc around the pole."""
    height, width = picture.shape[:2]
    pole = (int(rng.uniform(0, 1) * width), int(rng.uniform(-0.3, 0.8) * height))
    sweep = rng.uniform(5, 60)
    lines = np.zeros((height, width), np.uint8)
    for radius in rng.uniform(0.02, 1.5, int(rng.integers(60, 180))) * max(height, width):
        begin = rng.uniform(0, 360)
        shade = int(rng.uniform(20, 200))
        cv2.ellipse(lines, pole, (int(radius), int(radius)), 0, begin, begin + sweep, shade, 1, cv2.LINE_AA)
    picture += cv2.cvtColor(lines, cv2.COLOR_GRAY2RGB).astype(np.float32) * np.float32(rng.uniform(0.5, 1) / 255)


def _milky_way(rng: np.random.Generator, picture: np.ndarray) -> None:
    """A slanting band of faint light with dark lanes."""
    height, width = picture.shape[:2]
    small = (max(height // 3, 2), max(width // 3, 2))
    y, x = np.mgrid[-0.5 : 0.5 : small[0] * 1j, -0.5 : 0.5 : small[1] * 1j].astype(np.float32)
    angle = rng.uniform(0, np.pi)
    across = np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y - np.float32(rng.uniform(-0.3, 0.3))
    dust = fbm(rng, *small, max(small) * 0.25, octaves=6, gain=0.6)
    band = np.exp(-((across + 0.03 * dust) ** 2) / np.float32(2 * rng.uniform(0.06, 0.14) ** 2))
    lanes = smoothstep(dust - 4 * np.abs(across + 0.02 * dust), -0.3, 1.0)
    glow = cv2.resize(band * (1 - 0.7 * lanes) * (0.8 + 0.2 * dust), (width, height), interpolation=cv2.INTER_LINEAR)
    picture += ramp(np.clip(glow, 0, None), np.zeros(3), rng.uniform(0.05, 0.25) * np.array([1.0, 0.93, 0.95]))


def _moon(rng: np.random.Generator, picture: np.ndarray, horizon: float) -> None:
    """A disk, full or a sickle, with maria and a halo."""
    height, width = picture.shape[:2]
    radius = max(height, width) * 0.006 * rng.uniform(0.7, 1.3) * (rng.uniform(2, 7) if rng.random() < 0.25 else 1)
    middle = np.array([rng.uniform(0.05, 0.95) * width, rng.uniform(0.05, 0.9) * max(min(horizon, height), 8)])
    warm = np.array([1.0, 0.93, 0.8]) if rng.random() < 0.3 else np.array([1.0, 0.99, 0.96])
    y, x = np.ogrid[:height, :width]
    distance = np.sqrt((x - np.float32(middle[0])) ** 2 + (y - np.float32(middle[1])) ** 2).astype(np.float32)
    halo = np.exp(-distance / np.float32(radius * rng.uniform(2, 12))) * np.float32(rng.uniform(0.1, 0.6))
    disk = np.clip(radius - distance + 0.5, 0, 1)
    if rng.random() < 0.5:  # a phase: an ellipse of shadow
        phase = rng.uniform(-0.9, 0.9)
        side = np.clip((x - middle[0]) - phase * np.sqrt(np.maximum(radius**2 - (y - middle[1]) ** 2, 0)), -0.5, 0.5)
        disk = disk * (side + 0.5)
    maria = 1 + 0.12 * fbm(rng, height, width, max(radius * 0.7, 2), octaves=3) if radius > 6 else 1.0
    light = (halo + disk * maria * np.float32(rng.uniform(0.8, 2.0))).astype(np.float32)
    picture += ramp(light, np.zeros(3), warm)
