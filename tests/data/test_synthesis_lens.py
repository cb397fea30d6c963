"""The camera: each fault acts where it is asked for and nowhere else; what moves light moves the mask with it."""

import cv2
import numpy as np
import pytest

from src.data.synthesis import SceneOptions, lens, render_scene
from src.data.synthesis.camera import canvas_size, draw_roll, photograph
from src.data.synthesis.options import LENS

HEIGHT, WIDTH = 90, 140
OFF = dict.fromkeys(LENS, 0.0)
MOVES = {"distortion", "defocus", "motion", "dirt"}  # light, and so the mask


def scenery(height: int = HEIGHT, width: int = WIDTH) -> tuple[np.ndarray, np.ndarray]:
    """A bright sky over dark, textured ground; the alpha is the picture's own brightness."""
    rng = np.random.default_rng(0)
    alpha = np.zeros((height, width), np.float32)
    top = (height * (0.5 + 0.2 * np.sin(np.arange(width) / 9))).astype(int)
    for x, row in enumerate(top):
        alpha[:row, x] = 1
    ground = rng.random((height, width, 1), dtype=np.float32) * np.float32([0.3, 0.25, 0.2])
    return np.where(alpha[..., None] > 0, np.float32([0.8, 0.9, 1.0]), ground), alpha


def shot(faults: dict[str, float], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    return photograph(np.random.default_rng(seed), *scenery(), WIDTH, HEIGHT, 0.0, OFF | faults)


@pytest.mark.parametrize("name", LENS)
def test_a_fault_acts_when_it_is_on_and_moves_the_mask_only_if_it_moves_light(name):
    changed = moved = 0
    for seed in range(6):
        (plain, truth), (faulty, alpha) = shot({}, seed), shot({name: 1.0}, seed)
        assert faulty.shape == (HEIGHT, WIDTH, 3) and faulty.dtype == np.uint8
        assert alpha.dtype == np.float32 and alpha.min() >= 0 and alpha.max() <= 1
        assert np.array_equal(truth, scenery()[1]), "without faults the mask is the painted one"
        changed += not np.array_equal(plain, faulty)
        moved += not np.array_equal(truth, alpha)
    assert changed == 6
    assert (moved > 0) == (name in MOVES)


def test_a_fault_is_as_frequent_as_its_probability():
    base = [shot({}, seed)[1] for seed in range(60)]
    blurred = [shot({"defocus": 0.5}, seed)[1] for seed in range(60)]
    share = np.mean([not np.array_equal(a, b) for a, b in zip(base, blurred, strict=True)])
    assert 0.25 < share < 0.75


def disk(height: int, width: int, x: float, y: float, radius: float) -> np.ndarray:
    yy, xx = np.mgrid[:height, :width].astype(np.float32)
    return np.clip(radius + 0.5 - np.hypot(xx - x, yy - y), 0, 1)


@pytest.mark.parametrize("degrees", [0.0, 12.0, -40.0])
@pytest.mark.parametrize("bend", [0.0, 0.08, -0.22])
def test_picture_and_mask_are_projected_alike_and_exactly(degrees, bend):
    width, height = 160, 100
    wide, high = canvas_size(width, height, degrees)
    middle = np.array([(wide - 1) / 2, (high - 1) / 2])
    offset = np.array([25.0, -18.0])
    alpha = disk(high, wide, *(middle + offset), 9.0)
    image = cv2.merge((alpha, alpha, alpha))
    picture, projected = lens.project(image, alpha, width, height, degrees, bend)
    assert picture.shape == (height, width, 3) and projected.shape == (height, width)
    np.testing.assert_allclose(picture[..., 1], projected, atol=1e-4)
    # Where its centre goes by the formula: turned, then r' = r (1 - bend r^2) / scale solved for r.
    turn = np.deg2rad(degrees)
    turned = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) @ offset
    length, corner = np.hypot(*turned), np.hypot(width, height) / 2
    radii = np.linspace(0, corner, 20_000)
    source = radii * (1 - bend * (radii / corner) ** 2) / (1 + max(-bend, 0))
    expected = turned / length * radii[np.argmin(np.abs(source - length))]
    yy, xx = np.mgrid[:height, :width]
    found = np.array([(xx * projected).sum(), (yy * projected).sum()]) / projected.sum()
    np.testing.assert_allclose(found - ((width - 1) / 2, (height - 1) / 2), expected, atol=0.6)


@pytest.mark.parametrize("bend", [0.08, -0.22])
def test_no_distortion_looks_beyond_the_picture(bend):
    image = np.full((60, 100, 3), 0.5, np.float32)
    framed = np.pad(image, ((1, 1), (1, 1), (0, 0)), constant_values=9.0)
    picture, _ = lens.project(framed, framed[..., 0], 100, 60, 0.0, bend)
    assert picture.max() == 0.5


def test_roll_keeps_to_its_limit_and_aircraft_bank():
    rng = np.random.default_rng(0)
    level, banked = (np.abs([draw_roll(rng, 30.0, kind) for _ in range(500)]) for kind in (False, True))
    assert max(level.max(), banked.max()) <= 30
    assert np.median(level) < 5 < np.median(banked)
    assert (level > 15).any(), "now and then a hand holds badly"
    assert draw_roll(rng, 0.0, True) == 0


def test_an_exposure_meter_brightens_the_dark_and_darkens_the_bright():
    image, alpha = scenery()
    means = {}
    for scale in (0.2, 1.0, 1.8):
        shots = [
            photograph(np.random.default_rng(s), image * scale, alpha, WIDTH, HEIGHT, 0.0, OFF)[0] for s in range(8)
        ]
        means[scale] = np.mean(shots) / 255
    assert means[0.2] < means[1.0] < means[1.8], "a night stays darker than a day"
    assert means[0.2] / means[1.0] > 0.25, "but not as dark as it was"


def test_compression_at_zero_noise_keeps_what_is_smooth():
    options = SceneOptions(no_sky_share=0.0, lens={"jpeg": 1.0}, skies={"fog": 1.0})
    plain = SceneOptions(no_sky_share=0.0, lens={}, skies={"fog": 1.0})
    one, two = (render_scene(3, 128, 72, chosen).image.astype(int) for chosen in (options, plain))
    assert 0 < np.abs(one - two).mean() < 25


@pytest.mark.parametrize(("width", "height"), [(16, 16), (17, 40), (300, 20)])
def test_every_fault_at_once_fits_any_size(width, height):
    options = SceneOptions(lens=dict.fromkeys(LENS, 1.0), max_roll=60.0)
    for seed in range(6):
        scene = render_scene(seed, width, height, options)
        assert scene.image.shape == (height, width, 3)
        assert np.array_equal(scene.mask, np.where(scene.alpha >= 0.5, 255, 0))
