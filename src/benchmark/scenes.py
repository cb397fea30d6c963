"""How fast the scene generator is, and where its time goes.

    python -m src.benchmark.scenes                             # 512x288, params.yaml's weights, 10 s
    python -m src.benchmark.scenes --seconds 60 --width 1280 --height 720

Prints scenes/s per core, a table of each module's share of the time, then
all of it as one JSON line. Time is CPU time of one thread, so that other work on the machine counts little; a first,
untimed round fills the caches.
"""

import argparse
import cProfile
import json
import pstats
import time
from pathlib import Path
from typing import Any

import cv2

from src.benchmark.report import format_table
from src.data.sources.synthetic import scene_options
from src.data.synthesis import SceneOptions, render_scene
from src.errors import UserError, user_errors
from src.hardware import processor
from src.params import load

WARM_UP, BLOCK = 40, 20  # scenes
PACKAGE = "synthesis"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m src.benchmark.scenes", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="of CPU time per figure (default: %(default)s)")
    parser.add_argument("--width", type=int, default=512, help="pixels (default: %(default)s)")
    parser.add_argument("--height", type=int, default=288, help="pixels (default: %(default)s)")
    options = parser.parse_args(arguments)
    if options.seconds <= 0:
        raise UserError(f"--seconds {options.seconds} is not above 0", fix="try --seconds 10")
    if min(options.width, options.height) < 16:
        raise UserError(f"{options.width}x{options.height} is too small", fix="give sides of 16 pixels and more")
    cv2.setNumThreads(1)
    scene = scene_options(load().data.synthetic)
    rate = scenes_per_second(options.width, options.height, scene, options.seconds)
    shares = shares_by_module(options.width, options.height, scene, options.seconds)
    print(f"{rate:.1f} scenes/s per core at {options.width}x{options.height}", end="\n\n")
    table = [{"module": row["module"], "percent": f"{row['percent']:.1f}"} for row in shares]
    print(format_table(table, {"module": "module", "percent": "% of time"}), end="\n\n")
    report = {
        "machine": processor(),
        "width": options.width,
        "height": options.height,
        "scenes_per_second": round(rate, 1),
        "share": {row["module"]: row["percent"] for row in shares},
    }
    print(json.dumps(report), flush=True)


def scenes_per_second(width: int, height: int, options: SceneOptions, seconds: float) -> float:
    """Scenes per second of CPU time of this thread; at least a block of them, of `seconds` altogether."""
    for seed in range(WARM_UP):
        render_scene(seed, width, height, options)
    done, taken = 0, 0.0
    while taken < seconds:
        began = time.thread_time()
        for seed in range(done, done + BLOCK):
            render_scene(WARM_UP + seed, width, height, options)
        done += BLOCK
        taken += time.thread_time() - began
    return done / taken


def shares_by_module(width: int, height: int, options: SceneOptions, seconds: float) -> list[dict[str, Any]]:
    """Rows {module, percent}, the largest first: time inside a module of the generator, and in the library functions
    that it calls itself. The profiler's own time makes modules of many small calls look somewhat slower."""
    profile = cProfile.Profile(time.thread_time)
    began, seed = time.thread_time(), 0
    while time.thread_time() - began < seconds:
        for _ in range(BLOCK):
            profile.runcall(render_scene, seed, width, height, options)
            seed += 1
    spent: dict[str, float] = {}
    # pstats: function -> (calls, calls, own time, time with callees, callers -> the same four).
    for function, (_, _, own, _, callers) in pstats.Stats(profile).stats.items():
        mine = _module(function)
        for caller, times in {function: (0, 0, own, 0)}.items() if mine else callers.items():
            name = mine or _module(caller) or "other"
            spent[name] = spent.get(name, 0.0) + times[2]
    whole = sum(spent.values())
    rows = [{"module": name, "percent": round(100 * part / whole, 1)} for name, part in spent.items()]
    return sorted(rows, key=lambda row: -row["percent"])


def _module(function: tuple[str, int, str]) -> str | None:
    """Name of the generator's module that a profiled function stands in, or None."""
    path = Path(function[0])
    return path.stem if path.parent.name == PACKAGE else None


if __name__ == "__main__":
    with user_errors():
        main()
