"""Clips of a camera that passes sideways: every depth is a layer wider than the frame, and far ones scroll slower.

By perspective a layer's speed is proportional to how far its foot lies below the horizon; the ground, whose rows lie
at all depths, is therefore sheared.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from src.data.synthesis.brushes import choose
from src.data.synthesis.canvas import Canvas
from src.data.synthesis.houses import paint_house
from src.data.synthesis.scenery import ridges, treeline
from src.data.synthesis.sky import Sky, paint_sky
from src.data.synthesis.skyline import paint_town
from src.data.synthesis.terrain import paint_ground
from src.data.synthesis.things import paint_pole
from src.data.synthesis.trees import paint_bare_tree, paint_bush, paint_conifer, paint_tree

TRAVEL = 1.6  # how far the nearest layer moves, in frame widths, from one end of the camera's path to the other
HALF_PERIOD = 420  # frames from one end to the other


@dataclass(frozen=True)
class Layer:
    """One depth of the clip.

    Attributes:
        pixels: uint8 [h, w, 4]: RGB premultiplied by coverage, and the coverage.
        top: row of the frame on which the layer's first row lies.
        travel: pixels it moves over the camera's whole path, at its first row ...
        shear: ... and how many more with every row below that.
    """

    pixels: np.ndarray
    top: int
    travel: float
    shear: float = 0.0

    @classmethod
    def of(cls, canvas: Canvas, travel: float) -> "Layer":
        """Keeps the rows of a painted layer that hold anything."""
        used = np.flatnonzero(canvas.cover.max(axis=1) > 1 / 510)
        first, last = (int(used[0]), int(used[-1]) + 1) if used.size else (0, 1)
        merged = np.dstack([np.clip(canvas.image, 0, 1), canvas.cover])[first:last]
        return cls(np.round(255 * merged).astype(np.uint8), first, travel)


def to_bytes(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """uint8 from float32 0..1, dithered: an 8-bit gradient would show bands."""
    return np.clip(255 * image + rng.random(image.shape, dtype=np.float32), 0, 255).astype(np.uint8)


def shifted(picture: np.ndarray, x: float, wide: int) -> np.ndarray:
    """The `wide` columns of a wider picture from column x on, which need not be whole; mirrored beyond its ends."""
    matrix = np.array([[1.0, 0, x], [0, 1, 0]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(picture, matrix, (wide, picture.shape[0]), flags=flags, borderMode=cv2.BORDER_REFLECT)


def passing(rng: np.random.Generator, sky: Sky, high: int, wide: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Frames, uint8 [high, wide, 3], and their sky, uint8 [high, wide], without end; the camera turns back smoothly."""
    horizon = high * rng.uniform(0.5, 0.7)
    overhead = to_bytes(rng, paint_sky(rng, sky, high, int(1.3 * wide), horizon))
    layers, start, i = _layers(rng, sky, high, wide, horizon), rng.uniform(0.2, 0.5), 0
    while True:
        position = 0.5 - 0.5 * np.cos(np.pi * (start + i / HALF_PERIOD))
        drift = 0.3 * wide * abs(1 - i / (2 * HALF_PERIOD) % 2)
        yield _compose(shifted(overhead, drift, wide), layers, position)
        i += 1


