import cv2
import numpy as np
import pytest

from src.runtime.video.new_sky import NewSky
from src.runtime.video.replacement import SkyReplacer

WIDTH, HEIGHT = 320, 180
OLD_SKY, GROUND = np.array((230, 160, 90), np.uint8), np.array((60, 100, 90), np.uint8)


def photo(tmp_path, picture: np.ndarray) -> NewSky:
    cv2.imwrite(str(tmp_path / "sky.png"), picture)
    return NewSky(tmp_path / "sky.png")


def plain(colour) -> np.ndarray:
    return np.full((120, 300, 3), colour, np.uint8)


def frame(horizon: int = 80) -> tuple[np.ndarray, np.ndarray]:
    """A frame with sky down to a row, and a soft confidence."""
    picture = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    picture[:], picture[:horizon] = GROUND, OLD_SKY
    confidence = np.zeros((HEIGHT, WIDTH), np.uint8)
    confidence[:horizon] = 255
    return picture, cv2.blur(confidence, (9, 9))


def composed(sky: NewSky, picture: np.ndarray, confidence: np.ndarray, **options) -> np.ndarray:
    replacer = SkyReplacer(sky, picture.shape[1], picture.shape[0], threshold=0.5, **options)
    before, out = picture.copy(), np.empty_like(picture)
    assert replacer.compose(picture, confidence, 0.0, out) is out
    assert np.array_equal(picture, before)
    return out


def test_the_sky_is_new_and_the_edge_shows_nothing_of_the_old(tmp_path):
    out = composed(photo(tmp_path, plain((20, 30, 200))), *frame())
    assert np.abs(out[:70].astype(int) - (20, 30, 200)).max() <= 2
    reddish = out[..., 2].astype(int) - out[..., 0]
    assert (reddish[:76] > 100).all()
    assert out[70:95, :, 0].max() < 90, "no blue left between"


@pytest.mark.parametrize(("colour", "darker"), [((20, 10, 5), True), ((230, 160, 90), False)])
def test_the_new_skys_light_falls_on_the_scene(tmp_path, colour, darker):
    out = composed(photo(tmp_path, plain(colour)), *frame())
    if darker:
        assert (out[120:] < 0.6 * GROUND).all()
    else:
        assert np.abs(out[120:].astype(int) - GROUND).max() <= 2


def test_a_warm_sky_warms_the_scene(tmp_path):
    out = composed(photo(tmp_path, plain((90, 150, 240))), *frame())[150, 100].astype(float)
    assert out[2] / out[0] > 1.15 * GROUND[2] / GROUND[0]


def test_the_horizons_meet_and_the_picture_keeps_its_proportions(tmp_path):
    picture = plain((200, 200, 200))
    picture[-20:] = 40
    cv2.circle(picture, (150, 70), 20, (0, 0, 255), -1)
    out = composed(photo(tmp_path, picture), *frame(100))
    assert out[95, 10].max() < 80, "its lowest part is above the horizon"
    assert out[60, 10].min() > 150
    red = (out[..., 2].astype(int) - out[..., 0] > 150) & (np.arange(HEIGHT)[:, None] < 95)
    across, down = np.flatnonzero(red.any(axis=0)), np.flatnonzero(red.any(axis=1))
    assert np.ptp(across) == pytest.approx(np.ptp(down), abs=2)


def test_of_a_long_panorama_the_middle_is_used(tmp_path):
    picture = np.full((40, 4000, 3), 60, np.uint8)
    picture[:, 1900:2100] = (20, 30, 200)
    out = composed(photo(tmp_path, picture), *frame())
    assert np.abs(out[20, 160].astype(int) - (20, 30, 200)).max() <= 2


