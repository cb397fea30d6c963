"""Clips: every kind of travel moves smoothly, with a mask per frame that follows the picture."""

import cv2
import numpy as np
import pytest

from src.data.synthesis import render_clip
from src.data.synthesis.clip import KINDS
from src.data.synthesis.sky import sample_sky
from src.data.synthesis.street import build_street
from src.data.synthesis.travel import BLOCK, _ahead

WIDE, HIGH = 160, 96


@pytest.mark.parametrize("kind", KINDS)
def test_a_clip_moves_little_between_frames_and_more_over_time(kind):
    for seed in range(2):
        frames = list(render_clip(seed, 25, WIDE, HIGH, kind))
        assert len(frames) == 25
        images = np.stack([cv2.GaussianBlur(frame.image, (0, 0), 2).astype(np.float32) for frame in frames])
        step = np.abs(np.diff(images, axis=0)).mean(axis=(1, 2, 3))
        assert step.min() > 0, "no standstill"
        assert step.max() < 30, "no cut"
        assert np.abs(images[24] - images[0]).mean() > step.mean()


@pytest.mark.parametrize("kind", KINDS)
def test_every_frame_has_its_own_exact_mask(kind):
    frames = list(render_clip(3, 9, WIDE, HIGH, kind))
    for frame in frames:
        assert frame.image.shape == (HIGH, WIDE, 3) and frame.image.dtype == np.uint8
        assert frame.alpha.dtype == np.float32 and frame.alpha.min() >= 0 and frame.alpha.max() <= 1
        assert np.array_equal(frame.mask, np.where(frame.alpha >= 0.5, 255, 0))
    masks = np.stack([frame.mask for frame in frames])
    assert (masks[0] != masks[-1]).any()
    assert (masks[1:] != masks[:-1]).mean(axis=(1, 2)).max() < 0.2


@pytest.mark.parametrize("kind", KINDS)
def test_a_clip_is_reproducible_and_its_length_changes_no_frame(kind):
    short, long = (list(render_clip(2, count, WIDE, HIGH, kind)) for count in (2, 4))
    for one, two in zip(short, long, strict=False):
        assert np.array_equal(one.image, two.image) and np.array_equal(one.alpha, two.alpha)


@pytest.mark.parametrize("kind", KINDS)
def test_the_smallest_clip_renders(kind):
    assert [frame.image.shape for frame in render_clip(0, 2, 16, 16, kind)] == [(16, 16, 3)] * 2


def test_the_seed_chooses_the_kind():
    pictures = {kind: next(render_clip(1, 1, WIDE, HIGH, kind)).image for kind in KINDS}
    drawn = next(render_clip(1, 1, WIDE, HIGH)).image
    assert sum(np.array_equal(drawn, picture) for picture in pictures.values()) == 1


def test_an_unknown_kind_or_size_is_refused():
    with pytest.raises(ValueError, match="choose from pass, drive"):
        render_clip(0, 1, WIDE, HIGH, "swim")
    with pytest.raises(ValueError, match="at least 16"):
        render_clip(0, 1, 8, 96)


@pytest.mark.parametrize("seed", [1, 7])
def test_no_front_of_a_street_vanishes_while_a_part_of_it_lies_ahead(seed):
    rng = np.random.default_rng(seed)
    street = build_street(rng, sample_sky(rng), 10.0, BLOCK)
    seen: dict[int, float] = {}
    for z in np.arange(0.0, 2 * BLOCK, 0.5):
        for number, building in enumerate(_ahead(street, z, 0.0).buildings):
            near, far = building.z
            if near > seen.get(number, near) + 1:  # it was moved a block on
                assert seen[number] + (far - near) <= z + 1, "all of it was behind"
            seen[number] = near


def test_a_flight_banks():
    frames = list(render_clip(4, 151, 64, 64, "fly"))
    tilts = []
    for frame in frames[::50]:
        left, right = (frame.alpha[:, columns].mean() for columns in (slice(0, 16), slice(48, 64)))
        tilts.append(left - right)
    assert max(tilts) > 0.05 and min(tilts) < -0.05
