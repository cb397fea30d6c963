"""README.md of the released model: what it is, what it was trained on, how good it is, where it fails."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from src.benchmark.peer_scores import shown
from src.errors import UserError
from src.model_card import BF16_AGREEMENT, INT8_AGREEMENT, ModelCard, read_card
from src.runtime.engines.record import sha256

ONNX, INT8, WEIGHTS, CARD = "skyseg.onnx", "skyseg-int8.onnx", "skyseg.safetensors", "README.md"

USE = f"""\
```sh
python -m src.infer --video clip.mp4 --save out.mp4  # while the pipeline has built no engine, this model plays
python -m src.infer --images photos/images --save-masks masks --engine models/release/{ONNX}
dvc repro                                            # the default params tune {WEIGHTS}
```

Input, outputs and metadata of both .onnx files: "The model file" in the project's README."""

FASTER = f"""

In OpenVINO it plays in int8, from {INT8}, in about half of fp32's time. `--precision fp32` plays the other file, and
`python -m src.runtime.engines --models models/release --images photos/images --out models/engine` measures both."""

LIMITS = """\
- It answers at its input size. What is thinner than two pixels there (twigs, wires, masts far away) is drawn too thick,
  or lost; `--refine guided`, where the player has it, redraws edges at the picture's own resolution.
- Photographs by day outnumber those by night, fog, snow and sunset in its data; rendered scenes fill in for the rest.
- Calm water that mirrors the sky, white or blue walls, and windows seen from inside can be taken for sky.
- What flies (birds, aeroplanes, balloons) counts as sky in some of its sets and not in others.
- Labels of trees against the sky are coarse in labelmefacade and msrc_v2, and so is what it learnt from them.
- Nothing here was made or tested for steering a vehicle or anything else on which safety depends."""


def card_text(folder: Path, metrics: Mapping[str, Any], scores: Mapping[str, Any] | None = None) -> str:
    """The card of the files in `folder`.

    Args:
        folder: holds `ONNX` and `WEIGHTS`, and `INT8` if int8 loses little.
        metrics: by stage, as `src.records.read_metrics` gives them; what is missing is left out.
        scores: of `python -m src.benchmark.peers`, or None where it has not run yet.

    Raises:
        EngineError: the model file is missing or not of this project.
        UserError: the weights are missing, or the metrics or the scores are of another model file.
    """
    card = read_card(folder / ONNX)
    if not (folder / WEIGHTS).is_file():
        raise UserError(f"{folder / WEIGHTS}: no such file", fix="python -m src.release export writes both")
    measured, told = metrics.get("evaluate", {}).get("test", {}).get("iou"), card.metrics.get("iou")
    if measured is not None and measured != told:
        raise UserError(
            f"metrics/evaluate.json is of another model: its test IoU is {measured}, the model file's {told}",
            fix="write the card where the pipeline made the model",
        )
    parts = [
        _head(card),
        f"## Use\n\n{USE}{FASTER if (folder / INT8).is_file() else ''}",
        f"## Trained on\n\n{_data(card)}",
        f"## Made by\n\n{_origin(card, metrics.get('train', {}))}",
        f"## How good\n\n{_figures(card, metrics.get('evaluate', {}))}",
        *([f"## Beside another model\n\n{_scores(folder, scores)}"] if scores else []),
        f"## Limits\n\n{LIMITS}",
        f"## Files\n\n{_files(folder)}",
    ]
    return "\n\n".join(parts) + "\n"


def _head(card: ModelCard) -> str:
    classes = ", ".join(info.name for info in card.classes[1:])
    return (
        f"# skyseg, the released model\n\n"
        f"{card.name}: finds {classes} in photographs and video frames of any size, by looking at them at "
        f"{card.width}x{card.height}."
        f"{f' A pixel is sky from a probability of {card.threshold:g}.' if card.threshold else ''}"
    )


