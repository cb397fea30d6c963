import errno
import os
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from src.errors import UserError
from src.runtime.video import sound
from src.runtime.video.sound import SoundTracks
from src.runtime.video.source import VideoSource
from src.runtime.video.timing import OutputClock
from src.runtime.video.writer import VideoWriter
from tests.runtime.clips import FPS, HEIGHT, WIDTH, add_sound, beep_in, frame, times_of, write_clip

GREY = np.full((48, 64, 3), 128, np.uint8)


@pytest.fixture(scope="module")
def sounding(clip, tmp_path_factory):
    """Two seconds of the clip, with a beep from 1.0 to 1.2 s."""
    return add_sound(clip, tmp_path_factory.mktemp("sound") / "sounding.mp4")


def copied(source, target, *, start=0.0, end=9.0):
    """Writes the frames of a video between two times, with its sound; returns the notes."""
    with (
        VideoSource(source) as video,
        VideoWriter(target, video.width, video.height, video.fps, sound=SoundTracks(source)) as writer,
    ):
        for found in video:
            if start <= found.time < end:
                writer.write(found.image, found.time)
    return writer.notes


def test_a_second_ctrl_c_while_the_file_is_finished_leaves_nothing(tmp_path, monkeypatch):
    writer = VideoWriter(tmp_path / "out.mp4", 64, 48, 25)
    writer.write(GREY)

    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(type(writer._place), "keep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        writer.finish()
    assert not list(tmp_path.iterdir())


def test_odd_sizes_are_padded_by_doubling_the_last_row_and_column(tmp_path):
    write_clip(tmp_path / "odd.mp4", frames=3, width=95, height=63)
    with VideoSource(tmp_path / "odd.mp4") as source:
        assert (source.width, source.height) == (96, 64)
        picture = next(iter(source)).image.astype(int)
    assert np.abs(picture[:, 95] - picture[:, 94]).max() < 12


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (2, 4320)])
def test_the_smallest_and_slimmest_pictures_are_written(size, tmp_path):
    write_clip(tmp_path / "small.mp4", frames=2, width=size[1], height=size[0])
    assert len(times_of(tmp_path / "small.mp4")) == 2


def test_the_file_is_h264_with_its_colours_tagged_and_its_rate_exact(tmp_path):
    with VideoWriter(tmp_path / "ntsc.mp4", 64, 48, 30000 / 1001) as writer:
        for _ in range(3):
            writer.write(GREY)
    with av.open(tmp_path / "ntsc.mp4") as container:
        stream = container.streams.video[0]
        codec = stream.codec_context
        assert (codec.name, codec.pix_fmt, codec.colorspace, codec.color_range) == ("h264", "yuv420p", 6, 1)
        assert (stream.average_rate.numerator, stream.average_rate.denominator) == (30000, 1001)
        assert stream.frames == 3


@pytest.mark.parametrize("fps", [Fraction(24000, 1001), Fraction(25), Fraction(60), Fraction(1, 2), Fraction(25, 2)])
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".m4v"])
def test_a_constant_rate_comes_out_exact_though_times_jitter_by_half_a_millisecond(fps, suffix, tmp_path):
    with VideoWriter(tmp_path / f"out{suffix}", 64, 48, float(fps)) as writer:
        for index in range(20):
            writer.write(GREY, round(float(index / fps), 3))
    with av.open(tmp_path / f"out{suffix}") as container:
        assert container.streams.video[0].average_rate == fps
        assert container.streams.video[0].duration * container.streams.video[0].time_base == 20 / fps


def test_a_variable_rate_keeps_the_time_of_each_frame(tmp_path):
    times = [3.0, 3.04, 3.2, 3.21, 4.5, 4.533]
    for suffix in (".mp4", ".mkv"):
        with VideoWriter(tmp_path / f"out{suffix}", 64, 48, 25) as writer:
            for time in times:
                writer.write(GREY, time)
        assert times_of(tmp_path / f"out{suffix}") == pytest.approx([time - 3 for time in times], abs=1.1e-3)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_frames_that_are_very_far_apart_are_written(suffix, tmp_path):
    with VideoWriter(tmp_path / f"out{suffix}", 64, 48, 25 / 60_000) as writer:
        for time in (0, 2400, 4800):
            writer.write(GREY, time)
    assert times_of(tmp_path / f"out{suffix}") == [0, 2400, 4800]


def test_a_clock_that_stands_still_gives_way_to_the_nominal_rate():
    clock = OutputClock(25)
    assert [clock.tick(0.0) * clock.time_base * 25 for _ in range(4)] == [0, 1, 2, 3]
    assert clock.tick(0.01) == 3 * clock.frame_ticks + 1, "time stamps always rise"
    assert clock.tick(1.0) == 25 * clock.frame_ticks


