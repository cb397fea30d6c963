"""Files of every kind as a source gives their frames, and which of them it takes."""

import subprocess
import sys

import cv2
import numpy as np
import pytest

from src.errors import UserError
from src.runtime.video.source import VideoSource, open_source
from src.runtime.video.sources.native import DEFAULT_FPS
from src.runtime.video.sources.selection import Selection
from tests.import_graph import ROOT
from tests.runtime.clips import FPS, FRAMES, HEIGHT, WIDTH, frame
from tests.runtime.made_videos import UNEVEN_MS, index_of, write_size_change, write_video


def taken(path, **selection) -> tuple[list[int], list[float], VideoSource]:
    """What comes of a made video: the numbers of its frames, their times, and the source."""
    with open_source(path, Selection(**selection)) as source:
        frames = list(source)
    assert [frame.index for frame in frames] == list(range(len(frames)))
    return [index_of(frame.image) for frame in frames], [frame.time for frame in frames], source


@pytest.fixture(scope="module")
def even(tmp_path_factory):
    """50 frames in 2 s with B-frames and a keyframe every 12."""
    return write_video(tmp_path_factory.mktemp("even") / "even.mp4", keyframe_every=12)


@pytest.fixture(scope="module")
def uneven(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("uneven") / "uneven.mp4", UNEVEN_MS, keyframe_every=4)


def test_a_clip_comes_back_frame_by_frame(clip):
    with VideoSource(clip) as source:
        assert (source.width, source.height, source.fps, source.frame_count) == (WIDTH, HEIGHT, FPS, FRAMES)
        assert (source.live, source.drops, source.lost, source.name) == (False, 0, None, str(clip))
        for index, found in enumerate(source):
            assert found.index == index
            assert found.time == pytest.approx(index / FPS, abs=1e-3)
            assert found.image.dtype == np.uint8
            assert np.abs(found.image.astype(int) - frame(index)).mean() < 4, "colours survive: the tags are right"
        assert index == FRAMES - 1
        assert source.read() is None
        assert not source.ended_early


def test_frames_are_decoded_into_the_buffer_given(clip):
    buffer = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    with VideoSource(clip) as source:
        source.read(buffer)
        assert source.read(buffer).image is buffer
    assert np.abs(buffer.astype(int) - frame(1)).mean() < 4


@pytest.mark.parametrize("name", ["uneven.mp4", "uneven.mkv", "uneven.mov"])
def test_a_variable_frame_rate_keeps_its_times(name, tmp_path):
    numbers, times, source = taken(write_video(tmp_path / name, UNEVEN_MS))
    assert numbers == list(range(len(UNEVEN_MS)))
    assert times == pytest.approx([ms / 1000 for ms in UNEVEN_MS], abs=1e-3)
    assert not source.ended_early


@pytest.mark.parametrize("name", ["a.avi", "a.ts", "a.h264", "a.webm"])
def test_other_containers_keep_order_and_times(name, tmp_path):
    codec = "libvpx" if name.endswith("webm") else "libx264"
    path = write_video(tmp_path / name, codec=codec)
    numbers, times, _ = taken(path)
    assert numbers == [n % 28 for n in range(50)]
    assert np.diff(times) == pytest.approx(0.04, abs=2e-3)
    numbers, times, _ = taken(path, start=0.8, end=1.0)
    assert numbers == [20, 21, 22, 23, 24]
    assert times == pytest.approx([0.8, 0.84, 0.88, 0.92, 0.96], abs=2e-3)


@pytest.mark.parametrize(("degrees", "corner"), [(0, (0, 0)), (90, (1, 0)), (180, (1, 1)), (-90, (0, 1))])
def test_rotation_metadata_is_applied(degrees, corner, tmp_path):
    picture = np.full((48, 64, 3), 30, np.uint8)
    picture[:16, :16] = 230  # the bright corner, top left as stored
    path = write_video(tmp_path / "turned.mp4", range(0, 120, 40), rotation=degrees, picture=picture)
    with VideoSource(path) as source:
        image = source.read().image
    assert (source.width, source.height) == ((64, 48) if degrees in (0, 180) else (48, 64)) == image.shape[1::-1]
    row, column = corner
    assert image[-8 if row else 8, -8 if column else 8].mean() > 200


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [("ten.mp4", "libx264", "yuv420p10le"), ("alpha.mov", "png", "rgba"), ("grey.mkv", "ffv1", "gray")],
)
def test_other_pixels_become_bgr_of_8_bits(name, codec, pixels, tmp_path):
    numbers, _, source = taken(write_video(tmp_path / name, range(0, 400, 40), codec=codec, pixels=pixels))
    assert numbers == list(range(10))
    assert (source.width, source.height) == (64, 48)


