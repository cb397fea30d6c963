"""Skies and the light they give: gradients, sun, clouds.

The gradient is empirical (the colours were chosen by eye against photographs; no radiometric model such as
Preetham 1999 is evaluated): zenith and horizon colours mixed by an exponential of elevation, which is the shape of
Rayleigh scattering through a plane-parallel atmosphere, plus a glow around the sun. Clouds are thresholded fBm
(Musgrave), flat on a plane overhead or upright, shaded by the density between them and the sun.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from src.data.synthesis.noise import fbm, plane, ramp, smoothstep
from src.data.synthesis.options import SKIES, pick


@dataclass(frozen=True)
class Kind:
    """A weather and time of day. Colours are RGB 0..1; ranges are (low, high)."""

    zenith: tuple[float, float, float]
    horizon: tuple[float, float, float]
    level: tuple[float, float]  # brightness of a white surface on the ground
    warmth: float  # tint of the sunlight on the ground, -1 blue .. 1 orange
    haze: tuple[float, float]  # density of the air over the longest view
    clouds: tuple[str, ...]


# What hangs in the air of each kind; more frequent things are named more than once.
FINE = ("", "cumulus", "cirrus", "broken")
BROKEN = ("cumulus", "broken", "broken")
THIN = ("", "cirrus", "stratus")
GREY = ("stratus", "stratus", "broken")
LATE = ("", "cirrus", "broken")

KINDS = {
    "clear": Kind((0.15, 0.34, 0.68), (0.6, 0.75, 0.91), (0.7, 1.4), 0.25, (0.1, 1.0), ("", "", "cirrus")),
    "haze": Kind((0.60, 0.70, 0.80), (0.86, 0.87, 0.87), (0.6, 1.2), 0.1, (0.8, 2.5), THIN),
    "cumulus": Kind((0.22, 0.42, 0.74), (0.70, 0.80, 0.90), (0.6, 1.3), 0.1, (0.3, 1.3), BROKEN),
    "altocumulus": Kind((0.22, 0.42, 0.74), (0.70, 0.80, 0.90), (0.6, 1.3), 0.1, (0.3, 1.3), ("broken",)),
    "stratocumulus": Kind((0.28, 0.46, 0.74), (0.72, 0.80, 0.88), (0.6, 1.3), 0.1, (0.3, 1.3), ("broken",)),
    "cirrus": Kind((0.2, 0.4, 0.7), (0.6, 0.75, 0.9), (0.7, 1.4), 0.2, (0.1, 1.0), ("cirrus",)),
    "overcast": Kind((0.8, 0.82, 0.84), (0.90, 0.91, 0.92), (0.4, 0.9), -0.1, (0.3, 2.0), GREY),
    "storm": Kind((0.28, 0.31, 0.36), (0.55, 0.58, 0.60), (0.4, 1.6), -0.1, (0.3, 1.5), GREY),
    "sunset": Kind((0.32, 0.42, 0.60), (1.00, 0.70, 0.42), (0.15, 0.7), 0.8, (0.5, 1.8), FINE),
    "twilight": Kind((0.06, 0.09, 0.22), (0.34, 0.36, 0.48), (0.1, 0.8), -0.3, (0.2, 1.0), LATE),
    "night": Kind((0.03, 0.04, 0.09), (0.14, 0.13, 0.16), (0.08, 0.6), 0.2, (0.1, 0.6), ("", "broken")),
    "fog": Kind((0.66, 0.69, 0.70), (0.70, 0.72, 0.72), (0.45, 0.8), -0.1, (2.0, 5.0), ("",)),
    "dust": Kind((0.66, 0.55, 0.40), (0.80, 0.68, 0.50), (0.45, 0.8), 0.5, (2.0, 5.0), ("",)),
}


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
        kind: key of KINDS.
        zenith, horizon, glow: float32 [3] colours.
        falloff: how fast the zenith's colour takes over from the horizon's.
        sun: x as a share of the width, elevation as a share of the height above the horizon.
        glow_size: radius of the sun's glow, as a share of the width; 0 if the sun is hidden.
        clouds: "", "cumulus", "broken", "cirrus" or "stratus".
    """

    kind: str
    zenith: np.ndarray
    horizon: np.ndarray
    glow: np.ndarray
    falloff: float
    sun: tuple[float, float]
    glow_size: float
    clouds: str
    light: Light


