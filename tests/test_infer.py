"""The command line as people use it: in a process of its own, or through main() where that says the same."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from src.infer import main
from src.runtime.engines.build import build_engine
from src.runtime.segmenter import SkySegmenter, built_engine
from src.runtime.video.source import VideoSource
from tests.model_file import (
    HEIGHT,
    WIDTH,
    binary_card,
    write_binary_model,
    write_foreign_model,
    write_three_class_model,
)
from tests.runtime.clips import FRAMES, frame, horizon, horizon_in, read_mask, write_clip

ROOT = Path(__file__).resolve().parents[1]
# What was started in the background, such as a test run under nohup, hands down an ignored SIGINT.
HEARING_CTRL_C = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from src.infer import main
main()
"""


@pytest.fixture
def model(binary_model) -> Path:
    return binary_model


@pytest.fixture
def photos(tmp_path) -> Path:
    """photos/one.jpg, photos/deep/two.png, photos/deep/three.JPG of different sizes."""
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    cv2.imwrite(str(folder / "one.jpg"), frame(5))
    cv2.imwrite(str(folder / "deep" / "two.png"), cv2.resize(frame(10), (301, 203)))
    cv2.imwrite(str(folder / "deep" / "three.JPG"), frame(15))
    return folder


def infer(*arguments: object, **popen) -> subprocess.CompletedProcess:
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    command = [sys.executable, "-m", "src.infer", *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False, **popen
    )


def fails(capfd, code: int, *arguments: object) -> str:
    """Runs main(), holds it to the exit code and to a message without a traceback, and returns the message."""
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    message = capfd.readouterr().err
    assert caught.value.code == code, message
    assert message.startswith(("error: ", "usage: "))
    assert "Traceback" not in message
    return message


def parts_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if ".part" in path.name]


