"""Downloads go on where they stopped, files are complete or absent, and every failure says what to do."""

import errno
import gzip
import hashlib
import io
import os
import random
import signal
import socket
import ssl
import stat
import subprocess
import sys
import tarfile
import time
import zipfile
from collections import namedtuple
from pathlib import Path

import pytest
import requests
import urllib3

from src.data.fetching import checks
from src.data.fetching.archive import extract, names
from src.data.fetching.faults import LONGEST_WAIT, redact
from src.data.fetching.http import download, read_json
from src.errors import UserError
from tests.data.http_server import Fault, LocalServer

CONTENT = random.Random(1).randbytes(400_000)
OTHER = random.Random(2).randbytes(400_000)
SHA256 = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
MD5 = f"md5:{hashlib.md5(CONTENT).hexdigest()}"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def server():
    with LocalServer() as local:
        yield local


@pytest.fixture
def waits():
    return []


def get(server, tmp_path, waits, path="/set.zip", **options):
    return download(server.url + path, tmp_path / "work", sleep=waits.append, **options)


def test_a_download_is_complete_and_not_repeated(server, tmp_path, waits):
    server.serve("/set.zip", CONTENT)
    for options in ({}, {"checksum": SHA256}, {"checksum": MD5, "size": len(CONTENT)}, {"size": len(CONTENT)}):
        file = get(server, tmp_path, waits, **options)
        assert file == tmp_path / "work/set.zip"
        assert file.read_bytes() == CONTENT
    assert len(server.asked) == 1
    assert [path.name for path in file.parent.glob("*.part*")] == []


def test_a_file_that_differs_from_its_checksum_is_downloaded_again(server, tmp_path, waits):
    server.serve("/set.zip", CONTENT)
    (tmp_path / "work").mkdir()
    (tmp_path / "work/set.zip").write_bytes(OTHER)
    assert get(server, tmp_path, waits, checksum=MD5).read_bytes() == CONTENT


def test_a_dropped_connection_costs_nothing_that_came_before(server, tmp_path, waits):
    server.serve("/set.zip", CONTENT, faults=[Fault(cut_after=150_000), Fault(cut_after=100_000)])
    assert get(server, tmp_path, waits, checksum=SHA256).read_bytes() == CONTENT
    assert server.ranges() == [None, "bytes=150000-", "bytes=250000-"]
    assert server.asked[1].headers["If-Range"] == server.files["/set.zip"].etag
    assert sum(asked.sent for asked in server.asked) == len(CONTENT)
    assert len(waits) == 2


def test_progress_renews_patience(server, tmp_path, waits):
    server.serve("/set.zip", CONTENT, faults=[Fault(cut_after=50_000)] * 7)
    assert get(server, tmp_path, waits, retries=1).read_bytes() == CONTENT


def test_a_server_without_ranges_starts_again(server, tmp_path, waits):
    server.serve("/set.zip", CONTENT, ranges=False, faults=[Fault(cut_after=150_000)])
    assert get(server, tmp_path, waits).read_bytes() == CONTENT
    assert server.asked[1].sent == len(CONTENT)


def test_without_validators_only_a_checksum_allows_going_on(server, tmp_path, waits):
    for name, options in (("checked", {"checksum": MD5}), ("unchecked", {})):
        server.asked.clear()
        server.serve("/set.zip", CONTENT, validators=False, faults=[Fault(cut_after=150_000)])
        assert get(server, tmp_path, waits, name=name, **options).read_bytes() == CONTENT
        assert server.ranges()[1] == ("bytes=150000-" if options else None)


@pytest.mark.parametrize("etags", [True, False])
@pytest.mark.parametrize("if_range", [True, False])
def test_a_file_changed_between_tries_is_never_mixed(server, tmp_path, waits, if_range, etags):
    served = server.serve("/set.zip", CONTENT, if_range=if_range, etags=etags, faults=[Fault(cut_after=150_000)])

    def change(_: float) -> None:
        served.content, served.modified = OTHER, "Thu, 22 Oct 2015 07:28:00 GMT"

    file = download(server.url + "/set.zip", tmp_path / "work", sleep=change)
    assert file.read_bytes() == OTHER


