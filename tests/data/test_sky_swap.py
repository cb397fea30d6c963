"""Swapped skies: the new one where the mask says sky, a void seam, and everything else where it was."""

from itertools import product

import cv2
import numpy as np
import pytest
import torch

from src.data.augment import build_augmentation
from src.data.dataset import ShardDataset, SkySwaps
from src.data.sky_swap import _largest_rectangle, swap_sky
from src.labels import VOID
from src.params import Augment
from tests.data.test_augment import STILL
from tests.prepared import make_prepared

RED, GREEN = (200, 40, 30), (30, 120, 40)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return make_prepared(tmp_path_factory.mktemp("swaps"))


def scene(sky=(90, 140, 220), ground=GREEN, horizon=30, size=(64, 96)):
    """A flat sky (class 1) with a grain, over flat ground (class 0)."""
    image = np.full((*size, 3), ground, np.uint8)
    image[:horizon] = sky
    image = cv2.add(image, np.random.default_rng(1).integers(0, 8, image.shape).astype(np.uint8))
    mask = np.zeros(size, np.uint8)
    mask[:horizon] = 1
    return image, mask


def swapped(one, other, seed=0):
    return swap_sky(*one, *other, 1, np.random.default_rng(seed))


def test_the_scene_gets_the_other_sky_and_keeps_its_ground():
    image, mask = swapped(scene(), scene(sky=RED))
    assert (image.shape, image.dtype, mask.dtype) == ((64, 96, 3), np.uint8, np.uint8)
    assert np.abs(image[:26].mean((0, 1)) - RED).max() < 12
    ground = image[34:].mean((0, 1))
    assert ground / ground.sum() == pytest.approx(np.array(GREEN) / sum(GREEN), abs=0.05)


def test_the_mask_changes_at_the_seam_alone_and_there_to_void():
    before = scene()
    _, mask = swapped(before, scene(sky=RED))
    changed = mask != before[1]
    assert set(mask[changed]) == {VOID}
    assert np.flatnonzero(changed.any(1)).tolist() == [29, 30]  # the last row of the sky and the first of the ground
    assert changed[29:31].all()


@pytest.mark.parametrize(("sky", "darker"), [((10, 10, 25), True), ((250, 250, 250), False)])
def test_light_follows_the_sky(sky, darker):
    plain = scene()[0][34:].mean()
    lit = [swapped(scene(), scene(sky=sky), seed)[0][34:].mean() for seed in range(20)]
    assert all((light < plain) == darker for light in lit)
    assert np.ptp(lit) > 0.1 * plain  # by how much is drawn


def test_only_pure_sky_is_pasted():
    """A tower stands in the other's sky, and void along it: neither comes along."""
    image, mask = scene(sky=RED)
    image[5:, 40:52] = (255, 255, 0)
    mask[5:, 40:52] = 0
    mask[5:30, 38:40] = mask[5:30, 52:54] = VOID
    for seed in range(10):
        new, _ = swapped(scene(), (image, mask), seed)
        assert new[:26, :, 1].max() < 80


def test_images_with_too_little_sky_are_left_alone():
    plain, red = scene(), scene(sky=RED)
    without = (red[0], np.zeros_like(red[1]))
    assert swapped(without, red) is None
    assert swapped(plain, without) is None
    assert swapped(plain, scene(sky=RED, horizon=6)) is None  # a strip
    assert swapped(plain, scene(sky=RED, size=(16, 24), horizon=4)) is None  # too small to be enlarged
    holes = red[1].copy()
    holes[::4, ::4] = 0  # sky through leaves: no rectangle of it
    assert swapped(plain, (red[0], holes)) is None


def test_sizes_may_differ_and_a_picture_may_be_all_sky():
    everything = np.ones((64, 96), np.uint8)
    image, mask = swapped((scene()[0], everything), scene(sky=RED, size=(120, 80), horizon=80))
    assert image.shape == (64, 96, 3)
    assert (mask == 1).all()


def test_the_largest_rectangle_is_the_largest():
    rng = np.random.default_rng(3)
    for size in product((1, 4, 7), (1, 5, 8)):
        cells = rng.random(size) < 0.7
        top, left, bottom, right = _largest_rectangle(cells)
        assert cells[top:bottom, left:right].all()
        corners = product(range(size[0]), range(size[1]), range(1, size[0] + 1), range(1, size[1] + 1))
        areas = [(b - t) * (r - s) for t, s, b, r in corners if b > t and r > s and cells[t:b, s:r].all()]
        assert (bottom - top) * (right - left) == max(areas, default=0)


def test_a_dataset_swaps_its_share_and_depends_on_seed_epoch_and_index_alone(prepared):
    def dataset(share, seed=1):
        still = build_augmentation(Augment(**STILL), 32, 64)
        return ShardDataset(prepared / "train", still, seed, SkySwaps(share, 1) if share else None)

    size = len(dataset(0))
    plain, always, half = ([dataset(share)[item] for item in range(8 * size)] for share in (0, 1, 0.5))
    changed = [
        sum(not torch.equal(one[0], other[0]) for one, other in zip(plain, chosen, strict=True))
        for chosen in (always, half)
    ]
    assert changed[0] > 0.7 * len(plain)
    assert 0.3 * changed[0] < changed[1] < 0.7 * changed[0]
    again = [dataset(0.5)[item] for item in reversed(range(8 * size))][::-1]
    assert all(torch.equal(a[0], b[0]) and torch.equal(a[1], b[1]) for a, b in zip(half, again, strict=True))
    assert any(not torch.equal(half[i][0], dataset(0.5, seed=2)[i][0]) for i in range(size))
