"""Index -> shards: resizing, packing and counting."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from src.data.images import encode, read_image, read_mask
from src.data.index import IndexRow
from src.data.parallel import in_order
from src.data.raw import SPLITS
from src.data.shards import ROWS_PER_GROUP, Manifest
from src.errors import UserError
from src.labels import ClassTable
from src.params import Preprocess

ROWS_PER_SHARD = 512


def write_shards(
    index: list[IndexRow],
    lookups: Mapping[str, np.ndarray],
    table: ClassTable,
    sizes: Preprocess,
    licences: Mapping[str, str],
    folder: Path,
) -> Manifest:
    """Packs the kept images of an index.

    Images are resized as at inference (bilinear, the whole image stretched), labels by nearest; val and test exactly
    to the model's size, train larger by `train_scale` so that crops keep their detail.

    Args:
        index: rows to pack.
        lookups: by source, uint8 [256]: native mask value -> target index or `VOID`.
        table: the classes.
        sizes: the model's size, the scale of training images and their JPEG quality.
        licences: by source.
        folder: written; must not exist.

    Raises:
        UserError: there is nothing to train on or to validate with.
    """
    by_split = {split: [row for row in index if row.split == split] for split in SPLITS}
    for split in ("train", "val"):
        if not by_split[split]:
            raise UserError(
                f"preprocess: no image in the {split} split",
                f"the index has { {s: len(r) for s, r in by_split.items()} }",
                "use more images, or set filter.val_share above 0",
            )
    train_stats = _Statistics(len(table.classes))
    for split, rows in by_split.items():
        scale = sizes.train_scale if split == "train" else 1.0
        size = (round(sizes.width * scale), round(sizes.height * scale))
        packed = _pack_all(rows, lookups, size, sizes.jpeg_quality, split)
        _write_split(packed, folder / split, train_stats if split == "train" else None)
    counts = Counter(row.source for row in index)
    manifest = Manifest(
        classes=table.classes,
        height=sizes.height,
        width=sizes.width,
        mean=train_stats.mean,
        std=train_stats.std,
        images={split: len(rows) for split, rows in by_split.items()},
        class_share=dict(zip(table.names, train_stats.class_share, strict=True)),
        sources=tuple({"source": s, "licence": licences[s], "images": n} for s, n in sorted(counts.items())),
    )
    (folder / "manifest.json").write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")
    return manifest


class _Statistics:
    """Channel moments and class counts, summed image by image."""

    def __init__(self, classes: int) -> None:
        self.sums, self.squares, self.pixels = np.zeros(3), np.zeros(3), 0
        self.counts = np.zeros(classes)

    def add(self, image: np.ndarray, mask: np.ndarray) -> None:
        mean, std = (m.ravel()[::-1] / 255 for m in cv2.meanStdDev(image))  # BGR -> RGB
        self.sums += mean * mask.size
        self.squares += (std**2 + mean**2) * mask.size
        self.pixels += mask.size
        self.counts += np.bincount(mask.ravel(), minlength=256)[: len(self.counts)]

    @property
    def mean(self) -> tuple[float, ...]:
        return tuple(float(m) for m in self.sums / self.pixels)

    @property
    def std(self) -> tuple[float, ...]:
        variance = self.squares / self.pixels - np.square(self.mean)
        return tuple(float(s) for s in np.sqrt(np.maximum(variance, 1e-8)))

    @property
    def class_share(self) -> list[float]:
        return [float(share) for share in self.counts / max(1.0, self.counts.sum())]


def _pack_all(
    rows: list[IndexRow], lookups: Mapping[str, np.ndarray], size: tuple[int, int], quality: int, split: str
) -> Iterator[tuple[dict, np.ndarray, np.ndarray]]:
    pack = partial(_pack, lookups=lookups, size=size, quality=quality)
    yield from tqdm(in_order(pack, rows), desc=f"pack {split}", total=len(rows), unit="image")


def _pack(
    row: IndexRow, *, lookups: Mapping[str, np.ndarray], size: tuple[int, int], quality: int
) -> tuple[dict, np.ndarray, np.ndarray]:
    image = cv2.resize(read_image(Path(row.image)), size, interpolation=cv2.INTER_LINEAR)
    native = cv2.resize(read_mask(Path(row.label)), size, interpolation=cv2.INTER_NEAREST_EXACT)
    mask = cv2.LUT(native, lookups[row.source])
    fields = {
        "image": encode(image, ".jpg", (cv2.IMWRITE_JPEG_QUALITY, quality)),
        "mask": encode(mask, ".png"),
        "name": Path(row.image).stem,
        "source": row.source,
        "group": row.group,
    }
    return fields, image, mask


def _write_split(
    packed: Iterator[tuple[dict, np.ndarray, np.ndarray]], folder: Path, statistics: _Statistics | None
) -> None:
    folder.mkdir(parents=True)
    rows: list[dict] = []
    shard = 0
    for fields, image, mask in packed:
        rows.append(fields)
        if statistics:
            statistics.add(image, mask)
        if len(rows) == ROWS_PER_SHARD:
            _write_shard(rows, folder, shard)
            rows, shard = [], shard + 1
    if rows:
        _write_shard(rows, folder, shard)


def _write_shard(rows: list[dict], folder: Path, number: int) -> None:
    table = pa.Table.from_pylist(rows)
    # The images are compressed already: another codec, a dictionary of them or their least and greatest bytes cost
    # time and space, and gain nothing.
    names = ["source", "group"]
    path = folder / f"shard-{number:05d}.parquet"
    pq.write_table(
        table, path, row_group_size=ROWS_PER_GROUP, compression="none", use_dictionary=names, write_statistics=names
    )
