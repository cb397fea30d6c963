"""Sources fill a raw folder that describes itself; what is wrong with a user's folder is said by its key."""

from typing import get_args

import cv2
import numpy as np
import pytest

from src import params
from src.data.raw import RawFolder, Sample, fill_raw_folder, raw_folders
from src.data.sources import build_sources
from src.data.sources.folder import FolderSource
from src.data.sources.synthetic import SyntheticSource
from src.data.synthesis import SceneOptions
from src.errors import UserError
from src.params.data import SourceName
from tests.import_graph import ROOT
from tests.toy import CLASSES, FOLDER, make_folder, photograph, write_pair


def folder_source(root, **changes):
    return FolderSource("toy", root, **(FOLDER | changes))


def test_a_folder_becomes_a_raw_folder_that_describes_itself(tmp_path):
    root = make_folder(tmp_path / "photos")
    figures = fill_raw_folder(folder_source(root), tmp_path / "raw/toy")
    [raw] = raw_folders(tmp_path / "raw")
    assert raw == RawFolder(tmp_path / "raw/toy", "toy", "made by the tests", CLASSES)
    assert figures["images"] == 12
    assert figures["bytes"] > 0
    assert raw.samples()[0] == Sample("images/a_0.jpg", "masks/a_0.png", "a", "")
    assert all((raw.path / s.image).is_file() and (raw.path / s.label).is_file() for s in raw.samples())


def test_sub_folders_and_dotted_names_keep_their_paths(tmp_path):
    for name in ("x/a.1", "y.2024/a.1"):
        for folder in ("photos", "labels"):
            (tmp_path / folder / name).parent.mkdir(parents=True, exist_ok=True)
        image, mask = photograph(1)
        cv2.imwrite(str(tmp_path / f"photos/{name}.png"), image)
        cv2.imwrite(str(tmp_path / f"labels/{name}_mask.png"), mask)
    source = folder_source(tmp_path, images="photos/**/*", masks="labels/{path}_mask.png", group=r"^(\w+)[/.]")
    fill_raw_folder(source, tmp_path / "raw/toy")
    samples = raw_folders(tmp_path / "raw")[0].samples()
    assert [(s.image, s.group) for s in samples] == [("images/x/a.1.png", "x"), ("images/y.2024/a.1.png", "y")]


def test_an_official_split_is_read_by_name(tmp_path):
    """From a file with a byte-order mark, as a spreadsheet saves it."""
    root = make_folder(tmp_path / "photos", groups=3, per_group=1)
    (root / "splits.csv").write_text(
        "name,split\na_0,train\nb_0,val\nc_0,test\n", "utf-8-sig"
    )  # as a spreadsheet saves it
    fill_raw_folder(folder_source(root, splits="splits.csv"), tmp_path / "raw/toy")
    assert [s.split for s in raw_folders(tmp_path / "raw")[0].samples()] == ["train", "val", "test"]