@pytest.mark.parametrize("size", [(8, 8), (95, 63), (7680, 4320)])
def test_small_odd_and_huge_sizes(size, tmp_path):
    path = write_video(tmp_path / "a.mkv", [0, 40], codec="mjpeg", pixels="yuvj420p", size=size)
    numbers, _, source = taken(path)
    assert numbers == [0, 1]
    assert (source.width, source.height) == size


def test_one_frame_plays_and_none_is_refused(tmp_path):
    numbers, times, source = taken(write_video(tmp_path / "one.mp4", [0]))
    assert (numbers, times, source.frame_count) == ([0], [0.0], 1)
    with pytest.raises(UserError, match="no frame can be read"):
        VideoSource(write_video(tmp_path / "none.mkv", []))


def test_a_size_change_is_resized_to_the_first_and_time_goes_on(tmp_path):
    numbers, times, source = taken(write_size_change(tmp_path / "changing.ts"))
    assert (source.width, source.height) == (64, 48)
    assert numbers == [0, 1, 2, 3, 4] * 2
    assert times == pytest.approx([0.04 * k for k in range(10)], abs=2e-3)


def test_start_and_end_are_exact(even):
    for start in (0.0, 0.04, 0.44, 0.48, 0.5, 1.0, 1.3):
        numbers, times, source = taken(even, start=start, end=start + 0.2)
        first = int(np.ceil(start / 0.04 - 1e-6))
        assert numbers[0] == first % 28, start
        assert times == pytest.approx([(first + k) * 0.04 for k in range(5)], abs=1e-3)
        assert source.frame_count == 5


def test_start_is_exact_where_frames_come_unevenly(uneven):
    for start in (0.0, 0.1, 0.2, 0.5, 1.02, 1.9, 2.03):
        numbers, times, _ = taken(uneven, start=start)
        expected = [k for k, ms in enumerate(UNEVEN_MS) if ms / 1000 >= start]
        assert numbers == expected, start
        assert times == pytest.approx([UNEVEN_MS[k] / 1000 for k in expected], abs=1e-3)


def test_a_start_after_the_end_is_refused(even):
    with pytest.raises(UserError, match="nothing to play from --start 7 on") as caught:
        open_source(even, Selection(start=7))
    assert "2.00 s long" in caught.value.why


def test_stride_takes_every_nth(even):
    numbers, times, source = taken(even, stride=20)
    assert (numbers, source.fps, source.frame_count) == ([0, 20, 40 % 28], 1.25, 3)
    assert times == pytest.approx([0, 0.8, 1.6], abs=1e-3)


def test_fps_leaves_out_and_repeats_as_time_goes(even, uneven):
    numbers, times, source = taken(even, fps=10)
    assert numbers == [int(2.5 * k + 1e-6) % 28 for k in range(20)]
    assert times == pytest.approx([k / 10 for k in range(20)])
    assert (source.fps, source.frame_count) == (10, 20)
    numbers, _, source = taken(even, fps=50, start=0.4, end=0.8)
    assert numbers == [10 + k // 2 for k in range(20)]
    assert source.frame_count == 20
    numbers, times, _ = taken(uneven, fps=5)
    assert numbers == [0, 3, 4, 4, 4, 5, 7, 7, 7, 7, 8], "what was on the screen at each moment"
    assert times == pytest.approx([k / 5 for k in range(11)])


def test_fps_copies_so_that_repeated_frames_survive_their_buffer(even):
    buffer = np.zeros((48, 64, 3), np.uint8)
    with open_source(even, Selection(fps=50)) as source:
        for k in range(10):
            found = source.read(buffer)
            assert found.image is buffer
            assert index_of(found.image) == k // 2
            buffer[:] = 0


def test_a_loop_with_nothing_to_play_ends_at_once(even):
    with pytest.raises(UserError, match="nothing to play"):
        VideoSource(even, Selection(start=99.0, loop=10**9))


def test_loops_go_on_in_time(even):
    numbers, times, source = taken(even, loop=3, start=1.88, stride=2)
    assert numbers == [n % 28 for n in (47, 49)] * 3
    assert times == pytest.approx([1.88, 1.96, 2.0, 2.08, 2.12, 2.2], abs=2e-3)
    assert source.frame_count == 6
    numbers, _, source = taken(even, loop=2)
    assert len(numbers) == source.frame_count == 100
    assert len(taken(even, loop=2, fps=5)[0]) == 20


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({}, 50),
        ({"stride": 7}, 8),
        ({"start": 1}, 25),
        ({"end": 99.0}, 50),
        ({"start": 0.5, "end": 1.5, "stride": 2}, 13),
        ({"fps": 10, "loop": 2}, 40),
    ],
)
def test_the_number_of_frames_is_known_before(selection, expected, even):
    assert Selection(**selection).expected(50, 25) == expected
    assert Selection(**selection).expected(None, 25) is None
    assert len(taken(even, **selection)[0]) == expected


