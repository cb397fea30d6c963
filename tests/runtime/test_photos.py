"""What is planned for photographs, and the run through the segmenter."""

import csv
import errno
import os
import signal
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from src.errors import UserError
from src.runtime import photo_plan
from src.runtime import photos as photos_module
from src.runtime.photo_plan import plan_photos
from src.runtime.photos import segment_photos
from src.runtime.segmenter import SkySegmenter
from src.runtime.tables import Table
from src.runtime.video.compositing import Compositor
from tests.runtime.clips import frame, horizon, horizon_in, read_mask


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def planned(folder, out="m", **options):
    plan = plan_photos(str(folder), masks=folder.parent / out, **options)
    return {str(photo.name): str(photo.mask.relative_to(folder.parent / out)) for photo in plan.photos}


def test_the_tree_is_mirrored(tmp_path):
    touch(tmp_path / "p", "b.jpg", "a/deep/c.PNG", "notes.txt", ".hidden.jpg", "d.HEIC")
    assert planned(tmp_path / "p") == {"a/deep/c.PNG": "a/deep/c.png", "b.jpg": "b.png", "d.HEIC": "d.png"}
    colmap = planned(tmp_path / "p", naming="colmap")
    assert colmap == {"a/deep/c.PNG": "a/deep/c.PNG.png", "b.jpg": "b.jpg.png", "d.HEIC": "d.HEIC.png"}


def test_photos_of_one_stem_keep_their_suffixes_and_the_others_do_not(tmp_path):
    touch(tmp_path / "p", "a.jpg", "a.png", "b.jpg", "C.jpg", "c.tif", "deep/a.jpg")
    plan = plan_photos(str(tmp_path / "p"), masks=tmp_path / "m")
    assert planned(tmp_path / "p") == {
        "C.jpg": "C.jpg.png",  # some file systems know no case
        "a.jpg": "a.jpg.png",
        "a.png": "a.png.png",
        "b.jpg": "b.png",
        "c.tif": "c.tif.png",
        "deep/a.jpg": "deep/a.png",
    }
    [note] = plan.notes
    assert note.startswith("note: 4 photos differ in their suffix alone")


def test_a_whole_name_that_meets_another_photo_pushes_that_one_aside(tmp_path):
    touch(tmp_path / "p", "a.jpg", "a.png", "a.jpg.tif")
    assert sorted(planned(tmp_path / "p").values()) == ["a.jpg.png", "a.jpg.tif.png", "a.png.png"]


def test_the_time_for_a_plan_does_not_grow_with_the_square_of_the_photos(tmp_path, monkeypatch):
    found = [tmp_path / f"{index}.jpg" for index in range(10_000)]
    monkeypatch.setattr(photo_plan, "_find", lambda *_: (tmp_path, found))
    began = time.process_time()
    assert len(plan_photos(str(tmp_path), masks=tmp_path / "m").photos) == 10_000
    assert time.process_time() - began < 5


def test_pictures_keep_their_kind_where_it_can_be_written_and_transparent_ones_are_png(tmp_path):
    touch(tmp_path / "p", "a.jpg", "b.gif", "c.TIF", "d.heic")
    for transparent, wanted in (
        (False, ["a.jpg", "b.png", "c.TIF", "d.png"]),
        (True, ["a.png", "b.png", "c.png", "d.png"]),
    ):
        plan = plan_photos(str(tmp_path / "p"), pictures=tmp_path / "out", transparent=transparent)
        assert [photo.picture.name for photo in plan.photos] == wanted


def test_what_was_written_below_the_folder_is_no_input(tmp_path):
    touch(tmp_path / "p", "a.jpg", "masks/a.png", "mattes/a.png", "other/b.png")
    for given in (tmp_path / "p", tmp_path / "p" / "**" / "*"):
        plan = plan_photos(str(given), masks=tmp_path / "p" / "masks", mattes=tmp_path / "p" / "mattes")
        assert [str(photo.name) for photo in plan.photos] == ["a.jpg", "other/b.png"]


def test_links_are_followed_but_not_in_circles(tmp_path):
    touch(tmp_path / "p", "a.jpg")
    touch(tmp_path / "elsewhere", "b.jpg")
    (tmp_path / "p" / "round").symlink_to(tmp_path / "p")
    (tmp_path / "p" / "self").symlink_to("self")
    (tmp_path / "p" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "p" / "again").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "p" / "lost.jpg").symlink_to("nowhere.jpg")
    (tmp_path / "p" / "self.jpg").symlink_to("self.jpg")
    assert list(planned(tmp_path / "p")) == ["a.jpg", "again/b.jpg", "linked/b.jpg", "lost.jpg", "self.jpg"]


