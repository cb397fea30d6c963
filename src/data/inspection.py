"""What one image of a source is like, and whether that alone rules it out."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from src.data.duplicates import perceptual_hash
from src.data.images import UnreadableImage, read_mask
from src.data.index import KEPT, IndexRow
from src.data.quality import CutShort, Look, look_at, refuse_cut_short
from src.data.raw import RawFolder, Sample
from src.labels import VOID
from src.params import Filter

UNREADABLE, CUT_SHORT, SIZE_MISMATCH = "unreadable", "cut short", "image and mask differ in size"


@dataclass(frozen=True)
class Finding:
    """One image's row of the index so far, and its perceptual hash (None if it was dropped)."""

    row: IndexRow
    code: int | None = None


@dataclass(frozen=True)
class Inspector:
    """Looks at the images of one source.

    Attributes:
        folder: the source.
        target: uint8 [256], native mask value -> target index or `VOID`.
        known: bool [256], whether the source's vocabulary lists the value.
        rules: what drops an image.
        whole: the set is scored whole; only files that do not hold what they should, or nothing valid, are dropped.
    """

    folder: RawFolder
    target: np.ndarray
    known: np.ndarray
    rules: Filter
    whole: bool = False

    def __call__(self, sample: Sample) -> Finding:
        row = row_of(self.folder, sample)
        image_path, label_path = Path(row.image), Path(row.label)
        try:
            look = look_at(image_path)
            refuse_cut_short(label_path)
            mask = read_mask(label_path)
        except UnreadableImage as error:
            reason = CUT_SHORT if isinstance(error, CutShort) else UNREADABLE
            return Finding(replace(row, reason=reason, detail=f"{error.what}: {error.why}"))
        row = replace(row, width=look.width, height=look.height)
        counts = cv2.calcHist([mask], [0], None, [256], [0, 256]).ravel()
        fault = self._fault(look, mask, counts)
        if fault:
            return Finding(replace(row, reason=fault[0], detail=fault[1]))
        row = self._measure(row, look, mask, counts)
        reason = _verdict(row, self.rules, self.whole)
        if reason != KEPT:
            return Finding(replace(row, reason=reason))
        return Finding(replace(row, kept=True, reason=KEPT), perceptual_hash(look.grey))

    def _fault(self, look: Look, mask: np.ndarray, counts: np.ndarray) -> tuple[str, str] | None:
        """(reason, detail) of files that do not hold what they should."""
        if mask.shape != (look.height, look.width):
            return SIZE_MISMATCH, f"{look.width}x{look.height}, {mask.shape[1]}x{mask.shape[0]}"
        foreign = np.flatnonzero((counts > 0) & ~self.known)
        return ("values not in the class table", f"{foreign[:5].tolist()}") if foreign.size else None

    def _measure(self, row: IndexRow, look: Look, mask: np.ndarray, counts: np.ndarray) -> IndexRow:
        valid = counts[self.target != VOID].sum()
        sky = counts[(self.target != VOID) & (self.target > 0)].sum()
        return replace(
            row,
            sky_fraction=float(sky / valid) if valid else float("nan"),
            black=look.black,
            white=look.white,
            sharpness=look.sharpness(cv2.LUT(mask, self.target)),
        )


def row_of(folder: RawFolder, sample: Sample) -> IndexRow:
    """The row of an image that nobody has looked at."""
    image, label = folder.path / sample.image, folder.path / sample.label
    return IndexRow(folder.name, sample.group, sample.split, image.as_posix(), label.as_posix())


def _verdict(row: IndexRow, rules: Filter, whole: bool) -> str:
    if np.isnan(row.sky_fraction):
        return "void everywhere"
    if whole:
        return KEPT
    if min(row.width, row.height) < rules.min_side:
        return f"side below {rules.min_side} px"
    if row.black > rules.max_black:
        return "black"
    if row.white > rules.max_white:
        return "white"
    if row.sharpness < rules.min_sharpness:
        return "blurred"
    if row.sky_fraction == 0:
        # By the name's hash: the same images stay whatever else is in the set.
        draw = int.from_bytes(hashlib.sha256(f"{rules.seed}/{row.image}".encode()).digest()[:8], "big") / 2**64
        return KEPT if draw < rules.negatives else "no sky, beyond the share of negatives"
    if row.sky_fraction < rules.min_sky:
        return "too little sky"
    return "too much sky" if row.sky_fraction > rules.max_sky else KEPT
