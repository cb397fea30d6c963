"""Skies and the light they give: the dome's colours, the sun, clouds, and at night what shines there."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from src.data.synthesis.clouds import View, cloud_layer, colours_of_clouds, contrails
from src.data.synthesis.dome import Dome
from src.data.synthesis.night import paint_night
from src.data.synthesis.noise import ramp
from src.data.synthesis.options import SKIES, pick
from src.data.synthesis.skies import KINDS

SUN_RADIUS = np.deg2rad(0.27)


@dataclass(frozen=True)
class Light:
    """What the sky does to everything under it.

    Attributes:
        tint: float32 [3], the colour a white, fully lit surface shows.
        air: float32 [3], the colour distant things fade into: the sky's own at the horizon.
        haze: density of the air; 0 is none.
        sun_side: where the light comes from, -1 left to 1 right.
        dark: lamps and windows are lit.
    """

    tint: np.ndarray
    air: np.ndarray
    haze: float
    sun_side: float
    dark: bool

    def on(self, colour: tuple[float, float, float] | np.ndarray, depth: float = 0.0) -> np.ndarray:
        """The colour [3] of a surface seen through `depth` of air, 0 (here) to 1 (the farthest ridge)."""
        veil = self.veil(depth)
        return ((1 - veil) * np.asarray(colour, np.float32) * self.tint + veil * self.air).astype(np.float32)

    def veil(self, depth: float | np.ndarray) -> float | np.ndarray:
        """Share of airlight over `depth` (Koschmieder's law): 0..1."""
        return 1 - np.exp(-self.haze * depth)


@dataclass(frozen=True)
class Sky:
    """Sampled parameters of one sky.

    Attributes:
        kind: key of `skies.KINDS`.
        dome: its colours by direction.
        zenith, horizon: float32 [3], colours of the dome high up and low down, in the view's direction.
        clouds: names of `clouds.LAYERS`, and "contrails", high to low.
        focal: focal length as a share of the picture's longer side: 0.5 a wide angle, 1.5 a short telephoto lens.
        light: what it gives to the ground.
    """

    kind: str
    dome: Dome
    zenith: np.ndarray
    horizon: np.ndarray
    clouds: tuple[str, ...]
    focal: float
    light: Light

    def view(self, height: int, width: int, horizon: float) -> View:
        """The camera of a picture of this size."""
        return View(height, width, horizon, self.focal * max(height, width))


def sample_sky(rng: np.random.Generator, kind: str | None = None, weights: Mapping[str, float] = SKIES) -> Sky:
    """Draws a sky of the given kind, or of any by weight."""
    kind = kind or pick(rng, weights)
    base = KINDS[kind]
    dome = base.dome(rng)
    directions = np.array([0.02, 0.9])
    horizon, zenith = np.clip(dome.colours(directions, np.zeros(2)), 0.003, 1.15).astype(np.float32)
    warmth = base.warmth + rng.normal(0, 0.15)
    tint = rng.uniform(*base.level) * np.array([1 + 0.16 * warmth, 1.0, 1 - 0.22 * warmth])
    light = Light(
        tint=tint.astype(np.float32),
        air=np.clip(horizon * rng.uniform(0.88, 1.0), 0, 1),
        haze=rng.uniform(*base.haze),
        sun_side=float(np.sin(dome.sun[0])),
        dark=bool(rng.random() < base.dark),
    )
    clouds = base.clouds[rng.integers(len(base.clouds))]
    return Sky(kind, dome, zenith, horizon, clouds, rng.uniform(0.55, 1.5), light)


def gradient(sky: Sky, height: int, width: int, horizon: float) -> np.ndarray:
    """The cloudless sky: float32 [height, width, 3]. `horizon` is its row; below it the horizon's colour goes on."""
    view = sky.view(height, width, horizon)
    # Smooth but for the sun's disk, so a quarter of the resolution is enough.
    small = (max(height // 4, 2), max(width // 4, 2))
    y = horizon - (np.arange(small[0])[:, None] + 0.5) * height / small[0]
    x = (np.arange(small[1])[None, :] + 0.5) * width / small[1] - width / 2
    elevation = np.arctan2(y, np.hypot(x, view.focal))
    azimuth = np.broadcast_to(np.arctan2(x, view.focal), elevation.shape)
    picture = cv2.resize(sky.dome.colours(elevation, azimuth), (width, height), interpolation=cv2.INTER_LINEAR)
    if sky.dome.aureole:
        _paint_sun(sky.dome, view, picture)
    return picture


def _paint_sun(dome: Dome, view: View, picture: np.ndarray) -> None:
    """The sun's disk, where it is in view, in place."""
    azimuth, elevation = dome.sun
    if abs(azimuth) > 1.3 or elevation < 0:
        return
    x = view.width / 2 + view.focal * np.tan(azimuth)
    y = view.horizon - view.focal * np.tan(elevation) / np.cos(azimuth)
    # Overexposure makes it larger than it is.
    radius = max(view.focal * SUN_RADIUS * (1.2 + 2 * dome.aureole), 1.0)
    left, top = int(x - radius) - 2, int(y - radius) - 2
    side = int(2 * radius) + 6
    x0, x1, y0, y1 = max(left, 0), min(left + side, view.width), max(top, 0), min(top + side, view.height)
    if x0 >= x1 or y0 >= y1:
        return
    yy, xx = np.mgrid[y0:y1, x0:x1].astype(np.float32)
    disk = np.clip(radius + 0.5 - np.hypot(xx - x, yy - y), 0, 1)
    warm = np.array([1.0, 0.97, 0.9]) if elevation > 0.25 else np.array([1.0, 0.85, 0.55])
    picture[y0:y1, x0:x1] += ramp(disk.astype(np.float32), np.zeros(3), (1 + 3 * dome.aureole) * warm)


def clouds(
    rng: np.random.Generator, sky: Sky, height: int, width: int, horizon: float
) -> tuple[np.ndarray, np.ndarray] | None:
    """Clouds to lay over the gradient: colour float32 [height, width, 3] and alpha float32 [height, width], or None."""
    if not sky.clouds:
        return None
    # Clouds are soft: half the resolution is enough for them.
    scale = 2 if max(height, width) >= 200 else 1
    small = (max(height // scale, 2), max(width // scale, 2))
    view = sky.view(*small, horizon * small[0] / height)
    colour, alpha = np.zeros((*small, 3), np.float32), np.zeros(small, np.float32)
    for name in sky.clouds:
        if name == "contrails":
            lit, cover, grey = np.float32(np.ones(small)), contrails(rng, view), 0.95
        else:
            lit, cover, grey = cloud_layer(rng, name, view, sky.dome.sun)
        shaded, bright = colours_of_clouds(rng, sky.kind, sky.zenith, sky.horizon, grey)
        layer = ramp(np.clip(lit, 0, 1.1), shaded, bright)
        # Laid over the higher ones, premultiplied.
        colour = cv2.blendLinear(layer, colour, cover, 1 - cover)
        alpha = cover + alpha * (1 - cover)
    colour, alpha = (cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR) for part in (colour, alpha))
    share = np.maximum(alpha, 1e-4)
    return cv2.divide(colour, cv2.merge((share, share, share))), alpha


def paint_sky(rng: np.random.Generator, sky: Sky, height: int, width: int, horizon: float) -> np.ndarray:
    """The whole sky, with clouds and, at night, stars and moon: float32 [height, width, 3]."""
    picture = gradient(sky, height, width, horizon)
    if sky.kind == "night":
        paint_night(rng, picture, horizon, veiled=bool(sky.clouds))
    layer = clouds(rng, sky, height, width, horizon)
    if layer is not None:
        colour, alpha = layer
        picture = cv2.blendLinear(colour, picture, alpha, 1 - alpha)
    return picture
