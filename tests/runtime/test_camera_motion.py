import cv2
import numpy as np
import pytest

from src.runtime.video.camera_motion import CameraMotion, lowest_sky

WIDTH, HEIGHT = 320, 180


@pytest.fixture(scope="module")
def world() -> tuple[np.ndarray, np.ndarray]:
    """A large picture of a bumpy skyline under clouds, and its sky."""
    rng = np.random.default_rng(5)
    picture = cv2.GaussianBlur(rng.integers(0, 256, (600, 800), np.uint8), (0, 0), 3)
    picture = cv2.normalize(picture, None, 130, 250, cv2.NORM_MINMAX)
    columns = np.arange(800)
    skyline = 330 + 12 * np.sin(columns / 9) + 8 * np.sin(columns / 23 + 1)
    sky = np.where(np.arange(600)[:, None] < skyline, 255, 0).astype(np.uint8)
    picture[sky == 0] //= 4
    return cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR), sky


def seen(world, shift=(0.0, 0.0), degrees=0.0) -> tuple[np.ndarray, np.ndarray]:
    """What a camera sees of it, shifted and turned about its centre."""
    matrix = cv2.getRotationMatrix2D((400, 300), -degrees, 1.0)
    matrix[:, 2] += np.array(((WIDTH - 1) / 2 - 400, (HEIGHT - 1) / 2 - 300)) + shift
    return tuple(cv2.warpAffine(picture, matrix, (WIDTH, HEIGHT)) for picture in world)


def test_a_pan_and_a_roll_are_followed(world):
    motion = CameraMotion()
    for step in range(11):
        assert not motion.follow(*seen(world, (2.0 * step, -0.5 * step), 0.3 * step))
    now = motion.matrix
    centre = np.array(((WIDTH - 1) / 2, (HEIGHT - 1) / 2, 1))
    assert (now @ centre)[:2] - centre[:2] == pytest.approx((20, -5), abs=1.5)
    assert np.degrees(np.arctan2(now[1, 0], now[0, 0])) == pytest.approx(3, abs=0.4)


def test_driving_forward_does_not_move_the_sky():
    """A clear sky, and things along the road that grow away from the point ahead as they come nearer."""
    rng = np.random.default_rng(3)
    places = rng.uniform((-150, -40), (150, 0), (60, 2))
    nearness = rng.uniform(0.1, 1, 60)
    motion = CameraMotion()
    for step in range(13):
        picture, sky = np.full((HEIGHT, WIDTH, 3), 220, np.uint8), np.zeros((HEIGHT, WIDTH), np.uint8)
        sky[:95] = 255
        picture[95:] = 60
        for place, near in sorted(zip(places, nearness, strict=True), key=lambda thing: thing[1]):
            x, y = place * (1 + 0.015 * near * step) + (WIDTH / 2, 95)
            corner = round(x * 16), round(y * 16)
            cv2.rectangle(picture, corner, (corner[0] + 96, (97 * 16)), (90, 70, 40), -1, cv2.LINE_AA, 4)
            cv2.rectangle(sky, (int(x), int(y)), (int(x) + 6, 97), 0, -1)
        motion.follow(picture, sky)
    assert np.abs(motion.matrix[:2, 2]).max() < 3
    assert abs(motion.matrix[1, 0]) < 0.02


def test_a_camera_that_stands_still_gives_no_drift(world):
    motion, rng = CameraMotion(), np.random.default_rng(1)
    picture, sky = seen(world)
    for _ in range(20):
        noise = rng.normal(0, 2, picture.shape)
        motion.follow(np.clip(picture + noise, 0, 255).astype(np.uint8), sky)
    assert np.abs(motion.matrix - np.eye(3)).max() < 0.3


def test_a_cut_begins_anew(world):
    motion = CameraMotion()
    for step in range(4):
        motion.follow(*seen(world, (2.0 * step, 0.0)))
    assert abs(motion.matrix[0, 2]) > 3
    other = np.random.default_rng(9).integers(0, 256, (18, 32, 3)).astype(np.uint8)
    other = cv2.resize(other, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST)
    assert motion.follow(other, np.full((HEIGHT, WIDTH), 255, np.uint8))
    assert np.array_equal(motion.matrix, np.eye(3))


def test_with_nothing_to_track_the_motion_fades(world):
    motion = CameraMotion()
    for step in range(6):
        motion.follow(*seen(world, (2.0 * step, 0.0)))
    before = motion.matrix[0, 2]
    flat = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    for _ in range(50):
        motion.follow(flat, np.full((HEIGHT, WIDTH), 255, np.uint8))
    assert 0 <= motion.matrix[0, 2] - before < 12


@pytest.mark.parametrize(("width", "height"), [(1, 1), (8, 8), (2, 90)])
def test_tiny_frames(width, height):
    motion = CameraMotion()
    for level in (10, 200, 10):
        motion.follow(np.full((height, width, 3), level, np.uint8), np.full((height, width), 255, np.uint8))
    assert np.isfinite(motion.matrix).all()


def test_the_lowest_sky():
    sky = np.zeros((100, 10), np.uint8)
    assert lowest_sky(sky) == 1.0
    sky[:40] = 255
    assert lowest_sky(sky) == pytest.approx(0.4, abs=0.02)
    sky[90, 0] = 255
    assert lowest_sky(sky) == pytest.approx(0.4, abs=0.02), "a stray pixel is no horizon"
