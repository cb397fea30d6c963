"""The `cityscapes` source: leftImg8bit and gtFine, 2975 + 500 labelled street scenes of 2048x1024 from 21 cities.

Layout and label ids: https://github.com/mcordts/cityscapesScripts (README, helpers/labels.py). Login and addresses:
download/downloader.py there.
"""

import re
import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import requests

from src.data.fetching.archive import extract
from src.data.fetching.faults import broken, refused
from src.data.fetching.http import download
from src.data.fetching.retrying import Sleep, with_retries
from src.data.raw import Sample, Source
from src.data.sources.trees import copied_samples, copy_pairs, find_below, pair_up, recode
from src.errors import UserError

KEY = "data.cityscapes.root"
SITE = "https://www.cityscapes-dataset.com"
VARIABLES = "CITYSCAPES_USERNAME and CITYSCAPES_PASSWORD"
PACKAGES = {"gtFine_trainvaltest.zip": 1, "leftImg8bit_trainvaltest.zip": 3}  # name -> packageID
IMAGE, LABEL = "_leftImg8bit.png", "_gtFine_labelIds.png"
SPLITS = {"train": "train", "val": "test"}  # theirs -> ours
# ego vehicle, rectification border, out of roi, static, dynamic, ground: with unlabeled (0) the category void.
VOID_IDS = (1, 2, 3, 4, 5, 6)

CLASSES = {
    "void": 0,
    "road": 7,
    "sidewalk": 8,
    "parking": 9,
    "rail track": 10,
    "building": 11,
    "wall": 12,
    "fence": 13,
    "guard rail": 14,
    "bridge": 15,
    "tunnel": 16,
    "pole": 17,
    "polegroup": 18,
    "traffic light": 19,
    "traffic sign": 20,
    "vegetation": 21,
    "terrain": 22,
    "sky": 23,
    "person": 24,
    "rider": 25,
    "car": 26,
    "truck": 27,
    "bus": 28,
    "caravan": 29,
    "trailer": 30,
    "train": 31,
    "motorcycle": 32,
    "bicycle": 33,
}


