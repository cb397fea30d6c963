import cv2
import numpy as np
import pytest

from src.errors import UserError
from src.runtime.video.new_sky import NewSky
from src.runtime.video.source import VideoSource
from tests.runtime.clips import FPS, FRAMES, HEIGHT, WIDTH, frame


@pytest.fixture
def photo(tmp_path):
    """Bright above row 60 of 100, dark below."""
    picture = np.full((100, 120, 3), 30, np.uint8)
    picture[:60] = 220
    path = tmp_path / "Ünter sunset.png"
    path.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    return path


@pytest.fixture
def clip(tmp_path):
    """Its horizon sinks from the middle on."""
    path = tmp_path / "sky.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), FPS, (WIDTH, HEIGHT))
    for index in range(FRAMES):
        writer.write(frame(12 + index // 2))
    writer.release()
    return path


def bright(picture: np.ndarray) -> np.ndarray:
    return cv2.resize((picture[..., 0] > 128).astype(np.uint8), (40, 50), interpolation=cv2.INTER_NEAREST)


def test_a_picture_is_the_same_at_any_time(photo):
    with NewSky(photo) as sky:
        assert not sky.moving
        assert sky.at(0).shape == (100, 120, 3)
        assert sky.at(0) is sky.at(1000)


def test_a_landscape_is_cut_off_at_its_skyline(photo):
    with NewSky(photo, bright) as sky:
        assert sky.at(0).shape == (60, 120, 3)
        assert (sky.at(0) == 220).all()


def test_a_picture_without_much_sky_is_taken_whole(photo):
    with NewSky(photo, lambda picture: np.zeros((50, 40), np.uint8)) as sky:
        assert sky.at(0).shape == (100, 120, 3)


def test_a_clip_plays_in_time_and_loops(clip):
    with NewSky(clip) as sky:
        assert sky.moving
        first = sky.at(0).copy()
        assert first.shape == (HEIGHT, WIDTH, 3)
        later = sky.at(10 / FPS).copy()
        assert np.abs(later.astype(int) - first).max() > 100, "its horizon sinks"
        sky.at(18 / FPS)
        again = sky.at(FRAMES / FPS)
        assert np.abs(again.astype(int) - first).mean() < 3
        assert np.abs(sky.at((FRAMES + 10) / FPS).astype(int) - later).mean() < 3


def test_a_clip_goes_on_where_the_time_falls(clip):
    with NewSky(clip) as sky:
        before = sky.at(10 / FPS).copy()
        assert np.array_equal(sky.at(0), before), "the video in front begins again"
        assert not np.array_equal(sky.at(5 / FPS), before)


def test_a_clip_is_not_decoded_for_what_nobody_sees(clip, monkeypatch):
    decoded, read = [], VideoSource.read
    monkeypatch.setattr(VideoSource, "read", lambda self: decoded.append(1) or read(self))
    with NewSky(clip) as sky:
        sky.at(600)  # --start 600
        assert len(decoded) == 1
        sky.at(1200)  # another view for ten minutes
        assert len(decoded) <= 2 + FPS


def test_a_clip_is_cut_off_where_its_first_frame_is(clip):
    with NewSky(clip, bright) as sky:
        height = sky.at(0).shape[0]
        assert height < HEIGHT
        assert sky.at(5 / FPS).shape[0] == height


@pytest.mark.parametrize("name", ["missing.jpg", "."])
def test_a_sky_must_be_there(tmp_path, name):
    with pytest.raises(UserError, match="no such file"):
        NewSky(tmp_path / name)


@pytest.mark.parametrize("name", ["words.jpg", "words.mp4", "words"])
@pytest.mark.parametrize("content", [b"", b"not a sky at all\n" * 20, b"\xff\xd8\xff\xe0 broken"])
def test_a_sky_must_be_readable(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError, match="neither a picture nor a clip"):
        NewSky(path)


def test_a_sky_must_have_some_size(tmp_path):
    path = tmp_path / "tiny.png"
    cv2.imwrite(str(path), np.zeros((1, 1, 3), np.uint8))
    with pytest.raises(UserError, match="1x1 pixels are too few"):
        NewSky(path)
