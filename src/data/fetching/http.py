"""Downloads that go on where they stopped, and never mix two versions of a file.

`<name>.part` holds what has come so far, `<name>.part.json` which version it is of (ETag, Last-Modified, size).
Both should lie in a folder that survives an interruption: below .work/, never in a DVC output.
"""

import hashlib
import json
import time
from collections.abc import Mapping
from contextlib import closing, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
import urllib3
from tqdm import tqdm

from src.data.fetching.checks import alone, check_form, check_space, difference
from src.data.fetching.faults import Passing, broken, disk_fault, redact, refused
from src.data.fetching.retrying import Sleep, with_retries
from src.errors import UserError
from src.files import make_writable, write_whole

CHUNK = 1 << 20
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz")
_NETWORK = (requests.RequestException, urllib3.exceptions.HTTPError)


@dataclass(frozen=True)
class Version:
    """What tells one version of a file on a server from another; "" and None where the server says nothing."""

    address: str
    etag: str = ""
    modified: str = ""
    size: int | None = None

    @property
    def validator(self) -> str:
        """For If-Range, which takes no weak ETag (RFC 9110, 13.1.5)."""
        return self.modified if self.etag.startswith("W/") else self.etag or self.modified


def download(
    url: str,
    into: Path,
    *,
    name: str | None = None,
    checksum: str | None = None,
    size: int | None = None,
    headers: Mapping[str, str] | None = None,
    session: requests.Session | None = None,
    retries: int = 5,
    timeout: float = 30.0,
    sleep: Sleep = time.sleep,
) -> Path:
    """Brings a file into a folder, complete or not at all; a second call finds it there.

    Args:
        url: http(s) address; user, password and query never reach a message.
        into: the folder, which should survive an interruption.
        name: the file's name there; None takes the last part of the URL's path.
        checksum: "sha256:<hex>" or "md5:<hex>", as the publisher gives it.
        size: bytes, where known beforehand.
        headers: sent with every request.
        session: carries cookies and logins; None makes one for this file.
        retries: further tries in a row that bring nothing new, before giving up.
        timeout: seconds without a byte.
        sleep: waits between tries.

    Returns:
        the file's path.

    Raises:
        UserError: no network, refused, moved, wrong size or checksum (after one try from scratch), full disk.
    """
    name = name or PurePosixPath(unquote(urlsplit(url).path)).name
    if name in ("", "..") or name != Path(name).name:
        raise UserError(f"{redact(url)}: names no file", fix="give the file a name")
    check_form(checksum)
    make_writable(into)
    target = into / name
    with alone(into / f".{name}.lock"):
        if target.is_file():
            if not difference(target, checksum, size):
                return target
            target.unlink()
        for last in (False, True):
            with nullcontext(session) if session else requests.Session() as own:
                one = _Transfer(url, target, size, dict(headers or {}), own, timeout, checked=checksum is not None)
                with_retries(one.run, retries, sleep, progress=one.furthest)
            wrong = difference(one.part, checksum, size)
            if not wrong:
                one.part.replace(target)
                one.note.unlink(missing_ok=True)
                return target
            one.forget()
            if last:
                break
            print(f"{name}: {wrong}; downloading it again from the start", flush=True)
    raise UserError(
        f"{redact(url)}: {wrong}, twice; the file has been deleted",
        "the transfer is altered on its way, or the publisher has changed the file",
        "try another network; compare the checksum with the publisher's page",
    )


def read_json(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    session: requests.Session | None = None,
    retries: int = 5,
    timeout: float = 30.0,
    sleep: Sleep = time.sleep,
) -> Any:
    """The JSON that an address answers with; options and errors as in `download`."""

    def ask() -> Any:
        with nullcontext(session) if session else requests.Session() as own:
            try:
                response = own.get(url, headers={"Accept": "application/json", **(headers or {})}, timeout=timeout)
            except (*_NETWORK, ValueError) as fault:
                raise broken(fault, url) from None
        if response.status_code >= 400:
            raise refused(response, url)
        try:
            return response.json()
        except ValueError:
            raise UserError(f"{redact(url)}: answers something that is not JSON") from None

    return with_retries(ask, retries, sleep)


