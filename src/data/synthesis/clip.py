"""Moving clips with exact masks: a camera travels sideways past layers at different depths.

Every depth is painted once as a layer wider than the frame. The farther a layer stands from the camera, the slower it
scrolls: by perspective its speed is proportional to how far its foot lies below the horizon. The ground, whose rows
lie at all depths, is therefore sheared. Clouds drift on their own, and the hand that holds the camera shakes a little.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from src.data.synthesis.buildings import paint_house, paint_town
from src.data.synthesis.camera import canvas_size
from src.data.synthesis.canvas import Canvas
from src.data.synthesis.compositions import ridges, treeline
from src.data.synthesis.noise import ramp
from src.data.synthesis.scene import MIN_SIDE, Scene, mask_of
from src.data.synthesis.sky import Sky, clouds, gradient, sample_sky
from src.data.synthesis.terrain import choose, paint_ground
from src.data.synthesis.things import paint_pole
from src.data.synthesis.trees import paint_bush, paint_conifer, paint_tree

KINDS = ("clear", "clear", "cumulus", "cumulus", "stratocumulus", "altocumulus", "sunset", "haze", "overcast")
TRAVEL = 1.6  # how far the nearest layer moves, in frame widths, from one end of the camera's path to the other
HALF_PERIOD = 420  # frames from one end to the other
MAX_ROLL, MAX_SHIFT = 1.2, 0.008  # degrees; share of the height


@dataclass(frozen=True)
class Layer:
    """One depth of the clip.

    Attributes:
        pixels: uint8 [h, w, 4]: RGB premultiplied by coverage, and the coverage.
        top: row of the frame on which the layer's first row lies.
        travel: pixels it moves over the camera's whole path, at its first row ...
        shear: ... and how many more with every row below that.
        is_sky: clouds hide the sky behind them and are sky themselves.
    """

    pixels: np.ndarray
    top: int
    travel: float
    shear: float = 0.0
    is_sky: bool = False

    @classmethod
    def of(cls, canvas: Canvas, travel: float, is_sky: bool = False) -> "Layer":
        """Keeps the rows of a painted layer that hold anything."""
        used = np.flatnonzero(canvas.cover.max(axis=1) > 1 / 510)
        first, last = (int(used[0]), int(used[-1]) + 1) if used.size else (0, 1)
        merged = np.dstack([np.clip(canvas.image, 0, 1), canvas.cover])[first:last]
        return cls(np.round(255 * merged).astype(np.uint8), first, travel, is_sky=is_sky)


def render_clip(seed: int, frames: int, width: int = 1280, height: int = 720) -> Iterator[Scene]:
    """Renders a clip frame by frame; the same arguments give the same frames.

    Args:
        seed: at least 0.
        frames: how many; the camera turns back smoothly when it has come to the end of its path.
        width, height: in pixels, at least 16 each.

    Yields:
        One Scene per frame; see `scene.Scene`. Its alpha has 255 steps.

    Raises:
        ValueError: the size is too small.
    """
    if min(width, height) < MIN_SIDE:
        raise ValueError(f"a clip of {width}x{height} is too small: each side must be at least {MIN_SIDE} pixels")
    return _frames(np.random.default_rng(np.random.SeedSequence(seed)), frames, width, height)


def _frames(rng: np.random.Generator, frames: int, width: int, height: int) -> Iterator[Scene]:
    wide, high = canvas_size(width, height, MAX_ROLL)
    shift = max(int(MAX_SHIFT * height), 1)
    wide, high = wide + 2 * shift, high + 2 * shift
    backdrop, layers = _layers(rng, high, wide)
    noise = (rng.standard_normal((height + 64, width + 64)) * 2.2).astype(np.int16)
    noise = cv2.merge((noise, noise, noise))
    phases, start = rng.uniform(0, 2 * np.pi, 3), rng.uniform(0.2, 0.5)
    for i in range(frames):
        position = 0.5 - 0.5 * np.cos(np.pi * (start + i / HALF_PERIOD))
        image, alpha = _compose(backdrop, layers, position, i / HALF_PERIOD)
        sway = np.sin(np.array([i / 31, i / 17, i / 23]) * 2 * np.pi / 2 + phases)
        matrix = cv2.getRotationMatrix2D(((wide - 1) / 2, (high - 1) / 2), 0.8 * MAX_ROLL * sway[0], 1.0)
        matrix[:, 2] += shift * sway[1:] + (np.array([width - wide, height - high])) / 2
        image, alpha = (
            cv2.warpAffine(x, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE) for x in (image, alpha)
        )
        y, x = rng.integers(0, 64, 2)
        image = cv2.add(image, noise[y : y + height, x : x + width], dtype=cv2.CV_8U)
        alpha = alpha.astype(np.float32) * np.float32(1 / 255)
        yield Scene(image, mask_of(alpha), alpha)


def _compose(backdrop: np.ndarray, layers: list[Layer], position: float, drift: float) -> tuple[np.ndarray, np.ndarray]:
    """The frame, uint8 [h, w, 3], and its sky coverage, uint8 [h, w], with the camera at `position`, 0..1."""
    image, sky = backdrop.copy(), np.full(backdrop.shape[:2], 255, np.uint8)
    wide = backdrop.shape[1]
    for layer in layers:
        # A layer is centred when the camera is halfway; its perspective was drawn for that.
        way = (abs(1 - drift % 2) if layer.is_sky else position) - 0.5
        at = (layer.pixels.shape[1] - wide) / 2 + layer.travel * way
        rows = slice(layer.top, layer.top + layer.pixels.shape[0])
        matrix = np.array([[1, layer.shear * way, at], [0, 1, 0]])
        size = (wide, layer.pixels.shape[0])
        seen = cv2.warpAffine(layer.pixels, matrix, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        keep = cv2.bitwise_not(cv2.extractChannel(seen, 3))
        behind = cv2.multiply(image[rows], cv2.merge((keep, keep, keep)), scale=1 / 255)
        cv2.add(behind, cv2.cvtColor(seen, cv2.COLOR_RGBA2RGB), dst=image[rows])
        if not layer.is_sky:
            cv2.multiply(sky[rows], keep, dst=sky[rows], scale=1 / 255)
    return image, sky


def _layers(rng: np.random.Generator, high: int, wide: int) -> tuple[np.ndarray, list[Layer]]:
    """The sky, uint8 [high, wide, 3], and what moves before it, far to near."""
    sky = sample_sky(rng, choose(rng, *KINDS))
    horizon = high * rng.uniform(0.5, 0.7)
    # Dither: an 8-bit gradient would show bands.
    plain = 255 * gradient(sky, high, wide, horizon) + rng.uniform(-0.5, 0.5, (high, wide, 3))
    backdrop = np.round(np.clip(plain, 0, 255)).astype(np.uint8)
    per_row = TRAVEL * wide / (high - horizon)

    def blank(travel: float) -> Canvas:
        return Canvas.blank(high, wide + int(np.ceil(travel)) + 2)

    layers = []
    overhead = clouds(rng, sky, high, int(1.3 * wide), horizon)
    if overhead is not None:
        canvas = Canvas.blank(high, int(1.3 * wide))
        canvas.paint(*overhead)
        layers.append(Layer.of(canvas, 0.25 * wide, is_sky=True))
    far = blank(0.03 * wide)
    ridges(rng, far, sky, horizon, 2, high * rng.uniform(0.1, 0.35))
    layers.append(Layer.of(far, 0.03 * wide))
    middle = blank(0.08 * wide)
    if rng.random() < 0.7:
        paint_town(rng, middle, horizon + 0.02 * high, high * rng.uniform(0.08, 0.25), sky.light, sky.horizon, 0.6)
    treeline(rng, middle, sky, horizon + 0.015 * high, 0.03 * high, 0.4)
    layers.append(Layer.of(middle, 0.08 * wide))
    layers.append(_ground(rng, sky, high, wide, horizon, per_row))
    for near in (0.12, 0.3, 0.6, 1.05):
        base = horizon + near * 0.75 * (high - horizon)
        travel = per_row * (base - horizon)
        canvas = blank(travel)
        _stand(rng, canvas, sky, base, near, high)
        layers.append(Layer.of(canvas, travel))
    return backdrop, layers


def _ground(rng: np.random.Generator, sky: Sky, high: int, wide: int, horizon: float, per_row: float) -> Layer:
    """Grass or fields with a road along the way, sheared as the camera passes."""
    canvas = Canvas.blank(high, wide + int(per_row * (high - horizon)) + 2)
    paint_ground(
        rng, canvas, horizon + 0.02 * high, sky.light, choose(rng, "grass", "grass", "dry grass", "field", "paving")
    )
    y0, y1 = (horizon + share * (high - horizon) for share in (0.5, 0.68))
    grey = rng.uniform(0.25, 0.45)
    canvas.polygon(
        np.array([(0, y0), (canvas.width, y0), (canvas.width, y1), (0, y1)]), sky.light.on((grey, grey, grey))
    )
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
    x = rng.uniform(0, 0.5) * tall
    while x < canvas.width:
        kind = rng.random()
        if kind < 0.25 and near < 0.7:
            paint_house(rng, canvas, x, base, tall * rng.uniform(0.4, 0.9), sky.light, sky.horizon, 0.3 * (1 - near))
        elif kind < 0.7:
            painter = choose(rng, paint_tree, paint_tree, paint_conifer)
            painter(rng, canvas, x, base, tall * rng.uniform(0.7, 1.2), sky.light, 0.2 * (1 - near))
        elif kind < 0.85:
            paint_bush(rng, canvas, x, base, tall * rng.uniform(0.1, 0.25), sky.light, 0.2 * (1 - near))
        else:
            paint_pole(rng, canvas, x, base, tall * rng.uniform(0.8, 1.1), sky.light)
        x += tall * rng.uniform(0.4, 2.2) + (0.6 * high if near > 0.7 else 0)


def overlay(scene: Scene) -> np.ndarray:
    """The picture with its sky tinted: uint8 [H, W, 3]."""
    tint = ramp(scene.alpha * np.float32(0.45), np.zeros(3), np.ones(3))
    return np.round(scene.image * (1 - tint) + tint * np.float32([255, 40, 120])).astype(np.uint8)