def sample_sky(rng: np.random.Generator, kind: str | None = None, weights: Mapping[str, float] = SKIES) -> Sky:
    """Draws a sky, of the given kind or of any by weight."""
    kind = kind or pick(rng, weights)
    base = KINDS[kind]
    shift, spread = rng.normal(0, 0.05), rng.normal(0, 0.017, (2, 3))
    scale = 1 + (0.1 if base.horizon[2] > 0.5 else 0.25) * np.clip(rng.normal(), -2, 2)
    if rng.random() < 0.15:  # a polariser, a flash, a sunlit land before a dark sky
        scale *= rng.uniform(0.4, 0.8)
    zenith = np.clip((np.array(base.zenith) + shift + spread[0]) * scale, 0.005, 1.05).astype(np.float32)
    horizon = np.clip((np.array(base.horizon) + shift / 2 + spread[1]) * scale, 0.01, 1.15).astype(np.float32)
    low_sun = kind in ("sunset",)
    sun = (rng.uniform(-0.3, 1.3), rng.uniform(0.0, 0.15) if low_sun else rng.uniform(0.15, 1.2))
    shows = kind in ("clear", "haze", "sunset", "cirrus", "cumulus") and rng.random() < (0.8 if low_sun else 0.35)
    warmth = base.warmth + rng.normal(0, 0.15)
    tint = rng.uniform(*base.level) * np.array([1 + 0.16 * warmth, 1.0, 1 - 0.22 * warmth])
    light = Light(
        tint=tint.astype(np.float32),
        air=np.clip(horizon * rng.uniform(0.88, 1.0), 0, 1),
        haze=rng.uniform(*base.haze),
        sun_side=float(np.clip(2 * sun[0] - 1, -1, 1)),
        dark=kind in ("twilight", "night") or (low_sun and rng.random() < 0.3),
    )
    return Sky(
        kind=kind,
        zenith=zenith,
        horizon=horizon,
        glow=np.array([1.0, 0.78, 0.42] if low_sun else [1.0, 0.97, 0.9], np.float32),
        falloff=rng.uniform(1.2, 4.5),
        sun=sun,
        glow_size=rng.uniform(0.04, 0.22) if shows else 0.0,
        clouds=str(rng.choice(base.clouds)),
        light=light,
    )


