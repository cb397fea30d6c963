"""Small labelled photographs, made on the spot: a bright sky over dark ground, one horizon per image."""

from pathlib import Path

import cv2
import numpy as np

CLASSES = {"background": 0, "void": 127, "sky": 255}
FOLDER = {
    "images": "images/*.jpg",
    "masks": "masks/{path}.png",
    "classes": CLASSES,
    "group": "^([^_]+)_",
    "splits": None,
    "licence": "made by the tests",
}


def photograph(seed: int, width: int = 96, height: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """Image BGR uint8 [H, W, 3] and its mask uint8 [H, W] of values in `CLASSES`, a void band at the horizon."""
    rng = np.random.default_rng(seed)
    horizon = int(rng.integers(height // 4, 3 * height // 4))
    image = rng.integers(20, 80, (height, width, 3)).astype(np.uint8)
    image[:horizon] = (220, 180, 140)
    image = cv2.add(image, rng.integers(0, 20, image.shape).astype(np.uint8))
    mask = np.zeros((height, width), np.uint8)
    mask[:horizon] = 255
    mask[horizon : horizon + 2] = 127
    return image, mask


def make_folder(root: Path, groups: int = 6, per_group: int = 2, *, negatives: int = 0) -> Path:
    """Images `a_0.jpg`, `a_1.jpg`, `b_0.jpg`, ... and masks below `root`; then `negatives` without any sky."""
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    names = [f"{chr(97 + g)}_{i}" for g in range(groups) for i in range(per_group)]
    for seed, name in enumerate(names):
        write_pair(root, name, *photograph(seed))
    for i in range(negatives):
        image, mask = photograph(1000 + i)
        write_pair(root, f"n{i}_0", np.full_like(image, 60), np.zeros_like(mask))
    return root


def write_pair(root: Path, name: str, image: np.ndarray, mask: np.ndarray) -> None:
    cv2.imwrite(str(root / "images" / f"{name}.jpg"), image)
    cv2.imwrite(str(root / "masks" / f"{name}.png"), mask)
