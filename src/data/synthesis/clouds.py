"""Clouds as layers in perspective: noise on planes overhead that run to the horizon, several for a cloud with depth.

The shape is fBm over a threshold (Musgrave in Ebert et al., "Texturing and Modeling"). A heap of cloud is a stack of
slices at rising altitudes, each with a higher threshold, so that it has a flat base, a narrower top and sides, and is
seen from below near the camera and from the side far away. Light: a slice is the brighter the higher it lies, the
less cloud stands between it and the sun, and, before a low sun, the thinner it is.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from src.data.synthesis.noise import fbm, fbm_tile, smoothstep

TILES = 12  # different ones per kind of layer
TILE, CELLS = 384, 10  # pixels a side of the noise that is laid out overhead, and its largest features along it


@dataclass(frozen=True)
class View:
    """Where a camera looks, for the rows of a picture above its horizon.

    Attributes:
        height, width: of the whole picture in pixels.
        horizon: its row.
        focal: focal length in pixels.
    """

    height: int
    width: int
    horizon: float
    focal: float

    @property
    def above(self) -> int:
        """How many rows show the sky's side of the horizon; at least 2."""
        return int(np.clip(np.ceil(self.horizon), 2, self.height))

    def slopes(self) -> np.ndarray:
        """Tangent of each of those rows' elevation, float32 [above, 1]; not below 0.004."""
        rows = np.arange(self.above, dtype=np.float32)[:, None] + np.float32(0.5)
        return np.maximum((self.horizon - rows) / self.focal, 0.004).astype(np.float32)


@dataclass(frozen=True)
class LayerKind:
    """How a layer of clouds looks; ranges are (low, high).

    Attributes:
        cell: size of its largest features in units of its altitude.
        cover: threshold of the noise, in its standard deviations, above which there is cloud.
        edge: width of the soft border, likewise.
        gain: roughness of the noise.
        depth: thickness as a share of its altitude; 0 is flat.
        opacity: of its densest parts.
        stretch: features are so many times longer along one direction.
        grey: how dark its shaded parts are, display brightness relative to the lit ones.
    """

    cell: tuple[float, float]
    cover: tuple[float, float]
    edge: tuple[float, float]
    gain: float
    depth: tuple[float, float]
    opacity: tuple[float, float]
    stretch: tuple[float, float]
    grey: tuple[float, float]


LAYERS = {
    "cumulus": LayerKind((0.7, 2.4), (0.2, 1.1), (0.15, 0.5), 0.5, (0.2, 0.6), (0.9, 1.0), (1, 1.5), (0.55, 0.85)),
    "stratocumulus": LayerKind((1, 3), (-1.1, 0.1), (0.3, 1.0), 0.52, (0.1, 0.3), (0.9, 1.0), (1, 2.5), (0.5, 0.85)),
    "altocumulus": LayerKind((0.06, 0.3), (-0.6, 0.5), (0.5, 1.3), 0.42, (0, 0), (0.5, 0.95), (1, 2.5), (0.75, 0.92)),
    "cirrus": LayerKind((0.5, 1.8), (-0.3, 0.7), (1.5, 3.0), 0.62, (0, 0), (0.35, 0.9), (3, 9), (0.9, 0.98)),
    "stratus": LayerKind((0.8, 3.0), (-2.6, -1.2), (0.8, 2.5), 0.45, (0, 0), (0.5, 1.0), (1.2, 4), (0.75, 0.96)),
    "storm": LayerKind((1.2, 3.5), (-1.8, -0.6), (0.5, 1.2), 0.55, (0.1, 0.5), (0.9, 1.0), (1.2, 3), (0.3, 0.7)),
}  # fmt: skip


