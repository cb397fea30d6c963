"""What the command leaves behind: videos with their sound, masks of every photograph, and nothing half-done."""

import csv
import json
import os
import resource
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from src.infer import main
from src.runtime.video.source import VideoSource
from tests.model_file import write_three_class_model
from tests.runtime.clips import FRAMES, add_sound, beep_in, frame, horizon, horizon_in, read_mask, write_clip
from tests.runtime.made_videos import write_size_change, write_video
from tests.test_infer import fails, infer, parts_in


@pytest.fixture
def sky_model(binary_model) -> Path:
    return binary_model


@pytest.fixture(scope="module")
def sounding(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("clip")
    return add_sound(write_clip(folder / "clip.mp4"), folder / "sounding.mp4")


@pytest.fixture
def folder(tmp_path) -> Path:
    """photos/one.jpg and photos/deep/two.png."""
    (tmp_path / "photos" / "deep").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "photos" / "one.jpg"), frame(5))
    cv2.imwrite(str(tmp_path / "photos" / "deep" / "two.png"), frame(10))
    return tmp_path / "photos"


def run(*arguments: object) -> None:
    main([str(argument) for argument in (*arguments, "--quiet")])


def masks_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_video_keeps_its_sound_and_gets_mattes_and_figures(sky_model, sounding, tmp_path):
    run("--video", sounding, "--engine", sky_model, "--save", tmp_path / "o.mp4", "--alpha", tmp_path / "mattes",
        "--csv", tmp_path / "t.csv")  # fmt: skip
    with av.open(tmp_path / "o.mp4") as container:
        assert container.streams.video[0].frames == FRAMES
        assert container.streams.audio[0].codec_context.name == "aac"
    assert beep_in(tmp_path / "o.mp4") == pytest.approx((1.0, 1.2), abs=0.03)
    rows = list(csv.DictReader((tmp_path / "t.csv").open()))
    assert list(rows[0]) == ["frame", "time_s", "sky_share", "infer_ms"]
    for index, (row, matte) in enumerate(zip(rows, sorted((tmp_path / "mattes").iterdir()), strict=True)):
        assert row["frame"] == str(index)
        assert float(row["time_s"]) == pytest.approx(index / 12, abs=1e-3)
        sky = read_mask(matte) >= 128
        assert float(row["sky_share"]) == pytest.approx(sky.mean(), abs=1e-5)
        assert len(np.unique(read_mask(matte))) > 4, "soft"
    assert len(rows) == FRAMES


def test_colmap_gets_black_skies_under_the_names_it_looks_for(sky_model, folder, tmp_path):
    exif = Image.Exif()
    exif[0x112] = 6
    turned = Image.fromarray(frame(10)[..., ::-1]).transpose(Image.Transpose.ROTATE_90)
    turned.save(folder / "turned.jpg", exif=exif, quality=95)
    run("--images", folder, "--engine", sky_model, "--save-masks", tmp_path / "m", "--mask-naming", "colmap")
    assert masks_in(tmp_path / "m") == ["deep/two.png.png", "one.jpg.png", "turned.jpg.png"]
    assert abs(horizon_in(255 - read_mask(tmp_path / "m" / "one.jpg.png")) - horizon(5)) <= 2
    stored = read_mask(tmp_path / "m" / "turned.jpg.png")
    assert stored.shape == (192, 128)
    assert abs(horizon_in(255 - np.rot90(stored, -1)) - horizon(10)) <= 2


