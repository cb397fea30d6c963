"""Pictures without sky: none has any, at any size, and some could pass for one by colour."""

import numpy as np
import pytest

from src.data.synthesis import options
from src.data.synthesis.negatives import PAINTERS, paint_no_sky
from src.data.synthesis.sky import sample_sky


def painted(name: str, seed: int, high: int = 72, wide: int = 128):
    rng = np.random.default_rng(seed)
    return paint_no_sky(rng, sample_sky(rng), high, wide, {key: float(key == name) for key in PAINTERS})


def test_painters_are_the_ones_that_options_name():
    assert list(PAINTERS) == list(options.NO_SKY)


@pytest.mark.parametrize("name", PAINTERS)
@pytest.mark.parametrize(("high", "wide"), [(72, 128), (16, 16), (16, 80), (80, 16)])
def test_a_picture_without_sky_has_none_at_any_size(name, high, wide):
    for seed in range(3):
        canvas = painted(name, seed, high, wide)
        assert canvas.image.shape == (high, wide, 3) and np.isfinite(canvas.image).all()
        assert (canvas.cover == 1).all()


@pytest.mark.parametrize("name", PAINTERS)
def test_a_picture_is_the_same_for_the_same_seed_and_another_for_another(name):
    one, two, three = (painted(name, seed).image for seed in (3, 3, 4))
    assert np.array_equal(one, two) and not np.array_equal(one, three)


@pytest.mark.parametrize("name", PAINTERS)
def test_a_picture_has_structure_to_tell_it_from_a_sky(name):
    for seed in range(6):
        image = painted(name, seed).image
        edges = np.abs(np.diff(image, axis=0)).max() + np.abs(np.diff(image, axis=1)).max()
        assert edges > 0.05 * image.mean()


def test_weights_say_what_is_drawn():
    rng = np.random.default_rng(0)
    sky = sample_sky(rng)
    none = dict.fromkeys(PAINTERS, 0.0)
    drawn = [
        paint_no_sky(np.random.default_rng(1), sky, 32, 32, none | weights).image
        for weights in ({"room": 1.0}, {"room": 5.0}, {"wall": 1.0})
    ]
    assert np.array_equal(drawn[0], drawn[1]) and not np.array_equal(drawn[0], drawn[2])


def test_bright_rooms_and_pale_walls_are_among_them():
    tops = [painted(name, seed).image[:20].mean() for name in ("room", "corridor", "wall") for seed in range(12)]
    assert np.mean(np.array(tops) > 0.6) > 0.1
