"""BDD100K's layouts, new and old, for both tasks."""

import shutil

import numpy as np
import pytest

from src.data.images import read_mask
from src.data.raw import fill_raw_folder
from src.data.sources.bdd100k import DRIVABLE, SEMANTIC, BDD100KSource
from src.errors import UserError
from src.labels import ClassTable
from tests.data.layouts import bands, picture, to_shards, write

NAMES = {"train": [f"0000f77c-6257be5{i}" for i in range(6)], "val": ["b1c66a42-6f7d68ca", "b1c81faa-3df17267"]}
LANES = {"direct": ["direct"], "alternative": ["alternative"]}


def make_bdd(root, *, images, labels, suffix, values):
    seed = 0
    for split, names in NAMES.items():
        for name in names:
            seed += 1
            write(root / images / split / f"{name}.jpg", picture(seed))
            write(root / labels / split / f"{name}{suffix}", bands(values))
    # What the archives hold besides, and nobody needs here.
    write(root / images / "test" / "cabc30fc-e7726578.jpg", picture(99))
    return root


def make_drivable(root):
    """Upper half background, then alternative, then direct."""
    return make_bdd(
        root, images="images/100k", labels="labels/drivable/masks", suffix=".png", values=[2, 2, 1, 0]
    )  # fmt: skip


def make_old_drivable(root):
    make_bdd(
        root / "bdd100k_images/bdd100k",
        images="images/100k",
        labels="../../bdd100k_drivable_maps/bdd100k/drivable_maps/labels",
        suffix="_drivable_id.png",
        values=[0, 0, 2, 1],
    )
    return root


def test_drivable_areas_become_shards_of_three_classes(tmp_path):
    make_drivable(tmp_path / "mine/bdd100k")
    source = BDD100KSource(root=tmp_path / "mine", task="drivable")
    raw, rows, manifest = to_shards(source, tmp_path, LANES)
    assert raw.classes == DRIVABLE
    assert "not-for-profit" in raw.licence
    assert [c.name for c in manifest.classes] == ["background", "direct", "alternative"]
    assert manifest.class_share == pytest.approx({"background": 0.5, "direct": 0.25, "alternative": 0.25})
    assert len({row.group for row in rows}) == len(rows) == 8
    assert {row.group for row in rows if row.split == "test"} == set(NAMES["val"])
    assert manifest.images["val"] >= 1  # carved out of train
    mask = tmp_path / "mine/bdd100k/labels/drivable/masks/train" / f"{NAMES['train'][0]}.png"
    assert (raw.path / "masks/train" / mask.name).read_bytes() == mask.read_bytes()


def test_the_maps_of_2018_give_the_same_labels(tmp_path):
    fill_raw_folder(BDD100KSource(root=make_drivable(tmp_path / "new"), task="drivable"), tmp_path / "raw/new")
    fill_raw_folder(BDD100KSource(root=make_old_drivable(tmp_path / "old"), task="drivable"), tmp_path / "raw/old")
    new, old = (sorted((tmp_path / "raw" / which / "masks").rglob("*.png")) for which in ("new", "old"))
    assert [path.name for path in new] == [path.name for path in old]
    for one, other in zip(new, old, strict=True):
        assert np.array_equal(read_mask(one), read_mask(other))


@pytest.mark.parametrize(
    ("images", "labels", "suffix"),
    [("images/10k", "labels/sem_seg/masks", ".png"), ("seg/images", "seg/labels", "_train_id.png")],
)
def test_the_nineteen_classes_become_shards(tmp_path, images, labels, suffix):
    root = make_bdd(tmp_path / "bdd100k", images=images, labels=labels, suffix=suffix, values=[10, 10, 2, 255, 0])
    raw, rows, manifest = to_shards(BDD100KSource(root=root, task="semantic"), tmp_path, {"sky": ["sky"]})
    assert raw.classes == SEMANTIC
    assert len(SEMANTIC) == 20
    assert all(row.sky_fraction == pytest.approx(0.5, abs=0.03) for row in rows)
    assert manifest.images["test"] == 2


def test_the_sky_is_not_among_the_drivable_classes(tmp_path):
    fill_raw_folder(BDD100KSource(root=make_drivable(tmp_path / "new"), task="drivable"), tmp_path / "raw/bdd100k")
    with pytest.raises(UserError, match="has none of the classes"):
        ClassTable.from_labels({"sky": ["sky"]}).lookup(DRIVABLE, "bdd100k")


@pytest.mark.parametrize(
    ("task", "damage", "says"),
    [
        ("drivable", lambda root: shutil.rmtree(root), "no such folder"),
        ("semantic", lambda root: None, "lacks the images or the labels of the task semantic"),
        (
            "drivable",
            lambda root: shutil.rmtree(root / "labels"),
            "lacks the images or the labels of the task drivable",
        ),
        ("drivable", lambda root: shutil.rmtree(root / "labels/drivable/masks/val"), "2 of 8 images have no label"),
        ("drivable", lambda root: shutil.rmtree(root / "images/100k/val"), "2 of 8 labels have no image"),
        ("drivable", lambda root: [path.unlink() for path in root.rglob("*-*.*")], "no images in"),
    ],
)
def test_what_is_wrong_with_the_folder_is_said_with_the_page(tmp_path, task, damage, says):
    root = make_drivable(tmp_path / "bdd100k")
    damage(root)
    with pytest.raises(UserError) as caught:
        fill_raw_folder(BDD100KSource(root=root, task=task), tmp_path / "raw/bdd100k")
    assert says in caught.value.what
    assert caught.value.what.startswith("data.bdd100k.root: ")
    assert "https://bdd-data.berkeley.edu/" in caught.value.fix
