"""The folder of the released model: written whole after every check, or left as it was."""

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from src.errors import UserError
from src.export import Gate, Images, to_onnx, with_history
from src.export.gates import Checkpoint, Verdict, judge
from src.export.graph import with_card
from src.export.int8 import to_int8
from src.hardware import bf16_flag, cores
from src.model_card import BF16_AGREEMENT, INT8_AGREEMENT, ModelCard
from src.models.portable import PortableModel
from src.models.weight_file import write_safetensors
from src.models.zoo import load_checkpoint
from src.release.card import CARD, INT8, ONNX, WEIGHTS, card_text
from src.release.weights import with_half_kernels
from src.runtime.engines import GRAPH_OF, open_model_file
from src.runtime.engines.base import Options
from src.runtime.engines.choice import Models
from src.runtime.engines.probe import agreement

MOST_BYTES = 15_000_000  # of the model file: it is committed
MIN_AGREEMENT = 0.9999
MAX_INT8_LOSS = 0.005  # of IoU on the validation images; a larger one leaves the int8 file out


def pack(
    checkpoint: Path,
    folder: Path,
    images: Images,
    *,
    threshold: float,
    git_revision: str,
    dvc_lock: dict[str, str],
    metrics: Mapping[str, Any],
) -> str:
    """Writes `ONNX`, `INT8`, `WEIGHTS` and `CARD` into `folder`, replacing an earlier release.

    Args:
        checkpoint: of the train stage.
        folder: complete afterwards, or untouched.
        images: to hold the model files against the checkpoint on, and to calibrate int8 on.
        threshold: probability from which a pixel is sky.
        git_revision, dvc_lock, metrics: where the checkpoint came from; see `src.records`.

    Returns:
        lines for people: sizes and agreement, and why int8 was left out if it was.

    Raises:
        UserError: the checkpoint cannot be read or exported, the model file fails a gate or is too large, or `folder`
            holds something else.
    """
    _refuse_foreign_folder(folder)
    segmenter, spec = load_checkpoint(checkpoint)
    test = metrics.get("evaluate", {}).get("test", {})
    card = with_history(spec.card(threshold), git_revision=git_revision, dvc_lock=dvc_lock, metrics=test)
    portable = PortableModel(segmenter, threshold).eval()
    answers = Checkpoint(portable, card.classes, images)
    fp32, model = _graphs(portable, card)
    verdict = _passed(model, answers, images)
    int8, int8_verdict = _int8_file(fp32, card, answers, images)
    files = {ONNX: model} | ({INT8: int8} if int8_verdict.passed else {})
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as temporary:
        fresh = Path(temporary) / "fresh"
        fresh.mkdir()
        _save(files, card, fresh)
        measured = _agreements(fresh, card, images.frames)
        _save(files, replace(card, metrics=card.metrics | measured), fresh)
        write_safetensors(fresh / WEIGHTS, segmenter, spec)
        (fresh / CARD).write_text(card_text(fresh, metrics), encoding="utf-8")
        if folder.exists():
            folder.rename(Path(temporary) / "replaced")
        fresh.rename(folder)
    lines = [
        f"{verdict.line(str(folder / ONNX))}; {model.ByteSize() / 1e6:.1f} MB",
        f"{int8_verdict.line(str(folder / INT8))}; {int8.ByteSize() / 1e6:.1f} MB",
        *(f"OpenVINO: {key} {share:.2%}" for key, share in measured.items()),
    ]
    return "\n".join(lines)


def _graphs(portable: PortableModel, card: ModelCard) -> tuple[onnx.ModelProto, onnx.ModelProto]:
    """As the pipeline exports it, and with its kernels stored in half."""
    try:
        fp32 = to_onnx(portable, card)
        return fp32, with_half_kernels(fp32)
    except ValueError as error:
        raise UserError(f"release: {error}", fix="train with more weight decay") from error


def _passed(model: onnx.ModelProto, answers: Checkpoint, images: Images) -> Verdict:
    """What was found on the model file; raises UserError if it must not be released."""
    gate = Gate("agreement", MIN_AGREEMENT, "src/release/pack.py")
    verdict = judge(model, answers, images.frames, gate=gate, batch_sizes=(1, 2))
    if not verdict.passed or verdict.remarks:
        raise UserError(f"release: {verdict.line(ONNX)}")
    if model.ByteSize() > MOST_BYTES:
        megabytes = f"{model.ByteSize() / 1e6:.1f} MB, the limit is {MOST_BYTES / 1e6:.0f}"
        raise UserError(f"release: {ONNX} has {megabytes}", fix="release a smaller net: model.decoder_channels")
    return verdict


def _int8_file(
    fp32: onnx.ModelProto, card: ModelCard, answers: Checkpoint, images: Images
) -> tuple[onnx.ModelProto, Verdict]:
    model = with_card(to_int8(fp32, images.calibration), replace(card, precision="int8"))
    gate = Gate("iou_change", -MAX_INT8_LOSS, "src/release/pack.py")
    return model, judge(model, answers, images.frames, gate=gate, batch_sizes=(1, 2))


def _save(files: Mapping[str, onnx.ModelProto], card: ModelCard, folder: Path) -> None:
    for name, model in files.items():
        own = replace(card, precision="int8") if name == INT8 else card
        onnx.save(with_card(model, own), folder / name)


def _agreements(folder: Path, card: ModelCard, frames: np.ndarray) -> dict[str, float]:
    """Share (0..1) of labels that OpenVINO gives in bf16 and int8 as ONNX Runtime does in fp32, of what there is."""
    options = Options(threads=cores())
    reference = Models.find(folder / ONNX).reference_masks(frames, cores())
    ways = [(BF16_AGREEMENT, folder / ONNX, "bf16"), (INT8_AGREEMENT, folder / INT8, "int8")]
    measured = {}
    for key, path, precision in ways:
        if path.is_file() and (precision != "bf16" or bf16_flag()):
            graph = replace(card, precision=GRAPH_OF[precision])
            with open_model_file(path, graph, "openvino", precision, options) as engine:
                measured[key] = agreement(engine, frames, reference).label_agreement
    return measured


def _refuse_foreign_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: is no folder", fix="choose another one")
    foreign = {path.name for path in folder.glob("*")} - {ONNX, INT8, WEIGHTS, CARD}
    if foreign:
        raise UserError(
            f"{folder}: holds {min(foreign)}, which is of no release", fix="move it, or choose another --to"
        )
