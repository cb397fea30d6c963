"""Servers on this machine to play from: RTSP and RTMP in processes of their own, HTTP on a thread."""

import itertools
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

RTSP_SERVER = """
import asyncio, sys
import aio_rtsp_toolkit.server as server
asyncio.run(server.serve(sys.argv[1], "127.0.0.1", int(sys.argv[2])))
"""
PATIENCE_S = 240  # the machine may be busy


class RtspServer:
    """Serves the files of a folder as streams in real time; can be stopped and started again on its port."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.log = folder, _free_port(), folder / "server.log"
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        command = [sys.executable, "-c", RTSP_SERVER, str(self.folder), str(self.port)]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + PATIENCE_S
        while not _answers(self.port):
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE_S)


@contextmanager
def rtsp_server(folder: Path) -> Iterator[RtspServer]:
    server = RtspServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def rtmp_server(video: Path) -> Iterator[int]:
    """The port on which ffmpeg plays a file in real time, to the first who asks, as rtmp://127.0.0.1:<port>/live/cam."""
    port = _free_port()
    command = ["ffmpeg", "-loglevel", "error", "-re", "-i", str(video), "-c", "copy", "-f", "flv", "-listen", "1"]
    with video.with_suffix(".log").open("w") as log:
        process = subprocess.Popen([*command, f"rtmp://127.0.0.1:{port}/live/cam"], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not _listens(port):  # to connect would be to ask
            assert process.poll() is None, video.with_suffix(".log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield port
    finally:
        process.kill()
        process.wait(PATIENCE_S)


@contextmanager
def http_server(
    files: dict[str, bytes], endless: dict[str, bytes] | None = None, openings: int | None = None
) -> Iterator[int]:
    """The port of a server that has `files` by path, and `endless` ones that it leaves open after their content; these
    so many times."""
    over, asked = threading.Event(), itertools.count()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            content = files.get(path) or (endless or {}).get(path)
            if content is None or (path not in files and openings is not None and next(asked) >= openings):
                self.send_error(404)
                return
            self.send_response(200)
            if path in files:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            try:
                self.wfile.write(content)
                if path not in files:
                    self.wfile.flush()
                    over.wait(PATIENCE_S)
            except OSError:
                pass  # the player has seen enough

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _listens(port: int) -> bool:
    """Whether a socket listens there (state 0A in Linux's table); asked without connecting to it."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(row[1].endswith(f":{port:04X}") and row[3] == "0A" for row in rows)
