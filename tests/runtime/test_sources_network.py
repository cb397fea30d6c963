"""Streams from real servers on this machine."""

import csv
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from src.errors import UserError
from src.runtime.video.source import open_source
from src.runtime.video.sources.feeds import Stream
from src.runtime.video.sources.selection import Selection
from tests.import_graph import ROOT
from tests.runtime.clips import FRAMES, write_clip
from tests.runtime.made_videos import index_of, write_video
from tests.runtime.servers import http_server, rtmp_server, rtsp_server

PATIENCE_S = 240
needs_rtsp = pytest.mark.skipif(
    importlib.util.find_spec("aio_rtsp_toolkit") is None, reason="the RTSP server aio-rtsp-toolkit is not installed"
)
needs_rtmp = pytest.mark.skipif(
    not (shutil.which("ffmpeg") and Path("/proc/net/tcp").is_file()), reason="ffmpeg, an RTMP server, is not installed"
)


@pytest.fixture(scope="module")
def streamed(tmp_path_factory) -> Path:
    """A folder with 20 s of video that begins anew every half second."""
    folder = tmp_path_factory.mktemp("streamed")
    write_video(folder / "cam.mp4", range(0, 20000, 40), keyframe_every=12)
    return folder


def infer(*arguments: object, stderr: object = subprocess.PIPE, patience: str = "pass") -> subprocess.Popen:
    # A child of a shell's background job ignores Ctrl-C from birth; this one must not.
    start = f"""
import signal; signal.signal(signal.SIGINT, signal.default_int_handler)
from src.infer import main
from src.runtime.video.sources import feeds; {patience}
main()
"""
    return subprocess.Popen(
        [sys.executable, "-c", start, *map(str, arguments)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=stderr, text=True,
    )  # fmt: skip


@needs_rtsp
def test_an_rtsp_stream_plays_live_in_order(streamed):
    with rtsp_server(streamed) as server:
        with open_source(f"rtsp://user:secret@127.0.0.1:{server.port}/cam.mp4", Selection()) as source:
            assert source.live
            assert (source.width, source.height) == (64, 48)
            assert source.fps > 0
            assert source.name == f"rtsp://***@127.0.0.1:{server.port}/cam.mp4"
            frames = [source.read() for _ in range(20)]
            assert [frame.index for frame in frames] == list(range(20))
            times = [frame.time for frame in frames]
            assert times == sorted(times)
        with pytest.raises(UserError, match="cannot be opened") as caught:
            open_source(f"rtsp://user:secret@127.0.0.1:{server.port}/none.mp4")
        assert "404" in caught.value.why
        assert "secret" not in str(caught.value)


@needs_rtsp
def test_an_rtsp_server_that_restarts_is_found_again(streamed, capsys):
    with (
        rtsp_server(streamed) as server,
        open_source(f"rtsp://127.0.0.1:{server.port}/cam.mp4", None, PATIENCE_S) as source,
    ):
        source.read()
        server.stop()
        server.start()
        deadline, said = time.monotonic() + PATIENCE_S, ""
        while "back after" not in said:
            assert time.monotonic() < deadline
            assert source.read() is not None
            said += capsys.readouterr().err
        assert "the stream has dropped" in said
        assert source.read() is not None
        assert source.lost is None


@needs_rtsp
def test_a_stream_that_is_lost_leaves_a_whole_video_and_exits_with_2(streamed, binary_model, tmp_path):
    with rtsp_server(streamed) as server:
        url = f"rtsp://user:secret@127.0.0.1:{server.port}/cam.mp4?token=secret"
        process = infer(
            "--video", url, "--engine", binary_model, "--save", tmp_path / "out.mp4", "--save-masks", tmp_path / "m",
            "--reconnect", "0.1",
        )  # fmt: skip
        _wait_for(tmp_path / "m" / "000005.png", process)
        server.stop()
        stdout, stderr = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2, stderr
    assert "Traceback" not in stderr
    assert "the stream has dropped, and is not back within 0.1 s" in stderr
    assert "secret" not in stdout + stderr
    with open_source(tmp_path / "out.mp4") as saved:
        assert len(list(saved)) == len(list((tmp_path / "m").glob("*.png"))) > 5


@needs_rtsp
def test_ctrl_c_while_a_stream_is_away_ends_at_once_in_good_order(streamed, binary_model, tmp_path):
    log = tmp_path / "stderr.log"
    with rtsp_server(streamed) as server, log.open("w") as stderr:
        process = infer(
            "--video", f"rtsp://127.0.0.1:{server.port}/cam.mp4", "--engine", binary_model, "--save",
            tmp_path / "out.mp4", "--save-masks", tmp_path / "m", "--reconnect", 100 * PATIENCE_S, stderr=stderr,
        )  # fmt: skip
        try:
            _wait_for(tmp_path / "m" / "000002.png", process)
            server.stop()
            deadline = time.monotonic() + PATIENCE_S
            while "trying again" not in log.read_text():
                assert time.monotonic() < deadline
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=PATIENCE_S)  # far below the time that it would wait for the stream
        finally:
            process.kill()
    assert process.returncode == 130, log.read_text()
    with open_source(tmp_path / "out.mp4") as saved:
        assert len(list(saved)) > 2


