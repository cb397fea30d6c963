"""Cityscapes from a folder, from archives, and through a login that a local server checks as the site does."""

import hashlib
import io
import shutil
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from src.data.images import read_mask
from src.data.raw import fill_raw_folder
from src.data.sources.cityscapes import CLASSES, CityscapesSource
from src.errors import UserError
from tests.data.layouts import bands, picture, to_shards, write

CITIES = {"train": ("aachen", "bochum", "bremen"), "val": ("frankfurt",), "test": ("berlin",)}
USER, PASSWORD = "someone@example.org", "s3cret & wörd%"
FORM = b"<html><body><form action='/login/'>Username Password</form></body></html>"


def make_cityscapes(root):
    """Top to bottom: unlabeled, sky, sky, bridge, ego vehicle, road; and the files that nobody needs here."""
    seed = 0
    for split, cities in CITIES.items():
        for city in cities:
            for frame in ("000000_000019", "000001_000019"):
                seed += 1
                stem = f"{split}/{city}/{city}_{frame}"
                write(root / "leftImg8bit" / f"{stem}_leftImg8bit.png", picture(seed, 96, 48))
                write(root / "gtFine" / f"{stem}_gtFine_labelIds.png", bands([0, 23, 23, 15, 1, 7], 96, 48))
                write(root / "gtFine" / f"{stem}_gtFine_color.png", picture(seed, 96, 48))
                (root / "gtFine" / f"{stem}_gtFine_polygons.json").write_text("{}")
    return root


