"""Several models on the same photographs: their figures per set, and masks for any other scorer."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from src.data.images import read_image, read_mask
from src.data.index import IndexRow
from src.data.inspection import CUT_SHORT, SIZE_MISMATCH, UNREADABLE
from src.data.splits import UNSEEN
from src.evaluation.metrics import Tally
from src.files import make_writable
from src.labels import VOID
from src.model_card import ClassInfo

SKY = (ClassInfo("background", (0, 0, 0)), ClassInfo("sky", (0, 114, 255)))
TRUTH = "truth"
BROKEN = (UNREADABLE, CUT_SHORT, SIZE_MISMATCH)


@dataclass(frozen=True)
class Entrant:
    """A model as it is scored.

    Attributes:
        name: in the table, and of its folder of masks.
        predict: BGR uint8 [H, W, 3] of any size -> labels uint8 [H, W], 1 is sky.
    """

    name: str
    predict: Callable[[np.ndarray], np.ndarray]


@dataclass
class SetScore:
    """One entrant on one set.

    Attributes:
        tally: of all its images.
        false_pixels, pixels: called sky, and valid, on its images without sky.
    """

    tally: Tally
    false_pixels: int = 0
    pixels: int = 0


def held_out(index: Sequence[IndexRow], skipped: Sequence[str]) -> dict[str, list[IndexRow]]:
    """By source, the images that nothing was learnt from: test and unseen ones.

    Of an official test split those count too that the filter dropped (figures of others refer to all of it), broken
    files apart.
    """
    found: dict[str, list[IndexRow]] = {}
    for row in index:
        if row.split in ("test", UNSEEN) and row.source not in skipped and row.reason not in BROKEN:
            found.setdefault(row.source, []).append(row)
    return found


def score_set(
    rows: Sequence[IndexRow],
    lookup: np.ndarray,
    entrants: Sequence[Entrant],
    *,
    root: Path,
    masks: Path | None = None,
    on_image: Callable[[], Any] = lambda: None,
) -> dict[str, SetScore]:
    """Every entrant's score on one source, each photograph at its own size.

    Args:
        rows: its images.
        lookup: uint8 [256], native mask value -> target index or void; see `src.data.index.native_lookups`.
        entrants: what is scored.
        root: folder from which the rows' paths start.
        masks: a folder for <entrant>/<source>/<image>.png (255 is sky) and truth/<source>/<image>.png (255 sky, 0 not,
            127 not counted); None keeps none.
        on_image: called after each image.
    """
    scores = {entrant.name: SetScore(Tally(SKY)) for entrant in entrants}
    for row in rows:
        image = read_image(root / row.image)
        target = cv2.LUT(read_mask(root / row.label), lookup)
        if masks:
            _keep(masks / TRUTH, row, np.choose(np.minimum(target, 2), (0, 255, 127)).astype(np.uint8))
        for entrant in entrants:
            labels = entrant.predict(image)
            score = scores[entrant.name]
            if score.tally.add(target, labels).false_sky is not None:
                valid = target != VOID
                score.false_pixels += int(np.count_nonzero(labels[valid]))
                score.pixels += int(np.count_nonzero(valid))
            if masks:
                _keep(masks / entrant.name, row, labels * 255)
        on_image()
    return scores


def _keep(folder: Path, row: IndexRow, mask: np.ndarray) -> None:
    name = "-".join(Path(row.image).with_suffix("").parts[3:]) or Path(row.image).stem  # below data/raw/<source>
    path = folder / row.source / f"{name}.png"
    make_writable(path.parent)
    cv2.imwrite(str(path), mask)


def measures(
    scores: Mapping[str, Mapping[str, SetScore]], rows: Mapping[str, Sequence[IndexRow]], edges: Sequence[str]
) -> list[dict[str, Any]]:
    """The table: a row {measure, images, unit, <entrant>: value, ...} per figure; None where it cannot be measured.

    IoU is of sky, pixels pooled over a set; boundary F1 a mean over the images with sky of the sets in `edges`. False
    sky is the mean, over a set's images without sky, of the share of pixels called sky (negatives_fp of the project's
    acceptance script); its last row is the share of all their pixels together.

    Args:
        scores: by source, by entrant.
        rows: by source; tells the split.
        edges: sources whose labels are good enough for edges.
    """
    entrants = list(next(iter(scores.values())))
    summaries = {source: {name: one.tally.summary() for name, one in found.items()} for source, found in scores.items()}

    def row(measure: str, images: int, unit: str, values: Mapping[str, float | None]) -> dict[str, Any]:
        return {"measure": measure, "images": images, "unit": unit, **values}

    def figures(source: str, key: str) -> dict[str, float | None]:
        return {name: summaries[source][name].get(key) for name in entrants}

    table = [
        row(f"IoU, {source} ({rows[source][0].split})", len(rows[source]), "ratio", values)
        for source in scores
        if any(values := figures(source, "iou")) and None not in values.values()
    ]
    if with_edges := [source for source in edges if source in scores]:
        together = {name: _merged(scores[source][name].tally for source in with_edges) for name in entrants}
        values = {name: tally.summary().get("boundary_f1") for name, tally in together.items()}
        summary = next(iter(together.values())).summary()
        measure = f"boundary F1, {' and '.join(with_edges)}"
        table.append(row(measure, summary["images"] - summary["negatives"], "ratio", values))
    negative = [source for source in scores if summaries[source][entrants[0]]["negatives"]]
    table += [
        row(f"false sky, {source}", summaries[source][entrants[0]]["negatives"], "share", figures(source, "false_sky"))
        for source in negative
    ]
    if negative:
        shares = {
            name: sum(scores[s][name].false_pixels for s in negative) / sum(scores[s][name].pixels for s in negative)
            for name in entrants
        }
        count = sum(summaries[source][entrants[0]]["negatives"] for source in negative)
        table.append(row("false sky, of all pixels without sky", count, "share", shares))
    return table


def shown(row: Mapping[str, Any], name: str) -> str:
    """The value of entrant `name` in a row of `measures`, for people; a dash where there is none."""
    value = row[name]
    if value is None:
        return "-"
    return {"share": f"{value:.2%}", "ms": f"{value:.1f} ms"}.get(row["unit"], f"{value:.3f}")


def _merged(tallies: Iterable[Tally]) -> Tally:
    whole = Tally(SKY)
    for tally in tallies:
        whole.merge(tally)
    return whole
