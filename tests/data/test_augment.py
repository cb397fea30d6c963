"""Every knob of train.augment acts on the image, and the photometric ones on nothing else."""

import cv2
import numpy as np
import pytest

from src.data.augment import build_augmentation
from src.labels import VOID
from src.params import Augment
from tests.toy import photograph

STILL = dict.fromkeys(Augment.model_fields, 0.0) | {"min_crop": 1.0}
GEOMETRIC = {"flip", "flip_vertical", "rotate"}
PHOTOMETRIC = sorted(set(STILL) - GEOMETRIC - {"min_crop", "sky_swap"})  # swaps: test_sky_swap.py


@pytest.fixture(scope="module")
def sample():
    image, mask = photograph(4, 96, 64)
    return image, np.select([mask == 255, mask == 127], [1, VOID], 0).astype(np.uint8)


def augmented(sample, seed=3, **knobs):
    pipeline = build_augmentation(Augment(**STILL | knobs), 48, 64)
    pipeline.set_random_seed(seed)
    out = pipeline(image=sample[0], mask=sample[1])
    return out["image"], out["mask"]


@pytest.mark.parametrize("knob", PHOTOMETRIC)
def test_a_photometric_knob_changes_the_image_and_never_the_mask(sample, knob):
    plain, mask = augmented(sample)
    for seed in range(20):
        image, same = augmented(sample, seed, **{knob: 1.0})
        plain, mask = augmented(sample, seed)
        assert (image.shape, image.dtype, same.dtype) == ((48, 64, 3), np.uint8, np.uint8)
        assert np.array_equal(same, mask)
        assert image.std() > 2
        assert cv2.absdiff(image, plain).any()
        assert np.array_equal(image, augmented(sample, seed, **{knob: 1.0})[0])


@pytest.mark.parametrize("knob", sorted(GEOMETRIC))
def test_a_geometric_knob_moves_image_and_mask_together(sample, knob):
    moved = [augmented(sample, seed, **{knob: 15.0 if knob == "rotate" else 1.0}) for seed in range(20)]
    assert any(not np.array_equal(image, augmented(sample, seed)[0]) for seed, (image, _) in enumerate(moved))
    for image, mask in moved:
        assert (image.shape, mask.shape, mask.dtype) == ((48, 64, 3), (48, 64), np.uint8)
        assert set(np.unique(mask)) <= {0, 1, VOID}
        # The toy's sky is bright and its ground dark: they still are, where the mask says so.
        assert image[mask == 1].mean() > image[mask == 0].mean() + 50


def test_a_photograph_turned_over_has_its_sky_below(sample):
    _, mask = augmented(sample, flip_vertical=1.0)
    assert (mask[-8:] == 1).all()
    assert (mask[:8] == 0).all()


@pytest.mark.parametrize(("height", "width"), [(32, 96), (64, 64), (96, 48)])
def test_a_crop_stretches_things_by_a_third_at_most(height, width):
    disc = cv2.circle(np.zeros((180, 320), np.uint8), (160, 90), 20, 1, -1)
    for seed in range(20):
        pipeline = build_augmentation(Augment(**STILL | {"min_crop": 0.2}), height, width)
        pipeline.set_random_seed(seed)
        rows, columns = np.nonzero(pipeline(image=cv2.merge((disc, disc, disc)), mask=disc)["mask"])
        if len(rows) and rows.min() > 0 and rows.max() < height - 1 and columns.min() > 0 and columns.max() < width - 1:
            assert 0.6 < np.ptp(columns) / np.ptp(rows) < 1.6


def test_night_darkens_fog_flattens_and_rain_greys(sample):
    plain = np.mean([augmented(sample, seed)[0].mean() for seed in range(10)])
    night = np.mean([augmented(sample, seed, night=1.0)[0].mean() for seed in range(10)])
    assert night < 0.6 * plain
    contrast = [augmented(sample, seed, fog=fog)[0].std() for fog in (0.0, 1.0) for seed in range(10)]
    assert np.mean(contrast[10:]) < 0.8 * np.mean(contrast[:10])

    def colourfulness(image):
        return np.ptp(image.astype(int), axis=2).mean()

    plain, rain = ([colourfulness(augmented(sample, s, rain=r)[0]) for s in range(10)] for r in (0.0, 1.0))
    assert np.mean(rain) < 0.8 * np.mean(plain)


def test_a_shadow_leaves_the_upper_third_alone(sample):
    for seed in range(10):
        plain, shaded = augmented(sample, seed)[0], augmented(sample, seed, shadow=1.0)[0]
        assert cv2.absdiff(plain[:8], shaded[:8]).max() <= 1
        assert shaded.mean() < plain.mean()
