"""What the player is to reach, measured: `python -m src.infer` as it is typed, and its steps at the machine's limit.

    python -m src.benchmark.player                                  # every figure; minutes
    python -m src.benchmark.player --only share help                # some
    python -m src.benchmark.player --frames 60 --repeats 1 --soak 2000 --large-frames 20    # quickly
    xvfb-run -a python -m src.benchmark.player                      # with a display, where there is none

    share        share of the limit (cores / CPU seconds per frame) that overlay and saving reach; the display's price
    sequential   over src.benchmark.sequential, both saving the same clip, as processes of their own that take turns
    first-frame  seconds from the command to the first frame, shown where there is a display and else saved
    help         seconds that --help takes
    memory       peak at 3840x2160
    soak         growth of the resident memory over --soak frames

Medians of repeats. Prints a table with a row per figure, then one JSON line.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2

from src.benchmark import video
from src.benchmark.report import GOAL_COLUMNS, format_table, goal_row
from src.errors import UserError, user_errors
from src.hardware import cores, processor
from src.runtime.options import positive
from src.runtime.video.source import VideoSource
from src.runtime.video.window import Window
from src.runtime.video.writer import VideoWriter

LARGE, SMALL = (3840, 2160), (320, 180)
SEQUENTIAL_FRAMES = 40
SHARE, SPEED_UP, MOST_DISPLAY, FIRST_FRAME_S, HELP_S, LARGE_MB, GROWTH_MB = 0.9, 5.0, 0.05, 1.5, 0.5, 1200.0, 20.0


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m src.benchmark.player", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--engine", type=Path, default=Path("models/engine"), help="(default: %(default)s)")
    parser.add_argument(
        "--checkpoint", type=Path, default=Path("models/checkpoint.ckpt"), help="(default: %(default)s)"
    )
    parser.add_argument("--video", type=Path, help="(default: a rendered 1280x720 clip)")
    parser.add_argument("--frames", type=positive, default=200, help="of it (default: %(default)s)")
    parser.add_argument("--repeats", type=positive, default=3, help="of each figure in seconds (default: %(default)s)")
    parser.add_argument("--large-frames", type=int, default=60, help="at 3840x2160 (default: %(default)s)")
    parser.add_argument("--soak", type=int, default=20_000, metavar="FRAMES", help="(default: %(default)s)")
    parser.add_argument("--only", nargs="+", choices=MEASURES, default=list(MEASURES), help="these alone")
    options = parser.parse_args()
    load = os.getloadavg()[0]  # before it is this benchmark's own
    options.video = options.video or video.rendered_clip(options.frames, Path(".work"))
    with TemporaryDirectory() as work:
        rows = [row for name in options.only for row in MEASURES[name](options, Path(work))]
    machine = processor() | {"load": load}
    print(f"\n{machine['model']}, {machine['cores']} cores, load {machine['load']:.1f}\n")
    print(format_table(rows, GOAL_COLUMNS), end="\n\n")
    print(json.dumps({"machine": machine, "player": rows}), flush=True)


def _shares(options: argparse.Namespace, _: Path) -> Iterator[dict[str, Any]]:
    found = {
        row["step"]: row for row in video.measure(options.engine, options.video, frames=options.frames, threads=cores())
    }
    for step in ("overlay", "saving"):
        yield goal_row(f"{step}: share of the limit", [found[step]["share_of_limit"]], ">=", SHARE)
        yield goal_row(f"{step}: FPS", [found[step]["fps"]])
    if "display" in found:
        yield goal_row(
            "display costs, of overlay's FPS",
            [1 - found["display"]["fps"] / found["overlay"]["fps"]],
            "<=",
            MOST_DISPLAY,
        )


def _over_sequential(options: argparse.Namespace, work: Path) -> Iterator[dict[str, Any]]:
    if not options.checkpoint.is_file():
        raise UserError(f"{options.checkpoint}: no checkpoint for the plain loop", fix="name one, or --only the others")
    ratios, plain = [], []
    for _ in range(options.repeats):
        loop = ("src.benchmark.sequential", "--checkpoint", options.checkpoint, "--frames", SEQUENTIAL_FRAMES)
        done = _run(*loop, "--video", options.video, "--save", work / "plain.mp4")
        plain.append(json.loads(done.splitlines()[-1])["fps"])
        ratios.append(_infer(options, work, "--save", work / "ours.mp4")["fps"] / plain[-1])
    yield goal_row("saving over the sequential loop", ratios, ">=", SPEED_UP)
    yield goal_row("sequential loop: FPS", plain)


def _first_frame(options: argparse.Namespace, work: Path) -> Iterator[dict[str, Any]]:
    shown = not Window.unavailable()
    out = ("--show",) if shown else ("--save", work / "first.mp4")
    seconds, cpu = [], []
    for _ in range(options.repeats + 1):
        cpu_before = _cpu_of_children()
        seconds.append(_infer(options, work, *out, "--max-frames", 1)["first_frame_s"])
        cpu.append(_cpu_of_children() - cpu_before)
    # The first of them reads libraries from the disk that stay in memory for the others.
    yield goal_row(f"first frame {'shown' if shown else 'saved'}, s", seconds[1:], "<=", FIRST_FRAME_S)
    yield goal_row("command with one frame, CPU s", cpu[1:])


def _help(options: argparse.Namespace, _: Path) -> Iterator[dict[str, Any]]:
    seconds, cpu = [], []
    for _ in range(options.repeats + 1):
        began, cpu_before = time.perf_counter(), _cpu_of_children()
        _run("src.infer", "--help")
        seconds.append(time.perf_counter() - began)
        cpu.append(_cpu_of_children() - cpu_before)
    yield goal_row("--help, s", seconds[1:], "<=", HELP_S)
    yield goal_row("--help, CPU s", cpu[1:])


def _memory(options: argparse.Namespace, work: Path) -> Iterator[dict[str, Any]]:
    large, large_size = (
        _resized(options.video, work / "large.mp4", LARGE, options.large_frames),
        "x".join(map(str, LARGE)),
    )
    figures = _infer(options, work, "--save", work / "out.mp4", clip=large)
    yield goal_row(f"{large_size}, saving: peak MiB", [figures["peak_rss_mb"]], "<=", LARGE_MB)
    yield goal_row(f"{large_size}, saving: FPS", [figures["fps"]])


def _soak(options: argparse.Namespace, work: Path) -> Iterator[dict[str, Any]]:
    small = _resized(options.video, work / "small.mp4", SMALL, options.frames)
    call = ("src.benchmark.soak", "--engine", options.engine, "--frames", options.soak)
    found = json.loads(_run(*call, "--video", small, "--save", work / "soak.mp4").splitlines()[-1])
    yield goal_row(f"{found['frames']} frames: growth of memory, MiB", [found["growth_mb"]], "<=", GROWTH_MB)
    yield goal_row(f"{found['frames']} frames: peak MiB", [found["peak_mb"]])


MEASURES: dict[str, Callable[[argparse.Namespace, Path], Iterator[dict[str, Any]]]] = {
    "share": _shares,
    "sequential": _over_sequential,
    "first-frame": _first_frame,
    "help": _help,
    "memory": _memory,
    "soak": _soak,
}


def _infer(options: argparse.Namespace, work: Path, *arguments: object, clip: Path | None = None) -> dict[str, Any]:
    """The figures of `python -m src.infer` on the clip."""
    stats = work / "stats.json"
    given = ("--video", clip or options.video, "--engine", options.engine, "--max-frames", options.frames)
    _run("src.infer", *given, "--stats-json", stats, "--quiet", *arguments)
    return json.loads(stats.read_text(encoding="utf-8"))


def _cpu_of_children() -> float:
    """CPU seconds of the processes that have ended, which a busy machine does not stretch as it does the wall's."""
    times = os.times()
    return times.children_user + times.children_system


def _run(module: str, *arguments: object) -> str:
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"'{' '.join(command[1:])}' failed", done.stderr.strip(), "put that right first")
    return done.stdout


def _resized(video_path: Path, out: Path, size: tuple[int, int], frames: int) -> Path:
    with VideoSource(video_path) as source, VideoWriter(out, *size, source.fps) as writer:
        for _, frame in zip(range(frames), source, strict=False):
            writer.write(cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA))
    return out


if __name__ == "__main__":
    with user_errors():
        main()
