"""The `folder` source: any directory of images and masks, described by patterns in params."""

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from src.data.images import IMAGE_SUFFIXES
from src.data.raw import SPLITS, Sample, Source
from src.data.sources.colours import ClassValue, ColourTable, is_by_colour
from src.data.sources.trees import Pair, copy_pairs, files, some
from src.errors import UserError


class FolderSource(Source):
    """One set of image and mask files below a folder.

    Args:
        name: the set's name, which is also its key in metrics.
        root: the folder that patterns are relative to.
        images: glob of the photographs.
        masks: pattern of a photograph's mask; `{path}` is the photograph's path below the glob's fixed part without
            suffix, `{stem}` the last part of that.
        classes: native class name -> value in the masks, 0..255; or, for every name, -> colour in the masks, (R, G, B),
            and "rest" for at most one name, which takes all other colours. Masks by colour are stored as indices in
            the order of the names. A mask that is an indexed PNG is read as its indices, unless classes are colours.
        group: regular expression searched in `{path}`; its first group (or the whole match) names camera or
            sequence; None makes every photograph a group of its own.
        splits: CSV file below root with columns name,split; None for no official split.
        sequences: the photographs of a group are the frames of a clip, in the order of their names.
        licence: terms of the photographs.
    """

    def __init__(
        self,
        name: str,
        root: Path,
        *,
        images: str,
        masks: str,
        classes: Mapping[str, ClassValue],
        group: str | None = None,
        splits: str | None = None,
        sequences: bool = False,
        licence: str = "",
    ) -> None:
        self.name, self.licence, self.sequences = name, licence, sequences
        self.root, self.images, self.masks, self.splits = root, images, masks, splits
        self.key = f"data.folder.sets.{name}"
        self.colours = ColourTable(classes, f"{self.key}.classes") if is_by_colour(classes) else None
        self.classes = self.colours.indices if self.colours else dict(classes)
        try:
            self.group = re.compile(group) if group else None
        except re.error as error:
            raise UserError(f"{self.key}.group: not a regular expression: {group}", str(error)) from error

    def fetch(self, into: Path) -> None:
        pairs = self._pairs()
        complete = [Pair(image, mask, self._path(image)) for image, mask in pairs if mask.is_file()]
        unpaired = sorted({image for image, _ in pairs} - {pair.image for pair in complete})
        if unpaired:
            print(f"{self.name}: {len(unpaired)} images without a mask left out: {some(unpaired)}", flush=True)
        if not complete:
            raise UserError(
                f"{self.key}.masks: no image under {self.root} has a mask",
                f"looked for {pairs[0][1]} beside {pairs[0][0]}, and so on",
                f"set {self.key}.masks in params.yaml",
            )
        copy_pairs(complete, into, name=self.name, convert=self.colours and self.colours.convert)
        if self.colours:
            self.colours.report(self.name, len(complete))

    def samples(self, fetched: Path) -> Iterator[Sample]:
        splits = self._read_splits()
        masks = {p.relative_to(fetched / "masks").with_suffix(""): p for p in files(fetched / "masks")}
        unnamed = []
        for image in files(fetched / "images"):
            path = image.relative_to(fetched / "images").with_suffix("")
            split = splits.get(path.as_posix(), splits.get(path.name)) if splits else ""
            if split is None:
                unnamed.append(image)
                continue
            label = masks[path].relative_to(fetched).as_posix()
            yield Sample(image.relative_to(fetched).as_posix(), label, self._group_of(path), split)
        if unnamed:
            raise UserError(
                f"{self.key}.splits: {self.splits} does not name {len(unnamed)} images: {some(unnamed)}",
                "an image without a split could leak from test into train",
                "add a row for each, or set splits to null for a split by group",
            )

    def _pairs(self) -> list[tuple[Path, Path]]:
        """(image, where its mask should be) for every photograph that the pattern finds."""
        if not self.root.is_dir():
            raise UserError(
                f"data.folder.root: no such folder: {self.root}", fix="put your data there, or set data.folder.root"
            )
        try:
            found = sorted(p for p in self.root.glob(self.images) if p.is_file())
        except (ValueError, NotImplementedError) as error:
            raise UserError(f"{self.key}.images: not a pattern below root: {self.images}", str(error)) from error
        images = [p for p in found if p.suffix.lower() in IMAGE_SUFFIXES]
        if not images:
            raise UserError(
                f"{self.key}.images: no image matches {self.root / self.images}",
                f"{len(found)} files match, none with a suffix of {', '.join(sorted(IMAGE_SUFFIXES))}",
                f"put photographs there, or set {self.key}.images in params.yaml",
            )
        self._refuse_twins(images)
        try:
            return [(p, self.root / self.masks.format(path=self._path(p).as_posix(), stem=p.stem)) for p in images]
        except (KeyError, IndexError, ValueError) as error:
            raise UserError(
                f"{self.key}.masks: cannot fill {self.masks}", f"unknown field {error}", "use {path} and {stem} only"
            ) from error

    def _refuse_twins(self, images: list[Path]) -> None:
        by_path: dict[PurePosixPath, Path] = {}
        for image in images:
            twin = by_path.setdefault(self._path(image), image)
            if twin != image:
                raise UserError(f"{self.key}.images: {twin} and {image} differ only in suffix", "they share one mask")

    def _path(self, image: Path) -> PurePosixPath:
        """`{path}`: below the glob's fixed part, without suffix."""
        fixed = []
        for part in PurePosixPath(self.images).parts[:-1]:
            if any(sign in part for sign in "*?["):
                break
            fixed.append(part)
        return PurePosixPath(image.relative_to(self.root.joinpath(*fixed)).as_posix()).with_suffix("")

    def _group_of(self, path: Path) -> str:
        if self.group is None:
            return path.as_posix()
        match = self.group.search(path.as_posix())
        group = match and (match.group(1) if match.re.groups else match.group(0))
        if not group:
            raise UserError(
                f"{self.key}.group: {self.group.pattern} finds no group in '{path.as_posix()}'",
                "every image needs a group, or splits could cut through one",
                "change the expression, or set group to null",
            )
        return group

    def _read_splits(self) -> dict[str, str]:
        if self.splits is None:
            return {}
        path = self.root / self.splits
        try:
            with path.open(newline="", encoding="utf-8-sig") as file:  # a spreadsheet's begins with a byte-order mark
                rows = {row["name"]: row["split"] or "" for row in csv.DictReader(file)}
        except (OSError, KeyError, UnicodeDecodeError, csv.Error) as error:
            raise UserError(
                f"{self.key}.splits: {path} is not a CSV with columns name,split", f"{type(error).__name__}: {error}"
            ) from error
        unknown = sorted(set(rows.values()) - set(SPLITS))
        if unknown or not rows:
            raise UserError(f"{self.key}.splits: {path} has splits {unknown}", f"a split is one of {', '.join(SPLITS)}")
        return rows