def test_images_without_a_mask_are_left_out_and_named(tmp_path, capsys):
    root = make_folder(tmp_path / "photos")
    (root / "masks/a_0.png").unlink()
    figures = fill_raw_folder(folder_source(root), tmp_path / "raw/toy")
    assert figures["images"] == 11
    assert "1 images without a mask left out" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"images": "nothing/*.jpg"}, "data.folder.sets.toy.images: no image matches"),
        ({"images": "/abs/*.jpg"}, "data.folder.sets.toy.images: not a pattern below root"),
        ({"masks": "nowhere/{path}.png"}, "data.folder.sets.toy.masks: no image"),
        ({"masks": "masks/{name}.png"}, "data.folder.sets.toy.masks: cannot fill"),
        ({"group": "(["}, "data.folder.sets.toy.group: not a regular expression"),
        ({"group": "^(z+)?"}, "data.folder.sets.toy.group: ^(z+)? finds no group"),
        ({"group": "^(z+)_"}, "data.folder.sets.toy.group: ^(z+)_ finds no group"),
        ({"splits": "missing.csv"}, "data.folder.sets.toy.splits"),
        ({"splits": "short.csv"}, "does not name 11 images"),
        ({"splits": "odd.csv"}, "has splits ['holdout']"),
        ({"splits": "bare.csv"}, "has splits ['', 'holdout']"),
    ],
)
def test_what_is_wrong_with_a_folder_is_said_by_its_key(tmp_path, changes, says):
    root = make_folder(tmp_path / "photos")
    (root / "short.csv").write_text("name,split\na_0,train\n")
    (root / "odd.csv").write_text("name,split\na_0,holdout\n")
    (root / "bare.csv").write_text("name,split\na_0\nb_0,holdout\n")
    with pytest.raises(UserError) as caught:
        fill_raw_folder(folder_source(root, **changes), tmp_path / "raw/toy")
    assert says in str(caught.value)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"data\.folder\.root: no such folder"):
        fill_raw_folder(folder_source(tmp_path / "nowhere"), tmp_path / "raw/toy")


def test_two_images_that_would_share_a_mask_are_refused(tmp_path):
    root = make_folder(tmp_path / "photos", groups=1, per_group=1)
    cv2.imwrite(str(root / "images/a_0.png"), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(UserError, match="differ only in suffix"):
        fill_raw_folder(folder_source(root, images="images/*"), tmp_path / "raw/toy")


def test_scenes_are_rendered_with_their_masks_and_do_not_depend_on_how_many(tmp_path):
    options = {"seed": 3, "width": 96, "height": 64, "options": SceneOptions(no_sky_share=0.0)}
    fill_raw_folder(SyntheticSource(scenes=4, **options), tmp_path / "four/synthetic")
    fill_raw_folder(SyntheticSource(scenes=2, **options), tmp_path / "two/synthetic")
    [four], [two] = raw_folders(tmp_path / "four"), raw_folders(tmp_path / "two")
    assert len(four.samples()) == 4
    assert len({s.group for s in four.samples()}) == 4
    for sample in two.samples():
        for part in (sample.image, sample.label):
            assert (two.path / part).read_bytes() == (four.path / part).read_bytes()


@pytest.fixture
def data():
    return params.load(ROOT / "params.yaml").data


def test_params_name_the_sources(data, tmp_path):
    every = [*get_args(SourceName)]
    chosen = data.model_copy(update={"sources": every})
    names = [source.name for source in build_sources(chosen, tmp_path, {})]
    assert names == ["synthetic", "photos", "skyfinder", "ade20k", "cityscapes", "bdd100k", "camvid"]


def test_the_folder_source_gives_one_per_set(data, tmp_path):
    [photos] = data.folder.sets.values()
    folder = data.folder.model_copy(update={"sets": {"one": photos, "two": photos}})
    chosen = data.model_copy(update={"sources": ["folder"], "folder": folder})
    assert [source.name for source in build_sources(chosen, tmp_path, {})] == ["one", "two"]


def test_cityscapes_takes_its_login_from_the_environment_given(data, tmp_path):
    chosen = data.model_copy(update={"sources": ["cityscapes"]})
    with pytest.raises(UserError) as caught:
        fill_raw_folder(build_sources(chosen, tmp_path, {"CITYSCAPES_USERNAME": "me"})[0], tmp_path / "raw")
    assert "CITYSCAPES_PASSWORD" in str(caught.value)


def test_unreadable_files_are_copied_as_they_are_and_left_to_the_filter(tmp_path):
    root = make_folder(tmp_path / "photos", groups=3, per_group=1)
    (root / "images/z_0.jpg").write_bytes(b"broken")
    write_pair(root, "y_0", *photograph(9))
    cv2.imwrite(str(root / "masks/z_0.png"), np.zeros((8, 8), np.uint8))
    assert fill_raw_folder(folder_source(root), tmp_path / "raw/toy")["images"] == 5
