"""The C++ player against the Python player: the same clip, model, backend, precision and threads, turn by turn.

    python -m src.benchmark.cpp --video clip.mp4                                  # models/onnx/fp32.onnx
    python -m src.benchmark.cpp --video clip.mp4 --engine released.onnx --precision bf16 --rounds 7

Each round runs either player once per way, in a process of its own. Prints a table of medians and their ratios, then
one JSON line. `ready s` is from the start of the process to the line that names the model; `help s` that of --help.
The players' own --stats-json gives FPS and memory. Run `make cpp` first.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from src.benchmark.report import format_table
from src.errors import UserError, user_errors
from src.hardware import bf16_flag, processor
from src.runtime.options import positive

ROOT = Path(__file__).resolve().parents[2]
PLAYER = ROOT / "cpp" / "build" / "skyseg_play"
COLUMNS = {"figure": "figure", "cpp": "C++", "python": "Python", "ratio": "C++ / Python"}
# What each way adds to the command; {out} is a folder that goes with the run.
WAYS = {
    "saving": ["--save", "{out}/out.mp4"],
    "side by side": ["--view", "side-by-side", "--save", "{out}/out.mp4"],
    "masks": ["--save-masks", "{out}/masks"],
}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m src.benchmark.cpp",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--video", type=Path, required=True, help="a clip of a few hundred frames")
    parser.add_argument("--engine", type=Path, default=Path("models/onnx/fp32.onnx"), help="(default: %(default)s)")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="bf16" if bf16_flag() else "fp32")
    parser.add_argument("--rounds", type=positive, default=5, help="runs of each (default: %(default)s)")
    options = parser.parse_args()
    with user_errors():
        if not PLAYER.is_file():
            raise UserError(f"{PLAYER}: not built", fix="make cpp")
        rows = measure(options.video, options.engine, options.precision, options.rounds)
    print(format_table(rows, COLUMNS), end="\n\n")
    print(json.dumps({"machine": processor(), "precision": options.precision, "figures": rows}), flush=True)


def measure(video: Path, engine: Path, precision: str, rounds: int) -> list[dict]:
    """A row {figure, cpp, python, ratio} per figure: medians over the rounds, and the median of the rounds' ratios."""
    players = {"cpp": [str(PLAYER)], "python": [sys.executable, "-m", "src.infer"]}
    given = ["--video", str(video), "--engine", str(engine), "--backend", "openvino", "--precision", precision]
    taken: dict[str, dict[str, list[float]]] = {}
    for _ in range(rounds):
        for name, player in players.items():
            found = {"help s": _seconds([*player, "--help"])}
            for way, arguments in WAYS.items():
                found |= {f"{way}: {figure}": value for figure, value in _play([*player, *given, *arguments]).items()}
            for figure, value in found.items():
                taken.setdefault(figure, {}).setdefault(name, []).append(value)
    return [
        {
            "figure": figure,
            "cpp": statistics.median(values["cpp"]),
            "python": statistics.median(values["python"]),
            "ratio": statistics.median(c / p for c, p in zip(values["cpp"], values["python"], strict=True)),
        }
        for figure, values in taken.items()
    ]


def _seconds(command: list[str]) -> float:
    began = time.perf_counter()
    _run(command)
    return time.perf_counter() - began


def _play(command: list[str]) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as out:
        filled = [argument.replace("{out}", out) for argument in command]
        began = time.perf_counter()
        process = subprocess.Popen(
            [*filled, "--stats-json", f"{out}/stats.json"],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        first = process.stdout.readline()
        ready = time.perf_counter() - began
        _, errors = process.communicate()
        whole = time.perf_counter() - began
        if process.returncode != 0 or not first.startswith(("model: ", "released model: ")):
            raise UserError(f"{Path(filled[0]).name} ended with {process.returncode}", errors.strip()[-500:])
        stats = json.loads(Path(out, "stats.json").read_text(encoding="utf-8"))
    return {"FPS": stats["fps"], "peak MB": stats["peak_rss_mb"], "ready s": ready, "whole s": whole}


def _run(command: list[str]) -> None:
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    main()