def gradient(sky: Sky, height: int, width: int, horizon: float) -> np.ndarray:
    """The cloudless sky: float32 [height, width, 3]. `horizon` is its row; below it the horizon's colour goes on."""
    elevation = np.clip((horizon - np.arange(height, dtype=np.float32)) / max(height, 1), 0, None)
    toward_zenith = (1 - np.exp(-sky.falloff * elevation)) / (1 - np.exp(-sky.falloff))
    picture = ramp(np.repeat(toward_zenith[:, None], width, axis=1), sky.horizon, sky.zenith)
    # The glow is smooth, so an eighth of the resolution is enough.
    small = (max(height // 8, 2), max(width // 8, 2))
    x = (np.arange(small[1], dtype=np.float32) + 0.5) / small[1] - sky.sun[0]
    y = ((np.arange(small[0], dtype=np.float32) + 0.5) / small[0] - (horizon / height - sky.sun[1]))[:, None]
    distance = np.sqrt(x**2 + (y * height / width) ** 2)
    wide = 0.22 * np.exp(-distance / 0.35)
    if sky.glow_size:
        wide = wide + 0.9 * np.exp(-((distance / sky.glow_size) ** 1.2))
    halo = cv2.resize(np.float32(np.clip(wide, 0, 1)), (width, height), interpolation=cv2.INTER_LINEAR)
    veil = sky.light.tint.mean() if sky.kind in ("twilight", "night", "storm", "fog") else 1.0
    return picture + ramp(
        halo * np.float32(min(veil, 1.0)), np.zeros(3), np.clip(sky.glow - 0.45 * sky.horizon, 0.05, 1)
    )


def clouds(
    rng: np.random.Generator, sky: Sky, height: int, width: int, horizon: float
) -> tuple[np.ndarray, np.ndarray] | None:
    """Clouds to lay over the gradient: colour float32 [height, width, 3] and alpha float32 [height, width], or None."""
    if not sky.clouds:
        return None
    size = max(height, width)
    upright = sky.clouds in ("cumulus", "broken") and rng.random() < 0.55
    stretch = {"cumulus": 1.6, "broken": 1.8, "cirrus": rng.uniform(2, 7), "stratus": rng.uniform(1.5, 4)}[sky.clouds]
    cell = size * rng.uniform(0.12, 0.4)
    gain = {"cumulus": 0.52, "broken": 0.52, "cirrus": 0.62, "stratus": 0.45}[sky.clouds]
    if upright:
        density = fbm(rng, height, width, cell, octaves=7, gain=gain, stretch=stretch)
    else:
        density = _ceiling(rng, height, width, horizon, cell, gain, stretch)
    if sky.clouds == "cirrus":
        angle = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-35, 35), rng.uniform(1.3, 1.6))
        density = cv2.warpAffine(density, angle, (width, height), borderMode=cv2.BORDER_REFLECT)

    amount = {"cumulus": (0.3, 1.1), "broken": (-0.7, 0.3), "cirrus": (-0.2, 0.8), "stratus": (-1.5, -0.5)}[sky.clouds]
    edge = {"cumulus": (0.25, 0.7), "broken": (0.4, 1.2), "cirrus": (1.5, 3.0), "stratus": (1.5, 3.0)}[sky.clouds]
    low = rng.uniform(*amount)
    alpha = smoothstep(density, low, low + rng.uniform(*edge))
    alpha *= np.float32(rng.uniform(0.35, 0.8) if sky.clouds == "cirrus" else rng.uniform(0.85, 1.0))
    # Towards the sun the cloud is lit, away from it, where more of it lies between, it is grey.
    step = max(size // 60, 1)
    shift = np.float32([[1, 0, -step * sky.light.sun_side], [0, 1, step]])
    nearer = cv2.warpAffine(density, shift, (width, height), borderMode=cv2.BORDER_REPLICATE)
    relief = cv2.GaussianBlur(density - nearer, (0, 0), max(size / 250, 0.3))
    lit = np.clip(0.66 + 0.42 * relief - 0.13 * (density - low), 0, 1).astype(np.float32)
    # The farther cloud, near the horizon, fades into the air like everything else.
    above = np.clip((horizon - np.arange(height, dtype=np.float32)) / height, 0, 1)[:, None]
    alpha *= 1 - np.float32(rng.uniform(0.2, 0.9)) * np.exp(-above / np.float32(rng.uniform(0.03, 0.12)))
    return ramp(lit, *_cloud_colours(rng, sky)), alpha


def _ceiling(
    rng: np.random.Generator, height: int, width: int, horizon: float, cell: float, gain: float, stretch: float
) -> np.ndarray:
    """Noise on a plane overhead that runs to the horizon: float32 [height, width]; mirrored below the horizon."""
    above = int(np.clip(horizon, 2, height))
    side = int(1.4 * max(height, width))
    tile = fbm(rng, side, side, cell, octaves=7, gain=gain, stretch=stretch)
    texture, _ = plane(tile, above, width, zoom=rng.uniform(0.8, 1.4), reach=rng.uniform(0.12, 0.5), fade=0.25)
    density = np.empty((height, width), np.float32)
    density[:above] = texture[::-1]
    # Seen only through gaps that dip below the horizon, so anything continuous will do: a mirror image.
    below = height - above
    density[above:] = np.resize(np.concatenate([texture, texture[::-1]]), (below, width)) if below else 0
    return density


def _cloud_colours(rng: np.random.Generator, sky: Sky) -> tuple[np.ndarray, np.ndarray]:
    """Shadowed and lit cloud colours, [3] each."""
    if sky.kind in ("sunset",):
        shadow = 0.75 * sky.zenith + rng.uniform(0, 0.12)
        return shadow, np.clip(sky.horizon * rng.uniform(0.9, 1.1) + np.array([0.1, 0.0, 0.0]), 0, 1.1)
    if sky.kind in ("twilight", "night"):
        return 0.6 * sky.zenith, 0.8 * sky.horizon + 0.2 * sky.zenith
    if sky.clouds == "stratus" or sky.kind in ("overcast", "storm", "fog"):
        middle = 0.5 * (sky.zenith + sky.horizon)
        contrast = rng.uniform(0.04, 0.3)
        return middle * (1 - contrast), np.clip(middle * (1 + 0.7 * contrast), 0, 1.1)
    grey = rng.uniform(0.45, 0.78)
    return np.array([grey, grey + 0.02, grey + 0.05]), np.full(3, rng.uniform(0.92, 1.08))


def paint_sky(rng: np.random.Generator, sky: Sky, height: int, width: int, horizon: float) -> np.ndarray:
    """The whole sky, with clouds and, at night, stars: float32 [height, width, 3]."""
    picture = gradient(sky, height, width, horizon)
    layer = clouds(rng, sky, height, width, horizon)
    if layer is not None:
        colour, alpha = layer
        picture = cv2.blendLinear(colour, picture, alpha, 1 - alpha)
    if sky.kind == "night" and not sky.clouds and rng.random() < 0.6:
        count = int(rng.integers(20, 250))
        y, x = rng.integers(0, height, count), rng.integers(0, width, count)
        picture[y, x] += (rng.random((count, 1)) ** 3 * 0.7).astype(np.float32)
    return picture
