"""What the C++ player writes where: refused before anything is opened, or complete."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import cv2
import pytest

from tests.cpp.player import PLAYER, ROOT, built, fails, parts_in, play
from tests.runtime.clips import frame

pytestmark = built


@pytest.fixture
def given(binary_model, clip) -> tuple:
    """A command that lacks its outputs; the input is a copy, in a folder of its own below tmp_path."""
    return ("--video", clip, "--engine", binary_model)


def test_an_output_never_falls_on_an_input(given, clip, binary_model, tmp_path):
    before, model = clip.read_bytes(), binary_model.read_bytes()
    link = tmp_path / "link.mp4"
    link.symlink_to(clip)
    masks = ("--save-masks", tmp_path / "m")
    assert f"{clip}: is the input itself" in fails(2, *given, *masks, "--stats-json", clip)
    assert f"{link}: is the input itself" in fails(2, *given, *masks, "--stats-json", link)
    assert f"{clip}: is the input itself" in fails(2, *given, "--save", clip)
    assert f"{binary_model}: is the input itself" in fails(2, *given, *masks, "--stats-json", binary_model)
    photo = tmp_path / "a.png"
    cv2.imwrite(str(photo), frame(5))
    arguments = ("--images", photo, "--engine", binary_model, *masks, "--stats-json", photo)
    assert f"{photo}: is the input itself" in fails(2, *arguments)
    assert (clip.read_bytes(), binary_model.read_bytes()) == (before, model)
    assert not (tmp_path / "m").exists()


def test_an_output_never_falls_on_the_default_model(clip, binary_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = Path("models/release/skyseg.onnx")
    model.parent.mkdir(parents=True)
    shutil.copy(binary_model, model)
    message = fails(2, "--video", clip, "--save-masks", "m", "--stats-json", model)
    assert f"{model}: is the input itself" in message
    assert model.read_bytes() == binary_model.read_bytes()


def test_a_name_with_a_colon_is_a_file_and_an_address_is_none(clip, binary_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(clip, "a:b.mp4")
    done = play("--video", "a:b.mp4", "--engine", binary_model, "--save", "2026-11-30T18:32:05.mp4")
    assert done.returncode == 0, done.stderr
    assert Path("2026-11-30T18:32:05.mp4").stat().st_size > 0
    given = ("--video", "a:b.mp4", "--engine", binary_model)
    for option, address in (
        ("--save", "https://me:secret@x/y.mp4"),
        ("--save-masks", "s3://x"),
        ("--stats-json", "http://x/y"),
    ):
        message = fails(2, *given, "--save-masks", "m", option, address)
        assert f"error: {option}: is for files here, not for addresses" in message
        assert "secret" not in message
    assert not parts_in(tmp_path)
    assert not list(tmp_path.glob("*:"))


def test_two_outputs_are_two_places_however_they_are_spelt(given, binary_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    cv2.imwrite("photos/a.png", frame(5))
    assert "--save and --stats-json: both would write" in fails(2, *given, "--save", "x.mp4", "--stats-json", "x.mp4")
    assert "--save-masks and --stats-json: both" in fails(2, *given, "--save-masks", "out", "--stats-json", "./out")
    pictures = ("--images", "photos", "--engine", binary_model)
    for one, other in (("out", "./out"), ("out", "out/"), ("new/../out", "out"), ("out", tmp_path / "out")):
        message = fails(2, *pictures, "--save", one, "--save-masks", other)
        assert "both would write" in message
    assert sorted(path.name for path in tmp_path.glob("*")) == ["photos"]


def test_places_that_cannot_be_written_are_refused_before_anything_is_opened(given, binary_model, tmp_path):
    """Even before the input: nobody waits for a whole run to hear of it."""
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "file").touch()
    masks = ("--save-masks", tmp_path / "m")
    assert "a folder of this name is in the way" in fails(2, *given, *masks, "--stats-json", tmp_path)
    assert "a folder of this name is in the way" in fails(2, *given, "--save", tmp_path / "folder.mp4")
    no_video = ("--video", tmp_path / "file", "--engine", binary_model)
    assert "of this kind" in fails(2, *no_video, "--save", tmp_path / "out.gif")
    assert "cannot be made a folder" in fails(2, *no_video, *masks, "--stats-json", tmp_path / "file" / "s.json")
    assert sorted(path.name for path in tmp_path.iterdir() if path.name[0] != "c") == ["file", "folder.mp4"]


def test_a_cache_that_cannot_be_made_is_refused(given, tmp_path):
    (tmp_path / "file").touch()
    message = fails(2, *given, "--save-masks", tmp_path / "m", "--cache", tmp_path / "file" / "cache")
    assert f"{tmp_path / 'file' / 'cache'}: cannot be made a folder" in message


def as_nobody(*arguments: object) -> subprocess.CompletedProcess:
    """Runs the player as one who may not read everything, as root may."""
    user = {"user": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    return play(*arguments, **user)


@pytest.fixture
def open_to_all(binary_model, clip):
    """A folder that nobody may look into, with a clip, a model and a closed folder with the same."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "closed").mkdir()
        for place in (folder, folder / "closed"):
            shutil.copy(clip, place / "clip.mp4")
            shutil.copy(binary_model, place / "m.onnx")
        shutil.copy(clip, folder / "secret.mp4")
        (folder / "secret.mp4").chmod(0o200)
        (folder / "closed").chmod(0o700 if os.geteuid() == 0 else 0o000)
        folder.chmod(0o777)
        yield folder
        (folder / "closed").chmod(0o700)


