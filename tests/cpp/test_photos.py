"""The C++ player's photographs: which are found and read, which are named, and where what comes of them goes."""

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from src.runtime.photo_plan import plan_photos
from src.runtime.pictures import READABLE, UNREADABLE
from tests.cpp.player import built, fails, play
from tests.runtime.clips import frame, horizon, horizon_in, read_mask

pytestmark = built

GRADIENT = frame(10)


@pytest.fixture
def model(binary_model) -> Path:
    return binary_model


def write_photo(path: Path) -> Path:
    """A scene in the format of its suffix, by OpenCV's encoder for it."""
    suffix = {".jfif": ".jpg", ".pgm": ".ppm", ".pbm": ".ppm"}.get(path.suffix, path.suffix)
    picture = frame(10).astype(np.float32) / 255 if suffix == ".hdr" else frame(10)
    done, encoded = cv2.imencode(suffix, picture)
    assert done
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded.tobytes())
    return path


def names_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("suffix", READABLE)
def test_every_kind_of_photo_has_a_mask_or_is_named(suffix, model, tmp_path):
    photo = write_photo(tmp_path / "photos" / f"a{suffix}")
    done = play("--images", photo.parent, "--engine", model, "--save-masks", tmp_path / "m", "--save", tmp_path / "p")
    if done.returncode == 2 and suffix in (".avif", ".gif"):  # Debian's OpenCV 4.6 reads GIF through GDAL, AVIF not
        assert f"{photo}: not a readable picture" in done.stderr
        return
    assert done.returncode == 0, done.stderr
    assert abs(horizon_in(read_mask(tmp_path / "m" / "a.png")) - horizon(10)) <= 3
    [picture] = names_in(tmp_path / "p")
    assert cv2.imread(str(tmp_path / "p" / picture)).shape == GRADIENT.shape


def test_what_cannot_be_read_is_named_after_the_others_are_done(model, tmp_path):
    photos = tmp_path / "photos"
    write_photo(photos / "good.png")
    for suffix in UNREADABLE:
        (photos / f"phone{suffix}").write_bytes(b"ftyp of a photo")
    (photos / "empty.jpg").touch()
    (photos / "lost.jpg").symlink_to("nowhere.jpg")
    (photos / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    done = play("--images", photos, "--engine", model, "--save-masks", tmp_path / "m")
    assert done.returncode == 2
    assert "6 of 7 cannot be read, and have no mask" in done.stderr
    for line in (
        *(f"{photos / 'phone'}{suffix}: not a readable picture" for suffix in UNREADABLE),
        f"{photos / 'empty.jpg'}: an empty file",
        f"{photos / 'lost.jpg'}: No such file or directory",
        f"{photos / 'broken.jpg'}: not a readable picture",
        "the others are done",
    ):
        assert line in done.stderr
    assert names_in(tmp_path / "m") == ["good.png"]


def test_the_longest_names_have_masks(model, tmp_path):
    names = [f"{'空' * 83}.jpg", "z.jpg"]
    for name in names:
        write_photo(tmp_path / "photos" / name)
    arguments = ("--images", tmp_path / "photos", "--engine", model)
    done = play(*arguments, "--save-masks", tmp_path / "m", "--save", tmp_path / "p")
    assert done.returncode == 0, done.stderr
    assert sorted(names_in(tmp_path / "p")) == sorted(names)
    assert len(names_in(tmp_path / "m")) == 2


def test_photos_that_differ_in_their_suffix_alone_have_a_mask_each(model, tmp_path):
    for name in ("a.jpg", "a.tif", "A.png", "b.jpg"):
        write_photo(tmp_path / "photos" / name)
    done = play("--images", tmp_path / "photos", "--engine", model, "--save-masks", tmp_path / "m")
    assert done.returncode == 0, done.stderr
    plan = plan_photos(str(tmp_path / "photos"), masks=tmp_path / "m")
    assert names_in(tmp_path / "m") == sorted(photo.mask.name for photo in plan.photos)
    assert "note: photos differ in their suffix alone, so it stays: A.png.png" in done.stdout


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look into every folder")
def test_a_folder_that_may_not_be_looked_into_is_named(model, tmp_path):
    write_photo(tmp_path / "photos" / "good.png")
    closed = tmp_path / "photos" / "closed"
    closed.mkdir(mode=0)
    done = play("--images", closed.parent, "--engine", model, "--save-masks", tmp_path / "m")
    assert done.returncode == 2
    assert f"1 of 2 cannot be read, and have no mask\n  why: {closed}: Permission denied" in done.stderr
    assert names_in(tmp_path / "m") == ["good.png"]


def test_linked_folders_are_followed_but_not_round_in_circles(model, tmp_path):
    photos = tmp_path / "photos"
    write_photo(photos / "a.png")
    write_photo(tmp_path / "elsewhere" / "b.png")
    (photos / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(photos)
    (photos / "self").symlink_to(photos)
    done = play("--images", photos, "--engine", model, "--save-masks", tmp_path / "m")
    assert done.returncode == 0, done.stderr
    assert names_in(tmp_path / "m") == ["a.png", "linked/b.png"]


def test_figures_are_written_though_no_photo_could_be_read(model, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    arguments = ("--images", tmp_path, "--engine", model, "--save-masks", tmp_path / "m", "--quiet")
    assert "1 of 1 cannot be read" in fails(2, *arguments, "--stats-json", tmp_path / "s.json")
    assert json.loads((tmp_path / "s.json").read_text())["frames"] == 0


def test_a_folder_above_the_photos_is_a_place_for_masks(model, tmp_path):
    write_photo(tmp_path / "photos" / "a.png")
    for given in (tmp_path / "photos", tmp_path / "photos" / "*.png"):
        done = play("--images", given, "--engine", model, "--save-masks", tmp_path, "--quiet")
        assert done.returncode == 0, done.stderr
        assert abs(horizon_in(read_mask(tmp_path / "a.png")) - horizon(10)) <= 3


def test_the_folder_of_the_photos_is_no_place_for_masks(model, tmp_path):
    photo = write_photo(tmp_path / "photos" / "a.jpg")
    for folder in (photo.parent, photo.parent / ".", tmp_path / "new" / ".." / "photos"):
        arguments = ("--images", photo.parent, "--engine", model, "--save-masks", folder)
        assert "is the folder of the photos themselves" in fails(2, *arguments)
    assert names_in(tmp_path) == ["photos/a.jpg"]


def test_webp_has_the_python_players_quality(model, tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (128, 192, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "a.webp"), noise)
    arguments = ("--images", tmp_path / "a.webp", "--engine", model, "--view", "outline", "--save", tmp_path / "p")
    assert play(*arguments).returncode == 0
    lossless = len(cv2.imencode(".webp", noise)[1])
    lossy = len(cv2.imencode(".webp", noise, (cv2.IMWRITE_WEBP_QUALITY, 90))[1])
    written = (tmp_path / "p" / "a.webp").stat().st_size
    assert abs(written - lossy) < abs(written - lossless) / 2
