"""The validation images that exports are judged on and that int8 is calibrated with."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from src.data.shards import ShardReader
from src.errors import UserError


@dataclass(frozen=True)
class Images:
    """Validation images at the model's size.

    Attributes:
        frames: uint8 [N, H, W, 3] RGB, on which variants are compared with the checkpoint.
        masks: uint8 [N, H, W], their target indices and void.
        calibration: uint8 [M, H, W, 3] RGB, other images, whose activations give int8 its ranges.
    """

    frames: np.ndarray
    masks: np.ndarray
    calibration: np.ndarray


def validation_images(folder: Path, count: int) -> Images:
    """Up to `count` images to judge on and as many others to calibrate with, both spread over the split.

    A split of fewer images is halved; a single image serves for both.

    Args:
        folder: the split's shards.
        count: 1 or more.

    Raises:
        UserError: there are none.
    """
    reader = ShardReader(folder)
    if not len(reader):
        raise UserError(
            f"{folder}: no validation images to hold the model files against",
            fix="raise filter.val_share or add images, then: dvc repro",
        )
    frames, masks = reader.spread(2 * count)
    return Images(frames[::2], masks[::2], frames[1::2] if len(frames) > 1 else frames)
