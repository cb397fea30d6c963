"""Another image's sky behind a scene: what is sky should not hang on how the skies of few photographs look.

Copy-paste augmentation (Ghiasi et al. 2021, arXiv 2012.07177) with the sky as the thing that is pasted: N scenes and N
skies make N x N pictures.
"""

import cv2
import numpy as np

from src.labels import VOID

TRIES = 4  # images looked at for a sky: not every one has some
LEAST_SKY = 0.03  # of the scene's pixels
LEAST_SIDE = 0.15  # of the other image's sides, that a rectangle of nothing but sky must have
MOST_ENLARGED = 4.0
THUMBNAIL = 40  # columns of the mask in which that rectangle is looked for
LIGHT = (0.5, 1.5)  # how far the scene's light follows the sky's


def swap_sky(
    image: np.ndarray, mask: np.ndarray, other: np.ndarray, other_mask: np.ndarray, sky: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray] | None:
    """The scene of `image` under a part of the sky of `other`, its light drawn towards that sky's.

    The seam, two pixels wide, is void: real edges do not look so.

    Args:
        image, other: RGB uint8 [H, W, 3], sizes may differ.
        mask, other_mask: their targets, uint8 [H, W] of class indices and `VOID`.
        sky: index of that class.
        rng: where its draws come from.

    Returns:
        New image and mask, or None where one of the two has too little sky.
    """
    behind = (mask == sky).astype(np.uint8)
    if behind.mean() < LEAST_SKY:
        return None
    x, y, width, height = cv2.boundingRect(behind)
    pasted = _cover(_pure_sky(other, other_mask == sky), height, width, rng)
    if pasted is None:
        return None
    backdrop = np.zeros_like(image)
    backdrop[y : y + height, x : x + width] = pasted
    light = (pasted.mean() + 32) / (image[behind > 0].mean() + 32)
    lit = cv2.convertScaleAbs(image, alpha=float(np.clip(light, *LIGHT) ** rng.uniform()))
    opacity = cv2.GaussianBlur(behind.astype(np.float32), (0, 0), 0.8)
    mixed = cv2.blendLinear(backdrop, lit, opacity, 1 - opacity)
    seam = cv2.morphologyEx(behind, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    return mixed, np.where(seam, np.uint8(VOID), mask)


def _pure_sky(image: np.ndarray, sky: np.ndarray) -> np.ndarray | None:
    """The largest upright rectangle of `image` that shows sky alone; None where it is small."""
    rows, columns = sky.shape
    step = max(1, columns // THUMBNAIL)
    # A cell counts if all of it is sky.
    whole = sky[: rows - rows % step, : columns - columns % step]
    cells = whole.reshape(rows // step, step, columns // step, step).all((1, 3))
    top, left, bottom, right = (step * edge for edge in _largest_rectangle(cells))
    if bottom - top < LEAST_SIDE * rows or right - left < LEAST_SIDE * columns:
        return None
    return image[top:bottom, left:right]


def _largest_rectangle(cells: np.ndarray) -> tuple[int, int, int, int]:
    """Top, left, bottom and right of the largest rectangle of true cells, by rows of a histogram and a stack."""
    best, largest = (0, 0, 0, 0), 0
    heights = np.zeros(cells.shape[1] + 1, int)  # the last stays 0 and closes every open rectangle
    for row, line in enumerate(cells):
        heights[:-1] = np.where(line, heights[:-1] + 1, 0)
        rising: list[tuple[int, int]] = []  # (first column, height), higher and higher
        for column, height in enumerate(heights.tolist()):
            first = column
            while rising and rising[-1][1] >= height:
                first, closed = rising.pop()
                if closed * (column - first) > largest:
                    largest = closed * (column - first)
                    best = (row + 1 - closed, first, row + 1, column)
            rising.append((first, height))
    return best


def _cover(sky: np.ndarray | None, height: int, width: int, rng: np.random.Generator) -> np.ndarray | None:
    """A random part of `sky` with the proportions of `height` x `width`, at that size, half the time mirrored."""
    if sky is None:
        return None
    scale = max(height / sky.shape[0], width / sky.shape[1])
    if scale > MOST_ENLARGED:
        return None
    part_height, part_width = max(1, int(height / scale)), max(1, int(width / scale))
    top, left = (int(rng.integers(0, spare + 1)) for spare in (sky.shape[0] - part_height, sky.shape[1] - part_width))
    part = sky[top : top + part_height, left : left + part_width]
    if rng.random() < 0.5:
        part = part[:, ::-1]
    return cv2.resize(part, (width, height), interpolation=cv2.INTER_CUBIC)
