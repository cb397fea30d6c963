"""SkyFinder from a server that has Zenodo's layout: cameras chosen, images spread over the year, masks shared."""

import hashlib
import json
from datetime import datetime, timedelta

import cv2
import numpy as np
import pytest

from src.data.raw import RawFolder, fill_raw_folder, raw_folders
from src.data.sources.skyfinder import RECORD, SkyFinderSource, spread
from src.errors import UserError
from tests.data.http_server import Fault, LocalServer
from tests.data.layouts import to_shards, zipped
from tests.toy import photograph

CAMERAS = (65, 858, 3297, 10066)
WIDTH, HEIGHT = 96, 64


@pytest.fixture
def zenodo(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    with LocalServer() as server:
        masks = {f"skyfinder_masks/{camera}.png": png(camera_mask(camera)) for camera in CAMERAS}
        publish(server, {"skyfinder_masks.zip": zipped(masks)} | {f"{c}.zip": camera_zip(c) for c in CAMERAS})
        yield server


def publish(server, archives, licence="cc-by-4.0"):
    """The record as the API describes it, and its files."""
    files = []
    for name, content in archives.items():
        path = f"/api/records/{RECORD}/files/{name}/content"
        server.serve(path, content)
        checksum = f"md5:{hashlib.md5(content).hexdigest()}"
        links = {"self": server.url + path}
        files.append({"key": name, "size": len(content), "checksum": checksum, "links": links})
    record = {"id": RECORD, "metadata": {"license": {"id": licence}}, "files": files}
    server.serve(f"/api/records/{RECORD}", json.dumps(record).encode(), media="application/json")


def png(image):
    return cv2.imencode(".png", image)[1].tobytes()


def jpeg(image):
    return cv2.imencode(".jpg", image)[1].tobytes()


def camera_mask(camera):
    mask = photograph(camera)[1]
    return np.where(mask == 255, 250, 3).astype(np.uint8)  # not quite two values, as scans of masks are


def camera_zip(camera, images=6, width=WIDTH, height=HEIGHT):
    """`<camera>/YYYYMMDD_HHMMSS.jpg`, one image every two months and four hours, and what archives carry along."""
    start = datetime(2013, 1, 5, 2)
    taken = (start + timedelta(days=60 * i, hours=4 * i) for i in range(images))
    members = {f"{camera}/{t:%Y%m%d_%H%M%S}.jpg": jpeg(photograph(i, width, height)[0]) for i, t in enumerate(taken)}
    return zipped(members | {f"__MACOSX/{camera}/._20130105_020000.jpg": b"x", f"{camera}/thumbs.db": b"x"})


def source(zenodo, tmp_path, **options):
    return SkyFinderSource(
        work=tmp_path / "work", api=zenodo.url + "/api", sleep=lambda _: None, **({"cameras": [65, 858]} | options)
    )


def fill(one, tmp_path) -> RawFolder:
    fill_raw_folder(one, tmp_path / "raw/skyfinder")
    [raw] = raw_folders(tmp_path / "raw")
    return raw


def test_all_cameras_become_a_raw_folder_with_one_mask_each(zenodo, tmp_path):
    figures = fill_raw_folder(source(zenodo, tmp_path, cameras=None), tmp_path / "raw/skyfinder")
    [raw] = raw_folders(tmp_path / "raw")
    samples = raw.samples()
    assert figures["images"] == len(samples) == 24
    assert figures["licence"] == "CC BY 4.0 (https://zenodo.org/records/5884485)"
    assert raw.classes == {"background": 0, "sky": 255}
    assert [s.group for s in samples] == [str(camera) for camera in CAMERAS for _ in range(6)]
    assert {s.label for s in samples} == {f"masks/{camera}.png" for camera in CAMERAS}
    assert {s.split for s in samples} == {""}
    assert all((raw.path / s.image).is_file() for s in samples)
    for camera in CAMERAS:
        mask = cv2.imread(str(raw.path / f"masks/{camera}.png"), cv2.IMREAD_UNCHANGED)
        assert np.array_equal(mask, np.where(camera_mask(camera) > 127, 255, 0))
    assert sorted(path.name for path in raw.path.iterdir()) == ["images", "masks", "samples.csv", "source.json"]


def test_cameras_become_shards_and_none_is_in_two_splits(zenodo, tmp_path):
    _, rows, manifest = to_shards(source(zenodo, tmp_path, cameras=None), tmp_path, {"sky": ["sky"]})
    assert all(row.kept for row in rows)
    splits = {(row.group, row.split) for row in rows}
    assert len(splits) == len(CAMERAS)
    assert {split for _, split in splits} == {"train", "val", "test"}
    assert manifest.images == {"train": 12, "val": 6, "test": 6}


def test_only_chosen_cameras_are_downloaded_and_only_chosen_images_unpacked(zenodo, tmp_path):
    raw = fill(source(zenodo, tmp_path, images_per_camera=4), tmp_path)
    assert len(raw.samples()) == len(list((raw.path / "images").glob("*/*"))) == 8
    asked = {asked.path.split("/")[-2] for asked in zenodo.asked if asked.path.endswith("/content")}
    assert asked == {"65.zip", "858.zip", "skyfinder_masks.zip"}


def test_a_second_run_downloads_nothing_again_and_chooses_the_same(zenodo, tmp_path):
    first = fill(source(zenodo, tmp_path, images_per_camera=3), tmp_path / "1").samples()
    before = len(zenodo.asked)
    second = fill(source(zenodo, tmp_path, images_per_camera=3), tmp_path / "2").samples()
    assert first == second
    assert len(zenodo.asked) == before + 1  # the record's description


def test_a_dropped_connection_and_a_truncated_archive_are_put_right(zenodo, tmp_path):
    served = zenodo.files[f"/api/records/{RECORD}/files/65.zip/content"]
    served.faults += [Fault(500), Fault(cut_after=1000)]
    (tmp_path / "work").mkdir()
    (tmp_path / "work/858.zip").write_bytes(camera_zip(858)[:500])
    assert len(fill(source(zenodo, tmp_path), tmp_path).samples()) == 12
    assert "bytes=1000-" in zenodo.ranges()


def test_cameras_are_held_out_whole(zenodo, tmp_path):
    one = source(zenodo, tmp_path, cameras=None, val_cameras=[858], test_cameras=[65, 10066])
    samples = fill(one, tmp_path).samples()
    splits = {s.group: s.split for s in samples}
    assert splits == {"65": "test", "858": "val", "3297": "train", "10066": "test"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"val_cameras": [65], "test_cameras": [65]}, "in val_cameras and in test_cameras"),
        ({"val_cameras": [65]}, r"test_cameras: null"),
        ({"test_cameras": [10066]}, "held-out cameras 10066 are not among cameras"),
    ],
)
def test_held_out_cameras_are_checked_before_anything_is_downloaded(zenodo, tmp_path, options, says):
    with pytest.raises(UserError, match=says):
        source(zenodo, tmp_path, **options)


