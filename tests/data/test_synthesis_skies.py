"""Skies: every kind looks like itself, clouds lie where they should, and nothing is ever out of bounds."""

import numpy as np
import pytest

from src.data.synthesis import SceneOptions, render_scene
from src.data.synthesis.clouds import LAYERS, View, cloud_layer
from src.data.synthesis.dome import Dome
from src.data.synthesis.options import SKIES
from src.data.synthesis.sky import KINDS, clouds, gradient, paint_sky, sample_sky

HEIGHT, WIDTH = 72, 128
# Display brightness that the mean of a kind's skies may have.
BRIGHT = {"night": (0.0, 0.3), "twilight": (0.05, 0.5), "sunset": (0.25, 0.9), "storm": (0.2, 0.85)}


def paintings(kind: str, count: int = 10) -> list[np.ndarray]:
    found = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        found.append(paint_sky(rng, sample_sky(rng, kind), HEIGHT, WIDTH, HEIGHT * rng.uniform(0.4, 1.2)))
    return found


@pytest.mark.parametrize("kind", SKIES)
def test_a_kind_is_finite_and_as_bright_as_it_should_be(kind):
    pictures = paintings(kind)
    for picture in pictures:
        assert picture.shape == (HEIGHT, WIDTH, 3) and picture.dtype == np.float32
        assert np.isfinite(picture).all() and picture.min() >= 0
    low, high = BRIGHT.get(kind, (0.45, 1.3))
    assert low <= np.mean([np.clip(picture, 0, 1.5).mean() for picture in pictures]) <= high


@pytest.mark.parametrize("kind", SKIES)
@pytest.mark.parametrize(("width", "height"), [(16, 16), (200, 40)])
def test_a_scene_of_any_size_under_any_sky(kind, width, height):
    scene = render_scene(5, width, height, SceneOptions(no_sky_share=0.0, skies={kind: 1.0}))
    assert scene.image.shape == (height, width, 3) and scene.image.dtype == np.uint8
    assert scene.alpha.min() >= 0 and scene.alpha.max() <= 1


@pytest.mark.parametrize("horizon", [-30.0, 0.0, 1.5, 40.0, 300.0])
def test_the_horizon_may_lie_anywhere(horizon):
    for kind in KINDS:
        rng = np.random.default_rng(1)
        picture = paint_sky(rng, sample_sky(rng, kind), 40, 60, horizon)
        assert picture.shape == (40, 60, 3) and np.isfinite(picture).all()


def test_daylight_is_blue_above_pale_at_the_horizon_and_brightest_around_the_sun():
    dome = Dome((0.0, 0.6), turbidity=2.5, veil=0.4)
    zenith, side, horizon, sun = dome.colours(np.array([1.4, 0.6, 0.02, 0.6]), np.array([np.pi, 1.6, 1.6, 0.0]))
    assert zenith[2] > 1.2 * zenith[0] and side[2] > side[0]
    assert horizon[2] / horizon[0] < 0.9 * zenith[2] / zenith[0], "pale"
    assert sun.mean() > 1.2 * side.mean()


def test_hazier_air_is_less_blue():
    blueness = []
    for turbidity in (2.0, 4.0, 8.0):
        colour = Dome((2.0, 0.8), turbidity=turbidity).colours(np.array(0.7), np.array(0.0))
        blueness.append(colour[2] / colour[0])
    assert blueness[0] > blueness[1] > blueness[2]


def test_a_low_sun_colours_its_own_side():
    rng = np.random.default_rng(0)
    for _ in range(5):
        dome = KINDS["sunset"].dome(rng)
        toward, away = dome.colours(np.full(2, 0.05), np.array([dome.sun[0], dome.sun[0] + np.pi]))
        assert toward[0] - toward[2] > away[0] - away[2]


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_covers_some_of_the_sky_softly(name):
    view = View(90, 160, 80.0, 150.0)
    covers = []
    for seed in range(8):
        lit, alpha, grey = cloud_layer(np.random.default_rng(seed), name, view, (1.0, 0.7))
        assert lit.shape == alpha.shape == (90, 160)
        assert alpha.min() >= 0 and alpha.max() <= 1 and np.isfinite(lit).all() and 0 < grey <= 1
        covers.append(alpha.mean())
    assert 0.02 < np.mean(covers) < 0.98


def test_far_clouds_are_finer_than_near_ones():
    near, far = [], []
    for seed in range(6):
        _, alpha, _ = cloud_layer(np.random.default_rng(seed), "cumulus", View(120, 200, 120.0, 150.0), (2.0, 0.7))
        changes = (np.diff(alpha > 0.4, axis=1) != 0).sum(axis=1)
        near.append(changes[:30].mean())
        far.append(changes[80:105].mean())
    assert np.mean(far) > 1.5 * np.mean(near)


def test_clouds_leave_a_cloudless_kind_alone_and_are_never_darker_than_black():
    rng = np.random.default_rng(3)
    assert clouds(rng, sample_sky(rng, "fog"), 40, 60, 30.0) is None
    colour, alpha = clouds(rng, sample_sky(rng, "cumulus"), 40, 60, 30.0)
    assert colour.shape == (40, 60, 3) and alpha.shape == (40, 60)
    assert np.isfinite(colour).all() and colour.min() >= 0


def test_weights_choose_the_kind():
    rng = np.random.default_rng(0)
    assert {sample_sky(rng, weights={"fog": 1.0, "dust": 0.0}).kind for _ in range(20)} == {"fog"}


def test_the_gradient_goes_on_below_the_horizon():
    rng = np.random.default_rng(2)
    picture = gradient(sample_sky(rng, "clear"), 60, 80, 20.0)
    assert np.abs(picture[40] - picture[55]).max() < 0.02