def _compose(image: np.ndarray, layers: list[Layer], position: float) -> tuple[np.ndarray, np.ndarray]:
    """The frame over its sky `image`, and the sky's coverage, with the camera at `position`, 0..1."""
    sky, wide = np.full(image.shape[:2], 255, np.uint8), image.shape[1]
    for layer in layers:
        # A layer is centred when the camera is halfway; its perspective was drawn for that.
        way = position - 0.5
        at = (layer.pixels.shape[1] - wide) / 2 + layer.travel * way
        rows = slice(layer.top, layer.top + layer.pixels.shape[0])
        matrix, size = np.array([[1, layer.shear * way, at], [0, 1, 0]]), (wide, layer.pixels.shape[0])
        seen = cv2.warpAffine(layer.pixels, matrix, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        keep = cv2.bitwise_not(cv2.extractChannel(seen, 3))
        behind = cv2.multiply(image[rows], cv2.merge((keep, keep, keep)), scale=1 / 255)
        cv2.add(behind, cv2.cvtColor(seen, cv2.COLOR_RGBA2RGB), dst=image[rows])
        cv2.multiply(sky[rows], keep, dst=sky[rows], scale=1 / 255)
    return image, sky


def _layers(rng: np.random.Generator, sky: Sky, high: int, wide: int, horizon: float) -> list[Layer]:
    """What moves before the sky, far to near."""
    per_row = TRAVEL * wide / (high - horizon)

    def blank(travel: float) -> Canvas:
        return Canvas.blank(high, wide + int(np.ceil(travel)) + 2)

    far = blank(0.03 * wide)
    ridges(rng, far, sky, horizon, 2, high * rng.uniform(0.1, 0.35))
    middle = blank(0.08 * wide)
    if rng.random() < 0.7:
        tall = high * rng.uniform(0.08, 0.25)
        paint_town(rng, middle, horizon + 0.02 * high, tall, sky.light, sky.horizon, 0.6)
    treeline(rng, middle, sky, horizon + 0.015 * high, 0.03 * high, 0.4)
    layers = [
        Layer.of(far, 0.03 * wide),
        Layer.of(middle, 0.08 * wide),
        _ground(rng, sky, high, wide, horizon, per_row),
    ]
    for near in (0.12, 0.3, 0.6, 1.05):
        base = horizon + near * 0.75 * (high - horizon)
        travel = per_row * (base - horizon)
        canvas = blank(travel)
        _stand(rng, canvas, sky, base, near, high)
        layers.append(Layer.of(canvas, travel))
    return layers


def _ground(rng: np.random.Generator, sky: Sky, high: int, wide: int, horizon: float, per_row: float) -> Layer:
    """Grass or fields with a road along the way, sheared as the camera passes."""
    canvas = Canvas.blank(high, wide + int(per_row * (high - horizon)) + 2)
    kind = choose(rng, "grass", "grass", "dry grass", "field", "paving", "snow")
    paint_ground(rng, canvas, horizon + 0.02 * high, sky.light, kind)
    y0, y1 = (horizon + share * (high - horizon) for share in (0.5, 0.68))
    tarmac = np.array([(0, y0), (canvas.width, y0), (canvas.width, y1), (0, y1)])
    canvas.polygon(tarmac, sky.light.on(np.full(3, rng.uniform(0.25, 0.45))))
    centre, middle, thick = canvas.width / 2, 0.52 * (y0 + y1), 0.004 * high
    for x in np.arange(-centre, centre, 0.18 * wide):
        # A dash's ends point away from the camera, to the vanishing point.
        ends = [(x, -thick), (x + 0.08 * wide, -thick), (x + 0.08 * wide, thick), (x, thick)]
        corners = [(centre + u * (1 + v / (middle - horizon)), middle + v) for u, v in ends]
        canvas.polygon(np.array(corners), sky.light.on((0.85, 0.85, 0.82)))
    layer = Layer.of(canvas, 0.0)
    return Layer(layer.pixels, layer.top, per_row * max(layer.top - horizon, 0), per_row)


def _stand(rng: np.random.Generator, canvas: Canvas, sky: Sky, base: float, near: float, high: int) -> None:
    """Fills a layer with what stands at one distance: houses and trees far off, trees, lamps and bushes close by."""
    tall = high * (0.05 + 0.75 * near)
    x, depth = rng.uniform(0, 0.5) * tall, 0.2 * max(1 - near, 0)
    while x < canvas.width:
        kind = rng.random()
        if kind < 0.25 and near < 0.7:
            paint_house(rng, canvas, x, base, tall * rng.uniform(0.4, 0.9), sky.light, sky.horizon, depth)
        elif kind < 0.7:
            painter = choose(rng, paint_tree, paint_tree, paint_conifer, paint_bare_tree)
            painter(rng, canvas, x, base, tall * rng.uniform(0.7, 1.2), sky.light, depth)
        elif kind < 0.85:
            paint_bush(rng, canvas, x, base, tall * rng.uniform(0.1, 0.25), sky.light, depth)
        else:
            paint_pole(rng, canvas, x, base, tall * rng.uniform(0.8, 1.1), sky.light, depth)
        x += tall * rng.uniform(0.4, 2.2) + (0.6 * high if near > 0.7 else 0)