def _data(card: ModelCard) -> str:
    rows = [[one["source"], f"{one['images']:,}", one["licence"]] for one in card.training_data]
    terms = (
        "The code is Apache-2.0. The photographs keep their terms: where these allow research alone, whoever uses the "
        "weights for anything else has to judge whether they may."
    )
    return f"{_table(['set', 'images, all splits', 'terms'], rows)}\n\n{terms} No photograph is in this repository."


def _origin(card: ModelCard, train: Mapping[str, Any]) -> str:
    took = ""
    if train:
        took = (
            f" The last pass took {train['epochs']} epochs in {train['minutes']:.0f} minutes, "
            f"{train['images_per_second']:.1f} images a second in {train['precision']}; "
            f"epoch {train['best_epoch'] + 1} had the best val figures."
        )
    return f"""```sh
python -m src.recipes apply release-coarse && dvc repro train && cp models/checkpoint.ckpt models/coarse.ckpt
python -m src.recipes apply release-middle && dvc repro train && cp models/checkpoint.ckpt models/middle.ckpt
python -m src.recipes apply release && dvc repro
python -m src.release export --checkpoint models/checkpoint.ckpt
python -m src.benchmark.peers --json scores.json
python -m src.release card --scores scores.json
```

At commit {card.git_revision or "unknown"}.{took}"""


def _figures(card: ModelCard, evaluate: Mapping[str, Any]) -> str:
    """Of the evaluate stage: pixels pooled over each set's images, which training has not seen."""
    shown = {"iou": "IoU", "dice": "Dice", "boundary_f1": "boundary F1", "false_sky": "false sky"}
    rows = []
    for source, splits in evaluate.get("source", {}).items():
        for split in ("test", "unseen"):
            if found := splits.get(split):
                rows.append([f"{source}, {split}", str(found["images"]), *(_figure(found, key) for key in shown)])
    lines = [f"IoU {card.metrics['iou']:.3f} on all test images together."] if "iou" in card.metrics else []
    for key, what in ((BF16_AGREEMENT, "in bf16"), (INT8_AGREEMENT, f"by {INT8}")):
        if key in card.metrics:
            lines.append(f"OpenVINO gives {card.metrics[key]:.2%} of fp32's labels {what}.")
    table = _table(["images", "count", *shown.values()], rows) if rows else ""
    return "\n\n".join(filter(None, [" ".join(lines), table]))


def _figure(found: Mapping[str, float], key: str) -> str:
    if key not in found:
        return "-"
    return f"{found[key]:.2%}" if key == "false_sky" else f"{found[key]:.3f}"


def _scores(folder: Path, scores: Mapping[str, Any]) -> str:
    found, scored = sha256(folder / ONNX), scores["model"]["sha256"]
    if found != scored:
        raise UserError(
            f"the scores are of another model file ({scored[:12]}..., this is {found[:12]}...)",
            fix=f"python -m src.benchmark.peers --model {folder / ONNX} --json scores.json",
        )
    names = scores["entrants"]
    rows = [
        [row["measure"], str(row["images"] or "-"), *(shown(row, name) for name in names)] for row in scores["rows"]
    ]
    return (
        f"Both on the same images, by `python -m src.benchmark.peers`; peer: {scores['peer']['name']}.\n\n"
        f"{_table(['measure', 'images', *names], rows)}"
    )


def _files(folder: Path) -> str:
    about = {
        ONNX: "for players; kernels in float16, computes in float32",
        INT8: "for players in OpenVINO; int8",
        WEIGHTS: "to start a training from",
    }
    rows = [
        [name, f"{(folder / name).stat().st_size / 1e6:.1f} MB", f"`{sha256(folder / name)}`", what]
        for name, what in about.items()
        if (folder / name).is_file()
    ]
    return _table(["file", "size", "SHA-256", "what for"], rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(_lines([head, ["---"] * len(head), *rows]))


def _lines(cells: Sequence[Sequence[str]]) -> Iterator[str]:
    for line in cells:
        yield f"| {' | '.join(line)} |"
