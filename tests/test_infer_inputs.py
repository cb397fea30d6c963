"""What --video and its options take and refuse, through main()."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from src.infer import main
from src.runtime.options import check, parse
from src.runtime.video.source import VideoSource
from src.runtime.video.sources.inputs import VideoInput, find_videos, mirrored
from src.runtime.video.writer import VideoWriter
from tests.import_graph import ROOT
from tests.runtime.clips import FRAMES, horizon, horizon_in, read_mask, write_clip
from tests.runtime.made_videos import write_video


@pytest.fixture
def model(binary_model) -> Path:
    return binary_model


@pytest.fixture
def clips(tmp_path, clip) -> Path:
    """clips/one.mp4, clips/deep/two.mov, and a text that is called a video."""
    folder = tmp_path / "clips"
    (folder / "deep").mkdir(parents=True)
    shutil.copy(clip, folder / "one.mp4")
    write_clip(folder / "deep" / "two.mov", frames=5)
    (folder / "words.mp4").write_text("words\n" * 99)
    (folder / "notes.txt").touch()
    return folder


def run(model: Path, *arguments: object) -> None:
    main([str(argument) for argument in ("--engine", model, *arguments)])


def refused(model: Path, capfd, *arguments: object) -> str:
    with pytest.raises(SystemExit) as caught:
        run(model, *arguments)
    message = capfd.readouterr().err
    assert caught.value.code == 2, message
    assert "Traceback" not in message
    return message


def test_a_folder_of_videos_gives_each_its_outputs_one_summary_and_names_what_is_no_video(
    model, clips, tmp_path, capfd
):
    said = refused(
        model,
        capfd,
        "--video",
        clips,
        "--save",
        tmp_path / "out",
        "--save-masks",
        tmp_path / "masks",
        "--stats-json",
        tmp_path / "s.json",
        "--quiet",
    )
    assert "1 of 3 cannot be played" in said
    assert f"{clips / 'words.mp4'}: no frame can be read from it: it is not a video" in said
    assert json.loads((tmp_path / "s.json").read_text())["frames"] == FRAMES + 5
    for name, frames in (("one.mp4", FRAMES), ("deep/two.mov", 5)):
        with VideoSource(tmp_path / "out" / name) as source:
            assert len(list(source)) == frames
        masks = sorted((tmp_path / "masks" / name).with_suffix("").glob("*.png"))
        assert [mask.name for mask in masks] == [f"{index:06d}.png" for index in range(frames)]
    assert not (tmp_path / "out" / "words.mp4").exists()


def test_a_folder_of_videos_has_one_summary(model, clips, tmp_path, capfd):
    (clips / "words.mp4").unlink()
    run(model, "--video", clips, "--save-masks", tmp_path / "masks")
    said = capfd.readouterr().out
    assert said.count("model: ") == said.count(" frames in ") == 1
    assert f"{FRAMES + 5} frames in " in said


def test_all_that_cannot_be_played_are_named(model, tmp_path, capfd):
    for name in ("a.mp4", "b.mov"):
        (tmp_path / name).write_text("words")
    said = refused(model, capfd, "--video", tmp_path, "--save-masks", tmp_path / "m")
    assert "2 of 2 cannot be played" in said
    assert "a.mp4: " in said
    assert "b.mov: " in said


def test_linked_folders_are_searched_too_but_not_in_circles(clips, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to(clips, target_is_directory=True)
    (clips / "deep" / "up").symlink_to(clips, target_is_directory=True)
    found = [str(video.below) for video in find_videos(str(tmp_path / "in"))]
    assert found == ["link/deep/two.mov", "link/one.mp4", "link/words.mp4"]


def test_a_folder_that_may_not_be_looked_into_is_named(model, clips, tmp_path, capfd, monkeypatch):
    (clips / "words.mp4").unlink()
    listed = Path.iterdir  # root may look into everything

    def refusing(folder):
        if folder.name == "deep":
            raise PermissionError(13, "Permission denied", str(folder))
        return listed(folder)

    monkeypatch.setattr(Path, "iterdir", refusing)
    said = refused(model, capfd, "--video", clips, "--save-masks", tmp_path / "m")
    assert "1 of 2 cannot be played" in said
    assert f"{clips / 'deep'}: cannot be looked into: Permission denied" in said
    assert len(list((tmp_path / "m" / "one").iterdir())) == FRAMES


@pytest.mark.parametrize("name", ["12:30:00.mp4", "file:x.mp4"])
def test_names_with_a_colon_are_files(name, model, clip, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(clip, name)
    Path("out").mkdir()
    monkeypatch.chdir(tmp_path)
    run(model, "--video", name, "--save", f"9:{name}", "--max-frames", 2, "--quiet")
    with VideoSource(f"9:{name}") as source:
        assert len(list(source)) == 2


def test_a_name_that_is_no_utf_8_is_refused_and_the_others_are_played(model, clip, tmp_path, capfd):
    folder = tmp_path / "clips"
    folder.mkdir()
    shutil.copy(clip, folder / os.fsdecode(b"caf\xe9.mp4"))
    shutil.copy(clip, folder / "one.mp4")
    said = refused(model, capfd, "--video", folder, "--save-masks", tmp_path / "m")
    assert "its name is no UTF-8" in said
    assert [path.name for path in (tmp_path / "m").iterdir()] == ["one"]


def test_cut_outs_of_several_videos_end_in_what_holds_transparency(model, clips, tmp_path):
    (clips / "words.mp4").unlink()
    run(model, "--video", clips, "--view", "cut-out", "--save", tmp_path / "out", "--max-frames", 6, "--quiet")
    assert sorted(path.name for path in (tmp_path / "out").rglob("*.*")) == ["one.mov", "two.mov"]


@pytest.mark.parametrize("option", ["--images", "--save", "--save-masks", "--alpha", "--csv", "--stats-json", "--sky"])
@pytest.mark.parametrize("address", ["rtmp://u:secret@host/live/KEY", "HTTP://h/a.jpg?token=secret"])
def test_addresses_are_refused_for_files_and_their_secrets_told_nowhere(option, address, model, clip, capfd):
    given = () if option == "--images" else ("--video", clip)
    said = refused(model, capfd, *given, option, address)
    assert f"{option}: is for files here" in said
    assert "secret" not in said
    assert "KEY" not in said


def test_what_the_system_refuses_of_a_name_is_no_traceback(model, clip, tmp_path, capfd):
    long = tmp_path / ("a" * 300 + ".mp4")
    for arguments in (("--video", long, "--save-masks", tmp_path / "m"), ("--video", clip, "--save", long)):
        assert "File name too long" in refused(model, capfd, *arguments)


def test_figures_go_to_a_device_as_it_is(model, clip, tmp_path, capfd):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    run(model, "--video", clip, "--max-frames", 2, "--csv", "/dev/null", "--stats-json", pipe, "--quiet")
    assert json.loads(os.read(reader, 2**16))["frames"] == 2
    os.close(reader)
    assert not Path("/dev/null").is_file()
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize("option", ["--stats-json", "--csv"])
def test_figures_follow_what_stands_in_a_file_that_the_shell_opened(option, model, clip, tmp_path):
    given = ("--engine", model, "--video", clip, "--max-frames", "2", "--save-masks", tmp_path / "m", "--quiet")
    command = [sys.executable, "-m", "src.infer", *given]
    with (tmp_path / "log").open("w+") as log:
        print("before", file=log, flush=True)
        subprocess.run([*command, option, "/dev/stdout"], cwd=ROOT, stdout=log, timeout=240, check=True)
        print("after", file=log)
    first, *figures, last = (tmp_path / "log").read_text().splitlines()
    assert (first, last) == ("before", "after")
    assert len(figures) == 3 if option == "--csv" else json.loads("\n".join(figures))["frames"] == 2


def test_ctrl_c_while_an_output_is_finished_ends_the_run_after_it(model, clips, tmp_path, monkeypatch, capfd):
    finish = VideoWriter.finish
    monkeypatch.setattr(VideoWriter, "finish", lambda self: (signal.raise_signal(signal.SIGINT), finish(self)))
    with pytest.raises(SystemExit) as caught:
        run(model, "--video", clips, "--save", tmp_path / "out")
    assert caught.value.code == 130
    assert "5 frames in " in capfd.readouterr().out
    assert [path.name for path in (tmp_path / "out").rglob("*.m*")] == ["two.mov"]
    with VideoSource(tmp_path / "out" / "deep" / "two.mov") as source:
        assert len(list(source)) == 5


def test_a_pattern_names_videos_and_max_frames_counts_them_together(model, clips, tmp_path):
    run(model, "--video", clips / "*" / "*.mov", "--save-masks", tmp_path / "a", "--quiet")
    assert len(list((tmp_path / "a" / "deep" / "two").iterdir())) == 5
    run(model, "--video", clips, "--save-masks", tmp_path / "b", "--max-frames", 7, "--quiet")
    assert len(list((tmp_path / "b" / "deep" / "two").iterdir())) == 5
    assert len(list((tmp_path / "b" / "one").iterdir())) == 2


def test_videos_saved_by_an_earlier_run_are_no_input(model, clips):
    for _ in range(2):
        run(model, "--video", clips, "--save", clips / "out", "--max-frames", 1, "--quiet")
    assert [path.name for path in (clips / "out").rglob("*.*")] == ["two.mov"]


def test_frames_are_chosen_by_time_stride_and_rate(model, clip, tmp_path):
    run(
        model,
        "--video",
        clip,
        "--start",
        0.5,
        "--end",
        1.0,
        "--save-masks",
        tmp_path / "a",
        "--save",
        tmp_path / "a.mp4",
        "--quiet",
    )
    masks = sorted((tmp_path / "a").iterdir())
    assert len(masks) == 6
    assert abs(horizon_in(read_mask(masks[0])) - horizon(6)) <= 3
    run(model, "--video", clip, "--stride", 10, "--loop", 2, "--save-masks", tmp_path / "b", "--quiet")
    horizons = [horizon_in(read_mask(path)) - horizon(0) for path in sorted((tmp_path / "b").iterdir())]
    assert [round(moved / 40) for moved in horizons] == [0, 1, 2] * 2
    run(model, "--video", clip, "--fps", 6, "--save", tmp_path / "c.mp4", "--quiet")
    with VideoSource(tmp_path / "c.mp4") as source:
        assert (source.fps, source.frame_count) == (6, 12)


def test_a_cut_video_is_played_and_noted(model, tmp_path, capfd):
    whole = write_video(tmp_path / "whole.mkv", codec="mjpeg", pixels="yuvj420p")
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    run(model, "--video", cut, "--save-masks", tmp_path / "masks")
    assert f"note: {cut}: cut or damaged, ends after " in capfd.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--video", "none.mp4"), "none.mp4: no such video"),
        (("--video", "none/*.mp4"), "none/*.mp4: no videos there"),
        (("--video", "EMPTY"), "no videos there"),
        (("--video", "FOLDER", "--save", "out.mp4"), "--save out.mp4: several videos are saved into a folder"),
        (("--video", "FOLDER", "--csv", "out.csv"), "--csv out.csv: several videos are saved into a folder"),
        (("--video", "97"), "camera 97: cannot be opened"),
        (("--video", "gopher://u:secret@host/a"), "gopher://***@host/a: addresses of this kind cannot be played"),
        (("--video", "rtsp://u:secret@127.0.0.1:1/a?key=secret"), "rtsp://***@127.0.0.1:1/a?key=***: cannot be opened"),
        (("--video", "rtsp://host/a", "--loop", "2"), "--loop: rtsp://host/a is live"),
        (("--video", "0", "--start", "2"), "--start: camera 0 is live"),
        (("--video", "CLIP", "--reconnect", "5"), "--reconnect: is for cameras and streams"),
        (("--video", "CLIP", "--stride", "2", "--fps", "5"), "--stride and --fps: both choose"),
        (("--video", "CLIP", "--start", "60"), "nothing to play from --start 60 on"),
        (("--images", "a.jpg", "--reconnect", "5"), "--reconnect: is for videos"),
        (("--images", "a.jpg", "--batch", "2"), "--batch: is for videos"),
        (("--video", "CLIP", "--batch", "65"), "65 frames at once would fill the memory; the most is 64"),
        (("--video", "CLIP", "--end", "0"), "--end 0: no frame comes before it"),
        (("--video", "CLIP", "--background", "#00ff00"), "--background: --view overlay has no use for it"),
        (("--video", "CLIP", "--view", "outline", "--opacity", "0.3"), "choose --view overlay or side-by-side"),
        (("--images", "a.jpg", "--view", "mask", "--colour", "#00ff00"), "--colour: --view mask has no use for it"),
        (
            ("--video", "CLIP", "--view", "mask", "--opacity", "0.5", "--show", "--save", "o.mp4"),
            "--opacity: --view mask",
        ),
    ],
)
def test_what_cannot_be_played_is_refused_in_words(arguments, said, model, clip, clips, tmp_path, capfd, monkeypatch):
    (tmp_path / "empty").mkdir()
    places = {"CLIP": clip, "FOLDER": clips, "EMPTY": tmp_path / "empty"}
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.rglob("*"))
    message = refused(model, capfd, *(places.get(word, word) for word in arguments), "--save-masks", tmp_path / "m")
    assert said in message
    assert "secret" not in message
    assert set(tmp_path.rglob("*")) == before, "nothing is left behind"


def test_a_video_that_may_not_be_read_is_no_broken_video(model, clip, tmp_path, capfd, monkeypatch):
    closed = Path(shutil.copy(clip, tmp_path / "closed.mp4"))
    allowed = os.access  # root may read everything, whatever the file's mode
    monkeypatch.setattr(os, "access", lambda path, mode: path != closed and allowed(path, mode))
    message = refused(model, capfd, "--video", closed, "--save-masks", tmp_path / "m")
    assert f"{closed}: may not be read" in message


def test_what_another_view_would_use_is_taken_where_keys_can_change_the_view():
    for view, *rest in (("mask", "--show", "--save-masks", "m"), ("cut-out",), ("outline", "--show")):
        check(parse(["--video", "a", "--view", view, "--opacity", "0.3", *rest], ""))
        check(parse(["--images", "a", "--view", view, "--background", "#00ff00", *rest], ""))


def test_names_of_outputs_never_meet():
    def named(*paths: str) -> list[VideoInput]:
        return [VideoInput(f"/in/{path}", Path(path)) for path in paths]

    videos = named("a.mp4", "b.avi", "b.webm", "c/b.avi", "d.MOV")
    assert list(map(str, mirrored(videos))) == ["a.mp4", "b.avi.mp4", "b.webm.mp4", "c/b.mp4", "d.MOV"]
    assert list(map(str, mirrored(videos, ""))) == ["a", "b.avi", "b.webm", "c/b", "d"]
    # Where a longer name is another video's, that one gives way too.
    videos = named("b.avi", "b.webm", "b.avi.mp4", "v1.0.mp4", "v1.0.mov")
    assert list(map(str, mirrored(videos))) == ["b.avi.mp4", "b.webm.mp4", "b.avi.mp4.mp4", "v1.0.mp4", "v1.0.mov"]
    assert list(map(str, mirrored(videos, ""))) == ["b.avi", "b.webm", "b.avi.mp4", "v1.0.mp4", "v1.0.mov"]


def test_cameras_addresses_and_odd_names_are_one_input(tmp_path, monkeypatch):
    odd = tmp_path / "a[1].mp4"
    odd.touch()
    for given in ("0", "/dev/video2", "rtsp://host/a?x=[1]*", str(odd), "none.mp4"):
        assert find_videos(given) == [VideoInput(given)]
