"""The way from a source to shards, and pictures to build a dataset's layout from, shared by the tests of sources."""

import io
import zipfile
from pathlib import Path

import cv2
import numpy as np

from src.data.index import IndexRow
from src.data.pack import write_shards
from src.data.raw import RawFolder, Source, fill_raw_folder, raw_folders
from src.data.selection import select
from src.data.shards import Manifest
from src.labels import ClassTable
from src.params import Filter, Preprocess
from tests.data.test_selection import RULES

SIZES = Preprocess(height=32, width=64, train_scale=1.0, jpeg_quality=95)


def to_shards(source: Source, folder: Path, labels: dict, **rules) -> tuple[RawFolder, list[IndexRow], Manifest]:
    """Fetches a source below `folder`, selects and packs it; the raw folder, all rows and the manifest."""
    fill_raw_folder(source, folder / "raw" / source.name)
    [raw] = raw_folders(folder / "raw")
    table = ClassTable.from_labels(labels)
    rows = select([raw], table, Filter.model_validate(RULES | {"min_sky": 0.0, "max_sky": 1.0} | rules))
    lookups = {raw.name: table.lookup(raw.classes, raw.name)[0]}
    kept = [row for row in rows if row.kept]
    return raw, rows, write_shards(kept, lookups, table, SIZES, {raw.name: raw.licence}, folder / "prepared")


def picture(seed: int, width: int = 96, height: int = 64) -> np.ndarray:
    """A photograph BGR uint8 [H, W, 3] unlike that of any other seed."""
    coarse = np.random.default_rng(seed).integers(20, 235, (8, 12, 3)).astype(np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def bands(values: list[int], width: int = 96, height: int = 64) -> np.ndarray:
    """A label uint8 [H, W]: one horizontal band of about equal height for each value."""
    rows = np.array(values, np.uint8)[np.arange(height) * len(values) // height]
    return np.repeat(rows[:, None], width, axis=1)


def write(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)


def zipped(members: dict[str, bytes]) -> bytes:
    """A zip archive of the contents by name."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name, data in members.items():
            file.writestr(name, data)
    return content.getvalue()
