import cv2
import numpy as np
import pytest

from src.runtime.video.matting import WIDEST_BAND, SkyMatte

SKY, GROUND = np.array((230, 160, 90), np.float32), np.array((30, 60, 50), np.float32)
HEIGHT, WIDTH = 180, 320


def scene(share: np.ndarray) -> np.ndarray:
    """Sky and ground, mixed by share of sky [H, W]."""
    return np.round(share[..., None] * SKY + (1 - share[..., None]) * GROUND).astype(np.uint8)


def skyline() -> np.ndarray:
    """Share of sky above a hill whose edge is a pixel wide."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return np.clip(90 + 20 * np.sin(columns / 30) - rows + 0.5, 0, 1)


def blurred(share: np.ndarray, size: int = 15) -> np.ndarray:
    """What a small model would say of it."""
    return cv2.blur((share * 255).astype(np.uint8), (size, size))


def matted(share: np.ndarray, confidence: np.ndarray) -> SkyMatte:
    matte = SkyMatte(WIDTH, HEIGHT, threshold=0.5)
    matte.estimate(scene(share), confidence)
    return matte


def test_a_blurred_confidence_becomes_a_sharp_matte():
    share = skyline()
    rough = blurred(share)
    matte = matted(share, rough)
    error = np.abs(matte.alpha / 255 - share).mean()
    assert error < 0.1 * np.abs(rough / 255 - share).mean()
    assert not matte.alpha[150:].any()
    assert (matte.alpha[:40] == 255).all()


def test_a_thin_pole_stands_out_of_the_sky():
    share = skyline()
    share[20:90, 150:152] = 0
    confidence = blurred(share, 9)
    assert confidence[40, 150] > 160, "the model all but misses it"
    alpha = matted(share, confidence).alpha
    assert alpha[40, 150:152].max() < 100
    assert alpha[40, 140] == 255


def test_the_scenes_colour_is_free_of_the_old_sky():
    share = skyline()
    matte = matted(share, blurred(share))
    mixed = (matte.share[:, 0] > 0.1) & (matte.share[:, 0] < 0.9)
    assert mixed.sum() > 100
    assert np.abs(matte.scene[mixed] - GROUND).max() < 25
    assert np.abs(scene(share).reshape(-1, 3)[matte.band][mixed] - GROUND).max() > 100, "where the frame shows it"


def test_where_colours_say_nothing_the_confidence_decides():
    share = skyline()
    matte = SkyMatte(WIDTH, HEIGHT, threshold=0.5)
    matte.estimate(np.full((HEIGHT, WIDTH, 3), 128, np.uint8), blurred(share))
    assert np.abs(matte.alpha / 255 - share).mean() < 0.03


@pytest.mark.parametrize("level", [0, 255])
def test_all_sky_and_no_sky_have_no_edge(level):
    matte = SkyMatte(WIDTH, HEIGHT, threshold=0.5)
    matte.estimate(np.full((HEIGHT, WIDTH, 3), 90, np.uint8), np.full((HEIGHT, WIDTH), level, np.uint8))
    assert (matte.alpha == level).all()
    assert len(matte.band) == len(matte.share) == len(matte.scene) == 0


def test_a_model_that_is_nowhere_sure_does_not_widen_the_band():
    confidence = np.random.default_rng(1).integers(60, 200, (HEIGHT, WIDTH)).astype(np.uint8)
    confidence[:90] //= 2
    confidence = np.sort(confidence, axis=0)[::-1].copy()
    matte = SkyMatte(WIDTH, HEIGHT, threshold=0.5)
    matte.estimate(np.full((HEIGHT, WIDTH, 3), 90, np.uint8), confidence)
    assert len(matte.band) < 2 * WIDEST_BAND * HEIGHT * WIDTH


@pytest.mark.parametrize("threshold", [0.0, 0.01, 0.3, 0.99, 1.0])
def test_half_sky_is_where_the_threshold_is(threshold):
    ramp = np.tile(np.arange(256, dtype=np.uint8), (64, 1))
    matte = SkyMatte(256, 64, threshold)
    matte.estimate(np.full((64, 256, 3), 90, np.uint8), ramp)
    half = int(np.searchsorted(matte.alpha[32], 128))
    assert abs(half - 255 * threshold) <= 2


@pytest.mark.parametrize(("width", "height"), [(1, 1), (8, 8), (3, 500), (641, 3)])
def test_odd_sizes(width, height):
    matte = SkyMatte(width, height, threshold=0.5)
    confidence = np.random.default_rng(1).integers(0, 256, (height, width)).astype(np.uint8)
    matte.estimate(np.zeros((height, width, 3), np.uint8), confidence)
    assert matte.alpha.shape == (height, width)
