"""Train, val and test by whole groups."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence

from src.errors import UserError

UNSEEN = "unseen"  # the split of a set that training never sees, neither to learn from nor to choose an epoch by


def assign_splits(
    groups: Sequence[str], official: Sequence[str], *, source: str, val_share: float, test_share: float, seed: int
) -> list[str]:
    """A split for every image of one source, in order.

    Official splits stand as they are. Where the publisher gives none, whole groups go to the split that is furthest
    below its share, in an order drawn from `seed`; where there is train and test but no val, val is taken from
    whole groups of train.

    Args:
        groups: the group of each image.
        official: "train", "val", "test", or "" for none, of each image.
        source: its name, for errors.
        val_share, test_share: wanted shares of the images, 0..0.5.
        seed: of the order of the groups.

    Raises:
        UserError: fewer groups than splits wanted.
    """
    given = set(official) - {""}
    if "val" in given or ("train" in given and val_share == 0):
        return list(official)
    shares = {"train": 1 - val_share, "val": val_share}
    if not given:
        shares = {"train": 1 - val_share - test_share, "val": val_share, "test": test_share}
    shares = {split: share for split, share in shares.items() if share > 0}
    free = [split in ("", "train") for split in official]
    sizes = Counter(group for group, is_free in zip(groups, free, strict=True) if is_free)
    if len(sizes) < len(shares):
        raise UserError(
            f"source '{source}': {len(sizes)} groups cannot fill the splits {', '.join(shares)}",
            "a split takes whole groups (cameras, sequences), so that near-copies never face each other",
            "set group to null if each photograph stands alone, give a splits file, or set a share to 0",
        )
    chosen = _fill(sizes, shares, seed)
    return [chosen[group] if is_free else split for group, split, is_free in zip(groups, official, free, strict=True)]


def _fill(sizes: Counter, shares: dict[str, float], seed: int) -> dict[str, str]:
    """Split by group: each next group goes where the share is furthest from filled."""
    order = sorted(sizes, key=lambda group: hashlib.sha256(f"{seed}/{group}".encode()).digest())
    total = sum(sizes.values())
    filled = dict.fromkeys(shares, 0)
    chosen = {}
    for left, group in zip(range(len(order), 0, -1), order, strict=True):
        empty = [split for split, images in filled.items() if images == 0]
        # The last groups are kept for splits that would otherwise stay empty.
        candidates = empty if left <= len(empty) else list(shares)
        split = min(candidates, key=lambda s: filled[s] / (shares[s] * total))
        chosen[group] = split
        filled[split] += sizes[group]
    return chosen


def groups_across_splits(groups: Sequence[str], splits: Sequence[str]) -> list[str]:
    """Groups with images in more than one split, which only an official split can bring about."""
    seen: dict[str, set[str]] = defaultdict(set)
    for group, split in zip(groups, splits, strict=True):
        seen[group].add(split)
    return sorted(group for group, found in seen.items() if len(found) > 1)
