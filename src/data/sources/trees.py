"""What sources made of file trees share: finding folders, pairing images with labels, copying both into a raw folder.

The raw folder mirrors the publisher's: `images/<path>.<suffix>` and `masks/<path>.<suffix>`, where `<path>` begins with
the publisher's split, if there is one.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from tqdm import tqdm

from src.data.images import UnreadableImage, encode, read_mask
from src.data.raw import Sample
from src.errors import UserError

PNG_PALETTE = 3  # the colour type in a PNG's header

# A label file -> the PNG to store in its place, or None to copy it as it is.
Convert = Callable[[Path], bytes | None]


@dataclass(frozen=True)
class Pair:
    """A photograph and its label where they lie, and their common path in the raw folder, without suffix."""

    image: Path
    label: Path
    path: PurePosixPath


def find_below(root: Path, relative: str, levels: int = 2) -> Path | None:
    """The folder `relative` at `root`, or at most `levels` folders further down, where archives often put it."""
    for depth in range(levels + 1):
        found = sorted(path for path in root.glob("*/" * depth + relative) if path.is_dir())
        if found:
            return found[0]
    return None


def pair_up(images: Mapping[str, Path], labels: Mapping[str, Path], *, key: str, fix: str) -> list[Pair]:
    """Pairs of the images and labels that share a path, ordered by it.

    Args:
        images, labels: by their common path in the raw folder, without suffix.
        key: the key in params, for errors.
        fix: what to do about a missing half.

    Raises:
        UserError: an image without a label, or the other way round: a copy cut short would train on less than it says.
    """
    for kind, other, lonely in (
        ("images", "label", images.keys() - labels.keys()),
        ("labels", "image", labels.keys() - images.keys()),
    ):
        if lonely:
            have = images if kind == "images" else labels
            raise UserError(
                f"{key}: {len(lonely)} of {len(have)} {kind} have no {other}: "
                f"{some([have[path] for path in sorted(lonely)])}",
                "an archive is missing, or was not extracted to its end",
                fix,
            )
    return [Pair(images[path], labels[path], PurePosixPath(path)) for path in sorted(images)]


def copy_pairs(
    pairs: Sequence[Pair], into: Path, *, name: str, convert: Convert | None = None, move: bool = False
) -> None:
    """Copies pairs into a raw folder, images byte for byte.

    Args:
        pairs: what to copy.
        into: the raw folder.
        name: of the source, for the progress bar.
        convert: what to do with labels; an indexed PNG is always stored as its indices, see `indices`.
        move: take the files away from where they lie, which a scratch folder can spare.

    Raises:
        UserError: a file cannot be read or written.
    """
    copy = partial(_copy_pair, into=into, convert=convert or indices, place=_move if move else _copy)
    # Threads: copying and cv2's codecs work outside the interpreter lock.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in tqdm(pool.map(copy, pairs), desc=f"copy {name}", total=len(pairs), unit="pair"):
            pass


def files(folder: Path) -> list[Path]:
    """All files with a suffix below a raw folder, in order; folders may have a dot in their names too."""
    return sorted(path for path in folder.rglob("*.*") if path.is_file())


def copied_samples(
    fetched: Path, splits: Mapping[str, str], group_of: Callable[[PurePosixPath], str]
) -> Iterator[Sample]:
    """The samples of a raw folder that `copy_pairs` filled, ordered by path.

    Args:
        fetched: the raw folder.
        splits: the publisher's split, which begins each path -> ours.
        group_of: a path below the split, without suffix -> its group.
    """
    labels = {path.relative_to(fetched / "masks").with_suffix(""): path for path in files(fetched / "masks")}
    for image in files(fetched / "images"):
        path = image.relative_to(fetched / "images").with_suffix("")
        split, below = path.parts[0], PurePosixPath(*path.parts[1:])
        label = labels[path].relative_to(fetched).as_posix()
        yield Sample(image.relative_to(fetched).as_posix(), label, group_of(below), splits[split])


def recode(values: Mapping[int, int]) -> Convert:
    """A conversion that replaces label values and leaves all others."""
    table = np.arange(256, dtype=np.uint8)
    for value, new in values.items():
        table[value] = new

    def convert(label: Path) -> bytes | None:
        found = read_indices(label)
        if found is None:
            try:
                found = read_mask(label)
            except UnreadableImage:
                return None  # the filter drops it, and names it
        return encode(table[found], ".png")

    return convert


def indices(label: Path) -> bytes | None:
    """An indexed PNG as a grey one of its indices: decoders would give the palette's colours. None for other files."""
    found = read_indices(label)
    return None if found is None else encode(found, ".png")


def read_indices(label: Path) -> np.ndarray | None:
    """The indices uint8 [H, W] of an indexed PNG; None for any other file, and for one that is broken."""
    with label.open("rb") as file:
        header = file.read(26)
    if not header.startswith(b"\x89PNG") or header[-1] != PNG_PALETTE:
        return None
    from PIL import Image  # the only decoder here that shows the indices

    try:
        with Image.open(label) as image:
            return np.array(image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def some(paths: Sequence[Path], most: int = 3) -> str:
    """The first of many paths, for a message."""
    return ", ".join(map(str, paths[:most])) + (", ..." if len(paths) > most else "")


def _copy_pair(pair: Pair, *, into: Path, convert: Convert, place: Callable[[Path, Path], object]) -> None:
    image = into / "images" / pair.path.with_name(pair.path.name + pair.image.suffix)
    label = into / "masks" / pair.path.with_name(pair.path.name + pair.label.suffix)
    try:
        for target in (image, label):
            target.parent.mkdir(parents=True, exist_ok=True)
        place(pair.image, image)
        converted = convert(pair.label)
        if converted is None:
            place(pair.label, label)
        else:
            label.with_name(pair.path.name + ".png").write_bytes(converted)
    except OSError as error:
        raise UserError(
            f"{pair.image} and {pair.label}: cannot be copied to {into}",
            str(error),
            "free space, or check that the files can be read",
        ) from error


def _copy(file: Path, target: Path) -> None:
    # Never a hard link to the user's file: DVC makes what it caches read-only, and may replace it. copyfile shares the
    # blocks where the filesystem can (copy-on-write), so that a large set does not take its size twice there.
    shutil.copyfile(file, target)


def _move(file: Path, target: Path) -> None:
    file.replace(target)
