"""The folder source beyond plain values: classes by colour, indexed PNGs, and the shared sets for real."""

import errno
import re
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from src.data.images import read_mask
from src.data.raw import fill_raw_folder
from src.data.sources.camvid import CLASSES as CAMVID
from src.data.sources.folder import FolderSource
from src.errors import UserError
from tests.data.layouts import bands, picture, to_shards, write
from tests.import_graph import ROOT

SHARED = ROOT.parent / "shared/data"
COLOURS = {"building": [128, 0, 0], "sky": [0, 128, 128], "void": [0, 0, 0]}
PATTERNS = {"images": "images/*", "masks": "masks/{path}.png"}

ALL_CLASSES = {name: [name] for name in CAMVID if name != "void"}


def coloured(mask: np.ndarray, colours: list) -> np.ndarray:
    """BGR uint8 [H, W, 3]: each value of the mask as its RGB colour."""
    return np.array(colours, np.uint8)[mask][..., ::-1]


def make_coloured(root, count=8, extra=()):
    palette = [*COLOURS.values(), *extra]
    for i in range(count):
        write(root / f"images/{i:03d}.jpg", picture(i))
        write(root / f"masks/{i:03d}.png", coloured(bands([1, 1, 0, 2]), palette))
    return root


def test_colours_become_indices_and_shards(tmp_path):
    root = make_coloured(tmp_path / "photos")
    source = FolderSource("facades", root, classes=COLOURS, **PATTERNS)
    raw, rows, manifest = to_shards(source, tmp_path, {"sky": ["sky"], "building": ["building"]})
    assert raw.classes == {"building": 0, "sky": 1, "void": 2}
    assert np.array_equal(read_mask(raw.path / "masks/000.png"), bands([1, 1, 0, 2]))
    assert all(row.kept for row in rows)
    assert manifest.class_share == pytest.approx({"background": 0, "sky": 2 / 3, "building": 1 / 3}, abs=0.02)


def test_colours_without_a_class_are_named_and_the_filter_drops_the_image(tmp_path, capsys):
    root = make_coloured(tmp_path / "photos")
    stray = coloured(bands([1, 0]), [*COLOURS.values()])
    stray[5, 7] = (3, 2, 1)
    write(root / "masks/003.png", stray)
    _, rows, _ = to_shards(FolderSource("facades", root, classes=COLOURS, **PATTERNS), tmp_path, {"sky": ["sky"]})
    said = capsys.readouterr().out
    assert "1 of 8 masks have colours that data.folder.sets.facades.classes does not list" in said
    assert "[1, 2, 3] in" in said
    assert [Path(row.image).name for row in rows if not row.kept] == ["003.jpg"]


def test_the_rest_takes_all_other_colours(tmp_path):
    root = make_coloured(tmp_path / "photos")
    classes = {"other": "rest", "sky": [0, 128, 128], "void": [0, 0, 0]}
    raw, rows, _ = to_shards(FolderSource("facades", root, classes=classes, **PATTERNS), tmp_path, {"sky": ["sky"]})
    assert raw.classes == {"other": 0, "sky": 1, "void": 2}
    assert all(row.sky_fraction == pytest.approx(2 / 3, abs=0.02) for row in rows)


def test_an_indexed_png_is_read_as_its_indices_or_by_its_palette(tmp_path):
    for i in range(8):
        write(tmp_path / f"photos/images/{i:03d}.jpg", picture(i))
        mask = Image.fromarray(bands([1, 0, 2])).convert("P")
        mask.putdata(bands([1, 0, 2]).ravel())
        mask.putpalette([part for colour in COLOURS.values() for part in colour])
        path = tmp_path / f"photos/masks/{i:03d}.png"
        path.parent.mkdir(exist_ok=True)
        mask.save(path, bits=2 if i % 2 else 8)
    values = {"building": 0, "sky": 1, "void": 2}
    for name, classes in (("by_value", values), ("by_colour", COLOURS)):
        source = FolderSource(name, tmp_path / "photos", classes=classes, **PATTERNS)
        raw, rows, _ = to_shards(source, tmp_path / name, {"sky": ["sky"]})
        assert raw.classes == values
        assert all(np.array_equal(read_mask(p), bands([1, 0, 2])) for p in (raw.path / "masks").iterdir())
        assert all(row.kept for row in rows)


def test_a_broken_colour_mask_is_left_to_the_filter(tmp_path):
    root = make_coloured(tmp_path / "photos")
    (root / "masks/002.png").write_bytes(b"\x89PNG broken")
    (root / "masks/004.png").write_bytes((root / "masks/005.png").read_bytes()[:40])
    _, rows, _ = to_shards(FolderSource("facades", root, classes=COLOURS, **PATTERNS), tmp_path, {"sky": ["sky"]})
    dropped = [Path(row.image).name for row in rows if not row.kept]
    assert dropped == ["002.jpg", "004.jpg"]