def test_a_video_becomes_a_video_masks_and_figures(model, clip, tmp_path):
    done = infer(
        "--video", clip, "--engine", model, "--view", "side-by-side", "--threads", 2,
        "--save", tmp_path / "new" / "out.mp4", "--save-masks", tmp_path / "masks", "--stats-json", tmp_path / "s.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first, *rest = done.stdout.splitlines()
    assert first.startswith("model: blue-and-high (openvino fp32 on ")
    assert "input 96x64, test IoU 0.912" in first
    assert any(line.startswith(f"{FRAMES} frames in ") and line.endswith(" MiB") for line in rest)
    assert f"saved: {tmp_path / 'new' / 'out.mp4'}" in rest
    with VideoSource(tmp_path / "new" / "out.mp4") as source:
        assert (source.width, source.height) == (384, 128)
        assert len(list(source)) == FRAMES
    masks = sorted((tmp_path / "masks").iterdir())
    assert [path.name for path in masks] == [f"{index:06d}.png" for index in range(FRAMES)]
    for index, path in enumerate(masks):
        mask = read_mask(path)
        assert mask.shape == (128, 192)
        assert set(np.unique(mask)) <= {0, 255}
        assert abs(horizon_in(mask) - horizon(index)) <= 3
    figures = json.loads((tmp_path / "s.json").read_text())
    assert figures["frames"] == FRAMES
    assert not parts_in(tmp_path)


def test_photos_become_masks_and_pictures_in_the_same_tree(model, photos, tmp_path):
    done = infer(
        "--images", photos, "--engine", model, "--save-masks", tmp_path / "masks", "--save", tmp_path / "pictures",
        "--stats-json", tmp_path / "s.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    sizes = {"one.png": (128, 192), "deep/two.png": (203, 301), "deep/three.png": (128, 192)}
    for name, size in sizes.items():
        assert read_mask(tmp_path / "masks" / name).shape == size
    assert abs(horizon_in(read_mask(tmp_path / "masks" / "one.png")) - horizon(5)) <= 2
    found = sorted(str(path.relative_to(tmp_path / "pictures")) for path in (tmp_path / "pictures").rglob("*.*"))
    assert found == ["deep/three.JPG", "deep/two.png", "one.jpg"]
    assert json.loads((tmp_path / "s.json").read_text())["frames"] == 3
    assert not parts_in(tmp_path)


def test_a_photo_and_a_pattern_are_photos_too(model, photos, tmp_path, capsys):
    main(["--images", str(photos / "one.jpg"), "--engine", str(model), "--save-masks", str(tmp_path / "a"), "--quiet"])
    assert (tmp_path / "a" / "one.png").is_file()
    pattern = str(photos / "**" / "t*")
    main(["--images", pattern, "--engine", str(model), "--save-masks", str(tmp_path / "b"), "--quiet"])
    assert sorted(path.name for path in (tmp_path / "b" / "deep").iterdir()) == ["three.png", "two.png"]
    assert capsys.readouterr() == ("", ""), "--quiet"


def test_masks_of_an_earlier_run_are_no_photos(model, photos):
    for _ in range(2):
        main(["--images", str(photos), "--engine", str(model), "--save-masks", str(photos / "masks"), "--quiet"])
    assert len(list((photos / "masks").rglob("*.png"))) == 3


def test_more_classes_save_the_class_index(clip, tmp_path):
    model = write_three_class_model(tmp_path / "lanes.onnx")
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[:20], picture[20:30] = (0, 0, 255), (0, 255, 0)
    cv2.imwrite(str(tmp_path / "flag.png"), picture)
    arguments = ["--images", tmp_path / "flag.png", "--engine", model, "--save-masks", tmp_path / "masks", "--quiet"]
    main([str(argument) for argument in arguments])
    mask = read_mask(tmp_path / "masks" / "flag.png")
    assert (mask[5, 5], mask[25, 5], mask[35, 5]) == (1, 2, 0)


def test_saving_onto_the_input_is_refused(model, clip, photos, tmp_path, capfd):
    copy = Path(shutil.copy(clip, tmp_path / "copy.mp4"))
    before = copy.read_bytes()
    assert "is the input itself" in fails(capfd, 2, "--video", copy, "--engine", model, "--save", copy)
    assert copy.read_bytes() == before
    for option in ("--save", "--save-masks"):
        assert "the photos themselves" in fails(capfd, 2, "--images", photos, "--engine", model, option, photos)


def test_saving_onto_the_new_sky_is_refused(model, clip, photos, tmp_path, capfd):
    sky = Path(shutil.copy(clip, tmp_path / "sky.mp4"))
    before = sky.read_bytes()
    look = ("--engine", model, "--view", "replace", "--sky")
    message = fails(capfd, 2, "--video", clip, "--save", sky, *look, sky)
    assert f"--save {sky}: is the new sky" in message
    assert "is the new sky" in fails(capfd, 2, "--video", clip, "--save", tmp_path / "o.mp4", "--csv", sky, *look, sky)
    assert sky.read_bytes() == before
    picture = tmp_path / "evenings" / "one.jpg"  # where the photo of this name would be saved
    picture.parent.mkdir()
    cv2.imwrite(str(picture), frame(5))
    assert "would overwrite" in fails(capfd, 2, "--images", photos, "--save", picture.parent, *look, picture)


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "no such video"), (b"", "an empty file"), (b"only words\n" * 50, "no frame can be read")],
)
def test_what_is_no_video_is_refused(content, said, model, tmp_path):
    path = tmp_path / "clip.mp4"
    if content is not None:
        path.write_bytes(content)
    done = infer("--video", path, "--engine", model, "--save", tmp_path / "out.mp4")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {path}: {said}"), "our message alone, without FFmpeg's"
    assert not (tmp_path / "out.mp4").exists()
    assert not parts_in(tmp_path)


def test_what_is_no_photo_is_refused(model, tmp_path, capfd):
    (tmp_path / "bare").mkdir()
    rest = ("--engine", model, "--save-masks", tmp_path / "masks")
    assert "no such picture" in fails(capfd, 2, "--images", tmp_path / "none", *rest)
    assert "no pictures there" in fails(capfd, 2, "--images", tmp_path / "bare", *rest)
    assert "no pictures there" in fails(capfd, 2, "--images", tmp_path / "*.jpg", *rest)
    assert "no videos there" in fails(capfd, 2, "--video", tmp_path / "bare", *rest)
    for kind in ("--images", "--video"):  # a ValueError in pathlib before Python 3.13
        message = fails(capfd, 2, kind, tmp_path / "bare" / "a**.jpg", *rest)
        assert "** stands within a name" in message
        assert f"'{tmp_path / 'bare' / '**' / 'a*.jpg'}'" in message


