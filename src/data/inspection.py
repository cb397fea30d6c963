"""What one image of a source is like, and whether that alone rules it out."""

import hashlib
from dataclasses import dataclass, replace

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
    """

    folder: RawFolder
    target: np.ndarray
    known: np.ndarray
    rules: Filter

    def __call__(self, sample: Sample) -> Finding:
        image_path, label_path = self.folder.path / sample.image, self.folder.path / sample.label
        row = IndexRow(self.folder.name, sample.group, sample.split, image_path.as_posix(), label_path.as_posix())
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
        reason = _verdict(row, self.rules)
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


def _verdict(row: IndexRow, rules: Filter) -> str:
    if min(row.width, row.height) < rules.min_side:
        return f"side below {rules.min_side} px"
    if np.isnan(row.sky_fraction):
        return "void everywhere"
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
