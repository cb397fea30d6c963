"""Hundreds of damaged pictures, videos and model files: each is read, or refused in words; nothing else, and no hang.

The damage is drawn from fixed seeds. Native decoders run in a child, so that one that crashes or hangs fails one
test, with the number of the input that does it, and not the suite.
"""

import multiprocessing
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from queue import Empty

import cv2
import numpy as np
import pytest

from src.errors import UserError
from tests.model_file import binary_card, write_binary_model
from tests.runtime.clips import add_sound
from tests.runtime.made_videos import write_video

PATIENCE_S = 240  # for one input; the machine may be busy


def damaged(content: bytes, seed: int) -> bytes:
    """Single bits flipped by even seeds; by odd ones bytes overwritten, cut out, doubled or cut off as well.

    Half of what is done is done where headers are.
    """
    random = np.random.default_rng(seed)
    data = bytearray(content)
    for _ in range(random.integers(1, 5)):
        reach = len(data) if random.random() < 0.5 else min(len(data), 256)
        place, length = int(random.integers(reach)), int(random.integers(1, 32))
        match random.integers(6) if seed % 2 else 0:
            case 0:
                data[place] ^= 1 << int(random.integers(8))
            case 1:
                data[place : place + length] = random.bytes(length)
            case 2:
                data[place : place + length] = b"\xff" * length
            case 3:
                del data[place : place + length]
            case 4:
                data[place:place] = data[place : place + length]
            case 5:
                del data[max(1, place) :]
        data = data or bytearray(1)
    return bytes(data)


def play(path: str) -> None:
    from src.runtime.video.source import open_source

    with open_source(path) as source:
        for count, _ in enumerate(source):
            if count == 20:
                break


def copy(path: str) -> None:
    """As --save does: pictures and sound into another file."""
    from src.runtime.video.sound import SoundTracks
    from src.runtime.video.source import open_source
    from src.runtime.video.writer import VideoWriter

    with (
        open_source(path) as source,
        VideoWriter(f"{path}.mp4", source.width, source.height, source.fps, sound=SoundTracks(path)) as writer,
    ):
        for count, frame in enumerate(source):
            writer.write(frame.image, frame.time)
            if count == 20:
                break


def look(path: str) -> None:
    from src.runtime.pictures import read_picture

    read_picture(Path(path))


def load(path: str, backend: str) -> None:
    from src.runtime.engines import open_engine

    with open_engine(path, backend=backend, threads=1) as engine:
        card = engine.info.card
        if card.height * card.width <= 10**6:
            engine.infer(np.zeros((1, card.height, card.width, 3), np.uint8))


def _serve(requests, answers) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    for read, path in iter(requests.get, None):
        try:
            read(path)
            answers.put("read")
        except UserError as error:
            answers.put("refused" if error.what else "refused without a word")
        except BaseException as error:
            answers.put(f"{type(error).__name__}: {error}")


class Child:
    """Reads one file after another in a process of its own, which is started anew if a file ends it."""

    def __init__(self) -> None:
        self.context, self.process = multiprocessing.get_context("spawn"), None

    def read(self, read: Callable[[str], None], path: Path) -> str:
        if self.process is None:
            self.requests, self.answers = self.context.SimpleQueue(), self.context.Queue()
            self.process = self.context.Process(target=_serve, args=(self.requests, self.answers), daemon=True)
            self.process.start()
        self.requests.put((read, str(path)))
        for _ in range(PATIENCE_S):
            try:
                return self.answers.get(timeout=1)
            except Empty:
                if not self.process.is_alive():
                    break
        answer = f"ends the process ({self.process.exitcode})" if not self.process.is_alive() else "hangs"
        self.close()
        return answer

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process = None


@pytest.fixture(scope="module")
def child():
    made = Child()
    yield made
    made.close()


def outcomes(child: Child, read: Callable, sources: list[Path], count: int, folder: Path) -> dict[str, int]:
    """What came of `count` damaged files, made from the sources in turn; wrong answers stand with their inputs."""
    contents = [path.read_bytes() for path in sources]
    tally: dict[str, int] = {}
    for seed in range(count):
        source = sources[seed % len(sources)]
        path = folder / f"damaged{source.suffix}"
        path.write_bytes(damaged(contents[seed % len(sources)], seed))
        answer = child.read(read, path)
        key = answer if answer in ("read", "refused") else f"{source.name}, seed {seed}: {answer}"
        tally[key] = tally.get(key, 0) + 1
    return tally


def test_damaged_pictures(child, tmp_path):
    picture = cv2.resize(np.random.default_rng(0).integers(0, 255, (6, 8, 3), np.uint8), (64, 48))
    sources = [tmp_path / f"whole{suffix}" for suffix in (".jpg", ".png", ".bmp", ".tiff", ".webp")]
    for path in sources:
        assert cv2.imwrite(str(path), picture)
    tally = outcomes(child, look, sources, 200, tmp_path)
    assert set(tally) <= {"read", "refused"}, tally


def test_damaged_videos(child, tmp_path):
    sources = [write_video(tmp_path / name, range(0, 320, 40)) for name in ("a.mp4", "a.mkv", "a.ts")]
    sources.append(write_video(tmp_path / "a.avi", range(0, 320, 40), codec="mjpeg", pixels="yuvj420p"))
    tally = outcomes(child, play, sources, 200, tmp_path)
    assert set(tally) == {"read", "refused"}, tally
    assert min(tally.values()) > 10, "the damage is neither too small nor too large to tell"


def test_damaged_sound(child, clip, tmp_path):
    source = add_sound(clip, tmp_path / "sounding.mp4", seconds=1.0, beep_at=0.5)
    tally = outcomes(child, copy, [source], 60, tmp_path)
    assert set(tally) <= {"read", "refused"}, tally
    assert tally["read"] > 5


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_damaged_model_files(backend, child, tmp_path):
    model = write_binary_model(tmp_path / "sky.onnx", binary_card(height=64, width=8))
    load(str(model), backend)
    tally = outcomes(child, partial(load, backend=backend), [model], 120, tmp_path)
    assert set(tally) <= {"read", "refused"}, tally
