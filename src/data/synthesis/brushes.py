"""Random choices, colours and outlines that every painter shares."""

import numpy as np


def jitter(rng: np.random.Generator, colour: np.ndarray, amount: float = 0.08) -> np.ndarray:
    """A colour [3] near the given one: brightness and hue move by about `amount` of its value; 0..1.1."""
    colour = np.asarray(colour, np.float32)
    return np.clip(colour * (1 + rng.normal(0, amount) + rng.normal(0, amount / 2, 3)), 0, 1.1).astype(np.float32)


def choose(rng: np.random.Generator, *options):
    """One of the options, each as likely."""
    return options[int(rng.integers(len(options)))]


def box(x: float, y: float, half_width: float, half_height: float) -> np.ndarray:
    """Corners [4, 2] of an upright rectangle around (x, y), as `Canvas.quad` wants them."""
    return np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * (half_width, half_height) + (x, y)


def ellipse(x: float, y: float, radius_x: float, radius_y: float) -> np.ndarray:
    """Outline [24, 2] of an ellipse around (x, y)."""
    t = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    return np.stack([x + radius_x * np.cos(t), y + radius_y * np.sin(t)], axis=1)
