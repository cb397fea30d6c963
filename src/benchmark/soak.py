"""Memory over a long run: a clip played over and over into a file.

    python -m src.benchmark.soak --video clip.mp4 --save out.mp4 --frames 20000

Prints one JSON line: frames, fps, the resident memory (MiB) once warm and at most in the last quarter, the growth
between them, and the peak.
"""

import argparse
import json
import os
from pathlib import Path

from src.errors import user_errors
from src.hardware import cores
from src.runtime.engines import open_engine, requests_for_video
from src.runtime.options import positive
from src.runtime.video.compositing import Compositor
from src.runtime.video.pipeline import play
from src.runtime.video.sink import VideoFile
from src.runtime.video.source import VideoSource
from src.runtime.video.sources.selection import Selection
from src.runtime.video.writer import VideoWriter

EVERY = 50  # frames between two looks


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m src.benchmark.soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--video", type=Path, required=True, help="what to play over and over")
    parser.add_argument("--save", type=Path, required=True, help="the video file to write")
    parser.add_argument("--engine", type=Path, default=Path("models/engine"), help="(default: %(default)s)")
    parser.add_argument("--frames", type=positive, default=20_000, help="(default: %(default)s)")
    options = parser.parse_args()
    print(json.dumps(soak(options.video, options.save, options.engine, options.frames)), flush=True)


def soak(video: Path, out: Path, engine_path: Path, frames: int) -> dict[str, float]:
    """Plays so many frames; {frames, fps, warm_mb, last_mb, growth_mb, peak_mb}. Warm is after a tenth of them."""
    looks: list[float] = []
    delivered = 0

    def look() -> None:
        nonlocal delivered
        delivered += 1
        if delivered % EVERY == 0:
            looks.append(_resident_mb())

    with (
        VideoSource(video, Selection(loop=frames)) as source,  # more often than there is need for
        open_engine(engine_path, requests=requests_for_video(cores())) as engine,
        VideoWriter(out, source.width, source.height, source.fps) as writer,
    ):
        compositor = Compositor(engine.info.card, "overlay", source.width, source.height)
        sinks = [VideoFile(writer)]
        stats = play(source, engine, compositor=compositor, sinks=sinks, max_frames=frames, on_frame=look)
    looks = looks or [_resident_mb()]
    warm, last = max(looks[: max(1, len(looks) // 10)]), max(looks[-max(1, len(looks) // 4) :])
    figures = {
        "fps": stats.fps,
        "warm_mb": warm,
        "last_mb": last,
        "growth_mb": last - warm,
        "peak_mb": max(stats.peak_rss_mb, *looks),  # the kernel counts the two differently, by some pages
    }
    return {"frames": stats.frames} | {name: round(value, 1) for name, value in figures.items()}


def _resident_mb() -> float:
    status = Path("/proc/self/statm")
    if status.is_file():
        return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    import psutil

    return psutil.Process().memory_info().rss / 2**20


if __name__ == "__main__":
    with user_errors():
        main()