def cloud_layer(
    rng: np.random.Generator, name: str, view: View, sun: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray, float]:
    """One layer: lit share float32 [H, W] (0 shaded .. 1 lit), alpha float32 [H, W], and the shaded parts' grey.

    Args:
        name: key of LAYERS.
        view: the camera.
        sun: azimuth and elevation, radians.
    """
    kind = LAYERS[name]
    ceiling = _Ceiling.drawn(rng, kind, view)
    tile = _tile(name, int(rng.integers(TILES)))
    nearer = np.roll(tile, -ceiling.toward(sun[0], 5), (0, 1))
    packed = cv2.merge((tile, tile - nearer))
    depth = rng.uniform(*kind.depth)
    low, edge = rng.uniform(*kind.cover), rng.uniform(*kind.edge)
    # A low sun ahead shines through the thin borders; one behind lights the flanks that face the camera.
    against = np.float32((0.5 + 0.5 * np.cos(sun[0])) * np.cos(sun[1]) ** 2 if sun[1] > -0.1 else 0)
    slices = 3 + round(16 * depth) if depth else 1
    shape = (view.above, view.width)
    # Slices would show as steps: each pixel starts at an altitude of its own, and the grain of that is smoothed.
    start = rng.random(shape, dtype=np.float32) if depth else np.float32(0.5)
    lit, left = np.zeros(shape, np.float32), np.ones(shape, np.float32)
    for i in range(slices):
        height = (i + 0.5) / slices
        x, y = ceiling.at(1 + np.float32(depth / slices) * (i + start))
        density, relief = cv2.split(cv2.remap(packed, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP))
        over = density * ceiling.contrast - np.float32(low + 1.5 * height**2)
        alpha = smoothstep(over, 0, edge)
        front = np.clip(np.float32(0.55 + 0.55 * height**0.6) - 0.4 * alpha + 0.3 * relief - 0.08 * over, 0, 1)
        share = left * alpha
        lit += share * ((1 - against) * front + against * (1.15 - 0.9 * alpha))
        left -= share
    alpha = 1 - left
    if depth:
        lit, alpha = (cv2.GaussianBlur(part, (0, 0), 0.9) for part in (lit, alpha))
    lit /= np.maximum(alpha, 1e-3)
    # The farther cloud fades into the air.
    alpha *= np.float32(rng.uniform(*kind.opacity)) * np.exp(-np.float32(rng.uniform(0.005, 0.04)) / view.slopes())
    return _down(lit, view), _down(alpha, view), rng.uniform(*kind.grey)


@dataclass(frozen=True)
class _Ceiling:
    """Where the camera's rays meet planes overhead, in pixels of a tile laid out on them.

    Attributes:
        turn: angle, radians, by which the tile is turned against the view.
        across, along: float32 [1, W], tile coordinates for a distance of 1.
        distance: float32 [above, 1], tile pixels to a plane at altitude 1.
        offset: tile coordinates above the camera.
        contrast: float32 [above, 1], 0..1: far features would alias, so they fade as a pixel covers more of the tile.
    """

    turn: float
    across: np.ndarray
    along: np.ndarray
    distance: np.ndarray
    offset: np.ndarray
    contrast: np.ndarray

    @classmethod
    def drawn(cls, rng: np.random.Generator, kind: LayerKind, view: View) -> "_Ceiling":
        turn = rng.uniform(0, 2 * np.pi)
        side = (np.arange(view.width, dtype=np.float32)[None, :] - view.width / 2) / view.focal
        distance = np.float32(TILE / (CELLS * rng.uniform(*kind.cell))) / view.slopes()
        return cls(
            turn=turn,
            across=(side * np.cos(turn) - np.sin(turn)).astype(np.float32),
            along=((side * np.sin(turn) + np.cos(turn)) / rng.uniform(*kind.stretch)).astype(np.float32),
            distance=distance,
            offset=rng.uniform(0, TILE, 2).astype(np.float32),
            contrast=1 / (1 + (0.08 * distance / view.focal) ** 2),
        )

    def at(self, altitude: np.ndarray | np.float32) -> tuple[np.ndarray, np.ndarray]:
        """Maps of tile coordinates, float32 [above, W] each, for planes at `altitude`."""
        distance = altitude * self.distance
        return self.across * distance + self.offset[0], self.along * distance + self.offset[1]

    def toward(self, azimuth: float, pixels: float) -> np.ndarray:
        """A step on the tile, in whole rows and columns, towards an azimuth of the view."""
        return np.round(pixels * np.array([np.cos(azimuth - self.turn), np.sin(azimuth - self.turn)])).astype(int)