class _Transfer:
    """One file on its way: each `run` asks for what is still missing."""

    def __init__(
        self,
        url: str,
        target: Path,
        size: int | None,
        headers: dict[str, str],
        session: requests.Session,
        timeout: float,
        checked: bool,
    ) -> None:
        self.url, self.target, self.size = url, target, size
        self.part = target.with_name(target.name + ".part")
        self.note = target.with_name(target.name + ".part.json")
        # identity: a Range counts bytes of what is sent, and a checksum those of the file.
        self.headers = {**headers, "Accept-Encoding": "identity"}
        self.session, self.timeout, self.checked = session, timeout, checked
        self.address = hashlib.sha256(url.encode()).hexdigest()  # the URL itself may hold a secret
        self.most = 0

    def furthest(self) -> int:
        """The most bytes of the file held at any time."""
        return self.most

    def run(self) -> None:
        """Brings the rest into the part file; raises Passing where another try may help."""
        version, held = self._held()
        if version.size is not None and held == version.size:
            return
        ranged = {"Range": f"bytes={held}-"} if held else {}
        if held and version.validator:
            ranged["If-Range"] = version.validator
        try:
            response = self.session.get(
                self.url, headers=self.headers | ranged, stream=True, timeout=self.timeout, allow_redirects=True
            )
        except (*_NETWORK, ValueError) as fault:
            raise broken(fault, self.url) from None
        with closing(response):
            self._receive(response, version, held)

    def forget(self) -> None:
        self.part.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)

    def _held(self) -> tuple[Version, int]:
        """The version that the part file is of, and its bytes; 0 where nothing can vouch for them."""
        try:
            version = Version(**json.loads(self.note.read_text(encoding="utf-8")))
            held = self.part.stat().st_size
        except (OSError, ValueError, TypeError):
            return Version(self.address), 0
        longer = version.size is not None and held > version.size
        known = version.validator or self.checked  # a checksum finds a mixture out in the end
        if version.address != self.address or not known or longer:
            return Version(self.address), 0
        return version, held

    def _receive(self, response: requests.Response, version: Version, held: int) -> None:
        if response.status_code == 416:
            self.forget()
            raise Passing(UserError(f"{redact(self.url)}: the server has changed the file meanwhile"), wait=0)
        if response.status_code >= 400:
            raise refused(response, self.url)
        self._refuse_page(response)
        if response.status_code == 206:
            self._continue(response, version, held)
        else:
            version, held = self._start(response), 0
        check_space(self.target.parent, 0 if version.size is None else version.size - held)
        self._write(response, version, held)

    def _refuse_page(self, response: requests.Response) -> None:
        """A login form comes with status 200 where the file was asked for."""
        page = response.headers.get("Content-Type", "").startswith("text/html")
        if page and self.target.suffix.lower() in _ARCHIVES:
            raise UserError(
                f"{redact(self.url)}: the server sends a web page in place of {self.target.name}",
                "most often a login or terms that have to be accepted first",
                "log in and accept the terms on the publisher's page, or download the file by hand",
            )

    def _continue(self, response: requests.Response, version: Version, held: int) -> None:
        sent = response.headers.get("Content-Range", "").lower()
        total = sent.rpartition("/")[2]
        other_size = version.size is not None and total.isdigit() and int(total) != version.size
        # Some servers know Range but not If-Range, and would go on with another version.
        named = (("ETag", version.etag), ("Last-Modified", version.modified))
        other_file = any(known and response.headers.get(name, known) != known for name, known in named)
        if not sent.startswith(f"bytes {held}-") or other_size or other_file:
            self.forget()
            raise Passing(UserError(f"{redact(self.url)}: the server has changed the file meanwhile"), wait=0)

    def _start(self, response: requests.Response) -> Version:
        length = response.headers.get("Content-Length", "")
        encoded = response.headers.get("Content-Encoding", "identity") != "identity"
        size = int(length) if length.isdigit() and not encoded else self.size
        if self.size is not None and size != self.size:
            raise UserError(
                f"{redact(self.url)}: {size} bytes there, {self.size} expected",
                "the publisher has changed the file, or something in between answers for the server",
                "compare with the publisher's page",
            )
        # Ranges of an encoded body would not count the file's bytes: it cannot be gone on from.
        etag, modified = ("" if encoded else response.headers.get(key, "") for key in ("ETag", "Last-Modified"))
        self.part.unlink(missing_ok=True)  # first: old bytes must never stand beside the new note
        version = Version(self.address, etag, modified, size)
        write_whole(self.note, json.dumps(asdict(version)).encode())
        return version

    def _write(self, response: requests.Response, version: Version, held: int) -> None:
        bar = tqdm(total=version.size, initial=held, unit="B", unit_scale=True, desc=self.target.name, mininterval=0.5)
        try:
            with bar, self.part.open("ab" if held else "wb") as file:
                # read1 hands over what has arrived, so that a broken connection costs nothing that came before.
                while piece := response.raw.read1(CHUNK, decode_content=True):
                    file.write(piece)
                    bar.update(len(piece))
                    held += len(piece)
        except _NETWORK as fault:
            raise broken(fault, self.url) from None
        except OSError as fault:
            raise disk_fault(fault, self.part) from None
        finally:
            self.most = max(self.most, held)
        if version.size is not None and held < version.size:
            raise Passing(UserError(f"{redact(self.url)}: the connection ends after {held} of {version.size} bytes"))
