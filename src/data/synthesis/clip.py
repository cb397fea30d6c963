"""Moving clips with exact masks: a camera drives along a street, passes by, flies in turns, or pans.

The hand, the car or the aircraft that holds the camera shakes or banks it; its sensor adds noise.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import cv2
import numpy as np

from src.data.synthesis.camera import canvas_size
from src.data.synthesis.layers import passing
from src.data.synthesis.noise import ramp
from src.data.synthesis.scene import MIN_SIDE, Scene, mask_of
from src.data.synthesis.sky import sample_sky
from src.data.synthesis.travel import BANK_PERIOD, driving, flying, turning

MAX_SHIFT = 0.008  # of the height, that the camera shakes either way


@dataclass(frozen=True)
class Travel:
    """A kind of clip.

    Attributes:
        frames: `frames(rng, sky, high, wide)` yields a picture uint8 [high, wide, 3] and its sky uint8 [high, wide].
        roll: degrees that the camera sways or banks either way ...
        period: ... and the frames it takes from one side to the other and back.
    """

    frames: Callable
    roll: float
    period: float


KINDS = {
    "pass": Travel(passing, 1.0, 31),
    "drive": Travel(driving, 1.0, 90),
    "turn": Travel(turning, 1.5, 120),
    "fly": Travel(flying, 18.0, BANK_PERIOD),
}


def render_clip(
    seed: int, frames: int, width: int = 1280, height: int = 720, kind: str | None = None
) -> Iterator[Scene]:
    """Renders a clip frame by frame; the same arguments give the same frames.

    Args:
        seed: at least 0.
        frames: how many.
        width, height: in pixels, at least 16 each.
        kind: key of KINDS: how the camera moves; the seed decides if None.

    Yields:
        One Scene per frame; see `scene.Scene`. Its alpha has 255 steps.

    Raises:
        ValueError: the size is too small or the kind unknown.
    """
    if min(width, height) < MIN_SIDE:
        raise ValueError(f"a clip of {width}x{height} is too small: each side must be at least {MIN_SIDE} pixels")
    if kind is not None and kind not in KINDS:
        raise ValueError(f"{kind!r} is no kind of clip: choose from {', '.join(KINDS)}")
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    drawn = str(rng.choice(list(KINDS)))
    return _frames(rng, frames, width, height, KINDS[kind or drawn])


def _frames(rng: np.random.Generator, frames: int, width: int, height: int, travel: Travel) -> Iterator[Scene]:
    wide, high = canvas_size(width, height, travel.roll)
    shift = max(int(MAX_SHIFT * height), 1)
    wide, high = wide + 2 * shift, high + 2 * shift
    sky = sample_sky(rng)
    noise = (rng.standard_normal((height + 64, width + 64)) * 2.2).astype(np.int16)
    noise = cv2.merge((noise, noise, noise))
    phases = rng.uniform(0, 2 * np.pi, 2)
    pictures = travel.frames(rng, sky, high, wide)
    for i, (image, alpha) in enumerate(islice(pictures, frames)):
        bank = travel.roll * np.cos(2 * np.pi * i / travel.period)
        sway = np.sin(2 * np.pi * np.array([i / 17, i / 23]) + phases)
        matrix = cv2.getRotationMatrix2D(((wide - 1) / 2, (high - 1) / 2), bank, 1.0)
        matrix[:, 2] += shift * sway + (np.array([width - wide, height - high])) / 2
        image, alpha = (
            cv2.warpAffine(x, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE) for x in (image, alpha)
        )
        y, x = rng.integers(0, 64, 2)
        image = cv2.add(image, noise[y : y + height, x : x + width], dtype=cv2.CV_8U)
        alpha = alpha.astype(np.float32) * np.float32(1 / 255)
        yield Scene(image, mask_of(alpha), alpha)


def overlay(scene: Scene) -> np.ndarray:
    """The picture with its sky tinted: uint8 [H, W, 3]."""
    tint = ramp(scene.alpha * np.float32(0.45), np.zeros(3), np.ones(3))
    return np.round(scene.image * (1 - tint) + tint * np.float32([255, 40, 120])).astype(np.uint8)
