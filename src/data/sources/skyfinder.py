"""The `skyfinder` source: 53 outdoor webcams through day, night, weather and seasons, one sky mask per camera.

R. P. Mihail, S. Workman, Z. Bessinger, N. Jacobs, "Sky Segmentation in the Wild: An Empirical Study", WACV 2016.
Zenodo record 5884485 holds `<camera>.zip`, in it `<camera>/YYYYMMDD_HHMMSS.jpg`, and `skyfinder_masks.zip`, in it
`<camera>.png`; which files there are, their sizes and checksums, its REST API tells at run time.
"""

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import cv2
import numpy as np

from src.data.fetching.archive import extract, names
from src.data.fetching.http import download, read_json
from src.data.fetching.retrying import Sleep
from src.data.images import IMAGE_SUFFIXES, encode
from src.data.raw import Sample, Source
from src.errors import UserError

KEY = "data.skyfinder"
API = "https://zenodo.org/api"
RECORD = 5884485
PAGE = f"https://zenodo.org/records/{RECORD}"
MASKS = "skyfinder_masks.zip"
LICENCE = "cc-by-4.0"
SKY = 255
CLASSES = {"background": 0, "sky": SKY}
_R2 = np.array([0.7548776662466927, 0.5698402909980532])  # 1/g and 1/g^2, where g^3 = g + 1
_TRIES = 8  # points per photograph wanted, the more of which fall where no photograph is
_TAKEN = re.compile(r"(?<!\d)\d{8}_\d{6}(?!\d)")


@dataclass(frozen=True)
class _File:
    """A file of the record, as the API describes it."""

    name: str
    url: str
    size: int
    checksum: str


class SkyFinderSource(Source):
    """SkyFinder; the camera is the group, and its one mask the label of all its images.

    Args:
        work: folder for the archives (10.5 GB for all cameras), which are kept for the next run.
        cameras: their numbers; None takes all.
        images_per_camera: at most so many, spread over time of day and time of year.
        val_cameras, test_cameras: held out; None for both leaves it to the split by group, None for val takes val
            from whole cameras of train.
        api: Zenodo's REST API.
        sleep: waits between tries of a download.

    Raises:
        UserError: held-out cameras that are in both lists or not in `cameras`, or for val only.
    """

    name = "skyfinder"
    classes = CLASSES

    def __init__(
        self,
        *,
        work: Path,
        cameras: Sequence[int] | None = None,
        images_per_camera: int = 100,
        val_cameras: Sequence[int] | None = None,
        test_cameras: Sequence[int] | None = None,
        api: str = API,
        sleep: Sleep = time.sleep,
    ) -> None:
        self.licence = f"CC BY 4.0 ({PAGE})"
        self.work, self.api, self.sleep = work, api.rstrip("/"), sleep
        self.cameras, self.most = cameras, images_per_camera
        self.held_out = {"val": set(val_cameras or ()), "test": set(test_cameras or ())}
        self._check_held_out()

    def fetch(self, into: Path) -> None:
        files = self._files()
        chosen = self._chosen(files)
        self._fetch_masks(files[MASKS], chosen, into)
        taken = 0
        for camera in chosen:
            if (into / "masks" / f"{camera}.png").is_file():
                taken += self._fetch_camera(camera, files[f"{camera}.zip"], into)
        if not taken:
            raise UserError(f"{KEY}: no image of cameras {_listed(chosen)} fits its mask", fix=f"look at {PAGE}")

    def samples(self, fetched: Path) -> Iterator[Sample]:
        for image in sorted((fetched / "images").glob("*/*"), key=lambda path: (int(path.parent.name), path.name)):
            camera = image.parent.name
            yield Sample(
                f"images/{camera}/{image.name}", f"masks/{camera}.png", group=camera, split=self._split(int(camera))
            )

    def _split(self, camera: int) -> str:
        for split, cameras in self.held_out.items():
            if camera in cameras:
                return split
        return "train" if any(self.held_out.values()) else ""

    def _check_held_out(self) -> None:
        val, test = self.held_out["val"], self.held_out["test"]
        if both := val & test:
            raise UserError(f"{KEY}: cameras {_listed(both)} are in val_cameras and in test_cameras")
        if val and not test:
            raise UserError(
                f"{KEY}.test_cameras: null, while val_cameras are given",
                "nothing would be left to test on",
                "name cameras for the test, or set both to null for a split by group",
            )
        if self.cameras is not None and (absent := (val | test) - set(self.cameras)):
            raise UserError(
                f"{KEY}: held-out cameras {_listed(absent)} are not among cameras",
                fix=f"add them to {KEY}.cameras, or take them out of val_cameras and test_cameras",
            )

    def _files(self) -> dict[str, _File]:
        """The record's files by name."""
        record = read_json(f"{self.api}/records/{RECORD}", sleep=self.sleep)
        try:
            files = [_File(f["key"], f["links"]["self"], int(f["size"]), f["checksum"]) for f in record["files"]]
            stated = record.get("metadata", {}).get("license", {}).get("id", LICENCE)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UserError(
                f"{self.api}/records/{RECORD}: not the description of a record",
                f"{type(error).__name__}: {error}",
                "Zenodo may have changed its API: update skyseg, or download by hand and use data.folder",
            ) from error
        if stated != LICENCE:
            self.licence = f"{stated} ({PAGE})"
            print(f"{self.name}: the publisher now states the licence {self.licence}", flush=True)
        return {file.name: file for file in files}

    def _chosen(self, files: dict[str, _File]) -> list[int]:
        there = sorted(int(name.removesuffix(".zip")) for name in files if re.fullmatch(r"\d+\.zip", name))
        if MASKS not in files or not there:
            raise UserError(
                f"{PAGE}: {MASKS} or the cameras' archives are gone", f"it holds {_listed(files)}", f"look at {PAGE}"
            )
        wanted = set(there if self.cameras is None else self.cameras) | set().union(*self.held_out.values())
        if unknown := wanted - set(there):
            raise UserError(
                f"{KEY}: SkyFinder has no cameras {_listed(unknown)}", f"it has {_listed(there)}", f"set {KEY}.cameras"
            )
        return sorted(wanted)

    def _download(self, file: _File) -> Path:
        return download(file.url, self.work, name=file.name, checksum=file.checksum, size=file.size, sleep=self.sleep)

    def _fetch_masks(self, file: _File, chosen: list[int], into: Path) -> None:
        archive = self._download(file)
        (into / "masks").mkdir()
        # Below the raw folder, which DVC empties after a run that was killed.
        with TemporaryDirectory(dir=into, prefix=".extracted-") as scratch:
            found = {path.stem: path for path in extract(archive, Path(scratch), members=_is_mask)}
            for camera in chosen:
                if str(camera) not in found:
                    self._refuse_or_say(camera, f"no mask in {MASKS}")
                    continue
                mask = cv2.imdecode(np.fromfile(found[str(camera)], np.uint8), cv2.IMREAD_GRAYSCALE)
                if mask is None:
                    self._refuse_or_say(camera, f"its mask in {MASKS} cannot be decoded")
                    continue
                # Strictly two values, whatever smoothing or palette the publisher saved it with.
                binary = np.where(mask > 127, SKY, 0).astype(np.uint8)
                (into / "masks" / f"{camera}.png").write_bytes(encode(binary, ".png"))

    def _fetch_camera(self, camera: int, file: _File, into: Path) -> int:
        """Brings the chosen images of one camera; returns how many."""
        archive = self._download(file)
        chosen = spread([name for name in names(archive) if _is_photograph(name)], self.most)
        if not chosen:
            self._refuse_or_say(camera, "no image named YYYYMMDD_HHMMSS in its archive")
            return 0
        height, width = cv2.imread(str(into / "masks" / f"{camera}.png"), cv2.IMREAD_GRAYSCALE).shape
        folder = into / "images" / str(camera)
        folder.mkdir(parents=True)
        other_size = 0
        with TemporaryDirectory(dir=into, prefix=".extracted-") as scratch:
            for image in extract(archive, Path(scratch), members=set(chosen).__contains__):
                if _size(image) in (None, (width, height)):
                    image.replace(folder / image.name)
                else:
                    other_size += 1
        if other_size:
            print(
                f"{self.name}: camera {camera}: {other_size} images of another size than its mask left out", flush=True
            )
        return len(chosen) - other_size

    def _refuse_or_say(self, camera: int, why: str) -> None:
        """A camera that was asked for by number must be there; one of all may be left out."""
        if self.cameras is not None or any(camera in cameras for cameras in self.held_out.values()):
            raise UserError(f"{KEY}: camera {camera} cannot be used", why, "choose other cameras")
        print(f"{self.name}: camera {camera} left out: {why}", flush=True)


