"""Made clips: blue sky over brown ground, the horizon one step lower in each frame."""

from pathlib import Path

import cv2
import numpy as np

from src.runtime.video.writer import VideoWriter

WIDTH, HEIGHT, FPS, FRAMES = 192, 128, 12.0, 24
SKY_BGR, GROUND_BGR = (230, 150, 60), (30, 70, 110)


def horizon(index: int) -> int:
    """The first row of ground in frame `index`."""
    return 8 + 4 * index


def frame(index: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    picture = np.empty((height, width, 3), np.uint8)
    picture[:] = GROUND_BGR
    picture[: horizon(index)] = SKY_BGR
    return picture


def write_clip(path: Path, frames: int = FRAMES, width: int = WIDTH, height: int = HEIGHT) -> Path:
    with VideoWriter(path, width, height, FPS) as writer:
        for index in range(frames):
            writer.write(frame(index, width, height))
    return path


def horizon_in(mask: np.ndarray) -> int:
    """Rows of sky in the middle column of a mask."""
    return int(np.count_nonzero(mask[:, mask.shape[1] // 2]))


def read_mask(path: Path) -> np.ndarray:
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
