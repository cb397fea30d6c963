"""Which images a model learns from and is tested on, and in which split."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import cv2
import numpy as np
from tqdm import tqdm

from src.data.images import UnreadableImage, read_image, read_mask
from src.data.index import KEPT, IndexRow
from src.data.raw import RawFolder, Sample
from src.data.splits import assign_splits
from src.errors import UserError
from src.labels import VOID, ClassTable
from src.params import Filter

SIZE_MISMATCH = "image and mask differ in size"


def select(raw: Iterable[RawFolder], table: ClassTable, rules: Filter) -> list[IndexRow]:
    """Looks at every image of every raw folder and decides.

    Raises:
        UserError: no source, a source of which nothing is kept, sizes that differ (unless the rules drop those),
            or too few groups to split.
    """
    rows: list[IndexRow] = []
    for folder in raw:
        target, known = table.lookup(folder.classes, folder.name)
        inspect = partial(_inspect, folder=folder, target=target, known=known, rules=rules)
        samples = folder.samples()
        # Threads, not processes: cv2 decodes outside the interpreter lock.
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            progress = tqdm(pool.map(inspect, samples), desc=f"filter {folder.name}", total=len(samples), unit="image")
            found = list(progress)
        _refuse_mismatch(found, rules)
        _report_unreadable(found, folder.name)
        if not any(row.kept for row in found):
            raise UserError(
                f"source '{folder.name}': none of its {len(found)} images is kept",
                ", ".join(f"{reason}: {n}" for reason, n in Counter(row.reason for row in found).items()),
                "relax filter in params.yaml, or check the source's masks and classes",
            )
        rows += _split(found, folder.name, rules)
    if not rows:
        raise UserError("no source to filter: data/raw is empty", fix="dvc repro download")
    return rows


def _inspect(sample: Sample, *, folder: RawFolder, target: np.ndarray, known: np.ndarray, rules: Filter) -> IndexRow:
    image_path, label_path = folder.path / sample.image, folder.path / sample.label
    row = IndexRow(folder.name, sample.group, sample.split, image_path.as_posix(), label_path.as_posix())
    try:
        image, mask = read_image(image_path), read_mask(label_path)
    except UnreadableImage as error:
        return replace(row, reason="unreadable", detail=f"{error.what}: {error.why}")
    height, width = image.shape[:2]
    row = replace(row, width=width, height=height)
    if mask.shape != (height, width):
        return replace(row, reason=SIZE_MISMATCH, detail=f"{width}x{height}, {mask.shape[1]}x{mask.shape[0]}")
    counts = cv2.calcHist([mask], [0], None, [256], [0, 256]).ravel()
    foreign = np.flatnonzero((counts > 0) & ~known)
    if foreign.size:
        return replace(row, reason="values not in the class table", detail=f"{foreign[:5].tolist()}")
    valid = counts[target != VOID].sum()
    sky = counts[(target != VOID) & (target > 0)].sum()
    row = replace(row, sky_fraction=float(sky / valid) if valid else float("nan"))
    reason = _verdict(row, rules)
    return replace(row, kept=reason == KEPT, reason=reason)


def _verdict(row: IndexRow, rules: Filter) -> str:
    if min(row.width, row.height) < rules.min_side:
        return f"side below {rules.min_side} px"
    if np.isnan(row.sky_fraction):
        return "void everywhere"
    if row.sky_fraction == 0:
        # By the name's hash: the same images stay whatever else is in the set.
        draw = int.from_bytes(hashlib.sha256(f"{rules.seed}/{row.image}".encode()).digest()[:8], "big") / 2**64
        return KEPT if draw < rules.negatives else "no sky, beyond the share of negatives"
    if row.sky_fraction < rules.min_sky:
        return "too little sky"
    return "too much sky" if row.sky_fraction > rules.max_sky else KEPT


def _refuse_mismatch(rows: list[IndexRow], rules: Filter) -> None:
    bad = [row for row in rows if row.reason == SIZE_MISMATCH]
    if bad and rules.size_mismatch == "error":
        first = bad[0]
        raise UserError(
            f"{len(bad)} images differ in size from their masks, the first: {first.image}, {first.label}",
            f"{first.detail} pixels; a mask must lie on its photograph pixel by pixel",
            "put the right masks there, or set filter.size_mismatch: drop",
        )


def _report_unreadable(rows: list[IndexRow], source: str) -> None:
    bad = [row for row in rows if row.reason == "unreadable"]
    if bad:
        print(f"{source}: {len(bad)} unreadable, skipped:", flush=True)
        for row in bad:
            print(f"  {row.detail}", flush=True)


def _split(rows: list[IndexRow], source: str, rules: Filter) -> list[IndexRow]:
    kept = [row for row in rows if row.kept]
    splits = assign_splits(
        [row.group for row in kept],
        [row.split for row in kept],
        source=source,
        val_share=rules.val_share,
        test_share=rules.test_share,
        seed=rules.seed,
    )
    assigned = iter(splits)
    return [replace(row, split=next(assigned)) if row.kept else row for row in rows]