def test_a_cut_file_plays_what_is_there_and_says_so(tmp_path):
    whole = write_video(tmp_path / "whole.mkv", codec="mjpeg", pixels="yuvj420p")
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with VideoSource(cut) as source:
        frames = list(source)
    assert 5 < len(frames) < 45
    assert source.ended_early.startswith(f"note: {cut}: cut or damaged, ends after ")
    assert "of its 2.0 seconds" in source.ended_early
    damaged = tmp_path / "damaged.mkv"
    content = bytearray(whole.read_bytes())
    content[len(content) // 3 : len(content) // 2] = bytes(len(content) // 2 - len(content) // 3)
    damaged.write_bytes(content)
    with VideoSource(damaged) as source:
        assert len(list(source)) > 5


REFUSED = """
import sys
from src.errors import user_errors
from src.runtime.video.source import open_source
with user_errors():
    open_source(sys.argv[1])
"""


def refusal(given) -> str:
    """The message of a refusal, in a process of its own: FFmpeg reads its log level once in a process's life."""
    command = [sys.executable, "-c", REFUSED, str(given)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=240, check=False)
    assert done.returncode == 2, done.stderr
    first, *rest = done.stderr.splitlines()
    assert first.startswith("error: ")
    assert all(line.startswith(("  why: ", "  fix: ")) for line in rest), done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("content", "said"), [(None, "no such video"), (b"", "empty file"), (b"words\n" * 99, "no frame")]
)
def test_what_is_no_video_is_refused_without_noise(content, said, tmp_path):
    path = tmp_path / "clip.mp4"
    if content is not None:
        path.write_bytes(content)
    message = refusal(path)
    assert message.startswith(f"error: {path}")
    assert said in message


def test_a_camera_that_is_not_there_is_refused_without_noise():
    message = refusal(97)
    assert message.startswith("error: camera 97: cannot be opened")
    assert "the first camera is 0" in message


def test_a_folder_a_picture_and_a_truncated_file_are_refused(clip, tmp_path):
    with pytest.raises(UserError, match="a folder"):
        VideoSource(tmp_path)
    truncated = tmp_path / "truncated.mp4"
    truncated.write_bytes(clip.read_bytes()[:400])
    with pytest.raises(UserError, match="no frame can be read"):
        VideoSource(truncated)
    cv2.imwrite(str(tmp_path / "photo.png"), frame(0))
    with pytest.raises(UserError, match="a picture, not a video") as caught:
        VideoSource(tmp_path / "photo.png")
    assert "--images" in caught.value.fix


@pytest.mark.parametrize("unusable", [0.0, float("nan"), 90000.0])
def test_a_file_without_a_frame_rate_gets_the_default_and_a_message(unusable, clip, monkeypatch, capsys):
    capture = cv2.VideoCapture

    class Rateless:
        def __init__(self, *arguments) -> None:
            self.capture = capture(*arguments)

        def __getattr__(self, name):
            return getattr(self.capture, name)

        def get(self, prop) -> float:
            return unusable if prop == cv2.CAP_PROP_FPS else self.capture.get(prop)

    monkeypatch.setattr(cv2, "VideoCapture", Rateless)
    with VideoSource(clip) as source:
        assert source.fps == DEFAULT_FPS
    assert "no usable frame rate" in capsys.readouterr().err
