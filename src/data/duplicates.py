"""Near-duplicate photographs by a perceptual hash."""

from collections.abc import Sequence

import cv2
import numpy as np

BITS = 64
BLOCK, TILE = 512, 4096  # hashes compared at once: 2 million distances, 16 MB of XORs


def perceptual_hash(grey: np.ndarray) -> int:
    """The pHash of a photograph, 64 bits: the signs of its lowest frequencies about their median.

    After Zauner 2010, "Implementation and benchmarking of perceptual image hash functions": DCT of 32 x 32 pixels,
    its 8 x 8 lowest coefficients without the mean's row and column.

    Args:
        grey: uint8 [H, W].
    """
    small = cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[1:9, 1:9]
    return int.from_bytes(np.packbits(low > np.median(low)).tobytes(), "big")


def find_duplicates(hashes: Sequence[int], within: int, fixed: Sequence[bool]) -> dict[int, tuple[int, int]]:
    """Which images repeat an earlier one that stays.

    An image is compared with those that stay, not with other repeats, so that a slow pan does not collapse into its
    first frame. Exact: every pair is looked at, in blocks (100,000 distinct images take seconds; memory stays small).

    Args:
        hashes: of the images, in the order in which the first of two alike stays.
        within: largest Hamming distance of two images taken for the same, 0..64.
        fixed: images that stay in any case; they come before all others, and what repeats them goes.

    Returns:
        index of a repeat -> (index of the image that stays, their distance).
    """
    codes = np.array(hashes, np.uint64)
    held = np.flatnonzero(np.array(fixed, bool))
    free = np.flatnonzero(~np.array(fixed, bool))
    kept = np.empty(len(codes), np.int64)
    kept[: len(held)], count = held, len(held)
    repeats: dict[int, tuple[int, int]] = {}
    for start in range(0, len(free), BLOCK):
        block = free[start : start + BLOCK]
        nearest, distance = _nearest(codes[block], codes[kept[:count]])
        repeated = distance <= within
        repeats |= {
            int(i): (int(kept[n]), int(d))
            for i, n, d in zip(block[repeated], nearest[repeated], distance[repeated], strict=True)
        }
        for i in _thin(block[~repeated], codes, within, repeats):
            kept[count] = i
            count += 1
    return repeats


def _nearest(codes: np.ndarray, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each code the position of the nearest kept one and its distance (BITS + 1 where none is kept)."""
    nearest, least = np.zeros(len(codes), np.int64), np.full(len(codes), BITS + 1, np.uint8)
    for start in range(0, len(kept), TILE):
        distances = np.bitwise_count(codes[:, None] ^ kept[None, start : start + TILE])
        at = distances.argmin(axis=1)
        found = distances[np.arange(len(codes)), at]
        closer = found < least
        nearest[closer], least[closer] = at[closer] + start, found[closer]
    return nearest, least


def _thin(block: np.ndarray, codes: np.ndarray, within: int, repeats: dict[int, tuple[int, int]]) -> list[int]:
    """Images of one block that stay among themselves; the others are added to `repeats`."""
    distances = np.bitwise_count(codes[block][:, None] ^ codes[block][None])
    stays = np.ones(len(block), bool)
    for position in np.flatnonzero((distances <= within).sum(axis=1) > 1):
        alike = np.flatnonzero((distances[position] <= within) & stays)
        if alike[0] < position:
            stays[position] = False
            repeats[int(block[position])] = (int(block[alike[0]]), int(distances[position, alike[0]]))
    return [int(i) for i in block[stays]]
