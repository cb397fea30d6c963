"""The `ade20k` source: photographs of every kind of scene, labelled to the pixel, most with a sky, many without.

B. Zhou et al., "Scene Parsing through ADE20K Dataset", CVPR 2017. Three layouts are taken:

- the benchmark, ADEChallengeData2016: `images/{training,validation}/*.jpg`, `annotations/{training,validation}/*.png`
  of values 0 to 150; downloaded, or a folder;
- the full release of 2021 (ADE20K_2021_17_01), a folder: beside each `<name>.jpg` a `<name>_seg.png`, whose class is
  R // 10 * 256 + G (README and utils_ade20k.py of https://github.com/CSAILVision/ADE20K), and a `<name>.json`, whose
  objects tell the name of each class by `name_ndx`;
- the full release of 2016 (ADE20K_2016_07_26), a folder: the same `<name>_seg.png`; the class is the place of its name
  among `objectnames` of `index_ade20k.mat`, counted from 1.

A full release is brought to the benchmark's 150 classes by their names. `index_ade20k.pkl` is never read, for
unpickling a file runs what it says; a release with nothing else beside it is refused.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from tqdm import tqdm

from src.data.fetching.archive import extract
from src.data.fetching.http import download
from src.data.fetching.retrying import Sleep
from src.data.images import UnreadableImage, encode, read_mask
from src.data.raw import Sample, Source
from src.data.sources.ade20k_classes import CLASSES, SYNONYMS
from src.data.sources.trees import Pair, copied_samples, copy_pairs, find_below, pair_up
from src.errors import UserError

KEY = "data.ade20k"
URL = "http://data.csail.mit.edu/places/ADEchallenge/ADEChallengeData2016.zip"
ARCHIVE = "ADEChallengeData2016.zip"
INDEX = "index_ade20k.mat"
TERMS = "https://groups.csail.mit.edu/vision/datasets/ADE20K/terms/"
SPLITS = {"training": "train", "validation": "test"}
SKY = CLASSES["sky"]
OTHER = 151  # an object outside the 150 classes, which only the full release tells from what nobody outlined
_VALUES = {name: value for value, name in enumerate(SYNONYMS, start=1)}


class ADE20KSource(Source):
    """ADE20K; its training images are for training, its validation images for the test; each image is a group.

    Args:
        work: folder for the archive (about 1 GB), which is kept for the next run.
        root: a folder in one of the layouts, or up to two folders above it; None downloads the benchmark.
        negatives: share of the images without sky that is kept, 0..1, by the hash of their names.
        url: of the benchmark's archive.
        sleep: waits between tries of the download.
    """

    name = "ade20k"
    licence = (
        "ADE20K (MIT CSAIL): annotations BSD 3-Clause; the images belong to their owners, for non-commercial research "
        f"and education only ({TERMS})"
    )
    classes = CLASSES | {"other": OTHER}

    def __init__(
        self,
        *,
        work: Path,
        root: Path | None = None,
        negatives: float = 1.0,
        url: str = URL,
        sleep: Sleep = time.sleep,
    ) -> None:
        self.work, self.root, self.negatives, self.url, self.sleep = work, root, negatives, url, sleep

    def fetch(self, into: Path) -> None:
        if self.root is not None:
            self._take(self.root, into, move=False)
            return
        archive = download(self.url, self.work, name=ARCHIVE, sleep=self.sleep)
        # Below the raw folder, so that what is unpacked moves into place without a copy.
        with TemporaryDirectory(dir=into, prefix=".extracted-") as scratch:
            extract(archive, Path(scratch), members=_is_wanted)
            self._take(Path(scratch), into, move=True)

    def samples(self, fetched: Path) -> Iterator[Sample]:
        return copied_samples(fetched, SPLITS, lambda path: path.name)

    def _take(self, root: Path, into: Path, *, move: bool) -> None:
        if not root.is_dir():
            raise UserError(
                f"{KEY}.root: no such folder: {root}", fix=f"set {KEY}.root to your copy, or to null for a download"
            )
        benchmark = find_below(root, "annotations/training")
        pairs = _benchmark_pairs(benchmark.parent.parent) if benchmark else _release_pairs(root)
        if not pairs:
            raise UserError(
                f"{KEY}.root: {root} is not ADE20K in a layout that is known",
                "no annotations/training in it, and no <name>_seg.png beside <name>.jpg",
                f"set {KEY}.root to ADEChallengeData2016 or to a full release, or to null for a download",
            )
        if benchmark:
            copy_pairs(self._thinned(pairs, _benchmark_has_sky), into, name=self.name, move=move)
            return
        convert = partial(release_mask, names=_indexed([pair.label for pair in pairs]))
        kept = self._thinned(pairs, lambda pair: _release_has_sky(convert(pair.label)))
        copy_pairs(kept, into, name=self.name, convert=convert, move=move)

    def _thinned(self, pairs: list[Pair], has_sky: Callable[[Pair], bool]) -> list[Pair]:
        """All pairs with sky, and the chosen share of those without."""
        # By the hash of the name: the same images are kept on every machine, and all those of a smaller share.
        drawn = {pair: _draw(pair.path.name) >= self.negatives for pair in pairs}
        doubtful = [pair for pair, out in drawn.items() if out]
        if not doubtful:
            return pairs
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            seen = tqdm(
                pool.map(has_sky, doubtful), desc=f"look for sky {self.name}", total=len(doubtful), unit="image"
            )
            dropped = {pair for pair, sky in zip(doubtful, seen, strict=True) if not sky}
        if dropped:
            print(f"{self.name}: {len(dropped)} images without sky left out ({KEY}.negatives)", flush=True)
        if len(dropped) == len(pairs):
            raise UserError(f"{KEY}.negatives: no image is left", "none of them shows sky", "keep some negatives")
        return [pair for pair in pairs if pair not in dropped]


def _benchmark_pairs(base: Path) -> list[Pair]:
    images = _by_path(base / "images", "*.jpg")
    labels = _by_path(base / "annotations", "*.png")
    return pair_up(images, labels, key=f"{KEY}.root", fix=f"extract {ARCHIVE} again, to its end")


def _by_path(base: Path, pattern: str) -> dict[str, Path]:
    return {f"{split}/{path.stem}": path for split in SPLITS for path in (base / split).glob(pattern)}


def _release_pairs(root: Path) -> list[Pair]:
    labels: dict[str, Path] = {}
    for path in sorted(root.rglob("*_seg.png")):
        split = next((part for part in reversed(path.parts) if part in SPLITS), None)
        if split is not None:
            labels[f"{split}/{path.name.removesuffix('_seg.png')}"] = path
    images = {key: path.with_name(PurePosixPath(key).name + ".jpg") for key, path in labels.items()}
    there = {key: path for key, path in images.items() if path.is_file()}
    return pair_up(there, labels, key=f"{KEY}.root", fix="extract the release again, to its end")


def _benchmark_has_sky(pair: Pair) -> bool:
    try:
        return bool((read_mask(pair.label) == SKY).any())
    except UnreadableImage:
        return True  # the filter drops it, and names it


def _release_has_sky(mask: bytes | None) -> bool:
    return mask is None or bool((cv2.imdecode(np.frombuffer(mask, np.uint8), cv2.IMREAD_UNCHANGED) == SKY).any())


def release_mask(label: Path, names: Mapping[int, str]) -> bytes | None:
    """A full release's `<name>_seg.png` as a PNG of the benchmark's values, or None for a picture that is broken.

    Args:
        label: the `<name>_seg.png`.
        names: native value -> name, where there is no `<name>.json` to tell.

    Returns:
        uint8 [H, W]: 1..150, `OTHER` for an object of no such class, 0 where nothing is outlined.

    Raises:
        UserError: nothing tells the names of the classes.
    """
    data = np.fromfile(label, np.uint8)
    encoded = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if encoded is None:
        return None
    native = encoded[..., 2].astype(np.int32) // 10 * 256 + encoded[..., 1]
    table = np.full(native.max() + 1, OTHER, np.uint8)
    for value, name in (_described(label) or names).items():
        if value < len(table):
            table[value] = _VALUES.get(name.strip().lower(), OTHER)
    table[0] = CLASSES["void"]
    return encode(table[native], ".png")


def _described(label: Path) -> dict[int, str]:
    """Native value -> name of the classes in one image, by the `<name>.json` beside it; empty without one."""
    file = label.with_name(label.name.removesuffix("_seg.png") + ".json")
    if not file.is_file():
        return {}
    try:
        objects = json.loads(_text(file))["annotation"]["object"]
        return {int(one["name_ndx"]): one["name"] for one in objects if not one["parts"]["part_level"]}
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{file}: not an annotation of ADE20K's",
            f"{type(error).__name__}: {error}",
            "take the file from the release again",
        ) from error


def _indexed(labels: Sequence[Path]) -> dict[int, str]:
    """Native value -> name, by the release's index_ade20k.mat above the labels; empty if all have their own."""
    bare = next((label for label in labels if not _described(label)), None)
    if bare is None:
        return {}
    file = next((folder / INDEX for folder in bare.parents if (folder / INDEX).is_file()), None)
    if file is None:
        raise UserError(
            f"{bare}: neither a .json beside it nor an {INDEX} above it",
            "one of them has to tell which of its values is the sky",
            "extract the release again, to its end",
        )
    from scipy.io import loadmat  # reads data only, unlike an unpickler

    try:
        found = loadmat(file, simplify_cells=True)["index"]["objectnames"]
        return {value: str(name) for value, name in enumerate(found, start=1)}
    except Exception as error:  # loadmat raises whatever a broken file leads it to
        raise UserError(
            f"{file}: not ADE20K's index", f"{type(error).__name__}: {error}", "take it from the release again"
        ) from error


def _text(file: Path) -> str:
    content = file.read_bytes()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")  # names that annotators gave


def _draw(name: str) -> float:
    """0 <= draw < 1, by the name's hash."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") / 2**64


def _is_wanted(member: str) -> bool:
    path = PurePosixPath(member)
    return path.suffix in (".jpg", ".png") and path.parent.name in SPLITS and "__MACOSX" not in path.parts
