"""Shards: Parquet files of encoded images and target masks, at the size that training reads.

`<folder>/manifest.json` holds the class table, the model's size and the channel statistics;
`<folder>/{train,val,test}/*.parquet` hold a row per image: image (JPEG bytes), mask (PNG bytes of target indices and
void), name, source, group.
"""

import json
import os
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from src.errors import UserError
from src.model_card import ClassInfo

PREPARE = "dvc repro preprocess"
ROWS_PER_GROUP = 8  # images read at a time: small, for training reads them in random order (docs/results.md)
HELD = 4  # row groups that a reader keeps


@dataclass(frozen=True)
class Manifest:
    """What the shards were made of.

    Attributes:
        classes: by target index.
        height, width: the model's input size; training shards are larger by `train_scale`.
        mean, std: of the training images' RGB channels, 0..1.
        images: per split.
        class_share: share of the valid training pixels, by class name.
        sources: one {source, licence, images} per source, counting kept images of all splits.
    """

    classes: tuple[ClassInfo, ...]
    height: int
    width: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    images: dict[str, int]
    class_share: dict[str, float]
    sources: tuple[dict[str, Any], ...]

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """Raises UserError as `manifest_text`."""
        fields = json.loads(manifest_text(folder))
        fields["classes"] = tuple(ClassInfo(c["name"], tuple(c["colour"])) for c in fields["classes"])
        for name in ("mean", "std", "sources"):
            fields[name] = tuple(fields[name])
        return cls(**fields)


def manifest_text(folder: Path) -> str:
    """What manifest.json of a folder of shards says.

    Raises:
        UserError: there is none.
    """
    try:
        return (folder / "manifest.json").read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{folder}: no prepared images", f"manifest.json: {error.strerror}", PREPARE) from error


class ShardReader:
    """Random access to, and streaming of, the images of one split, whose set may be larger than memory.

    It reads a row group at a time from memory-mapped files and keeps the last `HELD` of them: decoded images are not
    kept, and of a file only the pages of those groups are needed. Copies in other processes, forked or spawned, open
    the files for themselves.

    Args:
        folder: a split's folder of Parquet shards; an empty one reads as no images.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._groups: list[tuple[Path, int]] = []
        sizes = []
        for shard in sorted(folder.glob("*.parquet")):
            about = pq.read_metadata(shard)
            self._groups += [(shard, group) for group in range(about.num_row_groups)]
            sizes += [about.row_group(group).num_rows for group in range(about.num_row_groups)]
        self._starts = np.cumsum([0, *sizes])
        self._forget()

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Image RGB uint8 [H, W, 3] and mask uint8 [H, W] of target indices and void.

        Raises:
            IndexError: not in 0..len - 1.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"image {index} of {len(self)}")
        group = int(np.searchsorted(self._starts, index, side="right")) - 1
        table, row = self._read(group), index - int(self._starts[group])
        image = cv2.imdecode(_bytes(table, "image", row), cv2.IMREAD_COLOR_RGB)
        mask = cv2.imdecode(_bytes(table, "mask", row), cv2.IMREAD_GRAYSCALE)
        return image, mask

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Streams the images in order, however many there are, in the memory of `HELD` row groups."""
        return (self[index] for index in range(len(self)))

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_files": {}, "_held": OrderedDict()}

    def spread(self, most: int) -> tuple[np.ndarray, np.ndarray]:
        """Up to `most` images, evenly spread over the split: RGB uint8 [N, H, W, 3] and masks uint8 [N, H, W].

        Raises:
            UserError: there are none.
        """
        if not len(self):
            raise UserError(f"{self._folder}: no prepared images", fix=PREPARE)
        picks = np.unique(np.linspace(0, len(self) - 1, min(most, len(self))).round().astype(int))
        images, masks = zip(*(self[int(pick)] for pick in picks), strict=True)
        return np.stack(images), np.stack(masks)

    def _read(self, group: int) -> pa.Table:
        """A row group's encoded images, from those held or from the file."""
        if self._process != os.getpid():
            self._forget()
        if group in self._held:
            self._held.move_to_end(group)
            return self._held[group]
        shard, number = self._groups[group]
        if shard not in self._files:
            self._files[shard] = pq.ParquetFile(shard, memory_map=True)
        # Arrow's thread pool does not survive a fork, and one group is too small to share out.
        table = self._files[shard].read_row_group(number, columns=["image", "mask"], use_threads=False)
        self._held[group] = table
        if len(self._held) > HELD:
            self._held.popitem(last=False)
        return table

    def _forget(self) -> None:
        self._process = os.getpid()
        self._files: dict[Path, pq.ParquetFile] = {}
        self._held: OrderedDict[int, pa.Table] = OrderedDict()


def _bytes(table: pa.Table, column: str, row: int) -> np.ndarray:
    return np.frombuffer(table.column(column)[row].as_buffer(), np.uint8)
