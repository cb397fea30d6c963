"""Clips of a camera that drives forward along a street, flies over land in banked turns, or turns where it stands."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from src.data.synthesis.brushes import choose
from src.data.synthesis.canvas import Canvas
from src.data.synthesis.compositions import PLACES, compose
from src.data.synthesis.flight import build_land, paint_land
from src.data.synthesis.layers import shifted, to_bytes
from src.data.synthesis.options import FOREGROUND
from src.data.synthesis.perspective import View
from src.data.synthesis.scenery import ridges, treeline
from src.data.synthesis.sky import Light, Sky, paint_sky
from src.data.synthesis.street import Stand, Street, build_street, paint_street

FPS = 25.0  # frames per second of the world's clock
BANK_PERIOD = 300  # frames from one turn of a flight to the next in the same direction
BLOCK = 240.0  # metres after which a street repeats
TURNED = tuple(
    name for name in PLACES if name not in ("street", "highway", "canopy", "flight")
)  # look right when panned


@dataclass(frozen=True)
class Cutout:
    """A thing of a street, painted once: halved again and again, so that a far one does not alias.

    Attributes:
        levels: float32 [h, w, 4] each, RGB premultiplied by coverage, and the coverage; each half the one before.
        foot: where it stands in the first level, x and y in pixels.
        size: what its painter calls its size, in pixels of the first level.
    """

    levels: tuple[np.ndarray, ...]
    foot: tuple[float, float]
    size: float

    @classmethod
    def of(cls, rng: np.random.Generator, thing: Stand, light: Light, size: float) -> "Cutout":
        """Paints the thing, `size` pixels large."""
        canvas = Canvas.blank(int(1.9 * size), int(2.4 * size))
        foot = (canvas.width / 2, 1.8 * size)
        thing.paint(rng, canvas, *foot, size, light, 0.0)
        levels = [np.dstack([canvas.image, canvas.cover])]
        while min(levels[-1].shape[:2]) > 8:
            levels.append(cv2.resize(levels[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
        return cls(tuple(levels), foot, size)

    def paint(
        self, rng: np.random.Generator, canvas: Canvas, x: float, base: float, size: float, light: Light, depth: float
    ) -> None:
        """Lays it over the canvas like the painter it was made with, but always the same."""
        scale = size / self.size
        level = int(np.clip(np.floor(-np.log2(max(scale, 1e-6))), 0, len(self.levels) - 1))
        source = self.levels[level]
        step = scale * self.levels[0].shape[1] / source.shape[1]
        left, top = x - scale * self.foot[0], base - scale * self.foot[1]
        x0, y0 = (int(max(np.floor(edge), 0)) for edge in (left, top))
        x1 = int(min(np.ceil(left + step * source.shape[1]), canvas.width))
        y1 = int(min(np.ceil(top + step * source.shape[0]), canvas.height))
        if x1 <= x0 or y1 <= y0:
            return
        # Pixel centres of the patch, in the source's coordinates.
        at = [(x0 + 0.5 - left) / step - 0.5, (y0 + 0.5 - top) / step - 0.5]
        matrix = np.array([[1 / step, 0, at[0]], [0, 1 / step, at[1]]])
        seen = cv2.warpAffine(source, matrix, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        alpha = seen[..., 3]
        colour = seen[..., :3] / np.maximum(alpha, 1e-4)[..., None]
        veil = np.float32(light.veil(depth))
        canvas.paint(colour * (1 - veil) + veil * light.air.astype(np.float32), alpha, y0, x0)


def driving(rng: np.random.Generator, sky: Sky, high: int, wide: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Frames, uint8 [high, wide, 3], and their sky, uint8 [high, wide], of a drive along an endless street."""
    horizon = high * rng.uniform(0.42, 0.58)
    view = View(
        focal=rng.uniform(0.8, 1.1) * wide,
        middle=rng.uniform(0.42, 0.58) * wide,
        horizon=horizon,
        eye=rng.uniform(1.3, 2.2),
    )
    # The distance: it turns with the camera and comes no nearer.
    back = Canvas(paint_sky(rng, sky, high, int(1.2 * wide), horizon))
    if rng.random() < 0.4:
        ridges(rng, back, sky, horizon, 1, 0.12 * high, ("forest", "grass", "heath"), 0.2)
    treeline(rng, back, sky, horizon + 0.01 * high, 0.05 * high, 0.5)
    street = build_street(rng, sky, high / 9, BLOCK)
    cutouts = [replace(thing, paint=Cutout.of(rng, thing, sky.light, 0.5 * high).paint) for thing in street.stands]
    street = replace(street, stands=cutouts)
    speed, sway, i = rng.uniform(5, 11), rng.uniform(0, 2 * np.pi, 2), 0
    while True:
        seconds = i / FPS
        turn = 0.03 * wide * np.sin(2 * np.pi * seconds / 9 + sway[0])
        here = replace(
            view, z=speed * seconds, x=0.3 * np.sin(2 * np.pi * seconds / 7 + sway[1]), middle=view.middle + turn
        )
        canvas = Canvas(shifted(back.image, 0.1 * wide - turn, wide))
        canvas.cover[:] = shifted(back.cover, 0.1 * wide - turn, wide)

        paint_street(rng, canvas, here, sky.light, _ahead(street, here.z, seconds))
        yield to_bytes(rng, canvas.image), np.round(255 * (1 - canvas.cover)).astype(np.uint8)
        i += 1