def test_a_codec_with_coarse_ticks_gets_a_rate_it_can_hold():
    assert OutputClock(29.98, most_ticks=65_535).time_base.denominator <= 65_535
    assert OutputClock(997.003, most_ticks=65_535).rate == 997
    assert OutputClock(30000 / 1001, most_ticks=65_535).rate == Fraction(30000, 1001)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_sound_goes_along_uncoded(suffix, sounding, tmp_path):
    assert copied(sounding, tmp_path / f"out{suffix}") == []
    with av.open(sounding) as before, av.open(tmp_path / f"out{suffix}") as after:
        packets = [[bytes(packet) for packet in container.demux(audio=0)] for container in (before, after)]
    whole = [packet for packet in packets[0] if packet]
    kept = [packet for packet in packets[1] if packet]
    assert kept == whole[-len(kept) :], "byte for byte; Matroska has no place for the packet before the beginning"
    assert len(kept) >= len(whole) - 1
    assert beep_in(tmp_path / f"out{suffix}") == pytest.approx((1.0, 1.2), abs=0.03)


def test_sound_is_cut_with_the_pictures(sounding, tmp_path):
    copied(sounding, tmp_path / "out.mp4", start=0.75, end=1.5)
    assert len(times_of(tmp_path / "out.mp4")) == 9
    assert beep_in(tmp_path / "out.mp4") == pytest.approx((0.25, 0.45), abs=0.03)
    with av.open(tmp_path / "out.mp4") as container:
        assert container.duration / av.time_base == pytest.approx(0.75, abs=0.03)


def test_sound_is_found_far_inside_a_file(tmp_path):
    long = write_clip(tmp_path / "long.mp4", frames=96)
    add_sound(long, tmp_path / "sounding.mp4", beep_at=6.5, seconds=8)
    copied(tmp_path / "sounding.mp4", tmp_path / "out.mp4", start=6.0)
    assert beep_in(tmp_path / "out.mp4") == pytest.approx((0.5, 0.7), abs=0.03)


def test_sound_that_the_file_cannot_hold_becomes_aac_and_is_told(clip, tmp_path):
    sounding = add_sound(clip, tmp_path / "raw.mov", codec="pcm_s16le")
    assert "re-encoded as AAC" in copied(sounding, tmp_path / "out.mp4")[0]
    with av.open(tmp_path / "out.mp4") as container:
        assert container.streams.audio[0].codec_context.name == "aac"
    assert beep_in(tmp_path / "out.mp4") == pytest.approx((1.0, 1.2), abs=0.03)
    assert copied(sounding, tmp_path / "out.mov") == [], "and a file that can hold it, does"


@pytest.mark.parametrize(("rate", "layout"), [(6000, "mono"), (22254, "mono"), (48000, "8 channels")])
def test_sound_unlike_any_aac_becomes_the_nearest(rate, layout, clip, tmp_path):
    sounding = add_sound(clip, tmp_path / "raw.mov", codec="pcm_s16le", rate=rate, layout=layout)
    assert "re-encoded as AAC" in copied(sounding, tmp_path / "out.mp4")[0]
    assert beep_in(tmp_path / "out.mp4") == pytest.approx((1.0, 1.2), abs=0.06)


def test_recordings_that_were_joined_keep_the_sound_of_each(clip, tmp_path):
    one = add_sound(clip, tmp_path / "one.ts")
    (tmp_path / "two.ts").write_bytes(2 * one.read_bytes())
    assert copied(tmp_path / "two.ts", tmp_path / "out.mp4") == []
    assert len(times_of(tmp_path / "out.mp4")) == 2 * len(times_of(one))
    assert beep_in(tmp_path / "out.mp4") == pytest.approx((1.0, 3.2), abs=0.06)


def test_sound_that_is_refused_at_the_beginning_or_in_the_middle_costs_no_pictures(
    clip, sounding, tmp_path, monkeypatch
):
    raw = add_sound(clip, tmp_path / "raw.mov", codec="pcm_s16le")
    monkeypatch.setattr(sound, "_nearest_aac", lambda _: (6000, "mono"))  # which AAC does not have
    [note] = copied(raw, tmp_path / "out.mp4")
    assert "the sound is left out" in note
    monkeypatch.setattr(sound._RisingClock, "put_on", lambda self, packet: setattr(packet, "dts", 0))
    [note] = copied(sounding, tmp_path / "other.mp4")
    assert "some of the sound is left out" in note
    assert times_of(tmp_path / "out.mp4") == times_of(tmp_path / "other.mp4") == times_of(clip)