def test_a_file_that_has_become_shorter_starts_again(server, tmp_path, waits):
    served = server.serve("/set.zip", CONTENT, if_range=False, faults=[Fault(cut_after=150_000)])

    def change(_: float) -> None:
        served.content = OTHER[:1000]

    assert download(server.url + "/set.zip", tmp_path / "work", sleep=change).read_bytes() == OTHER[:1000]


def test_busy_servers_are_asked_again_when_they_say(server, tmp_path, waits):
    faults = [
        Fault(429, {"Retry-After": "0"}),
        Fault(503, {"Retry-After": "7"}),
        Fault(500),
        Fault(429, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
        Fault(503, {"Retry-After": "86400"}),
    ]
    server.serve("/set.zip", CONTENT, faults=[*faults, Fault(429, {"X-RateLimit-Reset": str(int(time.time()) + 50)})])
    assert get(server, tmp_path, waits, retries=6).read_bytes() == CONTENT
    assert 40 < waits.pop() <= 50
    assert waits[:2] == [0.0, 7.0]
    assert 3.0 <= waits[2] <= 5.0
    assert waits[3:] == [0.0, LONGEST_WAIT]


def test_waits_grow(server, tmp_path, waits):
    server.serve("/set.zip", CONTENT, faults=[Fault(500)] * 9)
    with pytest.raises(UserError, match="the server answers 500"):
        get(server, tmp_path, waits, retries=4)
    assert len(waits) == 4
    assert all(0.75 * 2**i <= wait <= 1.25 * 2**i for i, wait in enumerate(waits))


def test_a_wrong_checksum_is_tried_once_more_and_then_refused(server, tmp_path, waits):
    server.serve("/set.zip", OTHER)
    with pytest.raises(UserError, match=r"wrong sha256 checksum .*, twice; the file has been deleted"):
        get(server, tmp_path, waits, checksum=SHA256)
    assert len(server.asked) == 2
    assert [path.name for path in (tmp_path / "work").iterdir() if not path.name.endswith(".lock")] == []


def test_a_wrong_size_is_refused_before_a_byte_is_kept(server, tmp_path, waits):
    server.serve("/set.zip", CONTENT)
    with pytest.raises(UserError, match="400000 bytes there, 5 expected"):
        get(server, tmp_path, waits, size=5)


@pytest.mark.parametrize(
    ("status", "says"), [(401, "terms"), (403, "terms"), (404, "moved or withdrawn"), (410, "moved"), (400, "400")]
)
def test_refusals_are_final_and_say_what_to_do(server, tmp_path, waits, status, says):
    server.serve("/set.zip", CONTENT, faults=[Fault(status)])
    with pytest.raises(UserError) as caught:
        get(server, tmp_path, waits)
    assert says in str(caught.value)
    assert waits == []


def test_a_login_page_is_not_taken_for_an_archive(server, tmp_path, waits):
    server.serve("/set.zip", b"<html>log in</html>", media="text/html; charset=utf-8")
    with pytest.raises(UserError, match=r"a web page in place of set\.zip"):
        get(server, tmp_path, waits)


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_no_server_no_name_and_no_tls(server, tmp_path, waits, monkeypatch):
    server.serve("/set.zip", CONTENT)
    resolve = socket.getaddrinfo

    def getaddrinfo(host, *args, **options):
        if host == "no-such-host.invalid":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    addresses = {
        f"http://127.0.0.1:{closed_port()}/set.zip": "cannot be connected to",
        "http://no-such-host.invalid/set.zip": "name cannot be resolved",
        server.url.replace("http:", "https:") + "/set.zip": r"\(TLS\)",
        "nowhere/set.zip": "not a URL",
    }
    for url, says in addresses.items():
        with pytest.raises(UserError, match=says):
            download(url, tmp_path / "work", retries=1, sleep=waits.append)


def test_a_certificate_that_cannot_be_verified_is_final(tmp_path, waits):
    class Session(requests.Session):
        def get(self, *_: object, **__: object) -> None:
            refused = ssl.SSLCertVerificationError(1, "certificate verify failed")
            raise requests.exceptions.SSLError(urllib3.exceptions.SSLError(refused))

    with pytest.raises(UserError, match="certificate cannot be verified"):
        download("https://127.0.0.1/set.zip", tmp_path / "work", session=Session(), sleep=waits.append)
    assert waits == []


def test_a_silent_server_is_given_up(server, tmp_path, waits):
    server.serve("/set.zip", CONTENT, faults=[Fault(cut_after=1000, hang=True)])
    with pytest.raises(UserError, match="no answer in time"):
        get(server, tmp_path, waits, timeout=0.2, retries=0)


def test_secrets_stay_out_of_messages(server, tmp_path, waits, capsys):
    host = server.url.removeprefix("http://")
    server.serve("/set.zip", CONTENT, faults=[Fault(500), Fault(403)])
    with pytest.raises(UserError) as refused:
        download(f"http://me:hunter2@{host}/set.zip?token=hunter2", tmp_path / "work", sleep=waits.append)
    with pytest.raises(UserError) as unreachable:
        url = f"http://me:hunter2@127.0.0.1:{closed_port()}/set.zip?token=hunter2#hunter2"
        download(url, tmp_path / "work", retries=1, sleep=waits.append)
    printed = capsys.readouterr()
    assert f"http://{host}/set.zip?..." in str(refused.value)
    assert "hunter2" not in f"{refused.value}{unreachable.value}{printed.out}{printed.err}"
    assert unreachable.value.__cause__ is None
    kept = b"".join(path.read_bytes() for path in (tmp_path / "work").iterdir())
    assert b"hunter2" not in kept
    assert redact("http://[broken") == "(not a URL)"


def test_no_room_is_said_before_the_first_byte(server, tmp_path, waits, monkeypatch):
    server.serve("/set.zip", CONTENT)
    usage = namedtuple("usage", "total used free")(10, 10, 1000)
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(UserError, match="not enough space on the disk"):
        get(server, tmp_path, waits)
    assert not (tmp_path / "work/set.zip.part").exists()


def test_a_disk_that_fills_up_keeps_what_came(server, tmp_path, waits, monkeypatch):
    server.serve("/set.zip", CONTENT)
    opened = Path.open

    class Full(io.FileIO):
        def write(self, data):
            if self.tell() > 100_000:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(data[:50_000] if len(data) > 50_000 else data)

    def open_full(self, mode="r", *args, **options):
        return io.BufferedWriter(Full(self, mode)) if self.suffix == ".part" else opened(self, mode, *args, **options)

    monkeypatch.setattr(Path, "open", open_full)
    with pytest.raises(UserError, match="the disk is full"):
        get(server, tmp_path, waits)
    monkeypatch.undo()
    held = (tmp_path / "work/set.zip.part").stat().st_size
    assert held >= 100_000
    assert get(server, tmp_path, waits).read_bytes() == CONTENT
    assert server.ranges()[-1] == f"bytes={held}-"


def test_a_killed_download_goes_on_where_it_stopped(server, tmp_path, waits):
    server.serve("/set.zip", CONTENT, faults=[Fault(cut_after=200_000, hang=True)])
    code = "import sys, pathlib, src.data.fetching.http as h; h.download(sys.argv[1], pathlib.Path(sys.argv[2]))"
    command = [sys.executable, "-c", code, server.url + "/set.zip", str(tmp_path / "work")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        part, deadline = tmp_path / "work/set.zip.part", time.monotonic() + 240
        while not (part.is_file() and part.stat().st_size >= 190_000):
            assert process.poll() is None, "the download ended before it could be killed"
            assert time.monotonic() < deadline, process.kill()
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    held = part.stat().st_size
    assert held >= 190_000
    assert get(server, tmp_path, waits, checksum=SHA256).read_bytes() == CONTENT
    assert server.ranges() == [None, f"bytes={held}-"]


def test_another_address_does_not_go_on_from_this_one(server, tmp_path, waits):
    server.serve("/set.zip", CONTENT, faults=[Fault(cut_after=1000)])
    server.serve("/new.zip", OTHER)
    with pytest.raises(UserError, match="connection broken"):
        get(server, tmp_path, waits, retries=0)
    assert get(server, tmp_path, waits, path="/new.zip", name="set.zip").read_bytes() == OTHER
    assert server.ranges() == [None, None]


def test_json_is_read_with_the_same_patience(server, waits):
    server.serve("/api", b'{"files": []}', faults=[Fault(503)])
    server.serve("/page", b"<html>")
    assert read_json(server.url + "/api", sleep=waits.append) == {"files": []}
    with pytest.raises(UserError, match="not JSON"):
        read_json(server.url + "/page", sleep=waits.append)


@pytest.mark.parametrize("options", [{"name": "../up.zip"}, {"name": ".."}, {"checksum": "sha1:abc"}])
def test_names_and_checksums_are_looked_at_first(server, tmp_path, waits, options):
    with pytest.raises(UserError):
        get(server, tmp_path, waits, **options)
    assert server.asked == []


FILES = {"set/a.txt": b"a" * 3000, "set/deep/b.bin": CONTENT[:70_000], "readme": b"read me"}


def make_zip(path, files=FILES, mode=0):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.mkdir("set")
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(info, content)
    return path


def make_tar(path, files=FILES, kind=tarfile.REGTYPE):
    with tarfile.open(path, "w:" if path.suffix == ".tar" else "w:gz") as file:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.type, info.size = kind, len(content) if kind == tarfile.REGTYPE else 0
            info.linkname = "/etc/passwd"
            file.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize("name", ["set.zip", "set.tar", "set.tar.gz", "set.tgz"])
def test_archives_are_unpacked_whole_or_in_part(tmp_path, name):
    archive = (make_zip if name.endswith("zip") else make_tar)(tmp_path / name)
    assert sorted(names(archive)) == sorted(FILES)
    paths = extract(archive, tmp_path / "all")
    assert {path.relative_to(tmp_path / "all").as_posix(): path.read_bytes() for path in paths} == FILES
    some = extract(archive, tmp_path / "some", members=lambda member: member.startswith("set/deep"))
    assert some == [tmp_path / "some/set/deep/b.bin"]
    with pytest.raises(UserError, match="not an empty folder"):
        extract(archive, tmp_path / "some")


def refused(archive, into, says, **options):
    with pytest.raises(UserError, match=says) as caught:
        extract(archive, into, **options)
    assert archive.name in str(caught.value)
    assert not into.exists()
    assert [path.name for path in into.parent.iterdir() if "extracting" in path.name] == []
    return caught.value


@pytest.mark.parametrize("member", ["../out", "/abs", "a/../../out", "C:\\out", "\\out", "a\\..\\..\\out", "./"])
def test_paths_that_lead_out_are_refused(tmp_path, member):
    for make, name in ((make_zip, "set.zip"), (make_tar, "set.tar.gz")):
        if member == "./" and make is make_zip:
            continue  # a folder in a zip
        archive = make(tmp_path / name, FILES | {member: b"out"})
        refused(archive, tmp_path / "into", "leads out of the folder|has no name")
    assert sorted(path.name for path in tmp_path.iterdir()) in (["set.tar.gz", "set.zip"], ["set.tar.gz"])


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_tars_are_refused(tmp_path, kind):
    archive = make_tar(tmp_path / "set.tar", {"evil": b""}, kind)
    refused(archive, tmp_path / "into", "'evil' is refused")


def test_links_devices_and_encryption_in_zips_are_refused(tmp_path):
    for mode, says in ((stat.S_IFLNK, "a link"), (stat.S_IFCHR, "a device")):
        archive = make_zip(tmp_path / "set.zip", {"evil": b"/etc/passwd"}, mode)
        assert says in str(refused(archive, tmp_path / "into", "'evil' is refused"))
    content = bytearray(make_zip(tmp_path / "set.zip", {"evil": b"x"}).read_bytes())
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "set.zip").write_bytes(content)
    assert "encrypted" in str(refused(tmp_path / "set.zip", tmp_path / "into", "'evil' is refused"))


def test_what_is_not_chosen_is_not_looked_at(tmp_path):
    archive = make_tar(tmp_path / "set.tar", {"evil": b"", **FILES}, tarfile.REGTYPE)
    with tarfile.open(archive, "a:") as file:
        link = tarfile.TarInfo("latest")
        link.type, link.linkname = tarfile.SYMTYPE, "set"
        file.addfile(link)
    assert len(extract(archive, tmp_path / "into", members=lambda name: name in FILES)) == 3


def test_bombs_are_refused(tmp_path):
    bomb = {"bomb": bytes(8_000_000)}
    for archive in (make_zip(tmp_path / "set.zip", bomb), make_tar(tmp_path / "set.tgz", bomb)):
        assert "times its size" in str(refused(archive, tmp_path / "into", "'bomb' is refused"))
        refused(archive, tmp_path / "into", "'bomb' is refused", max_ratio=1e9, max_bytes=7_999_999)
    archive = make_zip(tmp_path / "set.zip")
    assert "more than 2 files" in str(refused(archive, tmp_path / "into", "is refused", max_files=2))


def test_a_zip_that_lies_about_its_sizes_is_broken(tmp_path):
    archive = make_zip(tmp_path / "set.zip", {"liar": bytes(2_000_000)})
    content = archive.read_bytes()
    archive.write_bytes(content.replace((2_000_000).to_bytes(4, "little"), (1000).to_bytes(4, "little")))
    refused(archive, tmp_path / "into", "broken or truncated at 'liar'")


def test_a_name_that_comes_twice_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as file:
        file.writestr("a", b"1")
        file.writestr("./a", b"2")
    refused(tmp_path / "set.zip", tmp_path / "into", "is refused")


@pytest.mark.parametrize("name", ["set.zip", "set.tar", "set.tar.gz"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_truncated_archives_are_broken(tmp_path, name, share):
    archive = (make_zip if name.endswith("zip") else make_tar)(tmp_path / name)
    content = archive.read_bytes()
    archive.write_bytes(content[: int(share * len(content))])
    refused(archive, tmp_path / "into", "broken or truncated")


def test_a_tar_cut_between_two_members_is_broken(tmp_path):
    archive = make_tar(tmp_path / "set.tar", {"a": b"a" * 512, "b": b"b" * 512})
    archive.write_bytes(archive.read_bytes()[:1024])
    refused(archive, tmp_path / "into", "broken or truncated")


def test_altered_content_is_broken(tmp_path):
    archive = make_zip(tmp_path / "set.zip", {"noise": CONTENT})
    content = bytearray(archive.read_bytes())
    content[200_000] ^= 0xFF
    archive.write_bytes(content)
    refused(archive, tmp_path / "into", "broken or truncated at 'noise'")
    plain = make_tar(tmp_path / "set.tar").read_bytes()
    packed = bytearray(gzip.compress(plain))
    packed[-6] ^= 0xFF  # its checksum
    (tmp_path / "set.tgz").write_bytes(packed)
    refused(tmp_path / "set.tgz", tmp_path / "into", "broken or truncated")


def test_what_is_no_archive_is_said_so(tmp_path):
    (tmp_path / "set.zip").write_bytes(b"<html>")
    refused(tmp_path / "set.zip", tmp_path / "into", "broken or truncated")
    (tmp_path / "set.rar").write_bytes(b"Rar!")
    refused(tmp_path / "set.rar", tmp_path / "into", "not an archive of a known kind")
    refused(tmp_path / "none.zip", tmp_path / "into", "no such archive")


def test_a_full_disk_leaves_nothing_half_unpacked(tmp_path, monkeypatch):
    archive = make_zip(tmp_path / "set.zip")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("src.data.fetching.archive._write", full)
    with pytest.raises(UserError, match="the disk is full"):
        extract(archive, tmp_path / "into")
    assert [path.name for path in tmp_path.iterdir()] == ["set.zip"]
