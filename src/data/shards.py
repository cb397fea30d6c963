"""Shards: Parquet files of encoded images and target masks, at the size that training reads.

`<folder>/manifest.json` holds the class table, the model's size and the channel statistics;
`<folder>/{train,val,test}/*.parquet` hold a row per image: image (JPEG bytes), mask (PNG bytes of target indices and
void), name, source, group.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from src.model_card import ClassInfo


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
        fields = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        fields["classes"] = tuple(ClassInfo(c["name"], tuple(c["colour"])) for c in fields["classes"])
        for name in ("mean", "std", "sources"):
            fields[name] = tuple(fields[name])
        return cls(**fields)


class ShardReader:
    """Random access to the images of one split.

    Args:
        folder: a split's folder of Parquet shards; an empty one reads as no images.
    """

    def __init__(self, folder: Path) -> None:
        shards = sorted(folder.glob("*.parquet"))
        self._table = pa.concat_tables(pq.read_table(shard, memory_map=True) for shard in shards) if shards else None

    def __len__(self) -> int:
        return self._table.num_rows if self._table is not None else 0

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Image RGB uint8 [H, W, 3] and mask uint8 [H, W] of target indices and void."""
        image = cv2.imdecode(self._bytes("image", index), cv2.IMREAD_COLOR_RGB)
        mask = cv2.imdecode(self._bytes("mask", index), cv2.IMREAD_GRAYSCALE)
        return image, mask

    def spread(self, most: int) -> tuple[np.ndarray, np.ndarray]:
        """Up to `most` images, evenly spread over the split: RGB uint8 [N, H, W, 3] and masks uint8 [N, H, W]."""
        picks = np.unique(np.linspace(0, len(self) - 1, min(most, len(self))).round().astype(int))
        images, masks = zip(*(self[int(pick)] for pick in picks), strict=True)
        return np.stack(images), np.stack(masks)

    def _bytes(self, column: str, index: int) -> np.ndarray:
        return np.frombuffer(self._table.column(column)[index].as_buffer(), np.uint8)
