"""What every source of labelled photographs offers, and the raw folder that all of them fill.

A raw folder, `data/raw/<source>/`, is self-describing, so that no later stage needs to know the source:
`source.json` (name, licence, native class vocabulary), `samples.csv` (image, label, group, split; paths
relative to the folder) and the files themselves.
"""

import csv
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Sample:
    """One labelled photograph; paths are relative to the source's raw folder.

    Attributes:
        image, label: the photograph and its mask of native class values.
        group: camera, sequence or city; no split cuts through one.
        split: the official split (train, val or test), or "" where the publisher gives none.
    """

    image: str
    label: str
    group: str
    split: str = ""


class Source(ABC):
    """A set of labelled photographs that can be brought into a raw folder.

    Attributes:
        name: its folder's name below data/raw and its key in metrics.
        licence: the terms its publisher states.
        classes: native vocabulary, class name -> value in the label files; `void` is never trained on nor scored.
        sequences: whether the photographs of a group are the frames of a clip, in the order of `samples`.
    """

    name: str
    licence: str
    classes: Mapping[str, int]
    sequences: bool = False

    @abstractmethod
    def fetch(self, into: Path) -> None:
        """Brings the files into the empty folder `into`.

        Raises:
            UserError: the data cannot be had; says why and what to do.
        """

    @abstractmethod
    def samples(self, fetched: Path) -> Iterator[Sample]:
        """The labelled photographs below `fetched`, in an order that does not change between runs."""


@dataclass(frozen=True)
class RawFolder:
    """A filled raw folder, read back."""

    path: Path
    name: str
    licence: str
    classes: dict[str, int]
    sequences: bool = False

    def samples(self) -> list[Sample]:
        with (self.path / "samples.csv").open(newline="", encoding="utf-8") as file:
            return [Sample(**row) for row in csv.DictReader(file)]


def fill_raw_folder(source: Source, path: Path) -> dict[str, int | str]:
    """Fetches a source into `path` and describes it there.

    Returns:
        its row of the download metrics: images, bytes, licence.
    """
    path.mkdir(parents=True)
    source.fetch(path)
    samples = list(source.samples(path))
    with (path / "samples.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(Sample.__annotations__))
        writer.writeheader()
        writer.writerows(asdict(sample) for sample in samples)
    about = {
        "name": source.name,
        "licence": source.licence,
        "classes": dict(source.classes),
        "sequences": source.sequences,
    }
    (path / "source.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    files = {path / part for sample in samples for part in (sample.image, sample.label)}
    return {
        "images": len(samples),
        "bytes": sum(file.stat().st_size for file in files),
        "licence": source.licence,
    }


def raw_folders(root: Path) -> list[RawFolder]:
    """The raw folders below `root`, by name."""
    found = []
    for about in sorted(root.glob("*/source.json")):
        fields = json.loads(about.read_text(encoding="utf-8"))
        found.append(RawFolder(about.parent, **fields))
    return found