def _ahead(street: Street, z: float, seconds: float) -> Street:
    """The street as the camera at depth z sees it: what lies behind comes again a block farther on."""
    behind = 25.0

    def moved(at: float) -> float:
        return z - behind + (at - z + behind) % BLOCK

    buildings = []
    for building in street.buildings:
        near, far = building.z
        end = moved(far)  # a long front stays until all of it is behind
        buildings.append(replace(building, z=(end - (far - near), end)))
    stands = [replace(thing, z=moved(thing.z + seconds * thing.speed)) for thing in street.stands]
    crossing = None if street.crossing is None else moved(street.crossing)
    return replace(street, buildings=buildings, stands=stands, crossing=crossing)


def flying(rng: np.random.Generator, sky: Sky, high: int, wide: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Frames and their sky of a flight over land in gentle turns; level, for whoever asks for them to bank them."""
    horizon = high * rng.uniform(0.4, 0.6)
    focal, margin = 0.8 * wide, 0.4 * wide
    back = Canvas(paint_sky(rng, sky, high, int(wide + 2 * margin), horizon))
    tall = high * rng.uniform(0.01, 0.12)
    ridges(rng, back, sky, horizon + 0.3 * tall, int(rng.integers(1, 3)), tall, ("forest", "heath", "rock"))
    land, view = build_land(rng, sky.light), View(focal, wide / 2, horizon, eye=rng.uniform(60, 200))
    x, z, i, speed = *rng.uniform(0, 500, 2), 0, rng.uniform(15, 30)
    while True:
        heading = 0.4 * np.sin(2 * np.pi * i / BANK_PERIOD)
        x, z = x + speed / FPS * np.sin(heading), z + speed / FPS * np.cos(heading)
        canvas = Canvas(shifted(back.image, margin + focal * heading, wide))
        canvas.cover[:] = shifted(back.cover, margin + focal * heading, wide)
        paint_land(canvas, replace(view, x=x, z=z), land, sky.light, heading)
        yield to_bytes(rng, canvas.image), np.round(255 * (1 - canvas.cover)).astype(np.uint8)
        i += 1


def turning(rng: np.random.Generator, sky: Sky, high: int, wide: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Frames and their sky of a camera that turns to and fro over any open place; a turn alone shows no parallax."""
    wider = int(2.2 * wide)
    canvas = compose(rng, sky, high, wider, choose(rng, *TURNED), FOREGROUND)
    image, sky_bytes = to_bytes(rng, canvas.image), np.round(255 * (1 - canvas.cover)).astype(np.uint8)
    start, period, i = rng.random(), rng.uniform(500, 900), 0
    while True:
        x = (wider - wide) * (0.5 - 0.5 * np.cos(2 * np.pi * (start + i / period)))
        yield shifted(image, x, wide), shifted(sky_bytes, x, wide)
        i += 1
