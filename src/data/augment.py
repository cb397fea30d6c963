"""Training augmentation: one albumentations pipeline, each step with a knob in `train.augment`."""

import albumentations as A
import cv2

from src.data.weather import Fog, Night, Rain, Shadow
from src.labels import VOID
from src.params import Augment


def build_augmentation(knobs: Augment, height: int, width: int) -> A.Compose:
    """Augmentation of an image and its mask to `height` x `width`; mask pixels that come from outside are void.

    It works on RGB uint8 [H, W, 3] and uint8 [H, W], and is reseeded per sample by the dataset.
    """
    aspect = width / height
    return A.Compose(
        [
            A.Affine(
                rotate=(-knobs.rotate, knobs.rotate),
                border_mode=cv2.BORDER_CONSTANT,
                fill_mask=VOID,
                p=0.5 if knobs.rotate else 0.0,
            ),
            A.RandomResizedCrop((height, width), scale=(knobs.min_crop, 1.0), ratio=(0.75 * aspect, aspect / 0.75)),
            A.HorizontalFlip(p=knobs.flip),
            A.VerticalFlip(p=knobs.flip_vertical),
            A.ColorJitter(
                brightness=(0.6, 1.4), contrast=(0.6, 1.4), saturation=(0.3, 1.5), hue=(-0.06, 0.06), p=knobs.colour
            ),
            # As light travels: on the ground, through the air, into the lens, onto the sensor, into the file.
            Shadow(p=knobs.shadow),
            Fog(p=knobs.fog),
            Rain(p=knobs.rain),
            Night(p=knobs.night),
            A.GaussianBlur(blur_limit=(3, 5), p=knobs.blur),
            A.GaussNoise(std_range=(0.01, 0.06), p=knobs.noise),
            A.ImageCompression(quality_range=(40, 90), p=knobs.jpeg),
        ]
    )