def packed(root, name):
    """The archive of one of the two folders, as bytes."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in sorted((root / name).rglob("*.*")):
            archive.write(path, path.relative_to(root).as_posix())
        archive.writestr("license.txt", "terms")
    return content.getvalue()


class Site(ThreadingHTTPServer):
    """The part of cityscapes-dataset.com that the source talks to."""

    def __init__(self, archives):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.archives, self.asked, self.terms_accepted = archives, [], True
        self.address = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        url = urlsplit(self.path)
        self.server.asked.append(("GET", self.path))
        if url.path == "/login/":
            return self._send(200, FORM, {"Set-Cookie": "visit=1; Path=/"})
        if "session=open" not in self.headers.get("Cookie", "") or not self.server.terms_accepted:
            return self._send(200, FORM, {})
        content = self.server.archives[parse_qs(url.query)["packageID"][0]]
        if url.path == "/md5-sum/":
            return self._send(200, f"{hashlib.md5(content).hexdigest()}  archive.zip\n".encode(), {})
        return self._send(200, content, {"Content-Type": "application/zip"})

    def do_POST(self):
        self.server.asked.append(("POST", self.path))
        sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        right = sent == {"username": [USER], "password": [PASSWORD], "submit": ["Login"]}
        if self.path == "/login/" and right and "visit=1" in self.headers.get("Cookie", ""):
            return self._send(302, b"", {"Location": "/downloads/", "Set-Cookie": "session=open; Path=/"})
        return self._send(200, FORM, {})

    def _send(self, status, content, headers):
        self.send_response(status)
        for key, value in ({"Content-Type": "text/html"} | headers).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args):
        pass


@pytest.fixture
def site(tmp_path):
    root = make_cityscapes(tmp_path / "theirs")
    server = Site({"1": packed(root, "gtFine"), "3": packed(root, "leftImg8bit")})
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def through_login(site, tmp_path, password=PASSWORD):
    return CityscapesSource(
        root=None, credentials=(USER, password), work=tmp_path / "downloads", site=f"{site.address}/"
    )


def files_of(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_becomes_shards_with_cities_as_groups_and_val_as_test(tmp_path):
    root = make_cityscapes(tmp_path / "cityscapes")
    raw, rows, manifest = to_shards(CityscapesSource(root=root), tmp_path, {"sky": ["sky"]})
    assert raw.classes == CLASSES
    assert "non-commercial" in raw.licence
    assert {row.group for row in rows if row.split == "test"} == {"frankfurt"}
    assert {row.group for row in rows} == {"aachen", "bochum", "bremen", "frankfurt"}
    assert manifest.images == {"train": 4, "val": 2, "test": 2}  # val is a whole city of train
    # Two of the six bands are void; half of what remains is sky.
    assert all(row.sky_fraction == pytest.approx(0.5) for row in rows)
    assert (raw.path / "images/val/frankfurt/frankfurt_000000_000019.png").is_file()


def test_void_ids_become_void_and_the_bridge_stays_a_bridge(tmp_path):
    fill_raw_folder(CityscapesSource(root=make_cityscapes(tmp_path / "mine")), tmp_path / "raw/cityscapes")
    for path in (tmp_path / "raw/cityscapes/masks").rglob("*.png"):
        assert np.array_equal(read_mask(path), bands([0, 23, 23, 15, 0, 7], 96, 48))


def test_a_multi_class_task_takes_several_names(tmp_path):
    root = make_cityscapes(tmp_path / "cityscapes")
    labels = {"sky": ["sky"], "built": ["building", "bridge", "tunnel"]}
    _, _, manifest = to_shards(CityscapesSource(root=root), tmp_path, labels)
    assert manifest.class_share == pytest.approx({"background": 0.25, "sky": 0.5, "built": 0.25}, abs=0.03)


def test_the_archives_in_a_folder_give_what_the_folder_gives(tmp_path):
    root = make_cityscapes(tmp_path / "theirs")
    (tmp_path / "mine").mkdir()
    for name in ("gtFine", "leftImg8bit"):
        (tmp_path / "mine" / f"{name}_trainvaltest.zip").write_bytes(packed(root, name))
    fill_raw_folder(CityscapesSource(root=root), tmp_path / "one/cityscapes")
    fill_raw_folder(CityscapesSource(root=tmp_path / "mine"), tmp_path / "other/cityscapes")
    assert files_of(tmp_path / "one") == files_of(tmp_path / "other")
    (tmp_path / "mine/gtFine_trainvaltest.zip").write_bytes(packed(root, "leftImg8bit"))
    with pytest.raises(UserError, match="no gtFine/train or val in"):
        fill_raw_folder(CityscapesSource(root=tmp_path / "mine"), tmp_path / "third/cityscapes")


def test_a_login_brings_the_archives_once(tmp_path, site, capsys):
    fill_raw_folder(through_login(site, tmp_path), tmp_path / "raw/cityscapes")
    fill_raw_folder(CityscapesSource(root=tmp_path / "theirs"), tmp_path / "folder/cityscapes")
    assert files_of(tmp_path / "raw") == files_of(tmp_path / "folder")
    first = [path for _, path in site.asked if path.startswith("/file-handling/")]
    assert first == ["/file-handling/?packageID=1", "/file-handling/?packageID=3"]
    fill_raw_folder(through_login(site, tmp_path), tmp_path / "again/cityscapes")
    assert [path for _, path in site.asked if path.startswith("/file-handling/")] == first
    assert ("POST", "/login/") in site.asked
    said = "".join(capsys.readouterr())
    stored = b"".join(files_of(tmp_path / "raw").values()) + b"".join(files_of(tmp_path / "downloads").values())
    for secret in (PASSWORD, USER, "s3cret"):
        assert secret not in said
        assert secret.encode() not in stored


def test_a_wrong_password_is_recognised_and_never_shown(tmp_path, site, capsys):
    with pytest.raises(UserError, match="the login is refused") as caught:
        fill_raw_folder(through_login(site, tmp_path, "not-the-pässword"), tmp_path / "raw/cityscapes")
    said = "".join(capsys.readouterr()) + str(caught.value) + repr(caught.value) + repr(caught.value.__reduce__())
    assert "CITYSCAPES_PASSWORD" in said
    for secret in ("not-the-p", USER):
        assert secret not in said
    assert not any(path.startswith("/file-handling/") for _, path in site.asked)


def test_a_password_that_changes_stops_before_an_archive_is_touched(tmp_path, site):
    fill_raw_folder(through_login(site, tmp_path), tmp_path / "raw/cityscapes")
    before = files_of(tmp_path / "downloads")
    with pytest.raises(UserError, match="the login is refused"):
        fill_raw_folder(through_login(site, tmp_path, "changed"), tmp_path / "again/cityscapes")
    assert files_of(tmp_path / "downloads") == before


def test_an_account_without_access_is_told_before_the_download(tmp_path, site):
    site.terms_accepted = False
    with pytest.raises(UserError, match=r"gives no checksum for gtFine_trainvaltest\.zip") as caught:
        fill_raw_folder(through_login(site, tmp_path), tmp_path / "raw/cityscapes")
    assert "terms of use" in caught.value.why


def test_a_server_that_cannot_be_reached_does_not_show_the_password(tmp_path, capsys):
    source = CityscapesSource(
        root=None,
        credentials=(USER, PASSWORD),
        work=tmp_path / "downloads",
        site="http://127.0.0.1:9",
        sleep=lambda seconds: None,
    )
    with pytest.raises(UserError, match=r"http://127\.0\.0\.1:9/login/") as caught:
        fill_raw_folder(source, tmp_path / "raw/cityscapes")
    assert "s3cret" not in "".join(capsys.readouterr()) + str(caught.value)


@pytest.mark.parametrize("credentials", [None, ("", ""), (USER, "")])
def test_without_folder_and_login_the_ways_to_get_it_are_named(tmp_path, credentials):
    source = CityscapesSource(root=None, credentials=credentials, work=tmp_path / "downloads")
    with pytest.raises(UserError, match="no folder, and no login") as caught:
        fill_raw_folder(source, tmp_path / "raw/cityscapes")
    for part in ("https://www.cityscapes-dataset.com/register/", "CITYSCAPES_USERNAME", "data.cityscapes.root"):
        assert part in caught.value.fix


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda root: shutil.rmtree(root), "no such folder"),
        (lambda root: shutil.rmtree(root / "gtFine"), "lacks leftImg8bit or gtFine"),
        (lambda root: shutil.rmtree(root / "gtFine/val"), "2 of 8 images have no label"),
        (lambda root: shutil.rmtree(root / "leftImg8bit/train/bremen"), "2 of 8 labels have no image"),
        (lambda root: [shutil.rmtree(path) for path in root.glob("*/*")], "no photographs in"),
    ],
)
def test_what_is_wrong_with_the_folder_is_said_with_the_page(tmp_path, damage, says):
    root = make_cityscapes(tmp_path / "cityscapes")
    damage(root)
    with pytest.raises(UserError) as caught:
        fill_raw_folder(CityscapesSource(root=root), tmp_path / "raw/cityscapes")
    assert says in caught.value.what
    assert caught.value.what.startswith("data.cityscapes.root: ")
    assert "https://www.cityscapes-dataset.com/register/" in caught.value.fix