def spread(photographs: Sequence[str], most: int) -> list[str]:
    """At most so many photographs, spread over time of day and time of year; the same ones in every run.

    Points of the R2 sequence (M. Roberts, "The Unreasonable Effectiveness of Quasirandom Sequences", 2018) cover the
    circle of the year by that of the day; each takes the nearest photograph that is left, first only from close by, so
    that hours without photographs do not crowd those beside them. Names without a time are left out.

    Args:
        photographs: names with YYYYMMDD_HHMMSS in them.
        most: how many at most.

    Returns:
        the chosen names, sorted.
    """
    timed = sorted((PurePosixPath(name).name, name) for name in photographs if _moment(name) is not None)
    if len(timed) <= most:
        return sorted(name for _, name in timed)
    moments = np.array([_moment(name) for _, name in timed])  # [N, 2], each in 0..1
    points = (0.5 + np.arange(_TRIES * most)[:, None] * _R2) % 1
    chosen: list[int] = []
    for share in (0.05, 0.2, np.inf):  # of 1 / most, the area that each has for its own
        for point in points:
            if len(chosen) == most:
                break
            apart = np.abs(moments - point)
            distance = (np.minimum(apart, 1 - apart) ** 2).sum(axis=1)
            distance[chosen] = np.inf
            if distance.min() * most < share:
                chosen.append(int(distance.argmin()))
    return sorted(timed[index][1] for index in chosen)


def _moment(name: str) -> tuple[float, float] | None:
    """Time of year and time of day, each 0..1; None for a name that tells none."""
    found = _TAKEN.search(PurePosixPath(name).name)
    try:
        taken = datetime.strptime(found.group(), "%Y%m%d_%H%M%S") if found else None
    except ValueError:
        return None
    if taken is None:
        return None
    seconds = taken.hour * 3600 + taken.minute * 60 + taken.second
    return (taken.timetuple().tm_yday - 1) / 366, seconds / 86400


def _size(image: Path) -> tuple[int, int] | None:
    """Width and height by the header; None for what is broken, which the filter drops and names."""
    from PIL import Image

    try:
        with Image.open(image) as header:
            return header.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _is_photograph(member: str) -> bool:
    path = PurePosixPath(member)
    return path.suffix.lower() in IMAGE_SUFFIXES and "__MACOSX" not in path.parts and not path.name.startswith(".")


def _is_mask(member: str) -> bool:
    return _is_photograph(member) and PurePosixPath(member).stem.isdigit()


def _listed(things: object, most: int = 12) -> str:
    found = sorted(things)  # type: ignore[call-overload]
    return ", ".join(map(str, found[:most])) + (", ..." if len(found) > most else "")