def test_outputs_that_would_harm_are_refused(tmp_path):
    touch(tmp_path / "p", "a.png", "b.png")
    given = str(tmp_path / "p")
    with pytest.raises(UserError, match="the folder of the photos themselves"):
        plan_photos(given, masks=tmp_path / "p")
    (tmp_path / "link").symlink_to(tmp_path / "p")
    with pytest.raises(UserError, match="the folder of the photos themselves"):
        plan_photos(given, pictures=tmp_path / "link")
    with pytest.raises(UserError, match="would overwrite"):
        plan_photos(str(tmp_path / "p" / "a.png"), masks=tmp_path / "link")
    with pytest.raises(UserError, match="both would write"):
        plan_photos(given, masks=tmp_path / "m", mattes=tmp_path / "m")
    with pytest.raises(UserError, match="not a file"):
        plan_photos(given, pictures=tmp_path / "out.jpg")
    touch(tmp_path / "long", "x" * 250 + ".jpg")
    with pytest.raises(UserError, match="too long"):
        plan_photos(str(tmp_path / "long"), masks=tmp_path / "m", naming="colmap")


def test_a_folder_with_brackets_in_its_name_is_no_pattern(tmp_path):
    touch(tmp_path / "p[1]", "a.jpg")
    assert list(planned(tmp_path / "p[1]")) == ["a.jpg"]


@pytest.fixture
def folder(tmp_path):
    """Ten photographs of different sizes, frame i of the clip named i.jpg."""
    (tmp_path / "photos").mkdir()
    for index in range(10):
        cv2.imwrite(str(tmp_path / "photos" / f"{index}.jpg"), frame(index, 192 + 8 * (index % 3)))
    return tmp_path / "photos"


def run(plan, model, **options):
    with SkySegmenter(model) as segmenter:

        def made(width, height):
            return Compositor(segmenter.card, "overlay", width, height)

        return segment_photos(plan.photos, segmenter, compositor=made, **options)


def test_every_photo_gets_its_own_mask_matte_and_picture(folder, binary_model, tmp_path):
    out = {name: tmp_path / name for name in ("masks", "mattes", "pictures")}
    plan = plan_photos(str(folder), **out)
    with Table(tmp_path / "t.csv", ["photo", "sky_share", "infer_ms"]) as table:
        done = run(plan, binary_model, table=table)
    assert done.stats.frames == 10
    assert not done.unreadable
    rows = list(csv.DictReader((tmp_path / "t.csv").open()))
    assert [row["photo"] for row in rows] == [f"{index}.jpg" for index in range(10)]
    for index, row in enumerate(rows):
        mask, matte = (read_mask(out[kind] / f"{index}.png") for kind in ("masks", "mattes"))
        assert mask.shape == matte.shape == (128, 192 + 8 * (index % 3))
        assert abs(horizon_in(mask) - horizon(index)) <= 3
        assert np.array_equal(mask, ((matte >= 128) * 255).astype(np.uint8))
        assert float(row["sky_share"]) == pytest.approx(np.count_nonzero(mask) / mask.size, abs=1e-6)
        assert float(row["infer_ms"]) > 0
        picture = cv2.imread(str(out["pictures"] / f"{index}.jpg"))
        assert np.abs(picture[:4].astype(int) - frame(index)[:1, :1]).mean() > 12, "the sky is tinted"
        assert np.abs(picture[-4:].astype(int) - frame(index)[-1:, :1]).mean() < 4, "the ground is not"


def test_colmap_masks_are_black_in_the_sky_on_the_stored_grid(binary_model, tmp_path):
    shown = Image.fromarray(frame(10)[..., ::-1])
    exif = Image.Exif()
    exif[0x112] = 6
    (tmp_path / "photos").mkdir()
    shown.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "photos" / "a.jpg", exif=exif, quality=95)
    plan = plan_photos(str(tmp_path / "photos"), masks=tmp_path / "colmap", naming="colmap")
    run(plan, binary_model, for_colmap=True)
    run(plan_photos(str(tmp_path / "photos"), masks=tmp_path / "plain"), binary_model)
    stored, plain = read_mask(tmp_path / "colmap" / "a.jpg.png"), read_mask(tmp_path / "plain" / "a.png")
    assert plain.shape == (128, 192)
    assert abs(horizon_in(plain) - horizon(10)) <= 3
    assert stored.shape == (192, 128), "as the file stores it, and COLMAP reads it"
    assert np.array_equal(np.rot90(stored, -1), 255 - plain)


def test_unreadable_photos_are_listed_and_the_others_done(folder, binary_model, tmp_path):
    (folder / "3.jpg").write_bytes(b"")
    (folder / "5.jpg").write_bytes(b"words")
    calls = []
    plan = plan_photos(str(folder), masks=tmp_path / "masks")
    done = run(plan, binary_model, on_photo=lambda: calls.append(1))
    assert [(path.name, why) for path, why in done.unreadable] == [
        ("3.jpg", "an empty file"),
        ("5.jpg", "not a picture, or damaged"),
    ]
    assert (done.stats.frames, len(calls)) == (8, 10)
    assert len(list((tmp_path / "masks").iterdir())) == 8


