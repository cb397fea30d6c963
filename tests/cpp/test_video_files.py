"""The C++ player's videos keep the times of their frames, and their sound."""

import json
import re
import time
from pathlib import Path

import av
import pytest

from tests.cpp.player import built, play
from tests.runtime.clips import add_sound, beep_in, times_of
from tests.runtime.made_videos import UNEVEN_MS, write_video

pytestmark = built


@pytest.fixture
def saved(binary_model, tmp_path):
    """Plays a video into another, and returns that and what the player said."""

    def save(video: Path, name: str, *arguments: object) -> tuple[Path, str]:
        out = tmp_path / "out" / name
        done = play("--video", video, "--engine", binary_model, "--save", out, *arguments)
        assert done.returncode == 0, done.stderr
        return out, done.stdout

    return save


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_variable_rate_keeps_the_time_of_each_frame(suffix, saved, tmp_path):
    out, _ = saved(write_video(tmp_path / "uneven.mkv", UNEVEN_MS), f"out{suffix}")
    assert times_of(out) == pytest.approx([at / 1000 for at in UNEVEN_MS], abs=1.1e-3)


def test_a_constant_rate_is_exact_though_matroska_rounds(saved, tmp_path):
    out, _ = saved(write_video(tmp_path / "even.mkv", [round(k * 1001 / 30) for k in range(30)]), "out.mp4")
    gaps = {round(later - one, 4) for one, later in zip(times_of(out), times_of(out)[1:], strict=False)}
    assert max(gaps) - min(gaps) <= 1.1e-3


@pytest.mark.parametrize(("codec", "suffix"), [("aac", ".mp4"), ("aac", ".mkv"), ("libopus", ".mkv")])
def test_sound_goes_along(codec, suffix, saved, clip, tmp_path):
    video = add_sound(clip, tmp_path / "sound.mkv", codec=codec)
    out, said = saved(video, f"out{suffix}")
    assert beep_in(out) == pytest.approx(beep_in(video), abs=0.03)
    with av.open(out) as container:
        assert container.streams.audio[0].codec_context.name == {"libopus": "opus"}.get(codec, codec)
    assert "note" not in said


def test_sound_ends_with_the_pictures(saved, clip, tmp_path):
    out, _ = saved(add_sound(clip, tmp_path / "sound.mp4"), "out.mp4", "--max-frames", 12)
    with av.open(out) as container:
        assert float(container.streams.audio[0].duration * container.streams.audio[0].time_base) < 1.2


@pytest.mark.parametrize(("codec", "name"), [("pcm_s16le", "out.mp4"), ("libopus", "out.mov"), ("flac", "out.mov")])
def test_sound_that_the_file_cannot_hold_is_told_of(codec, name, saved, clip, tmp_path):
    """FFmpeg says of PCM and MP4 that it does not go, and of the others as it begins the file."""
    video = add_sound(clip, tmp_path / "sound.mkv", codec=codec)
    out, said = saved(video, name)
    assert "note: " in said
    assert "left out" in said
    with av.open(out) as container:
        assert not container.streams.audio
        assert len(times_of(out)) == len(times_of(clip))


@pytest.mark.parametrize(
    ("name", "times", "arguments"),
    [("uneven.mkv", UNEVEN_MS, ()), ("raw.h264", range(0, 2000, 40), ("--max-frames", 20))],
)
def test_a_whole_video_is_not_called_damaged(name, times, arguments, saved, tmp_path):
    """Not where the average rate promises more frames, and not where the user asked for fewer."""
    _, said = saved(write_video(tmp_path / name, times), "out.mp4", *arguments)
    assert "note" not in said


def test_a_cut_video_is_told_of(saved, tmp_path):
    video = write_video(tmp_path / "cut.mkv", range(0, 4000, 40), keyframe_every=5)
    video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    _, said = saved(video, "out.mp4")
    assert re.search(rf"note: {video}: cut or damaged, ends after [12]\.\d of its 4\.0 seconds", said)


def test_the_first_frame_counts_from_the_start_of_the_process(binary_model, clip, tmp_path):
    began = time.perf_counter()
    done = play("--video", clip, "--engine", binary_model, "--save-masks", tmp_path / "m",
                "--stats-json", tmp_path / "s.json")  # fmt: skip
    whole = time.perf_counter() - began
    figures = json.loads((tmp_path / "s.json").read_text())
    # Loading the libraries, reading the video and compiling the model take longer than all the frames of this clip do.
    assert figures["seconds"] < figures["first_frame_s"] + 0.02 < whole + 0.04
    assert f"; first after {figures['first_frame_s']:.2f} s; peak memory" in done.stdout
