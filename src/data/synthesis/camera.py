"""What a camera makes of the light: how it is held, the faults of its lens, exposure, colour, noise, compression."""

from collections.abc import Mapping

import cv2
import numpy as np

from src.data.synthesis import lens

SEPIA = ((1.0, 1.0, 1.0), (1.0, 1.0, 1.0), (1.08, 1.0, 0.84), (0.93, 1.0, 1.06))  # tints of pictures without colour


def draw_roll(rng: np.random.Generator, most: float, banked: bool) -> float:
    """Degrees of roll, -most..most: a hand holds nearly level, and now and then not; an aircraft banks."""
    spread = 0.55 if banked else 0.05 if rng.random() < 0.8 else 0.3
    return float(np.clip(rng.normal(0, spread), -1, 1) * most)


def canvas_size(width: int, height: int, degrees: float) -> tuple[int, int]:
    """Width and height of a picture that still fills width x height after being rolled by `degrees`."""
    c, s = abs(np.cos(np.deg2rad(degrees))), abs(np.sin(np.deg2rad(degrees)))
    return int(np.ceil(width * c + height * s)) + 2, int(np.ceil(height * c + width * s)) + 2


def photograph(
    rng: np.random.Generator,
    image: np.ndarray,
    alpha: np.ndarray,
    width: int,
    height: int,
    degrees: float,
    faults: Mapping[str, float],
) -> tuple[np.ndarray, np.ndarray]:
    """Turns the painted light into a photograph of it.

    Args:
        image: float32 [h, w, 3], RGB, 0..1 and brighter; at least of `canvas_size`.
        alpha: float32 [h, w], the sky's share of each pixel.
        width, height: of the photograph.
        degrees: the camera's roll.
        faults: probability of each fault, 0..1, by the names of `options.LENS`.

    Returns:
        The photograph, uint8 [height, width, 3], RGB, and the alpha, float32 [height, width], 0..1.
    """
    has = {name: bool(rng.random() < chance) for name, chance in faults.items()}
    bend = rng.uniform(-0.22, 0.08) if has["distortion"] else 0.0
    image, alpha = lens.project(image, alpha, width, height, degrees, bend)
    wet = has["dirt"] and rng.random() < 0.5
    for name, fault in (("drops", lens.drops), ("defocus", lens.defocus), ("motion", lens.motion)):
        if wet if name == "drops" else has[name]:
            image, alpha = fault(rng, image, alpha)
    for name, fault in (
        ("fringes", lens.fringes),
        ("glare", lens.glare),
        ("flare", lens.flare),
        ("dirt", lens.smudges),
        ("vignette", lens.vignette),
    ):
        if has[name] and not (name == "dirt" and wet):
            image = fault(rng, image)
    image = cv2.transform(image, _colour_matrix(rng, _metered(image, rng.random() < 0.4), has["monochrome"]))
    if has["noise"]:
        _add_noise(rng, image)
    picture = _developed(rng, image)
    if has["jpeg"]:
        quality = int(np.clip(rng.normal(60, 25), 15, 95))
        packed = cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, quality))[1]
        picture = cv2.imdecode(packed, cv2.IMREAD_COLOR)
    return picture, np.clip(alpha, 0, 1)


def _metered(image: np.ndarray, for_ground: bool) -> float:
    """Brightness that an exposure meter sees: the mean, highlights counting no more than white.

    Args:
        for_ground: the lower half alone counts, and a bright sky may be blown; else the middle counts more.
    """
    small = np.minimum(cv2.resize(image, (24, 16), interpolation=cv2.INTER_AREA), 1.1).mean(axis=2)
    weight = np.outer(np.hanning(18)[1:-1], np.hanning(26)[1:-1]) + 0.3
    if for_ground:
        weight[:8] = 0
    return float((small * weight).sum() / weight.sum())


def _colour_matrix(rng: np.random.Generator, metered: float, monochrome: bool) -> np.ndarray:
    """Exposure, white balance and saturation as one matrix [3, 3]."""
    # The meter brings the picture most of the way to a middle grey: a dark one seldom all of it.
    strength = rng.uniform(0.5, 1.0) if metered > 0.25 else rng.uniform(0.1, 0.7)
    exposure = np.clip((0.53 / max(metered, 0.01)) ** strength, 0.5, 5.0) * np.exp(rng.normal(0, 0.17))
    spread = 0.12 if rng.random() < 0.15 else 0.045
    # White balance errs along the colour of the light, blue to amber, far more than from green to magenta.
    amber, magenta = rng.normal(0, spread, 2) * (1.1, 0.4)
    balance = np.exp([amber + magenta, -magenta, magenta - amber])
    saturation = rng.uniform(0.55, 1.4)
    if monochrome:
        balance, saturation = np.array(SEPIA[rng.integers(len(SEPIA))]), 0.0
    grey = np.tile([0.299, 0.587, 0.114], (3, 1))
    return (np.diag(exposure * balance) @ (saturation * np.eye(3) + (1 - saturation) * grey)).astype(np.float32)


def _add_noise(rng: np.random.Generator, image: np.ndarray) -> None:
    """Photon noise, which grows with the light, read noise, and colour blotches that noise reduction leaves; in place.

    The noise model is Foi et al. 2008, "Practical Poissonian-Gaussian noise modeling": variance a x + b.
    """
    height, width = image.shape[:2]
    strength = min(rng.gamma(1.2, 0.007), 0.045)
    read = strength * rng.uniform(0.2, 1.0)
    grain = rng.standard_normal((height, width), dtype=np.float32)
    light = np.clip(image[..., 1], 0, 1)
    grain *= cv2.sqrt(light * np.float32(strength**2) + np.float32(read**2))
    # The channels' noise is shared in part: the same field, shifted, stands for their own.
    own = np.float32(rng.uniform(0, 0.8))
    channels = [grain + own * np.roll(grain, (7 * i, 13 * i), (0, 1)) for i in range(3)] if own > 0.2 else [grain] * 3
    image += cv2.merge(channels)
    if rng.random() < 0.4:
        coarse = rng.standard_normal((height // 4 + 1, width // 4 + 1, 3), dtype=np.float32)
        image += cv2.resize(coarse * np.float32(strength * rng.uniform(0.3, 1.5)), (width, height))


def _developed(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Tone curve, clipping and, often, sharpening: uint8 [H, W, 3]."""
    steps = cv2.multiply(image, 1024.0)
    picture = _tone_curve(rng)[np.clip(steps, 0, 2047, out=steps).astype(np.uint16)]
    if rng.random() < 0.45:
        soft = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.6, 1.6))
        amount = rng.uniform(0.2, 1.5)
        picture = cv2.addWeighted(picture, 1 + amount, soft, -amount, 0)
    return picture


def _tone_curve(rng: np.random.Generator) -> np.ndarray:
    """Gamma, an S-shaped contrast and a shoulder or a hard clip, as a table over 0..2: uint8 [2048]."""
    x = np.linspace(0, 2, 2048)
    shoulder = 1.0 if rng.random() < 0.6 else rng.uniform(0.6, 1.0)  # above it highlights are compressed; 1 clips
    rest = max(1 - shoulder, 1e-3)
    x = np.where(x > shoulder, shoulder + rest * (1 - np.exp(-np.maximum(x - shoulder, 0) / rest)), x)
    x = x ** np.exp(rng.normal(0, 0.16))
    curve = x + rng.uniform(-0.1, 0.8) * (x * x * (3 - 2 * x) - x)
    lift = max(rng.normal(0, 0.02), 0)
    return np.round(255 * np.clip(lift + (1 - lift) * curve, 0, 1)).astype(np.uint8)
