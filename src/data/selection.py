"""Which images a model learns from and is tested on, and in which split."""

import difflib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import replace
from functools import partial

import numpy as np
from tqdm import tqdm

from src.data.duplicates import find_duplicates
from src.data.index import IndexRow
from src.data.inspection import CUT_SHORT, SIZE_MISMATCH, UNREADABLE, Finding, Inspector, row_of
from src.data.parallel import in_order
from src.data.raw import SPLITS, RawFolder, Sample
from src.data.splits import UNSEEN, assign_splits
from src.errors import UserError
from src.labels import ClassTable
from src.params import Filter

DUPLICATE, SURPLUS = "near-duplicate", "beyond the group's share"
NOT_TEST = "unseen"  # of an unseen set, but not of its official test split
PUBLISHED = ("val", "test")  # official splits that figures of others were measured on


def select(raw: Iterable[RawFolder], table: ClassTable, rules: Filter, unseen: Collection[str] = ()) -> list[IndexRow]:
    """Looks at every image of every raw folder and decides.

    First each image by itself, then those that are left against each other: near-duplicates, then the cap on a
    group. A published val or test split loses no image to the latter two, so that scores on it stay comparable.

    A source named in `unseen` is a test set of its own: its official test split, or all of it, gets the split
    `UNSEEN` and loses nothing but broken files; what else it has is dropped, so that training never meets it.

    Raises:
        UserError: no source, an unseen source that does not exist, a source of which nothing is kept, sizes that
            differ (unless the rules drop those), or too few groups to split.
    """
    rows: list[IndexRow] = []
    raw = list(raw)
    if not raw:
        raise UserError("no source to filter: data/raw is empty", fix="dvc repro download")
    _refuse_unknown_names(table, raw)
    _refuse_unknown_sources(unseen, raw)
    for folder in raw:
        look = partial(Inspector, folder, *table.lookup(folder.classes, folder.name), rules)
        found = _select_unseen(folder, look(whole=True)) if folder.name in unseen else _select_seen(folder, look())
        _say_what_became(found, folder.name)
        rows += found
    return rows


def _select_seen(folder: RawFolder, inspect: Inspector) -> list[IndexRow]:
    rules = inspect.rules
    findings = _look_at_all(inspect, folder.samples())
    found = _cap(_drop_duplicates(findings, rules.duplicate_bits), rules.max_per_group)
    _refuse_nothing(found, folder)
    return _split(found, folder.name, rules)


def _select_unseen(folder: RawFolder, inspect: Inspector) -> list[IndexRow]:
    """All of its official test split, or all of the set where it has none; the rest is dropped without a look."""
    samples = folder.samples()
    official = any(sample.split == "test" for sample in samples)
    scored = [sample for sample in samples if not official or sample.split == "test"]
    found = [finding.row for finding in _look_at_all(inspect, scored)]
    _refuse_nothing(found, folder)
    rest = [sample for sample in samples if official and sample.split != "test"]
    return [replace(row, split=UNSEEN) if row.kept else row for row in found] + [
        replace(row_of(folder, sample), reason=NOT_TEST) for sample in rest
    ]


def _look_at_all(inspect: Inspector, samples: list[Sample]) -> list[Finding]:
    name = inspect.folder.name
    findings = list(tqdm(in_order(inspect, samples), desc=f"filter {name}", total=len(samples), unit="image"))
    rows = [finding.row for finding in findings]
    _refuse_mismatch(rows, inspect.rules)
    _report_broken(rows, name)
    return findings


def _refuse_nothing(rows: list[IndexRow], folder: RawFolder) -> None:
    if not any(row.kept for row in rows):
        raise UserError(
            f"source '{folder.name}': none of its {len(rows)} images is kept",
            f"{_reasons(rows)}; its class table lists {folder.classes}",
            "check the masks and the classes of the source, or relax filter in params.yaml",
        )