def test_photos_are_not_saved_as_one_file(model, photos, tmp_path, capfd):
    given = ("--images", photos / "one.jpg", "--engine", model)
    assert "into a folder" in fails(capfd, 2, *given, "--save", tmp_path / "out.jpg")
    assert not (tmp_path / "out.jpg").exists()


def test_an_output_that_cannot_be_written_is_refused(model, clip, tmp_path, capfd):
    (tmp_path / "file").touch()
    given = ("--video", clip, "--engine", model, "--quiet")
    assert "of this kind" in fails(capfd, 2, *given, "--save", tmp_path / "out.webp")
    assert "cannot be made" in fails(capfd, 2, *given, "--save", tmp_path / "file" / "out.mp4")
    assert "cannot be made" in fails(capfd, 2, *given, "--save-masks", tmp_path / "file")
    stats = ("--save", tmp_path / "out.mp4", "--stats-json", tmp_path / "file" / "s.json")
    assert "cannot be made" in fails(capfd, 2, *given, *stats)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_disk_that_fills_up_leaves_nothing_half_written(model, clip, tmp_path):
    (tmp_path / "out.mp4").write_bytes(b"earlier")

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    done = infer("--video", clip, "--engine", model, "--save", tmp_path / "out.mp4", preexec_fn=small_files)
    assert done.returncode == 2, done.stderr
    assert f"error: {tmp_path / 'out.mp4'}: cannot be" in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "out.mp4").read_bytes() == b"earlier"
    assert not parts_in(tmp_path)


def test_model_files_that_are_none_exit_with_3_and_write_nothing(model, clip, tmp_path):
    text = tmp_path / "text.onnx"
    text.write_text("not a model\n" * 99)
    truncated = tmp_path / "truncated.onnx"
    truncated.write_bytes(model.read_bytes()[:700])
    foreign = write_foreign_model(tmp_path / "foreign.onnx")
    for path in (text, truncated, foreign, tmp_path / "missing.onnx"):
        done = infer("--video", clip, "--engine", path, "--save", tmp_path / "out.mp4")
        assert done.returncode == 3, done.stderr
        assert done.stderr.startswith(f"error: {path}: ")
        assert "Traceback" not in done.stderr
    assert not (tmp_path / "out.mp4").exists()
    assert not parts_in(tmp_path)


def test_an_engine_of_another_machine_exits_with_3_and_the_command(model, clip, tmp_path, capfd):
    frames = np.zeros((1, HEIGHT, WIDTH, 3), np.uint8)
    build_engine(model, tmp_path / "engine", frames, precision="fp32")
    record = tmp_path / "engine" / "engine.json"
    fields = json.loads(record.read_text())
    fields["hardware"]["model"] = "Some Other CPU"
    record.write_text(json.dumps(fields))
    capfd.readouterr()
    message = fails(capfd, 3, "--video", clip, "--engine", tmp_path / "engine", "--save-masks", tmp_path / "m")
    assert "built on another machine" in message
    assert "dvc repro -f -s build-engine" in message
    assert not (tmp_path / "m").exists()


def test_without_an_engine_the_message_names_the_commands(clip, tmp_path, capfd, monkeypatch):
    monkeypatch.setattr("src.runtime.segmenter.default_engine_folder", lambda: tmp_path / "engine")
    monkeypatch.setattr("src.runtime.segmenter.released_model", lambda: tmp_path / "skyseg.onnx")
    message = fails(capfd, 2, "--video", clip, "--save", tmp_path / "out.mp4")
    assert "dvc repro" in message
    assert "make demo" in message


