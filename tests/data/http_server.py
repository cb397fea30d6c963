"""A server on 127.0.0.1 that serves what a test gives it, with ETag and Range as real ones do, and fails on demand."""

import hashlib
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

MODIFIED = "Wed, 21 Oct 2015 07:28:00 GMT"


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request.

    Attributes:
        status: answered in place of the file; None serves it.
        headers: sent along.
        cut_after: bytes of the body after which the connection is closed, None for none.
        hang: waits after those bytes, until the server is stopped, and does not close.
    """

    status: int | None = None
    headers: dict = field(default_factory=dict)
    cut_after: int | None = None
    hang: bool = False


@dataclass
class Served:
    """One file; `faults` are used up by one request each."""

    content: bytes
    ranges: bool = True
    if_range: bool = True
    validators: bool = True
    etags: bool = True
    modified: str = MODIFIED
    media: str = "application/octet-stream"
    faults: list[Fault] = field(default_factory=list)

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.content).hexdigest()}"'


@dataclass
class Asked:
    path: str
    headers: dict
    sent: int = 0


class LocalServer:
    """`with LocalServer() as server:`; put files into `server.files` by path, look at `server.asked` afterwards."""

    def __init__(self) -> None:
        self.files: dict[str, Served] = {}
        self.asked: list[Asked] = []
        self.stopped = threading.Event()
        handler = type("Handler", (_Handler,), {"local": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def serve(self, path: str, content: bytes, **options) -> Served:
        self.files[path] = Served(content, **options)
        return self.files[path]

    def ranges(self) -> list[str | None]:
        return [asked.headers.get("Range") for asked in self.asked]

    def __enter__(self) -> "LocalServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that leave in the middle are what the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    local: LocalServer

    def do_GET(self) -> None:
        asked = Asked(self.path, dict(self.headers))
        self.local.asked.append(asked)
        served = self.local.files.get(urlsplit(self.path).path)
        if served is None:
            self._refuse(404, {})
            return
        fault = served.faults.pop(0) if served.faults else Fault()
        if fault.status is not None:
            self._refuse(fault.status, fault.headers)
            return
        self._send(served, fault, asked)

    def _refuse(self, status: int, headers: dict) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, served: Served, fault: Fault, asked: Asked) -> None:
        start, body = 0, served.content
        validators = (served.etag, served.modified)
        unchanged = not served.if_range or self.headers.get("If-Range", served.etag) in validators
        if served.ranges and unchanged and (wanted := self.headers.get("Range")):
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(body):
                self._refuse(416, {"Content-Range": f"bytes */{len(body)}"})
                return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if served.validators:
            if served.etags:
                self.send_header("ETag", served.etag)
            self.send_header("Last-Modified", served.modified)
        self.send_header("Content-Type", served.media)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        part = body[start:] if fault.cut_after is None else body[start : start + fault.cut_after]
        asked.sent = len(part)  # before the last byte leaves, which is when the test looks
        self.wfile.write(part)
        self.wfile.flush()
        if fault.hang:
            self.local.stopped.wait(240)
        if fault.cut_after is not None:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass
