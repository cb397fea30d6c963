"""Composes whole pictures: a seeded random scene, painted back to front, with its exact sky mask."""

from dataclasses import dataclass

import numpy as np

from src.data.synthesis.camera import canvas_size, develop, roll
from src.data.synthesis.compositions import compose
from src.data.synthesis.negatives import paint_no_sky
from src.data.synthesis.options import FOREGROUND, NO_SKY, PLACES
from src.data.synthesis.sky import sample_sky

CLASSES = {"background": 0, "sky": 255}
MIN_SIDE = 16


@dataclass(frozen=True)
class Scene:
    """A picture and its truth.

    Attributes:
        image: uint8 [H, W, 3], RGB.
        mask: uint8 [H, W], values of CLASSES: 255 where alpha >= 0.5, else 0.
        alpha: float32 [H, W], the sky's share of each pixel, 0..1.
    """

    image: np.ndarray
    mask: np.ndarray
    alpha: np.ndarray


def mask_of(alpha: np.ndarray) -> np.ndarray:
    """uint8 mask in the values of CLASSES from a soft sky coverage of any shape."""
    return np.where(alpha >= 0.5, np.uint8(CLASSES["sky"]), np.uint8(CLASSES["background"]))


def render_scene(
    seed: int, width: int = 512, height: int = 288, *, no_sky_share: float = 0.1, max_roll: float = 15.0
) -> Scene:
    """Renders the scene of a seed: the same bytes for the same arguments, in every process.

    Args:
        seed: at least 0.
        width, height: in pixels, at least 16 each.
        no_sky_share: probability, 0..1, that the scene has no sky at all.
        max_roll: the camera's roll is drawn up to this many degrees either way.

    Raises:
        ValueError: an argument is out of range.
    """
    if min(width, height) < MIN_SIDE:
        raise ValueError(f"a scene of {width}x{height} is too small: each side must be at least {MIN_SIDE} pixels")
    if not 0 <= no_sky_share <= 1:
        raise ValueError(f"no_sky_share is {no_sky_share}, but it is a probability from 0 to 1")
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    empty = rng.random() < no_sky_share
    # Most pictures are held nearly level; some, and all of an aircraft's, are not.
    degrees = float(np.clip(rng.normal(0, 0.12 if rng.random() < 0.7 else 0.6), -1, 1) * max_roll)
    wide, high = canvas_size(width, height, degrees)
    sky = sample_sky(rng)
    if empty:
        canvas = paint_no_sky(rng, sky, high, wide, NO_SKY)
    else:
        weights = np.array(list(PLACES.values()))
        place = str(rng.choice(list(PLACES), p=weights / weights.sum()))
        canvas = compose(rng, sky, high, wide, place, FOREGROUND)
    image, alpha = roll(canvas.image, 1 - canvas.cover, width, height, degrees)
    image, alpha = develop(rng, image, alpha)
    return Scene(image, mask_of(alpha), alpha)
