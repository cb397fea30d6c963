"""Which pictures are read, and where what comes of them goes: settled before anything is opened or written."""

import glob
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from src.errors import UserError
from src.files import apart, split_pattern, walk
from src.runtime.pictures import READABLE, UNREADABLE, WRITABLE

LONGEST_NAME = 255  # bytes, on every file system in use


@dataclass(frozen=True)
class Photo:
    """A picture to read, its path below the folder given, and where its outputs go (None: nowhere)."""

    path: Path
    name: Path
    mask: Path | None = None
    matte: Path | None = None
    picture: Path | None = None

    @property
    def outputs(self) -> tuple[Path, ...]:
        return tuple(path for path in (self.mask, self.matte, self.picture) if path)


@dataclass
class PhotoPlan:
    """What a run will do.

    Attributes:
        photos: in the order of their names.
        unreadable: (folder, why) for each that could not be looked into.
        notes: what a user would not expect of the names, a line each.
    """

    photos: list[Photo] = field(default_factory=list)
    unreadable: list[tuple[Path, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def plan_photos(
    given: str,
    *,
    masks: Path | None = None,
    mattes: Path | None = None,
    pictures: Path | None = None,
    naming: str = "plain",
    transparent: bool = False,
    limit: int | None = None,
    sky: Path | None = None,
) -> PhotoPlan:
    """Finds pictures and says where their outputs go, mirroring the tree below the folder given.

    `a/b.jpg` below that folder becomes `masks/a/b.png`, `mattes/a/b.png` and `pictures/a/b.jpg`; where two
    photos would meet in one name, each keeps its own suffix in it: `b.jpg.png` and `b.tif.png`.

    Args:
        given: a file, a folder (searched recursively; linked folders too), or a glob pattern.
        masks, mattes, pictures: output folders; None writes none.
        naming: of masks; plain, or colmap: the photo's whole name and .png.
        transparent: the pictures have an alpha channel, and so are PNG files.
        limit: take the first so many, by name.
        sky: a picture that is read beside them, and that no output may overwrite.

    Raises:
        UserError: nothing found; an output folder that is a file, is named like a picture, or is the input
            folder; an output onto an input, or two of one name.
    """
    folders = [folder for folder in (masks, mattes, pictures) if folder]
    for folder in folders:
        if folder.is_file() or folder.suffix.lower() in READABLE:
            raise UserError(f"{folder}: photos are saved into a folder, not a file", fix="name a folder")
    plan = PhotoPlan()
    root, paths = _find(given, folders, plan)
    for folder in folders:
        if not Path(given).is_file() and folder.resolve() == root.resolve():
            raise UserError(
                f"{folder}: is the folder of the photos themselves",
                "what is saved there would be taken for photos the next time",
                "save to another folder; one inside it will do",
            )
    names = [path.relative_to(root) for path in paths[:limit]]
    plain = [name.with_suffix(".png") for name in names]
    whole = [name.with_name(f"{name.name}.png") for name in names]
    as_masks = whole if naming == "colmap" else apart(plain, whole)
    as_mattes = apart(plain, whole)
    as_pictures = apart([_saved_as(name, transparent) for name in names], whole)
    for place, name in enumerate(names):
        photo = Photo(
            path=root / name,
            name=name,
            mask=masks / as_masks[place] if masks else None,
            matte=mattes / as_mattes[place] if mattes else None,
            picture=pictures / as_pictures[place] if pictures else None,
        )
        plan.photos.append(photo)
    _refuse_clashes(plan.photos, [photo.path for photo in plan.photos] + ([sky] if sky else []))
    longer = [name for name, short in zip(as_mattes, plain, strict=True) if name != short]
    if longer and (masks or mattes) and naming == "plain":
        plan.notes.append(f"note: {len(longer)} photos differ in their suffix alone, so it stays: {longer[0]}, ...")
    return plan


def find_pictures(given: str) -> list[Path]:
    """The pictures that `plan_photos` would find."""
    return [photo.path for photo in plan_photos(given).photos]


def _find(given: str, outputs: Sequence[Path], plan: PhotoPlan) -> tuple[Path, list[Path]]:
    path = Path(given)
    if path.is_file():
        return path.parent, [path]
    # What an earlier run wrote below the folder itself is no input to this one.
    written = {Path(os.path.realpath(folder)) for folder in outputs}
    if path.is_dir():
        root, candidates = path, walk(path, written, plan.unreadable)
    elif glob.has_magic(given):
        root, pattern = split_pattern(path)
        matching = root.glob(pattern)
        written.discard(root.resolve())
        candidates = (found for found in matching if written.isdisjoint(found.resolve().parents) and found.is_file())
    else:
        raise UserError(f"{given}: no such picture, folder or pattern", fix="check the path; quote a pattern")
    wanted = (*READABLE, *UNREADABLE)
    paths = sorted(found for found in candidates if found.suffix.lower() in wanted and not found.name.startswith("."))
    if not paths and not plan.unreadable:
        raise UserError(f"{given}: no pictures there", fix=f"pictures end in one of: {', '.join(READABLE)}")
    return root, paths


def _saved_as(name: Path, transparent: bool) -> Path:
    return name.with_suffix(".png") if transparent or name.suffix.lower() not in WRITABLE else name


def _refuse_clashes(photos: Sequence[Photo], read: Sequence[Path]) -> None:
    inputs = {os.path.realpath(path): path for path in read}
    writers: dict[str, Path] = {}
    for photo in photos:
        for output in photo.outputs:
            target = os.path.realpath(output)
            if target in inputs:
                raise UserError(f"{output}: would overwrite the picture {inputs[target]}", fix="save to another folder")
            if target in writers:
                raise UserError(
                    f"{writers[target]} and {photo.path}: both would write {output}",
                    fix="give --save, --save-masks and --alpha folders of their own",
                )
            if len(os.fsencode(output.name)) > LONGEST_NAME:
                raise UserError(f"{output}: the name is too long for a file", fix=f"rename {photo.path}")
            writers[target] = photo.path