def _refuse_unknown_names(table: ClassTable, raw: list[RawFolder]) -> None:
    """A misspelt native name would turn its class into background without a word."""
    offered = sorted({name for folder in raw for name in folder.classes})
    for name in table.natives:
        if name not in offered:
            close = difflib.get_close_matches(name, offered, n=1)
            raise UserError(
                f"labels: no source has a class '{name}'" + (f"; did you mean {close[0]}?" if close else ""),
                f"the sources' classes are {', '.join(offered)}",
                "correct labels in params.yaml",
            )


def _refuse_unknown_sources(unseen: Collection[str], raw: list[RawFolder]) -> None:
    names = [folder.name for folder in raw]
    if missing := [name for name in unseen if name not in names]:
        raise UserError(
            f"evaluate.unseen: no such source: {missing[0]}",
            f"data/raw holds {', '.join(names)}",
            "name one of these, or add it to data.sources or data.folder.sets",
        )


def _say_what_became(rows: list[IndexRow], source: str) -> None:
    splits = Counter(row.split for row in rows if row.kept)
    shares = ", ".join(f"{splits[split]} {split}" for split in (*SPLITS, UNSEEN) if split != UNSEEN or splits[UNSEEN])
    dropped = [row for row in rows if not row.kept]
    because = f"; dropped {len(dropped)}: {_reasons(dropped)}" if dropped else ""
    print(f"{source}: {sum(splits.values())} of {len(rows)} kept ({shares}){because}", flush=True)


def _reasons(rows: list[IndexRow]) -> str:
    """Each reason with its count and, where there is more to tell, the first case."""
    found = []
    for reason, count in Counter(row.reason for row in rows).items():
        first = next(row for row in rows if row.reason == reason)
        found.append(f"{count} {reason}" + (f" ({first.image}: {first.detail})" if first.detail else ""))
    return ", ".join(found)


def _drop_duplicates(findings: list[Finding], within: int | None) -> list[IndexRow]:
    """Of images alike the first stays; one in a published split stays before any other.

    They are compared across the groups of a source: the same picture under two names would otherwise be learnt from
    in one split and scored in another.
    """
    rows = [finding.row for finding in findings]
    if within is None:
        return rows
    kept = [at for at, row in enumerate(rows) if row.kept]
    codes = [findings[at].code for at in kept]
    for repeat, (stays, bits) in find_duplicates(codes, within, [rows[at].split in PUBLISHED for at in kept]).items():
        twin = rows[kept[stays]].image
        rows[kept[repeat]] = replace(
            rows[kept[repeat]], kept=False, reason=DUPLICATE, detail=f"{bits} bits from {twin}", twin=twin
        )
    return rows


def _cap(rows: list[IndexRow], most: int | None) -> list[IndexRow]:
    """At most so many images per group, spread evenly over the group's order."""
    if most is None:
        return rows
    groups: dict[str, list[int]] = defaultdict(list)
    for at, row in enumerate(rows):
        if row.kept and row.split not in PUBLISHED:
            groups[row.group].append(at)
    capped = list(rows)
    for members in groups.values():
        stays = np.linspace(0, len(members) - 1, min(most, len(members))).round().astype(int)
        for at in set(members) - {members[position] for position in stays}:
            capped[at] = replace(rows[at], kept=False, reason=SURPLUS, detail=f"{most} of {len(members)} stay")
    return capped


def _refuse_mismatch(rows: list[IndexRow], rules: Filter) -> None:
    bad = [row for row in rows if row.reason == SIZE_MISMATCH]
    if bad and rules.size_mismatch == "error":
        first = bad[0]
        raise UserError(
            f"{len(bad)} images differ in size from their masks, the first: {first.image}, {first.label}",
            f"{first.detail} pixels; a mask must lie on its photograph pixel by pixel, as the file stores it: an Exif "
            "rotation is not applied",
            "put the right masks there, turn the photographs for good (mogrify -auto-orient), or set "
            "filter.size_mismatch: drop",
        )


def _report_broken(rows: list[IndexRow], source: str) -> None:
    for reason in (UNREADABLE, CUT_SHORT):
        bad = [row for row in rows if row.reason == reason]
        if bad:
            print(f"{source}: {len(bad)} {reason}, skipped:", flush=True)
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
