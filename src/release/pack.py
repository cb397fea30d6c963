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
from src.hardware import bf16_flag, cores
from src.model_card import BF16_AGREEMENT, ModelCard
from src.models.portable import PortableModel
from src.models.weight_file import write_safetensors
from src.models.zoo import Segmenter, load_checkpoint
from src.release.card import CARD, ONNX, WEIGHTS, card_text
from src.release.weights import with_half_kernels

MOST_BYTES = 15_000_000  # of the model file: it is committed
MIN_AGREEMENT = 0.9999


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
    """Writes `ONNX`, `WEIGHTS` and `CARD` into `folder`, replacing an earlier release.

    Args:
        checkpoint: of the train stage.
        folder: complete afterwards, or untouched.
        images: to hold the model file against the checkpoint on.
        threshold: probability from which a pixel is sky.
        git_revision, dvc_lock, metrics: where the checkpoint came from; see `src.records`.

    Returns:
        a line for people: sizes and agreement.

    Raises:
        UserError: the checkpoint cannot be read or exported, the model file fails a gate or is too large, or `folder`
            holds something else.
    """
    _refuse_foreign_folder(folder)
    segmenter, spec = load_checkpoint(checkpoint)
    test = metrics.get("evaluate", {}).get("test", {})
    card = with_history(spec.card(threshold), git_revision=git_revision, dvc_lock=dvc_lock, metrics=test)
    model, verdict = _model_file(segmenter, card, images)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as temporary:
        fresh = Path(temporary) / "fresh"
        fresh.mkdir()
        onnx.save(model, fresh / ONNX)
        if bf16_flag():
            measured = {BF16_AGREEMENT: _bf16_agreement(fresh / ONNX, card, images.frames)}
            card = replace(card, metrics=card.metrics | measured)
            onnx.save(with_card(model, card), fresh / ONNX)
        write_safetensors(fresh / WEIGHTS, segmenter, spec)
        (fresh / CARD).write_text(card_text(fresh, metrics), encoding="utf-8")
        if folder.exists():
            folder.rename(Path(temporary) / "replaced")
        fresh.rename(folder)
    bf16 = f", OpenVINO bf16 gives {card.metrics[BF16_AGREEMENT]:.2%}" if BF16_AGREEMENT in card.metrics else ""
    return f"{verdict.line(str(folder / ONNX))}{bf16}; {model.ByteSize() / 1e6:.1f} MB"


def _model_file(segmenter: Segmenter, card: ModelCard, images: Images) -> tuple[onnx.ModelProto, Verdict]:
    portable = PortableModel(segmenter, card.threshold).eval()
    try:
        model = with_half_kernels(to_onnx(portable, card))
    except ValueError as error:
        raise UserError(f"release: {error}", fix="train with more weight decay") from error
    gate = Gate("agreement", MIN_AGREEMENT, "src/release/pack.py")
    checkpoint = Checkpoint(portable, card.classes, images)
    verdict = judge(model, checkpoint, images.frames, gate=gate, batch_sizes=(1, 2))
    if not verdict.passed or verdict.remarks:
        raise UserError(f"release: {verdict.line(ONNX)}")
    if model.ByteSize() > MOST_BYTES:
        megabytes = f"{model.ByteSize() / 1e6:.1f} MB, the limit is {MOST_BYTES / 1e6:.0f}"
        raise UserError(f"release: {ONNX} has {megabytes}", fix="release a smaller net: model.decoder_channels")
    return model, verdict


def _bf16_agreement(path: Path, card: ModelCard, frames: np.ndarray) -> float:
    """Share (0..1) of labels that OpenVINO in bf16 gives as ONNX Runtime does in fp32."""
    from src.runtime.engines import open_model_file
    from src.runtime.engines.base import Options
    from src.runtime.engines.choice import Models
    from src.runtime.engines.probe import agreement

    reference = Models.find(path).reference_masks(frames, cores())
    with open_model_file(path, card, "openvino", "bf16", Options(threads=cores())) as engine:
        return agreement(engine, frames, reference).label_agreement


def _refuse_foreign_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: is no folder", fix="choose another one")
    foreign = {path.name for path in folder.glob("*")} - {ONNX, WEIGHTS, CARD}
    if foreign:
        raise UserError(
            f"{folder}: holds {min(foreign)}, which is of no release", fix="move it, or choose another --to"
        )