class CityscapesSource(Source):
    """Cityscapes' fine annotations, from a folder or through the user's own login.

    Void are the seven ids of the category void, which become 0 in the raw folder. The eight classes that Cityscapes'
    benchmark also leaves out for being rare (parking, rail track, guard rail, bridge, tunnel, polegroup, caravan,
    trailer) keep their names: their labels are sound, and a bridge is certainly not sky. `license plate` (-1) is never
    drawn into labelIds.

    Train stays train, val becomes our test (the labels of its own test set are not public), and our val is taken from
    train by `filter`, in whole cities. The city is the group.

    Args:
        root: the folder that holds leftImg8bit/ and gtFine/ (or up to two folders above it), or the two archives as
            downloaded; None downloads them.
        credentials: user name and password of an account at cityscapes-dataset.com; needed without root. They go to
            the site's login form and nowhere else.
        work: folder for the archives (about 11 GB), which are kept for the next run; needed without root.
        site: address of the site.
        sleep: waits between tries of a request.
    """

    name = "cityscapes"
    licence = (
        "Cityscapes: non-commercial use such as research and teaching; images and labels must not be passed on; "
        "cite Cordts et al., CVPR 2016 (https://www.cityscapes-dataset.com/license/)"
    )
    classes = CLASSES

    def __init__(
        self,
        *,
        root: Path | None,
        credentials: tuple[str, str] | None = None,
        work: Path | None = None,
        site: str = SITE,
        sleep: Sleep = time.sleep,
    ) -> None:
        self.root, self.work, self.site, self.sleep = root, work, site.rstrip("/"), sleep
        self._credentials = credentials

    def fetch(self, into: Path) -> None:
        if self.root is None:
            self._unpack(self._download(), into)
        elif not self.root.is_dir():
            raise UserError(f"{KEY}: no such folder: {self.root}", fix=_how_to_get())
        elif (images := find_below(self.root, "leftImg8bit")) and (labels := find_below(self.root, "gtFine")):
            self._take(images, labels, into, move=False)
        elif all((self.root / name).is_file() for name in PACKAGES):
            self._unpack([self.root / name for name in PACKAGES], into)
        else:
            raise UserError(
                f"{KEY}: {self.root} lacks leftImg8bit or gtFine",
                f"it should hold both folders, or {' and '.join(PACKAGES)}",
                _how_to_get(),
            )

    def samples(self, fetched: Path) -> Iterator[Sample]:
        return copied_samples(fetched, SPLITS, lambda path: path.parts[0])

    def _take(self, images: Path, labels: Path, into: Path, *, move: bool) -> None:
        pairs = pair_up(_files(images, IMAGE), _files(labels, LABEL), key=KEY, fix=_how_to_get())
        if not pairs:
            raise UserError(
                f"{KEY}: no photographs in {images}",
                f"looked for train/<city>/*{IMAGE} and val/<city>/*{IMAGE}",
                _how_to_get(),
            )
        copy_pairs(pairs, into, name=self.name, convert=recode(dict.fromkeys(VOID_IDS, 0)), move=move)

    def _unpack(self, archives: list[Path], into: Path) -> None:
        with TemporaryDirectory(dir=into, prefix=".extracted-") as folder:
            scratch = Path(folder)
            for archive in archives:
                extract(archive, scratch / archive.stem, members=_is_wanted)
            images, labels = find_below(scratch, "leftImg8bit"), find_below(scratch, "gtFine")
            if images is None or labels is None:
                absent, held = "gtFine" if images else "leftImg8bit", " and ".join(map(str, archives))
                raise UserError(f"{KEY}: no {absent}/train or val in {held}", "they are other archives", _how_to_get())
            self._take(images, labels, into, move=True)

    def _download(self) -> list[Path]:
        if not self._credentials or not all(self._credentials) or self.work is None:
            raise UserError(f"{KEY}: no folder, and no login to download with", fix=_how_to_get())
        with requests.Session() as session:
            self._log_in(session, *self._credentials)
            return [
                download(
                    f"{self.site}/file-handling/?packageID={package}",
                    self.work,
                    name=name,
                    checksum=f"md5:{self._md5(session, name, package)}",
                    session=session,
                    sleep=self.sleep,
                )
                for name, package in PACKAGES.items()
            ]

    def _log_in(self, session: requests.Session, username: str, password: str) -> None:
        """Leaves the login's cookie in the session."""
        self._ask(session, "GET", "/login/")  # sets the cookies that the form relies on
        form = {"username": username, "password": password, "submit": "Login"}
        response = self._ask(session, "POST", "/login/", data=form)
        # Accepted, the site sends on to another page; refused, it shows the form once more, with status 200.
        target = urlsplit(response.headers.get("Location", "")).path.rstrip("/")
        if not response.is_redirect or target.endswith("/login"):
            raise UserError(
                f"{self.site}: the login is refused",
                "the user name or the password is wrong, or the account is not activated",
                f"check {VARIABLES} by logging in at {SITE}/login/ in a browser",
            )

    def _md5(self, session: requests.Session, name: str, package: int) -> str:
        text = self._ask(session, "GET", f"/md5-sum/?packageID={package}").text
        match = re.match(r"\s*([0-9a-fA-F]{32})\b", text)
        if not match:
            raise UserError(
                f"{self.site}: gives no checksum for {name}",
                "this account may not download it, or the terms of use have to be accepted first",
                f"look at {SITE}/downloads/ in a browser",
            )
        return match.group(1).lower()

    def _ask(self, session: requests.Session, method: str, path: str, **options) -> requests.Response:
        url = f"{self.site}{path}"

        def ask() -> requests.Response:
            try:
                # Redirects are not followed: where the login sends to is what tells success.
                response = session.request(method, url, timeout=30, allow_redirects=False, **options)
            except requests.RequestException as fault:
                # Without its cause, which holds the request and thereby the password.
                raise broken(fault, url) from None
            if response.status_code >= 400:
                raise refused(response, url)
            return response

        return with_retries(ask, 3, self.sleep)


def _files(folder: Path, ending: str) -> dict[str, Path]:
    """Files by `<split>/<city>/<city>_<sequence>_<frame>`."""
    found = [path for split in SPLITS for path in (folder / split).glob(f"*/*{ending}")]
    return {path.relative_to(folder).as_posix().removesuffix(ending): path for path in found}


def _is_wanted(member: str) -> bool:
    parts = PurePosixPath(member).parts
    return len(parts) == 4 and parts[1] in SPLITS and member.endswith((IMAGE, LABEL))


def _how_to_get() -> str:
    return (
        f"register at {SITE}/register/, then set {VARIABLES} in the environment and {KEY}: null, or download "
        f"{' and '.join(PACKAGES)} yourself, extract both into one folder and set {KEY} to it"
    )
