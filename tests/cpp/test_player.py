"""The C++ player's command line: what tests/test_infer.py asks of the Python player."""

import json
import os
import resource
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest

from src.runtime.video.source import VideoSource
from src.runtime.video.stats import STEPS, Durations, summarise
from tests.cpp.player import PLAYER, ROOT, built, fails, parts_in, play
from tests.model_file import write_foreign_model
from tests.runtime.clips import FRAMES, frame, horizon, horizon_in, read_mask, write_clip

pytestmark = built


@pytest.fixture
def model(binary_model) -> Path:
    return binary_model


@pytest.fixture
def photos(tmp_path) -> Path:
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    cv2.imwrite(str(folder / "one.jpg"), frame(5))
    cv2.imwrite(str(folder / "deep" / "two.png"), cv2.resize(frame(10), (301, 203)))
    return folder


def test_a_video_becomes_a_video_masks_and_figures(model, clip, tmp_path):
    done = play(
        "--video", clip, "--engine", model, "--view", "side-by-side", "--threads", 2, "--precision", "fp32",
        "--save", tmp_path / "new" / "out.mp4", "--save-masks", tmp_path / "masks", "--stats-json", tmp_path / "s.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first, *rest = done.stdout.splitlines()
    assert first.startswith("model: blue-and-high (openvino fp32 on ")
    assert "input 96x64, test IoU 0.912" in first
    assert any(line.startswith(f"{FRAMES} frames in ") for line in rest)
    assert f"saved: {tmp_path / 'new' / 'out.mp4'}" in rest
    with VideoSource(tmp_path / "new" / "out.mp4") as source:
        assert (source.width, source.height, source.fps) == (384, 128, 12.0)
        assert len(list(source)) == FRAMES
    masks = sorted((tmp_path / "masks").iterdir())
    assert [path.name for path in masks] == [f"{index:06d}.png" for index in range(FRAMES)]
    for index, path in enumerate(masks):
        mask = read_mask(path)
        assert set(np.unique(mask)) <= {0, 255}
        assert abs(horizon_in(mask) - horizon(index)) <= 3
    assert not parts_in(tmp_path)


def test_the_figures_have_the_python_players_keys(model, clip, tmp_path):
    assert play("--video", clip, "--engine", model, "--save-masks", tmp_path / "m", "--stats-json",
                tmp_path / "s.json", "--quiet").stdout == ""  # fmt: skip
    figures = json.loads((tmp_path / "s.json").read_text())
    python = summarise(
        seconds=1, first_frame_s=1, frames=1, wall={step: Durations() for step in STEPS}, cpu=dict.fromkeys(STEPS, 1),
        model_busy_s=1, cores=1,
    ).to_dict()  # fmt: skip
    assert list(figures) == list(python)
    assert {name: list(step) for name, step in figures["steps"].items()} == {
        name: list(step) for name, step in python["steps"].items()
    }
    assert figures["frames"] == FRAMES
    assert figures["drops"] == 0


def test_photos_become_masks_and_pictures_in_the_same_tree(model, photos, tmp_path):
    (photos / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    arguments = ("--images", photos, "--engine", model, "--save-masks", photos / "masks", "--save", tmp_path / "out")
    for _ in range(2):  # masks of an earlier run are no photos
        done = play(*arguments)
        assert done.returncode == 2, done.stderr
        assert "2 photos in" in done.stdout
        assert f"1 of 3 cannot be read, and have no mask\n  why: {photos / 'broken.jpg'}" in done.stderr
    assert read_mask(photos / "masks" / "deep" / "two.png").shape == (203, 301)
    assert abs(horizon_in(read_mask(photos / "masks" / "one.png")) - horizon(5)) <= 2
    assert (tmp_path / "out" / "one.jpg").is_file()
    assert not parts_in(tmp_path)


def test_more_classes_save_the_class_index(three_class_model, tmp_path):
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[:20], picture[20:30] = (0, 0, 255), (0, 255, 0)
    cv2.imwrite(str(tmp_path / "flag.png"), picture)
    done = play("--images", tmp_path / "flag.png", "--engine", three_class_model, "--save-masks", tmp_path / "masks")
    assert done.returncode == 0, done.stderr
    mask = read_mask(tmp_path / "masks" / "flag.png")
    assert (mask[5, 5], mask[25, 5], mask[35, 5]) == (1, 2, 0)


def test_only_unreadable_photos_are_an_error(model, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    message = fails(2, "--images", tmp_path, "--engine", model, "--save-masks", tmp_path / "m", "--quiet")
    assert "broken.jpg: not a readable picture" in message


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "no such video"), (b"", "an empty file"), (b"only words\n" * 50, "no frame can be read")],
)
def test_what_is_no_video_is_refused(content, said, model, tmp_path):
    path = tmp_path / "clip.mp4"
    if content is not None:
        path.write_bytes(content)
    message = fails(2, "--video", path, "--engine", model, "--save", tmp_path / "out.mp4")
    assert message.startswith(f"error: {path}: {said}"), "our message alone, without FFmpeg's"
    assert not (tmp_path / "out.mp4").exists()
    assert not parts_in(tmp_path)