def test_what_may_not_be_read_or_looked_at_is_told_as_such(open_to_all):
    folder, closed = open_to_all, open_to_all / "closed"
    video, engine = ("--video", folder / "clip.mp4"), ("--engine", folder / "m.onnx")
    masks = ("--save-masks", folder / "m")
    for code, said, arguments in (
        (2, f"{folder / 'secret.mp4'}: may not be read", ("--video", folder / "secret.mp4", *engine, *masks)),
        (2, f"{closed / 'clip.mp4'}: may not be read", ("--video", closed / "clip.mp4", *engine, *masks)),
        (2, "not writable", (*video, *engine, "--save", closed / "x.mp4")),
        (2, "not writable", (*video, *engine, "--save-masks", closed / "m")),
        (2, "not writable", (*video, *engine, *masks, "--stats-json", closed / "s.json")),
        (2, "no such picture, folder or pattern", ("--images", closed / "a.png", *engine, *masks)),
        (3, f"{closed / 'm.onnx'}: may not be read", (*video, "--engine", closed / "m.onnx", *masks)),
    ):
        done = as_nobody(*arguments)
        assert (done.returncode, said in done.stderr) == (code, True), done.stderr
        assert "\n  fix: " in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folders_that_may_not_be_written_are_refused(given, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    for option, place in (("--save", "x.mp4"), ("--save-masks", "m"), ("--stats-json", "s.json")):
        assert "not writable" in fails(2, *given, "--save-masks", tmp_path / "m", option, closed / place)


def test_devices_are_written_to_and_not_replaced(given, tmp_path):
    arguments = (*given, "--save-masks", tmp_path / "m", "--quiet", "--stats-json")
    assert json.loads(play(*arguments, "/dev/stdout").stdout)["frames"] > 0
    null = Path("/dev/null").stat().st_rdev
    assert play(*arguments, "/dev/null").returncode == 0
    assert Path("/dev/null").stat().st_rdev == null
    assert Path("/dev/stdout").is_symlink()
    # In a file that the shell opened, figures follow what stood there before.
    with (tmp_path / "log").open("w+b") as log:
        log.write(b"before\n")
        log.flush()
        command = [str(PLAYER), *map(str, arguments), "/dev/stdout"]
        subprocess.run(command, cwd=ROOT, stdout=log, timeout=240, check=True)
        log.write(b"after\n")
    first, *figures, last = (tmp_path / "log").read_text().splitlines()
    assert (first, last) == ("before", "after")
    assert json.loads("\n".join(figures))["frames"] > 0
    assert not parts_in(tmp_path)


@pytest.mark.parametrize("display", [None, ":4242"])
def test_a_window_without_a_display_is_told_of(display, given, tmp_path):
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    if display:
        environment["DISPLAY"] = display

    def run(*arguments) -> subprocess.CompletedProcess:
        return subprocess.run(
            [str(PLAYER), *map(str, (*given, "--show", *arguments))],
            env=environment, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip

    reason = f"the display {display} (DISPLAY) does not answer" if display else "there is no display here"
    shown = run()
    assert shown.returncode == 2
    assert f"error: cannot open a window\n  why: {reason}" in shown.stderr
    saved = run("--save", tmp_path / "out.mp4", "--save-masks", tmp_path / "m")
    assert saved.returncode == 0, saved.stderr
    assert saved.stderr.startswith(f"note: --show: {reason}")
    assert (tmp_path / "out.mp4").is_file()
    assert not parts_in(tmp_path)
