"""Ctrl-C and SIGTERM: the C++ player ends with 130, what is saved is whole, and nothing half written stays."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from src.runtime.video.source import VideoSource
from tests.cpp.player import PLAYER, built, parts_in
from tests.runtime.clips import frame, write_clip

pytestmark = built

SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.fixture
def long(tmp_path) -> Path:
    return write_clip(tmp_path / "long.mp4", frames=1500, width=640, height=480)


def start(*arguments: object) -> subprocess.Popen:
    def behind_the_test() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a background job ignores it, and so would its children
        os.nice(15)  # however busy the machine, the test sends its signal long before the clip is over

    return subprocess.Popen(
        [PLAYER, *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=behind_the_test,
    )  # fmt: skip


def wait(process: subprocess.Popen, until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 240
    while not until():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, process.kill()
        time.sleep(0.01)


def catches(process: subprocess.Popen, how: signal.Signals) -> bool:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return bool(int(re.search(r"SigCgt:\s*(\w+)", status)[1], 16) >> (how - 1) & 1)


@pytest.mark.parametrize("how", SIGNALS)
def test_a_signal_exits_with_130_and_keeps_a_whole_video(how, binary_model, long, tmp_path):
    out, masks = tmp_path / "out.mp4", tmp_path / "masks"
    process = start("--video", long, "--engine", binary_model, "--save", out, "--save-masks", masks)
    wait(process, (masks / "000020.png").exists)
    process.send_signal(how)
    stdout, stderr = process.communicate(timeout=240)
    assert process.returncode == 130, stderr
    assert stderr == "interrupted\n"
    with VideoSource(out) as source:
        kept = len(list(source))
    assert f"{kept} frames in" in stdout
    assert 20 < kept < 1500
    assert len(list(masks.iterdir())) == kept
    assert not parts_in(tmp_path)


def test_a_second_signal_ends_at_once_and_leaves_no_half_video(binary_model, long, tmp_path):
    out, masks = tmp_path / "out.mp4", tmp_path / "masks"
    process = start("--video", long, "--engine", binary_model, "--save", out, "--save-masks", masks)
    wait(process, (masks / "000020.png").exists)
    for how in (signal.SIGSTOP, *SIGNALS, signal.SIGCONT):  # so that nothing is finished between the two
        process.send_signal(how)
    _, stderr = process.communicate(timeout=240)
    assert process.returncode == 130, stderr
    assert stderr == "interrupted\n"
    assert not out.exists()
    assert not parts_in(tmp_path)


@pytest.mark.parametrize("how", SIGNALS)
def test_a_signal_while_the_model_is_loaded_ends_at_once(how, binary_model, long, tmp_path):
    process = start("--video", long, "--engine", binary_model, "--save", tmp_path / "out.mp4")
    wait(process, lambda: catches(process, how))
    process.send_signal(how)
    stdout, stderr = process.communicate(timeout=240)
    assert process.returncode == 130, stderr
    assert stderr == "interrupted\n"
    assert "frames in" not in stdout
    assert not parts_in(tmp_path)


def test_photos_that_could_not_be_read_are_named_after_a_signal_too(binary_model, tmp_path):
    photos, masks = tmp_path / "photos", tmp_path / "masks"
    photos.mkdir()
    (photos / "a.jpg").write_bytes(b"no picture")
    cv2.imwrite(str(photos / "b.png"), cv2.resize(frame(5), (1920, 1280)))
    for index in range(300):
        os.link(photos / "b.png", photos / f"c{index:03d}.png")
    process = start("--images", photos, "--engine", binary_model, "--save-masks", masks)
    wait(process, (masks / "b.png").exists)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=240)
    assert process.returncode == 130, stderr
    assert f"{photos / 'a.jpg'}: not a readable picture" in stderr
    assert stderr.endswith("\ninterrupted\n")
