"""The `bdd100k` source: drivable area (100K images) or 19 classes (10K images) of Berkeley DeepDrive, 1280x720.

Layouts: https://doc.bdd100k.com/download.html and format.html; the older ones of 2018: the README of
https://github.com/ucbdrive/bdd100k.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from src.data.raw import Sample, Source
from src.data.sources.trees import Pair, copied_samples, copy_pairs, find_below, pair_up, recode
from src.errors import UserError

KEY = "data.bdd100k.root"
PAGE = "https://bdd-data.berkeley.edu/"
SPLITS = {"train": "train", "val": "test"}  # theirs -> ours

DRIVABLE = {"direct": 0, "alternative": 1, "background": 2, "void": 255}
SEMANTIC = {
    "road": 0,
    "sidewalk": 1,
    "building": 2,
    "wall": 3,
    "fence": 4,
    "pole": 5,
    "traffic light": 6,
    "traffic sign": 7,
    "vegetation": 8,
    "terrain": 9,
    "sky": 10,
    "person": 11,
    "rider": 12,
    "car": 13,
    "truck": 14,
    "bus": 15,
    "train": 16,
    "motorcycle": 17,
    "bicycle": 18,
    "void": 255,
}

Task = Literal["drivable", "semantic"]


@dataclass(frozen=True)
class Layout:
    """Where one release keeps its files, below the folder `bdd100k`.

    Attributes:
        images, labels: folders that hold train/ and val/.
        suffix: what a label's name has after its image's.
        values: its label values -> ours, where they differ.
    """

    images: str
    labels: str
    suffix: str = ".png"
    values: Mapping[int, int] = field(default_factory=dict)


LAYOUTS: dict[Task, tuple[Layout, ...]] = {
    "drivable": (
        Layout("images/100k", "labels/drivable/masks"),
        # The maps of 2018: 0 background, 1 direct, 2 alternative.
        Layout("images/100k", "drivable_maps/labels", "_drivable_id.png", {0: 2, 1: 0, 2: 1}),
    ),
    "semantic": (
        Layout("images/10k", "labels/sem_seg/masks"),
        Layout("seg/images", "seg/labels", "_train_id.png"),
    ),
}
CLASSES: dict[Task, dict[str, int]] = {"drivable": DRIVABLE, "semantic": SEMANTIC}
PACKAGES = {"drivable": "100K Images and Drivable Area", "semantic": "10K Images and Semantic Segmentation"}


class BDD100KSource(Source):
    """BDD100K from a folder that the user downloaded.

    Its labelled splits are train and val. Val becomes our test, and our val is taken from train by `filter`: the labels
    of its own test set are not public, and val must not both choose the epoch and give the final figures. Each image is
    a group of its own, because each is the one frame taken from its video.

    Args:
        root: the folder into which the archives were extracted.
        task: drivable (direct, alternative, background) or semantic (Cityscapes' 19 classes).
    """

    name = "bdd100k"
    licence = (
        "BDD100K, (c) 2018 The Regents of the University of California: free for educational, research and "
        "not-for-profit purposes (https://doc.bdd100k.com/license.html)"
    )

    def __init__(self, *, root: Path, task: Task) -> None:
        self.root, self.task, self.classes = root, task, CLASSES[task]

    def fetch(self, into: Path) -> None:
        fix = f"log in at {PAGE}, download {PACKAGES[self.task]}, extract both into {self.root}, or set {KEY}"
        if not self.root.is_dir():
            raise UserError(f"{KEY}: no such folder: {self.root}", "BDD100K is not downloaded for you", fix)
        for layout in LAYOUTS[self.task]:
            images = find_below(self.root, layout.images)
            labels = find_below(self.root, layout.labels)
            if images and labels:
                pairs = _pairs(images, labels, layout.suffix, fix)
                break
        else:
            known = "; or ".join(f"{layout.images} and {layout.labels}" for layout in LAYOUTS[self.task])
            what = f"{KEY}: {self.root} lacks the images or the labels of the task {self.task}"
            raise UserError(what, f"it should hold {known}", fix)
        if not pairs:
            raise UserError(f"{KEY}: no images in {images}/train or val", fix=fix)
        copy_pairs(pairs, into, name=self.name, convert=recode(layout.values) if layout.values else None)

    def samples(self, fetched: Path) -> Iterator[Sample]:
        return copied_samples(fetched, SPLITS, lambda path: path.as_posix())


def _pairs(images: Path, labels: Path, suffix: str, fix: str) -> list[Pair]:
    photographs = {f"{split}/{path.stem}": path for split in SPLITS for path in (images / split).glob("*.jpg")}
    masks = {
        f"{split}/{path.name.removesuffix(suffix)}": path
        for split in SPLITS
        for path in (labels / split).glob(f"*{suffix}")
    }
    return pair_up(photographs, masks, key=KEY, fix=fix)
