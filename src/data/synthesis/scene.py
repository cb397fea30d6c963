"""Composes whole pictures: a seeded random scene, painted back to front, with its exact sky mask."""

from dataclasses import dataclass

import numpy as np

from src.data.synthesis.camera import canvas_size, draw_roll, photograph
from src.data.synthesis.compositions import compose
from src.data.synthesis.negatives import paint_no_sky
from src.data.synthesis.options import DEFAULTS, SceneOptions, pick
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


def render_scene(seed: int, width: int = 512, height: int = 288, options: SceneOptions = DEFAULTS) -> Scene:
    """Renders the scene of a seed: the same bytes for the same arguments, in every process.

    Args:
        seed: at least 0.
        width, height: in pixels, at least 16 each.
        options: what scenes show, how often, and how they are photographed.

    Raises:
        ValueError: the size is too small.
    """
    if min(width, height) < MIN_SIDE:
        raise ValueError(f"a scene of {width}x{height} is too small: each side must be at least {MIN_SIDE} pixels")
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    empty = rng.random() < options.no_sky_share
    place = pick(rng, options.places)
    degrees = draw_roll(rng, options.max_roll, banked=place == "flight" and not empty)
    wide, high = canvas_size(width, height, degrees)
    sky = sample_sky(rng, weights=options.skies)
    if empty:
        canvas = paint_no_sky(rng, sky, high, wide, options.no_sky)
    else:
        canvas = compose(rng, sky, high, wide, place, options.foreground)
    image, alpha = photograph(rng, canvas.image, 1 - canvas.cover, width, height, degrees, options.lens)
    return Scene(image, mask_of(alpha), alpha)