@pytest.mark.parametrize(
    ("classes", "says"),
    [
        ({"sky": [0, 128, 128], "ground": 0}, "classes.ground: 0 is not a colour"),
        ({"sky": [0, 128], "ground": [0, 0, 0]}, "classes.sky: [0, 128] is not a colour"),
        ({"sky": [0, 128, 300]}, "classes.sky: [0, 128, 300] is not a colour"),
        ({"sky": "blue"}, "classes.sky: blue is not a colour"),
        ({"sky": [1, 2, 3], "air": [1, 2, 3]}, "sky and air have the same colour [1, 2, 3]"),
        ({"sky": [1, 2, 3], "a": "rest", "b": "rest"}, "a and b are both the rest"),
        ({f"c{i}": [i, 0, 0] for i in range(256)}, "256 classes"),
    ],
)
def test_colours_that_cannot_be_told_apart_are_refused_by_their_key(tmp_path, classes, says):
    with pytest.raises(
        UserError, match=re.escape(f"data.folder.sets.facades.classes{'.' if '.' in says else ': '}")
    ) as caught:
        FolderSource("facades", tmp_path, classes=classes, **PATTERNS)
    assert says in caught.value.what


def test_a_set_of_which_no_mask_fits_is_refused(tmp_path):
    root = make_coloured(tmp_path / "photos")
    with pytest.raises(UserError, match="8 of 8 masks have colours") as caught:
        fill_raw_folder(FolderSource("facades", root, classes={"sky": [9, 9, 9]}, **PATTERNS), tmp_path / "raw/one")
    assert "rest" in caught.value.fix


def test_a_full_disk_is_said_and_ends_the_copying(tmp_path, monkeypatch):
    def full(file, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    root = make_coloured(tmp_path / "photos")
    monkeypatch.setattr("src.data.sources.trees.shutil.copyfile", full)
    with pytest.raises(UserError, match="cannot be copied to") as caught:
        fill_raw_folder(FolderSource("facades", root, classes=COLOURS, **PATTERNS), tmp_path / "raw/one")
    assert "No space left" in caught.value.why


def shared(name: str) -> Path:
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"no {folder}: the shared photographs are not on this machine")
    return folder


def test_shared_camvid_runs_as_a_task_of_eleven_classes(tmp_path):
    source = FolderSource(
        "camvid",
        shared("camvid"),
        images="images/*.jpg",
        masks="masks_multiclass/{path}.png",
        classes=CAMVID,
        group="^([^_]+)_",
        splits="splits.csv",
    )
    _, rows, manifest = to_shards(source, tmp_path, ALL_CLASSES)
    assert len(rows) == 701
    assert sum(row.kept for row in rows) > 600
    assert {row.group for row in rows} == {"0001TP", "0006R0", "0016E5", "Seq05VD"}
    assert manifest.images["test"] <= 233
    assert manifest.class_share["background"] == 0
    assert all(share > 0 for name, share in manifest.class_share.items() if name != "background")
    assert 0.1 < manifest.class_share["sky"] < 0.25


def test_shared_labelmefacade_runs_and_its_colours_give_the_same_sky(tmp_path):
    root = shared("labelmefacade")
    source = FolderSource(
        "labelmefacade",
        root,
        images="images/*.jpg",
        masks="masks/{path}.png",
        classes={"background": 0, "void": 127, "sky": 255},
        splits="splits.csv",
    )
    figures = fill_raw_folder(source, tmp_path / "raw/labelmefacade")
    assert figures["images"] == 784
    # The same masks in the publisher's colours (a few: this is about the path, not about the machine).
    values = {0: (128, 0, 0), 127: (0, 0, 0), 255: (0, 128, 128)}
    table = np.zeros((256, 3), np.uint8)
    for value, colour in values.items():
        table[value] = colour[::-1]
    for mask in islice(sorted((root / "masks").iterdir()), 0, 784, 40):
        write(tmp_path / "colours/masks" / mask.name, table[cv2.imread(str(mask), cv2.IMREAD_GRAYSCALE)])
        image = root / "images" / f"{mask.stem}.jpg"
        (tmp_path / "colours/images").mkdir(exist_ok=True)
        (tmp_path / "colours/images" / image.name).write_bytes(image.read_bytes())
    by_colour = FolderSource("labelmefacade", tmp_path / "colours", classes=COLOURS, **PATTERNS)
    _, rows, _ = to_shards(by_colour, tmp_path / "by_colour", {"sky": ["sky"]})
    for row in rows:
        mask = read_mask(root / "masks" / f"{Path(row.image).stem}.png")
        assert np.array_equal(read_mask(Path(row.label)) == 1, mask == 255)
