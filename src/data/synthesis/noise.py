"""Noise fields and small shaping functions: the raw material of every texture here.

Noise is fractional Brownian motion (fBm; F. K. Musgrave in Ebert et al., "Texturing and Modeling: A
Procedural Approach", ch. 14-16): octaves of value noise, each of twice the frequency and `gain` times the
amplitude of the one before. An octave is a random grid enlarged by cv2.resize, so a field costs a
millisecond or two instead of a Python loop over lattice points.
"""

import cv2
import numpy as np


def fbm(
    rng: np.random.Generator,
    height: int,
    width: int,
    cell: float,
    *,
    octaves: int = 5,
    gain: float = 0.55,
    stretch: float = 1.0,
) -> np.ndarray:
    """A noise field with zero mean and unit standard deviation.

    Args:
        rng: the source of the lattice values.
        height, width: size of the field in pixels, at least 1.
        cell: size of the coarsest octave's features in pixels; each further octave halves it, down to a pixel.
        octaves: how many octaves at most.
        gain: amplitude of an octave relative to the one before; below 0.5 smooth, above 0.7 rough.
        stretch: features are this many times wider than high.

    Returns:
        float32 [height, width].
    """
    total, amplitude = None, 1.0
    for _ in range(octaves):
        size = (
            int(np.clip(np.ceil(width / (cell * stretch)) + 1, 2, max(width, 2))),
            int(np.clip(np.ceil(height / cell) + 1, 2, max(height, 2))),
        )
        grid = rng.random((size[1], size[0]), dtype=np.float32)
        grid -= 0.5
        grid *= amplitude
        total = grid if total is None else cv2.resize(total, size, interpolation=cv2.INTER_CUBIC) + grid
        amplitude *= gain
        cell /= 2
        if cell * max(stretch, 1.0) < 1:
            break
    field = cv2.resize(total, (width, height), interpolation=cv2.INTER_CUBIC)
    mean, deviation = cv2.meanStdDev(field)
    field -= np.float32(mean.item())
    field *= np.float32(1 / max(deviation.item(), 1e-6))
    return field


def fbm_tile(
    rng: np.random.Generator, size: int, cells: float, *, octaves: int, gain: float = 0.55, stretch: float = 1.0
) -> np.ndarray:
    """Like `fbm`, but square and periodic, to be laid out without a seam (`cv2.BORDER_WRAP`).

    Args:
        size: pixels a side.
        cells: how many of the coarsest octave's features lie along a side.

    Returns:
        float32 [size, size], zero mean, unit standard deviation.
    """
    shape = np.clip(np.round([cells, cells / stretch]), 1, size).astype(int)
    total, amplitude = np.zeros((1, 1), np.float32), 1.0
    for _ in range(octaves):
        total = _enlarged(total, shape) + np.float32(amplitude) * (rng.random(shape, dtype=np.float32) - 0.5)
        amplitude *= gain
        if 2 * shape.max() > size:
            break
        shape = 2 * shape
    field = _enlarged(total, np.array([size, size]))
    return (field - field.mean()) / max(float(field.std()), 1e-6)


def _enlarged(field: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """A periodic field at another size (rows, columns)."""
    fy, fx = np.array(field.shape) / shape
    matrix = np.array([[fx, 0, 0.5 * fx - 0.5], [0, fy, 0.5 * fy - 0.5]])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(field, matrix, (int(shape[1]), int(shape[0])), flags=flags, borderMode=cv2.BORDER_WRAP)


def fbm_line(rng: np.random.Generator, length: int, cell: float, *, octaves: int = 6, gain: float = 0.5) -> np.ndarray:
    """One-dimensional fBm: float32 [length], zero mean, unit standard deviation. See `fbm` for the arguments."""
    total = np.zeros(length, np.float32)
    amplitude = 1.0
    for _ in range(octaves):
        if cell < 1:
            break
        knots = int(np.ceil(length / cell)) + 3
        at = np.arange(length, dtype=np.float64) / cell + rng.random()
        total += amplitude * np.interp(at, np.arange(knots), rng.random(knots) - 0.5).astype(np.float32)
        amplitude *= gain
        cell /= 2
    return (total - total.mean()) / max(float(total.std()), 1e-6)


def smoothstep(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Hermite step from 0 at `low` to 1 at `high`: float32, same shape as `values`."""
    unit = np.clip((values - low) * (1.0 / (high - low)), 0, 1)
    return (unit * unit * (3 - 2 * unit)).astype(np.float32, copy=False)


def ramp(values: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Colours between `low` [3] at value 0 and `high` [3] at value 1: float32 [H, W, 3] from float32 [H, W]."""
    low, high = np.asarray(low, np.float32), np.asarray(high, np.float32)
    return cv2.transform(np.asarray(values, np.float32), np.stack([high - low, low], axis=1))


def plane(
    tile: np.ndarray, height: int, width: int, *, zoom: float, reach: float, fade: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """A texture laid on a plane that runs to the horizon: row 0 is the horizon, the last row is nearest.

    A point i rows below the horizon lies at distance 1/i (pinhole camera over flat ground). Far rows, where the
    texture would alias, lose contrast instead.

    Args:
        tile: float32 [h, w], mirrored where the plane runs past it.
        zoom: tile pixels per picture pixel in the nearest row.
        reach: rows above the nearest one that the horizon lies beyond row 0, as a share of `height`; > 0.
        fade: how early contrast is lost; 0 keeps it everywhere.

    Returns:
        The texture, float32 [height, width], and the distance of each row, float32 [height, 1]: 1 for the nearest
        row, growing to (1 + reach) / reach at the horizon.
    """
    rows = np.arange(height, dtype=np.float32)[:, None] / max(height - 1, 1)
    distance = (1 + reach) / (rows + reach)
    across = (np.arange(width, dtype=np.float32)[None, :] - width / 2) * (distance * zoom) + tile.shape[1] / 2
    along = np.broadcast_to(distance * (zoom * height), across.shape).astype(np.float32)
    texture = cv2.remap(tile, across, along, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    if fade:
        texture *= 1 / (1 + fade * (0.12 * zoom * distance) ** 2)
    return texture, distance
