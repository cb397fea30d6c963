"""ADE20K in its three layouts: the benchmark from a server or a folder, and the full releases by their names."""

import io
import json

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from src.data.raw import fill_raw_folder, raw_folders
from src.data.sources.ade20k import OTHER, ADE20KSource
from src.data.sources.ade20k_classes import CLASSES, SYNONYMS
from src.errors import UserError
from tests.data.http_server import Fault, LocalServer
from tests.data.layouts import to_shards, zipped
from tests.toy import photograph

SKY, TREE, BUILDING = CLASSES["sky"], CLASSES["tree"], CLASSES["building"]
NAMES = {
    "training": [f"ADE_train_{i:08d}" for i in range(1, 9)],
    "validation": ["ADE_val_00000001", "ADE_val_00000002"],
}


def benchmark(negatives=4):
    """Path -> content of a small ADEChallengeData2016; the last `negatives` training images show no sky."""
    files = {"ADEChallengeData2016/objectInfo150.txt": b"Idx ...", "ADEChallengeData2016/sceneCategories.txt": b""}
    for split, names in NAMES.items():
        for seed, name in enumerate(names):
            image, toy = photograph(seed)
            mask = np.where(toy == 255, SKY, np.where(toy == 127, 0, TREE)).astype(np.uint8)
            if split == "training" and seed >= len(names) - negatives:
                mask[mask == SKY] = BUILDING
            files[f"ADEChallengeData2016/images/{split}/{name}.jpg"] = cv2.imencode(".jpg", image)[1].tobytes()
            files[f"ADEChallengeData2016/annotations/{split}/{name}.png"] = cv2.imencode(".png", mask)[1].tobytes()
    return files


def write(root, files):
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def fill(tmp_path, **options):
    figures = fill_raw_folder(ADE20KSource(work=tmp_path / "work", **options), tmp_path / "raw/ade20k")
    [raw] = raw_folders(tmp_path / "raw")
    return raw, figures


def test_the_150_classes_are_those_of_the_benchmark():
    assert len(SYNONYMS) == 150
    assert len(CLASSES) == 151
    assert (CLASSES["void"], CLASSES["wall"], CLASSES["sky"], CLASSES["flag"]) == (0, 1, 3, 150)
    assert list(CLASSES.values()) == list(range(151))