def test_colmap_naming_is_refused_where_it_means_nothing(sky_model, sounding, folder, tmp_path, capfd):
    colmap = ("--save-masks", tmp_path / "m", "--mask-naming", "colmap")
    assert "is for photos" in fails(capfd, 2, "--video", sounding, "--engine", sky_model, *colmap)
    lanes = write_three_class_model(tmp_path / "lanes.onnx")
    assert "not the sky alone" in fails(capfd, 2, "--images", folder, "--engine", lanes, "--quiet", *colmap)
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("quiet", [(), ("--quiet",)])
def test_unreadable_photos_are_named_after_the_others_are_done(quiet, sky_model, folder, tmp_path):
    (folder / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    (folder / "empty.png").touch()
    (folder / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic")
    (folder / "notes.txt").write_text("no photo, and not meant to be one")
    done = infer("--images", folder, "--engine", sky_model, "--save-masks", tmp_path / "m",
                 "--stats-json", tmp_path / "s.json", *quiet)  # fmt: skip
    assert done.returncode == 2
    message = done.stderr[done.stderr.index("error: ") :]
    assert message.startswith("error: 3 of 5 cannot be read, and have no mask")
    for name, why in (("broken.jpg", "damaged"), ("empty.png", "an empty file"), ("phone.heic", "no decoder")):
        assert any(str(folder / name) in line and why in line for line in message.splitlines())
    assert "Traceback" not in message
    assert ("2 photos in" in done.stdout) is not bool(quiet)
    assert masks_in(tmp_path / "m") == ["deep/two.png", "one.png"]
    assert json.loads((tmp_path / "s.json").read_text())["frames"] == 2


def test_only_unreadable_photos_leave_nothing(sky_model, tmp_path, capfd):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"no picture")
    message = fails(capfd, 2, "--images", tmp_path / "photos", "--engine", sky_model, "--quiet",
                    "--save-masks", tmp_path / "m", "--csv", tmp_path / "new" / "t.csv")  # fmt: skip
    assert "1 of 1 cannot be read" in message
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_photos_of_one_stem_each_get_a_mask(sky_model, folder, tmp_path, capsys):
    cv2.imwrite(str(folder / "one.png"), frame(8))
    main(["--images", str(folder), "--engine", str(sky_model), "--save-masks", str(tmp_path / "m")])
    assert masks_in(tmp_path / "m") == ["deep/two.png", "one.jpg.png", "one.png.png"]
    assert "note: 2 photos differ in their suffix alone" in capsys.readouterr().out
    assert abs(horizon_in(read_mask(tmp_path / "m" / "one.png.png")) - horizon(8)) <= 2


def test_photos_have_figures_too(sky_model, folder, tmp_path):
    run("--images", folder, "--engine", sky_model, "--csv", tmp_path / "t.csv", "--alpha", tmp_path / "mattes")
    rows = list(csv.DictReader((tmp_path / "t.csv").open()))
    assert [row["photo"] for row in rows] == ["deep/two.png", "one.jpg"]
    assert masks_in(tmp_path / "mattes") == ["deep/two.png", "one.png"]


def test_names_that_the_terminal_cannot_write_break_nothing(sky_model, folder, tmp_path):
    odd = Path(os.fsdecode(b"caf\xe9"))
    (folder / "one.jpg").rename(folder / odd.with_suffix(".jpg"))
    done = infer("--images", folder, "--engine", sky_model, "--save-masks", tmp_path / odd, "--csv", tmp_path / "t.csv")
    assert done.returncode == 0, done.stderr
    assert len(masks_in(tmp_path / odd)) == 2
    assert b"caf\xe9.jpg" in (tmp_path / "t.csv").read_bytes()


def sizes_saved(video: Path, model: Path, into: Path) -> list[tuple[int, int]]:
    """Width and height of each frame of the video that --save makes of one; its masks are as large."""
    run("--video", video, "--engine", model, "--save", into / "o.mp4", "--save-masks", into / "m", "--quiet")
    with VideoSource(into / "o.mp4") as source:
        sizes = [frame.image.shape[1::-1] for frame in source]
    assert [read_mask(mask).shape[::-1] for mask in sorted((into / "m").iterdir())] == sizes
    return sizes


@pytest.mark.parametrize("size", [(8, 8), (7680, 4320)])
def test_the_smallest_and_largest_videos_are_played_into_files(size, sky_model, tmp_path):
    video = write_video(tmp_path / "in.mkv", [0, 40], codec="mjpeg", pixels="yuvj420p", size=size)
    assert sizes_saved(video, sky_model, tmp_path) == [size] * 2


def test_a_video_that_changes_its_size_is_saved_whole(sky_model, tmp_path):
    assert sizes_saved(write_size_change(tmp_path / "in.ts"), sky_model, tmp_path) == [(64, 48)] * 10


def test_what_cannot_be_saved_is_refused_before_the_model_is_loaded(sounding, folder, tmp_path, capfd):
    before = masks_in(tmp_path)
    (tmp_path / "file").touch()
    video = ("--video", sounding, "--engine", tmp_path / "no-such.onnx")
    assert "video of this kind" in fails(capfd, 2, *video, "--save", tmp_path / "new" / "out.webm")
    assert "no transparency" in fails(capfd, 2, *video, "--view", "cut-out", "--save", tmp_path / "out.mp4")
    assert "cannot be made" in fails(capfd, 2, *video, "--csv", tmp_path / "file" / "t.csv")
    photos = ("--images", folder, "--engine", tmp_path / "no-such.onnx")
    assert "cannot be made" in fails(capfd, 2, *photos, "--save-masks", tmp_path / "file" / "m")
    assert "both would write" in fails(capfd, 2, *photos, "--save-masks", tmp_path / "m", "--alpha", tmp_path / "m")
    assert "is the input itself" in fails(capfd, 2, *photos, "--csv", folder / "one.jpg")
    # And where the model itself is what is wrong, no folder stays behind.
    fails(
        capfd,
        3,
        *video,
        "--save",
        tmp_path / "a" / "o.mp4",
        "--save-masks",
        tmp_path / "b",
        "--csv",
        tmp_path / "c" / "t",
    )
    fails(
        capfd,
        3,
        *photos,
        "--save",
        tmp_path / "a",
        "--save-masks",
        tmp_path / "b",
        "--stats-json",
        tmp_path / "c" / "s",
    )
    assert masks_in(tmp_path) == sorted([*before, "file"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "photos"]


@pytest.mark.parametrize("option", ["--save", "--save-masks", "--alpha", "--csv", "--stats-json"])
def test_a_disk_that_fills_up_leaves_nothing_half_written(option, sky_model, tmp_path):
    write_clip(tmp_path / "clip.mp4", frames=60)
    (tmp_path / "photos").mkdir()
    noise = np.random.default_rng(1).integers(0, 256, (64, 96, 3), np.uint8)
    for index in range(40):
        cv2.imwrite(str(tmp_path / "photos" / f"a photo with a name long enough to fill a table {index}.png"), noise)
    target = tmp_path / {"--save": "out.mp4", "--csv": "t.csv", "--stats-json": "s.json"}.get(option, "out")
    given = ("--video", tmp_path / "clip.mp4") if option == "--save" else ("--images", tmp_path / "photos")
    also = () if option != "--stats-json" else ("--csv", tmp_path / "small.csv", "--max-frames", 1)
    limit = {"--save-masks": 60, "--alpha": 200, "--stats-json": 200}.get(option, 2000)

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = infer(*given, "--engine", sky_model, option, target, *also, preexec_fn=small_files)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert "error: " in done.stderr
    assert ": cannot be " in done.stderr
    assert not target.is_file()
    for png in target.rglob("*.png"):  # what was written before the disk was full is whole
        assert cv2.imread(str(png), cv2.IMREAD_UNCHANGED) is not None, png
    assert not parts_in(tmp_path)
