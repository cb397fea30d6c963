"""Makes the released model of a checkpoint, and its card.

    python -m src.release export --checkpoint models/checkpoint.ckpt --to models/release
    python -m src.benchmark.peers --model models/release/skyseg.onnx --json scores.json
    python -m src.release card --to models/release --scores scores.json

`export` writes skyseg.onnx and skyseg-int8.onnx (for players), skyseg.safetensors (to start a training from) and
README.md. It is run where the pipeline ran: it reads params.yaml, metrics/, dvc.lock and the validation images of
data/prepared. `card` writes README.md again, with the figures of the scores.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from src import params
from src.errors import UserError, user_errors
from src.files import digest, write_whole
from src.records import git_revision, lock_md5s, read_metrics
from src.release.card import card_text
from src.release.pack import CARD, pack

FRAMES = 64  # validation images that the model file is held against


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m src.release", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, dest="command")
    for name in ("export", "card"):
        command = commands.add_parser(name)
        command.add_argument("--to", type=Path, default=Path("models/release"), help="(default: %(default)s)")
        if name == "export":
            command.add_argument("--checkpoint", type=Path, default=Path("models/checkpoint.ckpt"))
        else:
            command.add_argument("--scores", type=Path, help="what python -m src.benchmark.peers --json wrote")
    options = parser.parse_args()
    with user_errors():
        export(options.checkpoint, options.to) if options.command == "export" else card(options.to, options.scores)


def export(checkpoint: Path, folder: Path) -> None:
    from src.export import validation_images

    metrics = read_metrics()
    if "iou" not in metrics.get("evaluate", {}).get("test", {}):
        raise UserError("metrics/evaluate.json: no test IoU, which the card tells", fix="dvc repro evaluate")
    _refuse_unless_measured(checkpoint, lock_md5s(Path("dvc.lock"), "evaluate"))
    images = validation_images(Path("data/prepared/val"), FRAMES)
    said = pack(
        checkpoint,
        folder,
        images,
        threshold=params.load().export.threshold,
        git_revision=git_revision(Path.cwd()),
        dvc_lock=lock_md5s(Path("dvc.lock")),
        metrics=metrics,
    )
    print(said, flush=True)


def _refuse_unless_measured(checkpoint: Path, md5s: Mapping[str, str]) -> None:
    """The figures in metrics/ are of the checkpoint that `evaluate` read, which may be older than train's last."""
    measured = md5s.get("models/checkpoint.ckpt")
    if measured and checkpoint.is_file() and digest(checkpoint, "md5") != measured:
        raise UserError(
            f"{checkpoint}: the figures in metrics/ are of another checkpoint",
            f"by dvc.lock they are of one with MD5 {measured[:12]}...",
            "dvc repro evaluate, or git checkout and dvc checkout the state that made this one",
        )


def card(folder: Path, scores: Path | None) -> None:
    found = _read_scores(scores) if scores else None
    write_whole(folder / CARD, card_text(folder, read_metrics(), found).encode())
    print(f"{folder / CARD}: written", flush=True)


def _read_scores(path: Path) -> dict[str, Any]:
    fix = f"python -m src.benchmark.peers --json {path}"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read", error.strerror or "", fix) from error
    except ValueError as error:
        raise UserError(f"{path}: not JSON", str(error), fix) from error
    if not isinstance(found, dict) or not {"model", "peer", "entrants", "rows"} <= found.keys():
        raise UserError(f"{path}: not what src.benchmark.peers writes", fix=fix)
    return found


if __name__ == "__main__":
    main()