def test_bad_places_are_refused(model, clip, photos, tmp_path):
    (tmp_path / "file").touch()
    video, pictures = ("--video", clip, "--engine", model, "--quiet"), ("--images", photos, "--engine", model)
    masks = ("--save-masks", tmp_path / "masks")
    assert "of this kind" in fails(2, *video, "--save", tmp_path / "out.webp")
    assert "cannot be made" in fails(2, *video, "--save", tmp_path / "file" / "out.mp4")
    assert "cannot be made" in fails(2, *video, "--save-masks", tmp_path / "file")
    assert "cannot be made" in fails(2, *video, *masks, "--stats-json", tmp_path / "file" / "s.json")
    assert "is the folder of the photos themselves" in fails(2, *pictures, "--save", photos)
    assert "into a folder" in fails(2, *pictures, "--save", tmp_path / "out.jpg")
    assert "no such picture" in fails(2, "--images", tmp_path / "none", "--engine", model, *masks)
    assert "a folder" in fails(2, "--video", photos, "--engine", model, *masks)
    copy = Path(shutil.copy(clip, tmp_path / "copy.mp4"))
    before = copy.read_bytes()
    assert "is the input itself" in fails(2, "--video", copy, "--engine", model, "--save", copy)
    assert copy.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.mp4", "file", "photos"]


def test_a_disk_that_fills_up_leaves_nothing_half_written(model, clip, tmp_path):
    (tmp_path / "out.mp4").write_bytes(b"earlier")

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    done = play("--video", clip, "--engine", model, "--save", tmp_path / "out.mp4", preexec_fn=small_files)
    assert done.returncode == 2, done.stderr
    assert f"error: {tmp_path / 'out.mp4'}: cannot be" in done.stderr
    assert (tmp_path / "out.mp4").read_bytes() == b"earlier"
    assert not parts_in(tmp_path)


def test_model_files_that_are_none_exit_with_3_and_write_nothing(model, clip, tmp_path):
    text = tmp_path / "text.onnx"
    text.write_text("not a model\n" * 99)
    truncated = tmp_path / "truncated.onnx"
    truncated.write_bytes(model.read_bytes()[:700])
    foreign = write_foreign_model(tmp_path / "foreign.onnx")
    (tmp_path / "engine").mkdir()
    for path in (text, truncated, foreign, tmp_path / "missing.onnx", tmp_path / "engine"):
        message = fails(3, "--video", clip, "--engine", path, "--save", tmp_path / "out.mp4")
        assert message.startswith(f"error: {path}: ")
    assert "int8" in fails(3, "--video", clip, "--engine", model, "--precision", "int8", "--save", tmp_path / "out.mp4")
    assert not (tmp_path / "out.mp4").exists()
    assert not parts_in(tmp_path)


@pytest.mark.parametrize(
    "damage",
    [{"threshold": 1.5}, {"threshold": -0.5}, {"precision": "fp8"}, {"colour": [0, 0, 256]}, {"colour": [0, 0]}],
    ids=str,
)
def test_a_damaged_card_exits_with_3(damage, model, clip, tmp_path):
    onnx_model = onnx.load(model)
    [card] = onnx_model.metadata_props
    fields = json.loads(card.value)
    fields["classes"][1]["colour"] = damage.get("colour", [0, 0, 255])
    card.value = json.dumps(fields | {name: value for name, value in damage.items() if name != "colour"})
    onnx.save(onnx_model, tmp_path / "m.onnx")
    message = fails(3, "--video", clip, "--engine", tmp_path / "m.onnx", "--save-masks", tmp_path / "masks")
    assert message.startswith(f"error: {tmp_path / 'm.onnx'}: its skyseg model card is damaged")


def test_without_a_model_the_message_names_the_commands(clip, tmp_path):
    """A player far from any models/ folder."""
    for part in PLAYER.parent.glob("*skyseg_*"):
        if part.is_file():
            shutil.copy(part, tmp_path)
    done = subprocess.run(
        [tmp_path / "skyseg_play", "--video", clip, "--save", "out.mp4"],
        cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "dvc repro" in done.stderr
    assert "--engine PATH" in done.stderr


def test_without_output_or_display_the_message_says_what_to_add(model, clip):
    for asked in ((), ("--show",)):
        assert "add --save OUT or --save-masks DIR" in fails(2, "--video", clip, "--engine", model, *asked)


@pytest.mark.parametrize("wrong", [(), ("--video", "a.mp4", "--opacity", "1.5"), ("--video", "a.mp4", "--view", "no")])
def test_wrong_options_show_the_usage(wrong):
    assert "error: " in fails(2, *wrong)


def test_help_names_the_exit_codes():
    done = play("--help")
    assert done.returncode == 0
    assert all(f"\n  {code} " in done.stdout for code in (0, 2, 3, 130))


@pytest.mark.skipif(not shutil.which("xvfb-run"), reason="xvfb-run is not installed")
def test_a_window_opens_on_a_display_plays_to_the_end_and_closes(model, tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", frames=6)
    command = ["xvfb-run", "-a", str(PLAYER), "--video", str(clip), "--engine", str(model)]
    # cv2, imported here, points Qt at the plugins of its own wheel.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("QT_")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    assert "6 frames in" in done.stdout
