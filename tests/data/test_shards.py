"""Shards and the dataset over them."""

import numpy as np
import pytest
import torch

from src.data.augment import build_augmentation
from src.data.dataset import EpochSampler, ShardDataset
from src.data.index import IndexRow
from src.data.pack import write_shards
from src.data.raw import fill_raw_folder, raw_folders
from src.data.selection import select
from src.data.shards import Manifest, ShardReader
from src.data.sources.folder import FolderSource
from src.errors import UserError
from src.labels import VOID, ClassTable
from src.params import Augment, Filter, Preprocess
from tests.data.test_selection import RULES
from tests.toy import CLASSES, FOLDER, make_folder

TABLE = ClassTable.from_labels({"sky": ["sky"]})
SIZES = Preprocess(height=32, width=64, train_scale=1.5, jpeg_quality=95)
KNOBS = Augment(flip=0.5, rotate=10.0, min_crop=0.4, colour=0.7, blur=0.3, noise=0.3, jpeg=0.3)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    root = make_folder(folder / "photos", negatives=4)
    fill_raw_folder(FolderSource("toy", root, **FOLDER), folder / "raw/toy")
    rows = select(raw_folders(folder / "raw"), TABLE, Filter.model_validate(RULES))
    pack([row for row in rows if row.kept], folder / "prepared")
    return folder / "prepared"


def pack(rows: list[IndexRow], folder):
    lookups = {"toy": TABLE.lookup(CLASSES, "toy")[0]}
    return write_shards(rows, lookups, TABLE, SIZES, {"toy": "made by the tests"}, folder)


def test_val_is_of_the_models_size_and_train_is_larger(prepared):
    image, mask = ShardReader(prepared / "val")[0]
    assert (image.shape, image.dtype, mask.shape, mask.dtype) == ((32, 64, 3), np.uint8, (32, 64), np.uint8)
    assert ShardReader(prepared / "train")[0][0].shape == (48, 96, 3)


def test_masks_hold_target_indices_and_images_are_rgb(prepared):
    image, mask = ShardReader(prepared / "train")[0]
    assert set(np.unique(mask)) <= {0, 1, VOID}
    assert (mask == 1).any()
    sky = image[mask == 1].mean(axis=0)
    assert sky[2] > sky[0] + 50  # the toy sky is blue


def test_the_manifest_tells_what_the_shards_hold(prepared):
    manifest = Manifest.read(prepared)
    assert (manifest.height, manifest.width) == (32, 64)
    assert [c.name for c in manifest.classes] == ["background", "sky"]
    assert manifest.images == {s: len(ShardReader(prepared / s)) for s in ("train", "val", "test")}
    assert sum(manifest.class_share.values()) == pytest.approx(1)
    assert manifest.sources == ({"source": "toy", "licence": "made by the tests", "images": 16},)
    train = ShardReader(prepared / "train")
    pixels = np.concatenate([train[i][0].reshape(-1, 3) for i in range(len(train))]) / 255
    assert manifest.mean == pytest.approx(pixels.mean(axis=0), abs=0.01)
    assert manifest.std == pytest.approx(pixels.std(axis=0), abs=0.01)


def test_spread_takes_the_whole_split_evenly(prepared):
    reader = ShardReader(prepared / "train")
    frames, masks = reader.spread(3)
    assert frames.shape == (3, 48, 96, 3)
    assert masks.shape == (3, 48, 96)
    assert np.array_equal(frames[-1], reader[len(reader) - 1][0])
    assert len(reader.spread(1000)[0]) == len(reader)


def test_a_split_without_images_is_refused(tmp_path):
    row = IndexRow("toy", "a", "train", "a.jpg", "a.png", 8, 8, 0.5, True, "kept")
    with pytest.raises(UserError, match="no image in the val split"):
        pack([row], tmp_path / "prepared")


def test_augmentation_depends_on_seed_epoch_and_index_alone(prepared):
    def sample(item, seed=1):
        return ShardDataset(prepared / "train", build_augmentation(KNOBS, 32, 64), seed)[item]

    size = len(ShardReader(prepared / "train"))
    for one, other in ((sample(2), sample(2)), (sample(2 + size), sample(2 + size))):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    assert not torch.equal(sample(2)[0], sample(2 + size)[0])
    assert not torch.equal(sample(2)[0], sample(2, seed=2)[0])


def test_augmented_items_have_the_models_size_and_no_new_values(prepared):
    dataset = ShardDataset(prepared / "train", build_augmentation(KNOBS, 32, 64), 1)
    for item in range(4 * len(dataset)):
        image, mask = dataset[item]
        assert (image.shape, image.dtype) == ((32, 64, 3), torch.uint8)
        assert (mask.shape, mask.dtype) == ((32, 64), torch.int64)
        assert set(mask.unique().tolist()) <= {0, 1, VOID}


def test_an_epoch_shows_every_image_once_in_an_order_of_its_own():
    sampler = EpochSampler(10, seed=1)
    first = list(sampler)
    sampler.set_epoch(3)
    fourth = list(sampler)
    assert sorted(first) == list(range(10))
    assert sorted(i - 30 for i in fourth) == list(range(10))
    assert [i - 30 for i in fourth] != first
