"""Shards and the dataset over them."""

import pickle
import subprocess
import sys
from itertools import chain
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from src.data.augment import build_augmentation
from src.data.dataset import EpochBatches, ShardDataset, SkySwaps, make_loader
from src.data.index import IndexRow, read_index
from src.data.shards import HELD, ROWS_PER_GROUP, Manifest, ShardReader
from src.errors import UserError
from src.labels import VOID
from src.params import Augment
from src.training.resume import fingerprint
from tests.import_graph import ROOT
from tests.prepared import make_prepared, model_options, pack, train_options

KNOBS = Augment(
    flip=0.5, flip_vertical=0.2, rotate=10.0, min_crop=0.4, colour=0.7, blur=0.3, noise=0.3, jpeg=0.3,
    fog=0.3, rain=0.3, shadow=0.3, night=0.3, sky_swap=0.0,
)  # fmt: skip


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return make_prepared(tmp_path_factory.mktemp("shards"), negatives=4)


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


def test_streaming_gives_every_image_in_order(prepared):
    reader = ShardReader(prepared / "train")
    streamed = list(reader)
    assert len(streamed) == len(reader)
    assert all(np.array_equal(image, reader[i][0]) for i, (image, _) in enumerate(streamed))


def test_spread_takes_the_whole_split_evenly(prepared):
    reader = ShardReader(prepared / "train")
    frames, masks = reader.spread(3)
    assert frames.shape == (3, 48, 96, 3)
    assert masks.shape == (3, 48, 96)
    assert np.array_equal(frames[-1], reader[len(reader) - 1][0])
    assert len(reader.spread(1000)[0]) == len(reader)


@pytest.fixture(scope="module")
def long_split(prepared, tmp_path_factory):
    """The train split 20 times over, in two shards of many row groups."""
    folder = tmp_path_factory.mktemp("long")
    [shard] = (prepared / "train").glob("*.parquet")
    rows = pq.read_table(shard).to_pylist()
    table = pq.read_table(shard).schema.empty_table().from_pylist(rows * 20)
    half = len(table) // 2
    for number, part in enumerate((table.slice(0, half), table.slice(half))):
        pq.write_table(part, folder / f"shard-{number:05d}.parquet", row_group_size=ROWS_PER_GROUP)
    return folder, len(rows)


def test_a_reader_holds_few_row_groups_however_many_there_are(long_split):
    folder, period = long_split
    reader, short = ShardReader(folder), ShardReader(folder)
    assert len(reader) == 20 * period
    assert len(reader._groups) > 5 * HELD
    for index in np.random.default_rng(0).permutation(len(reader)).tolist():
        image, mask = reader[index]
        assert np.array_equal(image, short[index % period][0])
        assert np.array_equal(mask, short[index % period][1])
        assert len(reader._held) <= HELD
        assert sum(len(table) for table in reader._held.values()) <= HELD * ROWS_PER_GROUP


def test_shards_are_packed_in_small_row_groups_without_a_copy_of_images_in_their_statistics(prepared):
    about = pq.read_metadata(next((prepared / "train").glob("*.parquet")))
    assert max(about.row_group(i).num_rows for i in range(about.num_row_groups)) <= ROWS_PER_GROUP
    image = about.row_group(0).column(0)
    assert (image.path_in_schema, image.compression, image.statistics) == ("image", "UNCOMPRESSED", None)


def test_an_index_beyond_the_split_is_refused_and_an_empty_split_has_none(prepared, tmp_path):
    reader = ShardReader(prepared / "val")
    for index in (len(reader), -1):
        with pytest.raises(IndexError):
            reader[index]
    assert len(ShardReader(tmp_path)) == 0
    with pytest.raises(UserError, match="no prepared images"):
        ShardReader(tmp_path).spread(8)


@pytest.mark.parametrize(
    ("read", "stage"),
    [
        (Manifest.read, "preprocess"),
        (lambda folder: fingerprint(folder, model_options(), train_options()), "preprocess"),
        (lambda folder: read_index(folder / "index.parquet"), "filter-sky"),
    ],
)
def test_what_an_earlier_stage_has_not_made_yet_is_named_with_that_stage(read, stage, tmp_path):
    with pytest.raises(UserError) as caught:
        read(tmp_path / "data")
    assert str(tmp_path / "data") in caught.value.what
    assert caught.value.fix == f"dvc repro {stage}"


def test_a_reader_travels_to_another_process_without_its_files(prepared):
    reader = ShardReader(prepared / "train")
    before = reader[1]
    travelled = pickle.loads(pickle.dumps(reader))
    assert travelled._held == {}
    assert all(np.array_equal(a, b) for a, b in zip(before, travelled[1], strict=True))


def compare_workers(prepared: Path, start: str) -> None:
    """Asserts that two worker processes give the batches that none gives."""
    dataset = ShardDataset(prepared / "train", build_augmentation(KNOBS, 32, 64), 1, SkySwaps(0.5, sky=1))
    dataset[0]  # files are open here when the workers start

    # OpenCV's threads are at work here too, as in a process that has done more than train: they must not be inherited.
    cv2.setNumThreads(2)
    cv2.GaussianBlur(np.zeros((2000, 2000, 3), np.uint8), (0, 0), 3)

    def epoch(**options):
        order = EpochBatches(len(dataset), 4, 1)
        order.start_at(2)
        batches = make_loader(dataset, order, **options)
        return [torch.cat([image.flatten(), mask.flatten()]) for image, mask in batches]

    together = epoch(workers=2, start=start)
    alone = epoch(workers=0)
    assert all(torch.equal(a, b) for a, b in zip(alone, together, strict=True))


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_worker_processes_change_nothing(prepared, start):
    # In a process of its own: forking one that a whole test suite has filled with native threads is another matter.
    code = "import sys, pathlib; from tests.data.test_shards import compare_workers as compare; "
    code += "compare(pathlib.Path(sys.argv[1]), sys.argv[2])"
    subprocess.run([sys.executable, "-c", code, prepared, start], cwd=ROOT, check=True, timeout=120)


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


def items(batches: EpochBatches, epoch: int, first: int = 0) -> list[list[int]]:
    batches.start_at(epoch, first)
    return list(batches)


def test_an_epoch_shows_every_image_once_in_an_order_of_its_own():
    order = EpochBatches(12, 4, seed=1)
    first, fourth = (list(chain.from_iterable(items(order, epoch))) for epoch in (0, 3))
    assert sorted(first) == list(range(12))
    assert sorted(i - 36 for i in fourth) == list(range(12))
    assert [i - 36 for i in fourth] != first


def test_an_epoch_can_be_entered_at_any_batch():
    order = EpochBatches(22, 4, seed=1)
    assert len(order) == 5  # the last two images fill no batch
    assert items(order, 2, 3) == items(order, 2)[3:]


def test_a_split_smaller_than_a_batch_is_one_batch():
    assert [sorted(batch) for batch in items(EpochBatches(3, 8, seed=1), 0)] == [[0, 1, 2]]


def test_processes_share_out_each_batch():
    whole = items(EpochBatches(26, 8, seed=1), 1)
    shares = [items(EpochBatches(26, 4, seed=1, process=process, processes=2), 1) for process in (0, 1)]
    assert [first + second for first, second in zip(*shares, strict=True)] == whole
    assert {len(batch) for share in shares for batch in share} == {4}
