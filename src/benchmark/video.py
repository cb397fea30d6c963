"""Video FPS of the built engine, step by step, and the limit that the processor sets."""

import hashlib
import tempfile
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from src.benchmark.display import display
from src.data.synthesis.export import write_clip
from src.runtime.engines import open_engine, requests_for_video
from src.runtime.engines.base import Engine
from src.runtime.frames import prepare
from src.runtime.video.compositing import Compositor
from src.runtime.video.pipeline import PREVIEW_FPS, play
from src.runtime.video.sink import VideoFile
from src.runtime.video.source import VideoSource
from src.runtime.video.stats import RunStats
from src.runtime.video.window import Window
from src.runtime.video.writer import VideoWriter

REPEATS = 3


def measure(engine_folder: Path, video: Path, *, frames: int, threads: int) -> list[dict[str, Any]]:
    """A row per step: what plays, its FPS (median of interleaved repeats), and how near the limit it came.

    `decode` and `model` run alone; `overlay` is decode + model + overlay, concurrently; `saving` adds an H.264 file,
    `display` a window, at as many pictures a second as beside saving (off-screen where there is no display, left out
    without Xvfb). The limit of a row is cores / CPU seconds per frame: no schedule plays faster. A step that runs alone
    has no such figure.

    Returns:
        rows {step, fps, noise, share_of_limit, limit_fps, cpu_ms}; noise is the median deviation of the repeats' FPS
        from their median, over it; the last three are None for steps alone.
    """
    with (
        open_engine(engine_folder, threads=threads, requests=requests_for_video(threads)) as engine,
        tempfile.TemporaryDirectory() as tmp,
        display() as trouble,
    ):
        steps: dict[str, Callable[[], float | RunStats]] = {
            "decode": lambda: _decode_alone(video, frames),
            "model": lambda: _model_alone(engine, video, frames),
            "overlay": lambda: _played(engine, video, frames),
            "saving": lambda: _played(engine, video, frames, save=Path(tmp) / "out.mp4"),
        }
        if trouble:
            print(f"benchmark: no figure for display: {trouble}", flush=True)
        else:
            steps["display"] = lambda: _played(engine, video, frames, show=True)
        results: dict[str, list] = {name: [] for name in steps}
        for _ in range(REPEATS):
            for name, step in steps.items():
                results[name].append(step())
    return [_row(name, found) for name, found in results.items()]


def rendered_clip(frames: int, work: Path) -> Path:
    """A 1280x720 clip of the project's own, rendered once by each state of the generator and kept below `work`."""
    generator = sorted((Path(__file__).resolve().parents[1] / "data" / "synthesis").rglob("*.py"))
    state = hashlib.sha256(b"".join(source.read_bytes() for source in generator)).hexdigest()[:12]
    path = work / "clips" / f"{frames}-{state}.mp4"
    if not path.is_file():
        write_clip(path, None, frames=frames, fps=25, seed=0, width=1280, height=720)
    return path


def _row(name: str, found: list[float] | list[RunStats]) -> dict[str, Any]:
    rates = [run.fps if isinstance(run, RunStats) else run for run in found]
    fps = median(rates)
    row = {"step": name, "fps": fps, "noise": median(abs(rate - fps) for rate in rates) / fps}
    if not isinstance(found[0], RunStats):
        return row | {"share_of_limit": None, "limit_fps": None, "cpu_ms": None}
    return row | {
        "share_of_limit": median(run.share_of_limit for run in found),
        "limit_fps": median(run.fps / run.share_of_limit for run in found),
        "cpu_ms": median(sum(step.cpu_ms for step in run.steps.values()) for run in found),
    }


def _decode_alone(video: Path, frames: int) -> float:
    with VideoSource(video) as source:
        buffer = np.empty((source.height, source.width, 3), np.uint8)
        began = time.perf_counter()
        count = 0
        while count < frames and source.read(buffer) is not None:
            count += 1
        return count / (time.perf_counter() - began)


def _model_alone(engine: Engine, video: Path, frames: int) -> float:
    """As many requests in flight as when it plays, on frames that are decoded and resized beforehand."""
    with VideoSource(video) as source:
        ready = [prepare(frame.image, engine.info.card)[None] for frame, _ in zip(source, range(8), strict=False)]
    flying = deque()
    began = time.perf_counter()
    for i in range(frames):
        flying.append(engine.submit(ready[i % len(ready)]))
        if len(flying) == engine.requests:
            flying.popleft().result()
    for future in flying:
        future.result()
    return frames / (time.perf_counter() - began)


def _played(engine: Engine, video: Path, frames: int, *, save: Path | None = None, show: bool = False) -> RunStats:
    with ExitStack() as stack:
        source = stack.enter_context(VideoSource(video))
        compositor = Compositor(engine.info.card, "overlay", source.width, source.height)
        sinks = []
        if save:
            writer = VideoWriter(save, source.width, source.height, source.fps)
            sinks.append(VideoFile(stack.enter_context(writer)))
        window = stack.enter_context(Window("skyseg benchmark")) if show else None
        outputs = {"compositor": compositor, "sinks": sinks, "window": window, "shown_fps": PREVIEW_FPS}
        return play(source, engine, **outputs, max_frames=frames)