def test_the_benchmark_is_downloaded_unpacked_and_split_as_published(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    with LocalServer() as server:
        server.serve("/ADEChallengeData2016.zip", zipped(benchmark()), faults=[Fault(cut_after=5000), Fault(503)])
        url = server.url + "/ADEChallengeData2016.zip"
        raw, figures = fill(tmp_path, url=url, sleep=lambda _: None)
        assert server.ranges() == [None, "bytes=5000-", "bytes=5000-"]
    samples = raw.samples()
    assert figures["images"] == 10
    assert "BSD" in figures["licence"]
    assert [s.split for s in samples] == ["train"] * 8 + ["test"] * 2
    assert samples[0].image == "images/training/ADE_train_00000001.jpg"
    assert samples[0].label == "masks/training/ADE_train_00000001.png"
    assert len({s.group for s in samples}) == 10
    assert raw.classes["sky"] == 3
    for sample in samples:
        original = benchmark()[f"ADEChallengeData2016/annotations/{sample.label.removeprefix('masks/')}"]
        assert (raw.path / sample.label).read_bytes() == original
    assert sorted(path.name for path in raw.path.iterdir()) == ["images", "masks", "samples.csv", "source.json"]


def test_a_truncated_archive_leaves_no_raw_folder_behind_that_looks_whole(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    content = zipped(benchmark())
    with LocalServer() as server:
        server.serve("/ade.zip", content[: len(content) // 2])
        with pytest.raises(UserError, match=r"ADEChallengeData2016\.zip: broken or truncated"):
            fill(tmp_path, url=server.url + "/ade.zip")
    assert not (tmp_path / "raw/ade20k/source.json").exists()


@pytest.mark.parametrize("below", ["", "ADEChallengeData2016"])
def test_the_benchmark_in_a_folder_is_copied_and_stays(tmp_path, below):
    root = write(tmp_path / "mine", benchmark())
    raw, figures = fill(tmp_path, root=root / below)
    assert figures["images"] == len(raw.samples()) == 10
    assert len(list(root.rglob("*.jpg"))) == 10


def test_the_benchmark_becomes_shards_with_val_taken_from_train(tmp_path):
    root = write(tmp_path / "mine", benchmark())
    _, rows, manifest = to_shards(ADE20KSource(work=tmp_path / "work", root=root), tmp_path, {"sky": ["sky"]})
    assert all(row.kept for row in rows)
    assert sum(row.sky_fraction == 0 for row in rows) == 4
    assert manifest.images == {"train": 6, "val": 2, "test": 2}


def test_negatives_are_thinned_by_the_hash_of_their_names(tmp_path):
    root = write(tmp_path / "mine", benchmark(negatives=6))
    kept = {}
    for share in (0.0, 0.5, 1.0):
        raw, _ = fill(tmp_path / str(share), root=root, negatives=share)
        kept[share] = {s.group for s in raw.samples()}
    assert kept[0.0] < kept[0.5] < kept[1.0]
    assert kept[0.0] == {*NAMES["training"][:2], *NAMES["validation"]}
    assert len(kept[1.0]) == 10


def test_a_mask_that_cannot_be_read_is_left_to_the_filter(tmp_path):
    files = benchmark(negatives=8) | {"ADEChallengeData2016/annotations/training/ADE_train_00000001.png": b"broken"}
    raw, _ = fill(tmp_path, root=write(tmp_path / "mine", files), negatives=0.0)
    assert {s.group for s in raw.samples()} == {"ADE_train_00000001", *NAMES["validation"]}


def test_halves_of_pairs_are_refused(tmp_path):
    root = write(tmp_path / "mine", benchmark())
    (root / "ADEChallengeData2016/annotations/training/ADE_train_00000003.png").unlink()
    with pytest.raises(UserError, match=r"data\.ade20k\.root: 1 of 10 images have no label.*ADE_train_00000003"):
        fill(tmp_path, root=root)


def test_other_folders_are_refused(tmp_path):
    with pytest.raises(UserError, match="no such folder"):
        fill(tmp_path / "1", root=tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="not ADE20K in a layout that is known"):
        fill(tmp_path / "2", root=tmp_path / "empty")
    with pytest.raises(UserError, match="no image is left"):
        files = {name: content for name, content in benchmark(negatives=8).items() if "validation" not in name}
        fill(tmp_path / "3", root=write(tmp_path / "mine", files), negatives=0.0)


# Native values of a release: any; the annotation beside each image tells their names.
NATIVE = {"sky": 2420, "tree": 2855, "building, edifice": 312, "flying saucer": 999}


def release_image(seed, names):
    """A photograph, its _seg.png and the objects: horizontal bands of the names, the first row unlabelled."""
    image = photograph(seed)[0]
    seg = np.zeros_like(image)
    rows = np.array_split(np.arange(1, len(image)), len(names))
    for number, (name, band) in enumerate(zip(names, rows, strict=True), start=1):
        value = NATIVE[name]
        seg[band] = (number * 20, value % 256, value // 256 * 10)  # B, G, R
    return cv2.imencode(".jpg", image)[1].tobytes(), cv2.imencode(".png", seg)[1].tobytes()


def described(names):
    parts = {"hasparts": [], "ispartof": [], "part_level": 0}
    objects = [{"id": i, "name": name, "name_ndx": NATIVE[name], "parts": parts} for i, name in enumerate(names)]
    # A part with a native value that an object has, too, must not rename it.
    objects.append({"id": 9, "name": "window", "name_ndx": 2420, "parts": parts | {"part_level": 1}})
    return json.dumps({"annotation": {"object": objects}}).encode()


def index_file():
    """An index_ade20k.mat: a struct with objectnames among its fields, the name of value 1 first."""
    names = {value: name for name, value in NATIVE.items()}
    content = io.BytesIO()
    objectnames = np.array([names.get(value, f"thing {value}") for value in range(1, 2900)], dtype=object)
    savemat(content, {"index": {"filename": np.array(["a.jpg"], dtype=object), "objectnames": objectnames}})
    return content.getvalue()


@pytest.mark.parametrize("base", ["ADE20K_2021_17_01/images/ADE", "ADE20K_2016_07_26/images"])
def test_full_releases_find_classes_by_their_names(tmp_path, base):
    shown = {
        "training/urban/street/ADE_train_00000001": ["sky", "building, edifice", "flying saucer"],
        "training/home/attic/ADE_train_00000002": ["flying saucer", "building, edifice"],
        "validation/nature/field/ADE_val_00000001": ["tree", "sky"],
    }
    files = {}
    for seed, (name, names) in enumerate(shown.items()):
        image, seg = release_image(seed, names)
        files |= {f"{name}.jpg": image, f"{name}_seg.png": seg, f"{name}_parts_1.png": seg}
        files |= {f"{name}.json": described(names)} if "2021" in base else {f"{name}_atr.txt": b""}
    root = write(tmp_path / "mine" / base, files)
    if "2016" in base:
        write(root.parent, {"index_ade20k.mat": index_file()})
    raw, _ = fill(tmp_path / "all", root=root)
    assert [(s.group, s.split) for s in raw.samples()] == [
        ("ADE_train_00000001", "train"),
        ("ADE_train_00000002", "train"),
        ("ADE_val_00000001", "test"),
    ]
    first = cv2.imread(str(raw.path / raw.samples()[0].label), cv2.IMREAD_UNCHANGED)
    assert first[[0, 1, 30, -1], 0].tolist() == [0, SKY, BUILDING, OTHER]
    assert set(np.unique(first)) == {0, SKY, BUILDING, OTHER}
    last = cv2.imread(str(raw.path / raw.samples()[2].label), cv2.IMREAD_UNCHANGED)
    assert set(np.unique(last)) == {0, SKY, TREE}
    with_sky, _ = fill(tmp_path / "sky", root=root, negatives=0.0)
    assert [s.group for s in with_sky.samples()] == ["ADE_train_00000001", "ADE_val_00000001"]


@pytest.mark.parametrize("content", [b"", b"cut short"])
def test_a_releases_mask_that_cannot_be_read_is_left_to_the_filter(content, tmp_path):
    image, seg = release_image(0, ["sky"])
    files = {}
    for name in ("training/x/ADE_train_00000001", "validation/x/ADE_val_00000001"):
        files |= {f"{name}.jpg": image, f"{name}_seg.png": seg, f"{name}.json": described(["sky"])}
    files["training/x/ADE_train_00000001_seg.png"] = content
    root = write(tmp_path / "mine/ADE20K_2021_17_01/images/ADE", files)
    raw, _ = fill(tmp_path / "1", root=root, negatives=0.0)
    assert "ADE_train_00000001" in {sample.group for sample in raw.samples()}


def test_a_release_without_or_with_odd_annotations_is_refused(tmp_path):
    image, seg = release_image(0, ["sky"])
    name = "images/ADE/training/x/ADE_train_00000001"
    root = write(tmp_path / "mine", {f"{name}.jpg": image, f"{name}_seg.png": seg})
    with pytest.raises(UserError, match=r"neither a \.json beside it nor an index_ade20k\.mat"):
        fill(tmp_path / "1", root=root)
    write(root, {f"{name}.json": b'{"annotation": {}}'})
    with pytest.raises(UserError, match="not an annotation of ADE20K's"):
        fill(tmp_path / "2", root=root)
    (root / f"{name}.json").unlink()
    write(root, {"index_ade20k.mat": b"MATLAB 5.0 cut short"})
    with pytest.raises(UserError, match="not ADE20K's index"):
        fill(tmp_path / "3", root=root)
