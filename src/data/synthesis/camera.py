"""What a camera does to the light: roll, lens blur, glare, vignette, exposure, white balance, noise, tone curve."""

import cv2
import numpy as np

from src.data.synthesis.noise import ramp


def canvas_size(width: int, height: int, degrees: float) -> tuple[int, int]:
    """Width and height of a picture that still fills width x height after being rolled by `degrees`."""
    c, s = abs(np.cos(np.deg2rad(degrees))), abs(np.sin(np.deg2rad(degrees)))
    return int(np.ceil(width * c + height * s)) + 2, int(np.ceil(height * c + width * s)) + 2


def draw_roll(rng: np.random.Generator, most: float, banked: bool) -> float:
    """Degrees of roll, -most..most: a hand holds nearly level, and now and then not; an aircraft banks."""
    spread = 0.5 if banked else 0.1 if rng.random() < 0.75 else 0.6
    return float(np.clip(rng.normal(0, spread), -1, 1) * most)


def roll(
    image: np.ndarray, alpha: np.ndarray, width: int, height: int, degrees: float
) -> tuple[np.ndarray, np.ndarray]:
    """Rotates picture and sky alpha alike about their middle and crops to width x height."""
    middle = (np.array(image.shape[1::-1]) - 1) / 2
    matrix = cv2.getRotationMatrix2D(tuple(middle), degrees, 1.0)
    matrix[:, 2] += (np.array([width, height]) - 1) / 2 - middle
    warp = {"dsize": (width, height), "flags": cv2.INTER_LINEAR, "borderMode": cv2.BORDER_REPLICATE}
    return cv2.warpAffine(image, matrix, **warp), cv2.warpAffine(alpha, matrix, **warp)


def develop(rng: np.random.Generator, image: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turns the painted light into a photograph.

    What moves light between pixels (blur) acts on the sky's alpha too, so the mask stays exact; what changes a
    pixel alone (exposure, colour, noise) does not.

    Args:
        image: float32 [H, W, 3], RGB, about 0..1.
        alpha: float32 [H, W], the sky's share of each pixel.

    Returns:
        The photograph, uint8 [H, W, 3], RGB, and the alpha, float32 [H, W], 0..1.
    """
    height, width = alpha.shape
    sigma = rng.uniform(0.25, 1.1) * height / 288 if rng.random() < 0.75 else 0.0
    if sigma > 0.2:
        image, alpha = (cv2.GaussianBlur(x, (0, 0), sigma) for x in (image, alpha))
    if rng.random() < 0.08:
        length = int(rng.integers(2, max(height // 60, 3) + 1))
        image, alpha = (cv2.blur(x, (length, 1)) for x in (image, alpha))
    if rng.random() < 0.35:
        image = _glare(rng, image)
    image = cv2.transform(image, _colour_matrix(rng, float(np.clip(image, 0, 1).mean())))
    if rng.random() < 0.5:
        image = image * _vignette(rng, height, width)
    grain = rng.standard_normal((height, width), dtype=np.float32) * np.float32(rng.gamma(1.5, 0.007))
    if rng.random() < 0.3:
        tint = cv2.resize(rng.standard_normal((height // 3 + 1, width // 3 + 1, 3), dtype=np.float32), (width, height))
        image += tint * np.float32(rng.uniform(0.004, 0.025))
    image += cv2.merge((grain, grain, grain))
    return cv2.LUT(cv2.convertScaleAbs(np.clip(image, 0, 1), alpha=255), _tone_curve(rng)), np.clip(alpha, 0, 1)


def _glare(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Highlights bleed over dark edges: a wide blur of the bright parts is added."""
    small = cv2.resize(image, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    bright = cv2.GaussianBlur(np.clip(small - 0.7, 0, None), (0, 0), max(small.shape[0] * rng.uniform(0.02, 0.08), 0.5))
    return image + cv2.resize(bright, image.shape[1::-1]) * np.float32(rng.uniform(0.2, 0.9))


def _colour_matrix(rng: np.random.Generator, brightness: float) -> np.ndarray:
    """Exposure, white balance and saturation as one matrix [3, 3]; now and then no colour at all.

    Args:
        brightness: mean of the picture, 0..1; the exposure meter brings a dark one part of the way to a middle grey.
    """
    metered = max(0.3 / max(brightness, 1e-3), 1.0) ** rng.uniform(0.3, 0.9)
    exposure = min(metered, 6.0) * np.exp(rng.normal(0, 0.18))
    balance = np.exp(rng.normal(0, 0.05, 3) * (1, 0.5, 1))
    saturation = 0.0 if rng.random() < 0.02 else rng.uniform(0.7, 1.3)
    grey = np.tile([0.299, 0.587, 0.114], (3, 1))
    return (np.diag(exposure * balance) @ (saturation * np.eye(3) + (1 - saturation) * grey)).astype(np.float32)


def _vignette(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Fall-off of brightness towards the corners: float32 [height, width, 3], up to 1."""
    y, x = np.mgrid[-1:1:18j, -1:1:32j].astype(np.float32)
    fall = 1 - np.float32(rng.uniform(0.05, 0.35)) * np.clip((x**2 + y**2) / 2, 0, 1) ** np.float32(1.3)
    return ramp(cv2.resize(fall, (width, height)), np.zeros(3), np.ones(3))


def _tone_curve(rng: np.random.Generator) -> np.ndarray:
    """Gamma and an S-shaped contrast as a table, uint8 [256]."""
    x = np.linspace(0, 1, 256) ** np.exp(rng.normal(-0.08, 0.16))
    strength = rng.uniform(-0.1, 0.6)
    curve = x + strength * (x * x * (3 - 2 * x) - x)
    lift = max(rng.normal(0, 0.02), 0)
    return np.round(255 * np.clip(lift + (1 - lift) * curve, 0, 1)).astype(np.uint8)