@pytest.fixture
def released(tmp_path, monkeypatch):
    """Where the released model is; no engine is built (tmp_path/engine), nothing compiled yet (tmp_path/compiled)."""
    path = write_binary_model(tmp_path / "release" / "skyseg.onnx")
    for place in ("segmenter", "report"):
        monkeypatch.setattr(f"src.runtime.{place}.released_model", lambda: path)
    monkeypatch.setattr("src.runtime.segmenter.default_engine_folder", lambda: tmp_path / "engine")
    monkeypatch.setattr("src.runtime.segmenter.compiled_models", lambda: tmp_path / "compiled")
    return path


def test_without_an_engine_the_released_model_plays_and_says_what_it_is(released, clip, tmp_path, capfd):
    data = ({"source": "streets", "licence": "MIT", "images": 12}, {"source": "scenes", "licence": "own", "images": 3})
    write_binary_model(released, binary_card(training_data=data))
    main(["--video", str(clip), "--save-masks", str(tmp_path / "m"), "--max-frames", "2"])
    first = capfd.readouterr().out.splitlines()[0]
    assert first.startswith("released model: blue-and-high (")
    assert "test IoU 0.912, trained on streets, scenes) from" in first
    (tmp_path / "engine").mkdir()
    message = fails(capfd, 3, "--video", clip, "--save-masks", tmp_path / "n")  # an engine that is there is meant
    assert "not an engine folder" in message


@pytest.mark.parametrize(
    ("asked", "agreement", "plays"),
    [
        ({}, 0.999, "int8"),
        ({}, 0.99, "fp32"),  # keeps too few of the labels to play unasked
        ({}, None, "fp32"),
        ({"precision": "int8"}, None, "int8"),
        ({"precision": "fp32"}, 0.999, "fp32"),
        ({"backend": "openvino"}, 0.999, "int8"),
        ({"backend": "onnxruntime"}, 0.999, "fp32"),  # whose int8 is slower than fp32 on many processors
    ],
)
def test_the_released_model_plays_in_int8_where_that_keeps_the_labels(asked, agreement, plays, tmp_path, monkeypatch):
    files = {"fp32": tmp_path / "skyseg.onnx", "int8": tmp_path / "skyseg-int8.onnx"}
    metrics = {} if agreement is None else {"int8_agreement": agreement}
    for precision, path in files.items():
        write_binary_model(path, binary_card(precision=precision, metrics=metrics))
    monkeypatch.setattr("src.runtime.segmenter.released_model", lambda: files["fp32"])
    monkeypatch.setattr("src.runtime.segmenter.default_engine_folder", lambda: tmp_path / "engine")
    assert built_engine(**asked) == files[plays]
    monkeypatch.setattr("src.runtime.segmenter.installed", lambda backend: False)
    assert built_engine() == files["fp32"]


def test_what_is_compiled_of_the_released_model_is_kept_where_that_can_be(released, tmp_path, monkeypatch):
    image = np.zeros((32, 64, 3), np.uint8)
    with SkySegmenter(released) as named:  # which is compiled where it is wanted, and not kept
        wanted = named.predict(image).labels
    assert not (tmp_path / "compiled").exists()
    with SkySegmenter() as first:
        assert np.array_equal(first.predict(image).labels, wanted)
    (blob,) = (tmp_path / "compiled").iterdir()
    os.utime(blob, (7, 7))
    with SkySegmenter() as second:
        assert np.array_equal(second.predict(image).labels, wanted)
    assert blob.stat().st_mtime == 7
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr("src.runtime.segmenter.compiled_models", lambda: tmp_path / "file")
    with SkySegmenter() as without:
        assert np.array_equal(without.predict(image).labels, wanted)


@pytest.mark.usefixtures("released")
def test_the_command_line_takes_what_was_compiled_before(clip, tmp_path):
    main(["--video", str(clip), "--save-masks", str(tmp_path / "first"), "--max-frames", "2"])
    (blob,) = (tmp_path / "compiled").iterdir()
    os.utime(blob, (7, 7))
    main(["--video", str(clip), "--save-masks", str(tmp_path / "second"), "--max-frames", "2"])
    assert blob.stat().st_mtime == 7


