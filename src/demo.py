"""The demo: the whole pipeline, then its engine playing a clip. `make demo` runs it.

Everything it does is a command that it prints first, so that you can type it again.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

from src.errors import UserError, user_errors
from src.records import read_metrics

FOLDER = Path("demo")
CLIP, OVERLAY, STATS = FOLDER / "clip.mp4", FOLDER / "overlay.mp4", FOLDER / "stats.json"
SEED = 11


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m src.demo", description=__doc__)
    parser.add_argument("--frames", type=int, default=200, help="length of the clip (default: %(default)s)")
    frames = parser.parse_args().frames
    run("dvc repro")
    run(f"python -m src.data.synthesis --clip {CLIP} --frames {frames} --seed {SEED}")
    run(f"python -m src.infer --video {CLIP} --save {OVERLAY} --stats-json {STATS}")
    print(summary(read_metrics(), json.loads(STATS.read_text(encoding="utf-8"))), flush=True)


def run(command: str) -> None:
    """Runs one command of the demo with this Python, its output passing through.

    Raises:
        UserError: it failed; what it printed says why.
    """
    print(f"\n$ {command}", flush=True)
    program, *arguments = shlex.split(command)
    here = Path(sys.executable).parent
    words = [sys.executable, "-m", "dvc", *arguments] if program == "dvc" else [sys.executable, *arguments]
    # Stages call `python`; it must be this one also where .venv is not activated.
    environment = os.environ | {"PATH": f"{here}{os.pathsep}{os.environ.get('PATH', '')}"}
    if subprocess.run(words, env=environment, check=False).returncode:
        raise UserError(f"demo: '{command}' failed", "see its message above", "put that right, then make demo goes on")


def summary(metrics: dict, stats: dict) -> str:
    """What was made, how good it is, where it lies and what to type next."""
    test, train, engine = metrics["evaluate"].get("test", {}), metrics["train"], metrics["build_engine"]
    latency = metrics["benchmark"]["latency"]["engine"]
    figures = [
        *(
            (name, f"{test[key]:.3f}" if key in test else "-")
            for name, key in (
                ("test IoU (sky)", "iou"),
                ("test Dice", "dice"),
                ("test pixel accuracy", "accuracy"),
                ("test boundary IoU", "boundary_iou"),
            )
        ),
        ("false sky on images without sky", f"{test['false_sky']:.2%}" if "false_sky" in test else "-"),
        (
            "training",
            f"{train['minutes']:.1f} min, {train['epochs']} epochs, {train['images_per_second']:.0f} images/s",
        ),
        ("engine", f"{engine['backend']} {engine['precision']}, {latency['p50_ms']:.1f} ms per frame"),
        ("video, decoded, overlaid and saved", f"{stats['fps']:.0f} FPS at 1280x720"),
    ]
    width = max(len(name) for name, _ in figures)
    table = "\n".join(f"  {name.ljust(width)}  {value}" for name, value in figures)
    return f"""
{table}

  the overlay video   {OVERLAY}
  worst, typical      reports/evaluate/worst.png, reports/evaluate/typical.png
  curves, benchmark   reports/evaluate/curves.png, reports/benchmark/benchmark.png
  the model file      models/onnx/fp32.onnx

Next (source .venv/bin/activate first):
  python -m src.infer --video your.mp4 --save out.mp4     your own clip; --show for a window
  python -m src.infer --images folder --save-masks masks  a mask for every photograph
  dvc exp run -S train.lr=5e-4 && dvc metrics diff        change a parameter and compare
  make ui                                                 every run, side by side, in MLflow
Your own photographs: put them in photos/ as photos/README.md says, then
  python -m src.recipes apply own-photographs && dvc repro"""


if __name__ == "__main__":
    with user_errors():
        main()