def test_unknown_cameras_are_named_with_those_there_are(zenodo, tmp_path):
    with pytest.raises(UserError, match="no cameras 1, 2") as caught:
        fill(source(zenodo, tmp_path, cameras=[1, 2, 65]), tmp_path)
    assert "65, 858, 3297, 10066" in str(caught.value)


def test_a_camera_without_mask_is_refused_by_number_and_left_out_of_all(zenodo, tmp_path, capsys):
    masks = {f"{camera}.png": png(camera_mask(camera)) for camera in CAMERAS[1:]}
    publish(zenodo, {"skyfinder_masks.zip": zipped(masks)} | {f"{c}.zip": camera_zip(c) for c in CAMERAS})
    with pytest.raises(UserError, match="camera 65 cannot be used"):
        fill(source(zenodo, tmp_path), tmp_path / "1")
    samples = fill(source(zenodo, tmp_path, cameras=None), tmp_path / "2").samples()
    assert {s.group for s in samples} == {"858", "3297", "10066"}
    assert "camera 65 left out" in capsys.readouterr().out


def test_images_of_another_size_than_the_mask_are_left_out_and_broken_ones_are_the_filters(zenodo, tmp_path, capsys):
    other = {"65/20140101_120000.jpg": jpeg(photograph(1, 48, 32)[0]), "65/20140202_120000.jpg": b"broken"}
    other["65/20140303_120000.jpg"] = jpeg(photograph(1)[0])
    masks = zipped({"65.png": png(camera_mask(65))})
    publish(zenodo, {"skyfinder_masks.zip": masks, "65.zip": zipped(other)})
    samples = fill(source(zenodo, tmp_path, cameras=[65]), tmp_path).samples()
    assert [s.image for s in samples] == ["images/65/20140202_120000.jpg", "images/65/20140303_120000.jpg"]
    assert "camera 65: 1 images of another size" in capsys.readouterr().out


@pytest.mark.parametrize("record", [{"files": [{"key": "65.zip"}]}, {"files": []}, {"hits": 1}, []])
def test_another_record_than_expected_is_said_so(zenodo, tmp_path, record):
    zenodo.serve(f"/api/records/{RECORD}", json.dumps(record).encode())
    with pytest.raises(UserError, match=r"not the description of a record|are gone"):
        fill(source(zenodo, tmp_path), tmp_path)


def test_another_licence_than_expected_is_told_and_kept(zenodo, tmp_path, capsys):
    archives = {"skyfinder_masks.zip": zipped({"65.png": png(camera_mask(65))}), "65.zip": camera_zip(65)}
    publish(zenodo, archives, licence="cc-by-nc-4.0")
    assert fill(source(zenodo, tmp_path, cameras=[65]), tmp_path).licence.startswith("cc-by-nc-4.0")
    assert "states the licence cc-by-nc-4.0" in capsys.readouterr().out


def test_images_are_spread_over_the_day_and_the_year():
    start = datetime(2012, 1, 1)
    hourly = [f"1/{start + timedelta(hours=h):%Y%m%d_%H%M%S}.jpg" for h in range(365 * 24)]
    # A camera that once took a picture every second: they must not crowd out the others.
    burst = [f"1/20120101_{1200 + i // 60}{i % 60:02d}.jpg" for i in range(600)]
    chosen = spread([*burst, *hourly, "1/notes.jpg", "1/20129999_120000.jpg"], 96)
    assert len(set(chosen)) == 96
    assert set(per_month(chosen)) <= {6, 7, 8, 9}
    assert set(per_watch(chosen)) <= {10, 11, 12, 13, 14}
    assert len(set(chosen) & set(burst)) <= 2
    assert spread(list(reversed(hourly)), 20) == spread(hourly, 20)
    assert spread(hourly[:3], 20) == hourly[:3]
    summer_days = [name for name in hourly if 4 <= int(name[6:8]) <= 9 and 8 <= int(name[11:13]) < 16]
    chosen = spread(summer_days, 48)
    assert len(set(chosen)) == 48
    assert all(5 <= images <= 11 for images in per_month(chosen)[3:9])


def per_month(names):
    return np.bincount([int(name[6:8]) for name in names], minlength=13)[1:]


def per_watch(names):
    """By the three hours of the day."""
    return np.bincount([int(name[11:13]) // 3 for name in names], minlength=8)