def test_without_output_or_display_the_message_says_what_to_add(model, clip):
    for asked in ((), ("--show",)):
        done = infer("--video", clip, "--engine", model, *asked)
        assert done.returncode == 2
        assert "add --save OUT or --save-masks DIR" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_machine_without_a_display_saves_all_the_same(model, clip, tmp_path):
    done = infer("--video", clip, "--engine", model, "--show", "--save-masks", tmp_path / "m", "--max-frames", 3)
    assert done.returncode == 0, done.stderr
    assert "note: --show: there is no display here" in done.stderr
    assert len(list((tmp_path / "m").iterdir())) == 3


def test_a_display_that_is_gone_is_told_and_what_is_saved_is_saved(model, clip, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("DISPLAY", ":7777")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    out = tmp_path / "out.mp4"
    main([str(argument) for argument in ("--video", clip, "--engine", model, "--show", "--save", out, "--quiet")])
    assert "note: --show: the display :7777 (DISPLAY) does not answer" in capfd.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]
    assert "does not answer" in fails(capfd, 2, "--video", clip, "--engine", model, "--show")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--view", "cut-out", "--background", "#00ff00"), "tells 2 classes apart"),
        (("--colour", "#00ff00"), "a colour for each of 2 classes"),
    ],
)
def test_views_that_a_model_does_not_allow(clip, tmp_path, capfd, options, message):
    model = write_three_class_model(tmp_path / "lanes.onnx")
    assert message in fails(capfd, 2, "--video", clip, "--engine", model, "--save", tmp_path / "o.mp4", *options)


def test_a_new_sky_that_is_not_there(model, clip, tmp_path, capfd):
    asked = ("--video", clip, "--engine", model, "--save", tmp_path / "o.mp4", "--view", "replace")
    assert "no such file" in fails(capfd, 2, *asked, "--sky", tmp_path / "none.jpg")
    assert not (tmp_path / "o.mp4").exists()


def test_a_new_sky_in_a_video_and_in_photos(model, clip, photos, tmp_path):
    sky = tmp_path / "sky.png"
    cv2.imwrite(str(sky), np.full((100, 200, 3), (20, 30, 200), np.uint8))
    look = ("--engine", model, "--view", "replace", "--sky", sky, "--quiet")
    main(["--video", str(clip), "--save", str(tmp_path / "o.mp4"), *map(str, look)])
    with VideoSource(tmp_path / "o.mp4") as source:
        last = [each.image for each in source][-1]
    assert np.abs(last[5, 50].astype(int) - (20, 30, 200)).max() < 25
    main(["--images", str(photos), "--save", str(tmp_path / "p"), *map(str, look)])
    assert np.abs(cv2.imread(str(tmp_path / "p" / "one.jpg"))[3, 50].astype(int) - (20, 30, 200)).max() < 25


@pytest.mark.parametrize(
    "wrong",
    [
        (),
        ("--video", "a.mp4", "--images", "b"),
        ("--video", "a.mp4", "--opacity", "1.5"),
        ("--video", "a.mp4", "--opacity", "nan"),
        ("--video", "a.mp4", "--threads", "0"),
        ("--video", "a.mp4", "--max-frames", "x"),
        ("--video", "a.mp4", "--view", "upside-down"),
    ],
)
def test_wrong_options_show_the_usage(wrong, capfd):
    assert "error: " in fails(capfd, 2, *wrong)


def test_help_is_the_module_docstring_with_the_exit_codes():
    done = infer("--help")
    assert done.returncode == 0
    assert "python -m src.infer --video clip.mp4 " in done.stdout
    assert all(f"\n  {code} " in done.stdout for code in (0, 2, 3, 130))