def test_a_disk_that_fills_up_is_told_by_the_files_own_name(sounding, tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise av.error.OSError(errno.ENOSPC, "No space left on device", ".out.part.mp4")

    monkeypatch.setattr(SoundTracks, "until", refuse)
    with pytest.raises(UserError) as caught:
        copied(sounding, tmp_path / "out.mp4")
    assert str(caught.value).splitlines()[:2] == [
        f"error: {tmp_path / 'out.mp4'}: cannot be written to", "  why: No space left on device",
    ]  # fmt: skip
    assert "free some space" in caught.value.fix
    assert not list(tmp_path.iterdir())


def test_a_video_without_sound_stays_without(clip, tmp_path):
    assert not SoundTracks(clip)
    assert copied(clip, tmp_path / "out.mp4") == []
    with av.open(tmp_path / "out.mp4") as container:
        assert not container.streams.audio
    (tmp_path / "text.mp4").write_text("no video")
    assert not SoundTracks(tmp_path / "text.mp4")


def test_damaged_sound_does_not_stop_the_pictures(clip, tmp_path):
    sounding = add_sound(clip, tmp_path / "sounding.mkv")
    content = sounding.read_bytes()
    sounding.write_bytes(content[: len(content) // 2])
    copied(sounding, tmp_path / "out.mp4")
    assert times_of(tmp_path / "out.mp4")


def test_transparency_is_kept_in_mov(tmp_path):
    picture = np.zeros((47, 63, 4), np.uint8)
    picture[:20] = (10, 20, 30, 0)
    picture[20:] = (200, 100, 50, 255)
    with VideoWriter(tmp_path / "cut.mov", 63, 47, 25, alpha=True) as writer:
        for _ in range(3):
            writer.write(picture)
    with av.open(tmp_path / "cut.mov") as container:
        found = [decoded.to_ndarray(format="bgra") for decoded in container.decode(video=0)]
    assert len(found) == 3
    assert np.array_equal(found[2], picture)
    with pytest.raises(UserError, match="no transparency") as caught:
        VideoWriter(tmp_path / "cut.mp4", 63, 47, 25, alpha=True)
    assert ".mov" in caught.value.fix


def test_without_an_h264_encoder_mpeg4_takes_its_place_and_is_told(clip, tmp_path, monkeypatch):
    monkeypatch.setattr(av, "codecs_available", av.codecs_available - {"libx264"})
    [note] = copied(clip, tmp_path / "out.mp4")
    assert "MPEG-4" in note
    with av.open(tmp_path / "out.mp4") as container:
        assert container.streams.video[0].codec_context.name == "mpeg4"
        assert container.streams.video[0].average_rate == FPS
    with VideoSource(tmp_path / "out.mp4") as source:
        assert np.abs(next(iter(source)).image.astype(int) - frame(0)).mean() < 4


def test_an_error_removes_the_part_and_keeps_the_earlier_file(tmp_path):
    target = tmp_path / "out.mp4"
    target.write_bytes(b"earlier")
    with pytest.raises(ZeroDivisionError), VideoWriter(target, WIDTH, HEIGHT, FPS) as writer:
        writer.write(frame(0))
        assert sorted(path.name for path in tmp_path.iterdir()) == [".out.part.mp4", "out.mp4"]
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]
    assert target.read_bytes() == b"earlier"


def test_folders_that_were_made_for_nothing_are_removed(tmp_path):
    with pytest.raises(ZeroDivisionError), VideoWriter(tmp_path / "new" / "deep" / "out.mp4", WIDTH, HEIGHT, FPS):
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())


def test_ctrl_c_keeps_what_was_written_with_its_sound(sounding, tmp_path):
    with (
        pytest.raises(KeyboardInterrupt),
        VideoWriter(tmp_path / "out.mp4", WIDTH, HEIGHT, FPS, sound=SoundTracks(sounding)) as writer,
    ):
        for index in range(15):
            writer.write(frame(index), index / FPS)
        raise KeyboardInterrupt
    assert len(times_of(tmp_path / "out.mp4")) == 15
    assert beep_in(tmp_path / "out.mp4") == pytest.approx((1.0, 1.2), abs=0.03)
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_no_frame_no_file(tmp_path):
    with VideoWriter(tmp_path / "out.mp4", WIDTH, HEIGHT, FPS):
        pass
    assert not list(tmp_path.iterdir())


def test_places_that_cannot_be_written_are_refused(tmp_path):
    with pytest.raises(UserError, match="cannot write a video of this kind") as caught:
        VideoWriter(tmp_path / "out.xyz", WIDTH, HEIGHT, FPS)
    assert ".mp4" in caught.value.fix
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be made"):
        VideoWriter(tmp_path / "file" / "out.mp4", WIDTH, HEIGHT, FPS)
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(UserError, match="a folder of this name"):
        VideoWriter(tmp_path / "folder.mp4", WIDTH, HEIGHT, FPS)


def test_a_folder_without_permission_is_refused(tmp_path, monkeypatch):
    tmp_path.chmod(0o500)
    if os.geteuid() == 0:  # root writes everywhere
        monkeypatch.setattr(os, "access", lambda path, mode: not Path(path).samefile(tmp_path))
    with pytest.raises(UserError, match="not writable"):
        VideoWriter(tmp_path / "out.mp4", WIDTH, HEIGHT, FPS)


def test_names_of_any_script_and_length_are_written(tmp_path):
    for name in ("Himmel über 雲.mp4", "x" * 251 + ".mp4"):
        write_clip(tmp_path / name, frames=2)
        assert len(times_of(tmp_path / name)) == 2
    assert len(list(tmp_path.iterdir())) == 2
    assert cv2.VideoCapture(str(tmp_path / "Himmel über 雲.mp4")).isOpened()