@needs_rtmp
def test_an_rtmp_stream_plays_live(streamed, binary_model, tmp_path):
    with rtmp_server(streamed / "cam.mp4") as port:
        process = infer(
            "--video", f"rtmp://user:secret@127.0.0.1:{port}/live/cam", "--engine", binary_model, "--max-frames", 20,
            "--save-masks", tmp_path / "m", "--csv", tmp_path / "frames.csv", "--reconnect", "0",
        )  # fmt: skip
        stdout, stderr = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, stderr
    assert "secret" not in stdout + stderr
    assert len(list((tmp_path / "m").glob("*.png"))) == 20
    with (tmp_path / "frames.csv").open() as lines:
        times = [float(row["time_s"]) for row in csv.DictReader(lines)]
    assert times == sorted(times)
    assert times[-1] > 0.4  # no faster than it comes, but for what FFmpeg sends in one go at first


def test_a_file_behind_an_address_is_played_as_a_file(tmp_path):
    content = write_clip(tmp_path / "clip.mp4").read_bytes()
    with http_server({"/clip.mp4": content}) as port:
        url = f"http://127.0.0.1:{port}/clip.mp4?token=secret"
        with open_source(url, Selection(stride=2)) as source:
            assert (source.live, source.name) == (False, f"http://127.0.0.1:{port}/clip.mp4?token=***")
            assert len(list(source)) == source.frame_count == FRAMES // 2
        with pytest.raises(UserError, match="cannot be opened") as caught:
            open_source(f"http://127.0.0.1:{port}/none.mp4?token=secret")
        assert caught.value.why == "Server returned 404 Not Found"
        with pytest.raises(UserError, match="--reconnect") as caught:
            open_source(url, None, 5.0)
        assert "secret" not in str(caught.value)


def test_an_http_stream_without_an_end_is_live(tmp_path):
    content = write_video(tmp_path / "a.ts", range(0, 6000, 40), keyframe_every=12).read_bytes()
    with http_server({}, endless={"/live": content}) as port:
        with open_source(f"http://127.0.0.1:{port}/live") as source:
            assert source.live
            assert source.read().image.shape == (48, 64, 3)
        with pytest.raises(UserError, match=r"--start: http://127.0.0.1:[0-9]*/live is live"):
            open_source(f"http://127.0.0.1:{port}/live", Selection(start=1.0))


@pytest.mark.parametrize("heard", [True, False])
def test_a_stream_that_falls_silent_is_a_loss_and_leaves_a_whole_video(heard, binary_model, tmp_path):
    reading, writing = os.pipe()
    os.close(reading)
    content = write_video(tmp_path / "a.ts", range(0, 4000, 40), keyframe_every=12).read_bytes()
    with http_server({}, endless={"/live": content}, openings=2) as port:  # one to look whether it is live
        process = infer(
            "--video", f"http://user:secret@127.0.0.1:{port}/live?token=secret", "--engine", binary_model,
            "--save", tmp_path / "out.mp4", "--reconnect", "0.1", patience="feeds.SILENT_S = 0.5",
            stderr=subprocess.PIPE if heard else writing,
        )  # fmt: skip
        stdout, stderr = process.communicate(timeout=60)
    os.close(writing)
    assert process.returncode == 2, stderr
    if heard:
        assert "the stream has dropped (nothing came for 0.5 s); trying again for 0.1 s" in stderr
        assert "Traceback" not in stderr
        assert "secret" not in stdout + stderr
    with open_source(tmp_path / "out.mp4") as saved:
        assert saved.read() is not None


def test_a_damaged_packet_costs_a_stream_no_more_than_its_frame(tmp_path):
    content = bytearray(
        write_video(tmp_path / "a.mkv", range(0, 800, 40), codec="mjpeg", pixels="yuvj420p").read_bytes()
    )
    tenth = [found.start() for found in re.finditer(b"\xff\xd8\xff", content)][9]
    content[tenth + 20 : tenth + 600] = b"\xff" * 580
    with http_server({"/a.mkv": bytes(content)}) as port:
        feed = Stream(f"http://127.0.0.1:{port}/a.mkv").open()
        seen = []
        while (image := feed.read()) is not None:
            seen.append(index_of(image))
        feed.close()
    assert seen == [*range(9), *range(10, 20)]


def test_words_behind_an_address_are_no_video(tmp_path):
    with http_server({"/page": b"<html>nothing to see</html>" * 99}) as port:
        with pytest.raises(UserError, match="cannot be opened") as caught:
            open_source(f"http://127.0.0.1:{port}/page")
        assert caught.value.why.startswith("Invalid data")


def test_figures_and_output_of_an_address_hold_no_secret(binary_model, tmp_path):
    content = write_clip(tmp_path / "clip.mp4", frames=6).read_bytes()
    with http_server({"/clip.mp4": content}) as port:
        process = infer(
            "--video", f"http://user:secret@127.0.0.1:{port}/clip.mp4?token=secret", "--engine", binary_model,
            "--save-masks", tmp_path / "m", "--stats-json", tmp_path / "s.json",
        )  # fmt: skip
        stdout, stderr = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, stderr
    figures = (tmp_path / "s.json").read_text()
    assert json.loads(figures)["frames"] == 6
    assert "secret" not in stdout + stderr + figures


def _wait_for(path: Path, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, process.kill()
        time.sleep(0.02)