def test_backend_precision_threshold_and_refinement_reach_the_masks(photos, tmp_path, capfd):
    fp16 = write_binary_model(tmp_path / "fp16.onnx", binary_card(precision="fp16"))
    photo = cv2.GaussianBlur(frame(10), (0, 0), 9)  # an edge to argue about
    cv2.imwrite(str(photos / "one.jpg"), photo)
    masks, mattes = {}, {}
    for name, *options in (
        ("plain",), ("sure", "--threshold", 0.95), ("all", "--threshold", 0), ("refined", "--refine", "guided"),
        ("other", "--backend", "onnxruntime", "--precision", "fp16"),
    ):  # fmt: skip
        given = ("--images", photos / "one.jpg", "--engine", fp16, "--save-masks", tmp_path / name)
        options += ["--alpha", tmp_path / f"{name}-mattes"]
        main([str(argument) for argument in (*given, *options)])
        backend = "onnxruntime" if name == "other" else "openvino"
        assert f"({backend} fp16 on " in capfd.readouterr().out
        masks[name], mattes[name] = (read_mask(tmp_path / f"{name}{kind}" / "one.png") for kind in ("", "-mattes"))
    assert 0 < np.count_nonzero(masks["sure"]) < np.count_nonzero(masks["plain"]) < masks["plain"].size
    assert masks["all"].all()
    assert np.array_equal(mattes["sure"], mattes["plain"])
    assert np.any(mattes["refined"] != mattes["plain"])
    assert np.mean(masks["other"] == masks["plain"]) > 0.99
    message = fails(
        capfd, 3, "--images", photos, "--engine", fp16, "--save-masks", tmp_path / "m", "--precision", "int8"
    )
    assert "does not run in int8" in message


def test_batches_and_smoothing_reach_the_masks_of_a_video(model, tmp_path, capfd):
    moving = write_clip(tmp_path / "clip.mp4", frames=10)
    masks = {}
    for name, *options in (("plain",), ("batch", "--batch", 4), ("smooth", "--smooth")):
        arguments = ("--video", moving, "--engine", model, "--alpha", tmp_path / name, *options)
        main([str(argument) for argument in arguments])
        assert ("note: --batch 4: " in capfd.readouterr().out) is (name == "batch")
        masks[name] = [read_mask(path) for path in sorted((tmp_path / name).iterdir())]
        assert len(masks[name]) == 10
    assert all(np.array_equal(one, other) for one, other in zip(masks["plain"], masks["batch"], strict=True))
    assert np.array_equal(masks["plain"][0], masks["smooth"][0])
    assert any(np.any(one != other) for one, other in zip(masks["plain"], masks["smooth"], strict=True))


def test_max_frames_ends_early(model, clip, tmp_path):
    arguments = ["--video", clip, "--engine", model, "--save-masks", tmp_path, "--max-frames", 4, "--quiet"]
    main([str(argument) for argument in arguments])
    assert len(list(tmp_path.glob("*.png"))) == 4


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_exit_with_130_and_keep_a_whole_video(sent, model, tmp_path):
    long = write_clip(tmp_path / "long.mp4", frames=1500, width=640, height=480)
    out = tmp_path / "out.mp4"
    process = subprocess.Popen(
        [sys.executable, "-c", HEARING_CTRL_C, "--video", long, "--engine", model, "--save", out,
         "--save-masks", tmp_path / "masks"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 240
    while not (tmp_path / "masks" / "000020.png").exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, process.kill()
        time.sleep(0.01)
    process.send_signal(sent)
    stdout, stderr = process.communicate(timeout=240)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    with VideoSource(out) as source:
        kept = len(list(source))
    assert f"{kept} frames in" in stdout
    assert 20 < kept < 1500
    assert len(list((tmp_path / "masks").iterdir())) == kept
    assert not parts_in(tmp_path)


@pytest.mark.parametrize("left", ["stdout", "stderr"])
def test_a_reader_who_leaves_ends_nothing(left, model, clip, tmp_path):
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "src.infer", "--video", clip, "--engine", model, "--save", tmp_path / "out.mp4"]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, left: writing}
    done = subprocess.run(command, cwd=ROOT, text=True, timeout=240, check=False, **streams)
    os.close(writing)
    assert done.returncode == 0
    assert "Traceback" not in (done.stdout or "") + (done.stderr or "")
    with VideoSource(tmp_path / "out.mp4") as source:
        assert len(list(source)) == FRAMES


@pytest.mark.skipif(not shutil.which("xvfb-run"), reason="xvfb-run is not installed")
def test_a_window_opens_on_a_display_plays_to_the_end_and_closes(model, tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", frames=6)
    command = ["xvfb-run", "-a", sys.executable, "-m", "src.infer", "--video", str(clip), "--engine", str(model)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    assert "6 frames in" in done.stdout