@cache
def _tile(name: str, number: int) -> np.ndarray:
    """Periodic noise of a kind of layer, float32 [TILE, TILE]. A few are enough: every sky lays them out anew."""
    kind, rng = LAYERS[name], np.random.default_rng([list(LAYERS).index(name), number])
    tile = fbm_tile(rng, TILE, CELLS, octaves=3 if name == "altocumulus" else 6, gain=kind.gain)
    if name == "cumulus":  # billows
        tile += 0.45 * (0.8 - np.abs(fbm_tile(rng, TILE, 2.5 * CELLS, octaves=4, gain=0.55)))
    if name in ("altocumulus", "cirrus"):  # fields with gaps between them
        tile = 0.8 * tile + 0.7 * fbm_tile(rng, TILE, CELLS / 5, octaves=2)
    if name == "cirrus":
        bend = fbm_tile(rng, TILE, 3, octaves=2) * np.float32(rng.uniform(5, 25))
        grid = np.arange(TILE, dtype=np.float32)
        tile = cv2.remap(tile, grid[None, :] + bend, grid[:, None] - bend, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    tile.flags.writeable = False
    return tile


def _down(field: np.ndarray, view: View) -> np.ndarray:
    """Goes on below the horizon, where it is seen only through gaps: a mirror image."""
    below = view.height - field.shape[0]
    if not below:
        return field
    return np.concatenate([field, np.resize(np.concatenate([field[::-1], field]), (below, view.width))])


def contrails(rng: np.random.Generator, view: View) -> np.ndarray:
    """Straight trails of aircraft, fresh and thin or old and wide: alpha float32 [H, W]."""
    alpha = np.zeros((view.height, view.width), np.float32)
    size = max(view.height, view.width)
    for _ in range(int(rng.integers(1, 4))):
        angle = rng.uniform(0, np.pi)
        middle = rng.uniform(0, 1, 2) * (view.width, max(view.horizon, 1))
        reach = np.array([np.cos(angle), np.sin(angle)]) * size * rng.uniform(0.2, 0.9)
        line = np.zeros(alpha.shape, np.uint8)
        thick = max(round(size * rng.uniform(0.002, 0.012)), 1)
        ends = [tuple(int(16 * v) for v in middle + s * reach) for s in (-1, 1)]
        cv2.line(line, *ends, 255, thick, cv2.LINE_AA, 4)
        soft = cv2.GaussianBlur(line, (0, 0), thick * rng.uniform(0.4, 1.0) + 0.3)
        puffs = fbm(rng, view.height, view.width, max(thick * 4, 2), octaves=3)
        trail = soft * np.clip(1 + 0.35 * puffs, 0, 1.5) * np.float32(rng.uniform(0.25, 0.95) / 255)
        alpha = np.maximum(alpha, np.clip(trail, 0, 1))
    return alpha


def colours_of_clouds(
    rng: np.random.Generator, kind: str, zenith: np.ndarray, horizon: np.ndarray, grey: float
) -> tuple[np.ndarray, np.ndarray]:
    """Shaded and lit colours [3] of a layer.

    Args:
        kind: of the sky; key of `skies.KINDS`.
        zenith, horizon: float [3], the sky's colours.
        grey: brightness of the shaded parts relative to the lit ones.
    """
    middle = 0.5 * (zenith + horizon)
    if kind == "sunset":
        warm = np.clip(horizon * rng.uniform(0.85, 1.2), 0, 1.15)
        return (0.55 + 0.3 * rng.random()) * grey * (zenith + 0.1), warm
    if kind == "twilight":
        return rng.uniform(0.4, 0.9) * zenith, rng.uniform(0.6, 1.1) * (0.7 * horizon + 0.3 * zenith)
    if kind == "night":
        return rng.uniform(0.5, 1.2) * zenith, rng.uniform(0.7, 1.4) * (0.8 * horizon + 0.4 * zenith)
    if kind in ("overcast", "fog", "dust", "storm"):
        return middle * grey, middle * rng.uniform(1.0, 1.2)
    lit = rng.uniform(0.9, 1.1) * np.array([1.0, 0.99, 0.975])
    if zenith.mean() < 0.3:  # exposed for a dark, deep sky
        lit = lit * rng.uniform(0.8, 1.0)
    shade = lit * grey * np.array([0.96, 0.99, 1.03])
    return 0.85 * shade + 0.15 * middle, lit