def test_nothing_of_the_last_frames_sky_shows_in_the_edge(tmp_path):
    picture = np.empty((720, 1280, 3), np.uint8)
    picture[:], picture[:400] = GROUND, OLD_SKY
    sky = np.zeros((720, 1280), np.uint8)
    sky[:400] = 255
    replacer, fresh = (SkyReplacer(photo(tmp_path, plain((20, 30, 200))), 1280, 720, 0.5, False) for _ in range(2))
    before, after, expected = (np.empty_like(picture) for _ in range(3))
    replacer.compose(np.full_like(picture, 128), np.full_like(sky, 255), 0.0, before)
    lower = np.roll(sky, 100, axis=0)
    lower[:100] = 0
    replacer.compose(picture, lower, 0.0, after)
    fresh.compose(picture, lower, 0.0, expected)
    assert np.array_equal(after, expected)


def pan(step: int) -> tuple[np.ndarray, np.ndarray]:
    columns = np.arange(WIDTH)
    skyline = 90 + 9 * np.sin((columns + 3 * step) / 7) + 7 * np.sin((columns + 3 * step) / 17)
    confidence = np.where(np.arange(HEIGHT)[:, None] < skyline, 255, 0).astype(np.uint8)
    picture = np.where(confidence[..., None] > 0, OLD_SKY, GROUND)
    return cv2.GaussianBlur(picture, (0, 0), 1), confidence


@pytest.mark.parametrize("follow", [True, False])
def test_the_sky_moves_with_the_camera_if_it_is_to(tmp_path, follow):
    picture = plain((200, 200, 200))
    picture[:, 140:160] = 20
    replacer = SkyReplacer(photo(tmp_path, picture), WIDTH, HEIGHT, 0.5, follow)
    places = []
    for step in range(9):
        out = np.empty((HEIGHT, WIDTH, 3), np.uint8)
        replacer.compose(*pan(step), 0.0, out)
        places.append(np.flatnonzero(out[40, :, 0] < 100).mean())
    assert places[-1] - places[0] == pytest.approx(-24 if follow else 0, abs=3)


def test_far_from_home_the_sky_is_mirrored_not_empty(tmp_path):
    replacer = SkyReplacer(photo(tmp_path, plain((20, 30, 200))), WIDTH, HEIGHT, 0.5)
    for step in range(0, 900, 3):
        out = np.empty((HEIGHT, WIDTH, 3), np.uint8)
        replacer.compose(*pan(step), 0.0, out)
    assert np.abs(out[:60].astype(int) - (20, 30, 200)).max() <= 2


def test_without_sky_the_scene_stays(tmp_path):
    picture, _ = frame()
    out = composed(photo(tmp_path, plain((20, 30, 200))), picture, np.zeros((HEIGHT, WIDTH), np.uint8))
    assert np.array_equal(out, picture)


def test_a_frame_of_sky_alone_becomes_the_new_sky(tmp_path):
    picture, _ = frame()
    out = composed(photo(tmp_path, plain((20, 30, 200))), picture, np.full((HEIGHT, WIDTH), 255, np.uint8))
    assert np.abs(out.astype(int) - (20, 30, 200)).max() <= 2


def test_a_clip_moves_behind_a_still_scene(tmp_path):
    path = tmp_path / "sky.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (300, 120))
    for level in range(0, 250, 10):
        writer.write(plain(level))
    writer.release()
    with NewSky(path) as sky:
        replacer = SkyReplacer(sky, WIDTH, HEIGHT, 0.5)
        for time in (0.0, 0.5, 1.4):
            out = np.empty((HEIGHT, WIDTH, 3), np.uint8)
            replacer.compose(*frame(), time, out)
            assert np.abs(out[:70].astype(int) - 100 * time).max() <= 12


@pytest.mark.parametrize(("width", "height"), [(1, 1), (8, 8), (3, 500), (641, 3)])
def test_odd_sizes(tmp_path, width, height):
    rng = np.random.default_rng(3)
    picture = rng.integers(0, 256, (height, width, 3)).astype(np.uint8)
    confidence = rng.integers(0, 256, (height, width)).astype(np.uint8)
    composed(photo(tmp_path, plain((20, 30, 200))), picture, confidence)
