import subprocess
import sys

import cv2
import numpy as np
import pytest

from src.errors import UserError
from src.runtime.video.source import DEFAULT_FPS, VideoSource
from tests.import_graph import ROOT
from tests.runtime.clips import FPS, FRAMES, HEIGHT, WIDTH, frame


def test_a_clip_comes_back_frame_by_frame(clip):
    with VideoSource(clip) as source:
        assert (source.width, source.height, source.fps, source.frame_count) == (WIDTH, HEIGHT, FPS, FRAMES)
        for index, found in enumerate(source):
            assert found.index == index
            assert found.time == pytest.approx(index / FPS, abs=1e-3)
            assert found.image.dtype == np.uint8
            assert np.abs(found.image.astype(int) - frame(index)).mean() < 4, "colours survive: the tags are right"
        assert index == FRAMES - 1
        assert source.read() is None


def test_frames_are_decoded_into_the_buffer_given(clip):
    buffer = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    with VideoSource(clip) as source:
        source.read(buffer)
        assert source.read(buffer).image is buffer
    assert np.abs(buffer.astype(int) - frame(1)).mean() < 4


REFUSED = """
import sys
from src.errors import user_errors
from src.runtime.video.source import VideoSource
with user_errors():
    VideoSource(sys.argv[1])
"""


@pytest.mark.parametrize(
    ("content", "said"), [(None, "no such video"), (b"", "empty file"), (b"words\n" * 99, "no frame")]
)
def test_what_is_no_video_is_refused_without_noise(content, said, tmp_path):
    # In a process of its own: FFmpeg reads its log level once, when the first video of a process is opened.
    path = tmp_path / "clip.mp4"
    if content is not None:
        path.write_bytes(content)
    done = subprocess.run([sys.executable, "-c", REFUSED, path], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 2
    first, *rest = done.stderr.splitlines()
    assert first.startswith(f"error: {path}")
    assert said in first
    assert all(line.startswith(("  why: ", "  fix: ")) for line in rest)


def test_a_folder_and_a_truncated_file_are_refused(clip, tmp_path):
    with pytest.raises(UserError, match="a folder"):
        VideoSource(tmp_path)
    truncated = tmp_path / "truncated.mp4"
    truncated.write_bytes(clip.read_bytes()[:400])
    with pytest.raises(UserError, match="no frame can be read"):
        VideoSource(truncated)


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