@pytest.mark.parametrize("budget", [1, 192 * 128 * 4, 10**9])
def test_any_budget_of_memory_gives_the_same_masks_and_holds_no_more_pictures(
    budget, folder, binary_model, tmp_path, monkeypatch
):
    monkeypatch.setattr(photos_module, "BUDGET", budget)
    reading, most, lock = 0, 0, threading.Lock()
    read, write = photos_module.read_picture, photos_module.write_picture

    def counted_read(path):
        nonlocal reading, most
        with lock:
            reading += 1
            most = max(most, reading)
        return read(path)

    def counted_write(path, image):
        nonlocal reading
        write(path, image)
        with lock:
            reading -= 1

    monkeypatch.setattr(photos_module, "read_picture", counted_read)
    monkeypatch.setattr(photos_module, "write_picture", counted_write)
    run(plan_photos(str(folder), masks=tmp_path / "m"), binary_model)
    for index in range(10):
        assert abs(horizon_in(read_mask(tmp_path / "m" / f"{index}.png")) - horizon(index)) <= 3
    if budget == 1:
        assert most == 1


def test_a_write_that_fails_ends_the_run_with_that_error(folder, binary_model, tmp_path):
    plan = plan_photos(str(folder), masks=tmp_path / "masks")
    (tmp_path / "masks" / "4.png").mkdir(parents=True)
    with pytest.raises(UserError, match=r"4\.png: cannot be written"):
        run(plan, binary_model)
    assert not [path for path in (tmp_path / "masks").iterdir() if ".part" in path.name]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("skyseg")]


def test_the_first_photo_counts_from_the_start_of_the_command_until_its_file_is_there(
    folder, binary_model, tmp_path, monkeypatch
):
    write = photos_module.write_picture

    def slow_write(path, image):
        time.sleep(0.2)
        write(path, image)

    monkeypatch.setattr(photos_module, "write_picture", slow_write)
    plan = plan_photos(str(folder), masks=tmp_path / "masks", limit=2)
    stats = run(plan, binary_model, began=time.perf_counter() - 60).stats
    assert 60.2 < stats.first_frame_s < 61 + stats.seconds
    stats = run(plan, binary_model).stats
    assert 0.2 < stats.first_frame_s <= stats.seconds


def test_ctrl_c_leaves_whole_masks_of_the_photos_done(folder, binary_model, tmp_path):
    calls = []

    def press() -> None:
        calls.append(1)
        if len(calls) == 3:
            signal.raise_signal(signal.SIGINT)

    done = run(plan_photos(str(folder), masks=tmp_path / "masks"), binary_model, on_photo=press)
    assert done.stats.interrupted
    masks = sorted((tmp_path / "masks").iterdir())
    assert len(masks) == done.stats.frames == 3
    assert all(read_mask(path).shape[0] == 128 for path in masks)


def test_a_window_that_is_quit_ends_the_run(folder, binary_model, tmp_path):
    class Window:
        shown = 0

        def show(self, picture, redraw):
            assert np.array_equal(picture, redraw())
            assert picture.shape[0] == 128
            self.shown += 1
            return self.shown < 4

    done = run(plan_photos(str(folder), masks=tmp_path / "masks"), binary_model, window=Window())
    assert done.stats.frames == 4
    assert len(list((tmp_path / "masks").iterdir())) == 4


def test_what_may_not_be_read_is_named(folder, binary_model, tmp_path, monkeypatch):
    (folder / "closed").mkdir()
    read, entries = np.fromfile, Path.iterdir

    def refuse(path):  # root may read everything, whatever its mode
        if path.name in ("1.jpg", "closed"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(np, "fromfile", lambda path, kind: refuse(path) or read(path, kind))
    monkeypatch.setattr(Path, "iterdir", lambda path: refuse(path) or entries(path))
    plan = plan_photos(str(folder), masks=tmp_path / "masks")
    assert [(path.name, why) for path, why in plan.unreadable] == [("closed", "Permission denied")]
    done = run(plan, binary_model)
    assert [(path.name, why) for path, why in done.unreadable] == [("1.jpg", "Permission denied")]
    assert done.stats.frames == 9


def test_a_large_photo_is_segmented_at_its_own_size(binary_model, tmp_path):
    (tmp_path / "photos").mkdir()
    large = cv2.resize(frame(10), (7680, 4320), interpolation=cv2.INTER_NEAREST)
    cv2.imwrite(str(tmp_path / "photos" / "8k.jpg"), large)
    run(plan_photos(str(tmp_path / "photos"), masks=tmp_path / "masks"), binary_model)
    mask = read_mask(tmp_path / "masks" / "8k.png")
    assert mask.shape == (4320, 7680)
    assert abs(horizon_in(mask) / 4320 - horizon(10) / 128) < 0.02
