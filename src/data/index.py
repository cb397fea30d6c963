"""The index: a row per image of every source, kept in a split or dropped for a reason."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from src.data.raw import RawFolder
from src.errors import UserError
from src.labels import ClassTable

KEPT = "kept"


@dataclass(frozen=True)
class IndexRow:
    """One image of the index.

    Attributes:
        source, group, split: where it belongs: train, val, test, or unseen for a set that is only scored; split is ""
            for dropped images without an official one.
        image, label: paths from the project's root.
        width, height: pixels; 0 where unreadable or not looked at.
        sky_fraction: share of the valid pixels that are of any target class, 0..1; NaN likewise.
        black, white: shares of the pixels that are too dark or too bright to show anything, 0..1; NaN if not measured.
        sharpness: variance of the Laplacian outside the target classes; NaN if not measured.
        kept: whether later stages see it.
        reason: `KEPT`, or why it was dropped.
        detail: what exactly is wrong, where the reason does not say it.
        twin: the image that stays in place of a near-duplicate.
    """

    source: str
    group: str
    split: str
    image: str
    label: str
    width: int = 0
    height: int = 0
    sky_fraction: float = float("nan")
    black: float = float("nan")
    white: float = float("nan")
    sharpness: float = float("nan")
    kept: bool = False
    reason: str = ""
    detail: str = ""
    twin: str = ""


def write_index(rows: list[IndexRow], path: Path) -> None:
    """Writes the index as Parquet, a column per field of `IndexRow`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist([asdict(row) for row in rows]), path)


def read_index(path: Path, *, kept_only: bool = True) -> list[IndexRow]:
    """Reads an index back; by default only the images that later stages see.

    Raises:
        UserError: there is none.
    """
    if not path.is_file():
        raise UserError(f"{path}: no index of the images", fix="dvc repro filter-sky")
    rows = (IndexRow(**fields) for fields in pq.read_table(path).to_pylist())
    return [row for row in rows if row.kept or not kept_only]


def native_lookups(folders: Iterable[RawFolder], table: ClassTable) -> dict[str, np.ndarray]:
    """By source, uint8 [256]: native mask value -> target index or `VOID`; see `ClassTable.lookup`."""
    return {folder.name: table.lookup(folder.classes, folder.name)[0] for folder in folders}


def index_metrics(rows: list[IndexRow]) -> dict:
    """Counts for the committed metrics: kept and dropped, by source and by reason, and images per split."""
    kept = [row for row in rows if row.kept]
    return {
        "kept": len(kept),
        "dropped": len(rows) - len(kept),
        "negatives": sum(row.sky_fraction == 0 for row in kept),
        "mean_sky_fraction": float(np.mean([row.sky_fraction for row in kept])),
        "source": {
            source: dict(Counter(row.split if row.kept else "dropped" for row in rows if row.source == source))
            for source in sorted({row.source for row in rows})
        },
        "reason": dict(sorted(Counter(row.reason for row in rows if not row.kept).items())),
    }


def fraction_histogram(rows: list[IndexRow], bins: int = 20) -> list[dict]:
    """Images per bin of sky fraction and split, for a plot: rows of {sky_fraction, images, split}."""
    edges = np.linspace(0, 1, bins + 1)
    table = []
    for split in sorted({row.split for row in rows if row.kept}):
        counts, _ = np.histogram([row.sky_fraction for row in rows if row.kept and row.split == split], edges)
        table += [
            {"sky_fraction": round(float(edge), 3), "images": int(count), "split": split}
            for edge, count in zip(edges, counts, strict=False)
        ]
    return table
