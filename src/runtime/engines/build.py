"""Builds the engine folder: choose, compile, prove that it agrees with the model file, and put it in place."""

import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

from src.errors import EngineError, UserError
from src.hardware import bf16_flag, cores, processor
from src.model_card import ModelCard, read_card
from src.runtime.engines import PRECISIONS, installed, library_versions, open_model_file, refuse_unless_offered
from src.runtime.engines.base import INPUT, OUTPUTS, Engine
from src.runtime.engines.record import RECORD_FILE, EngineRecord, sha256


def build_engine(
    onnx_path: str | Path,
    out_dir: str | Path,
    frames: np.ndarray,
    *,
    backend: str = "auto",
    precision: str = "auto",
    agreement_limit: float = 0.99,
    threads: int | None = None,
) -> dict:
    """Builds an engine folder, replacing the one at `out_dir`, and prints one line that says what was chosen.

    Args:
        onnx_path: a model file of this project.
        out_dir: the folder to write; complete or untouched.
        frames: uint8 [N, H, W, 3], RGB, real frames of the model's size, to compare labels on.
        backend: auto, openvino or onnxruntime; auto is OpenVINO where installed.
        precision: auto, fp32 or bf16; auto is bf16 where the processor multiplies it in hardware and the
            labels agree, else fp32.
        agreement_limit: smallest share (0..1) of pixels whose label equals that of ONNX Runtime in fp32.
        threads: for inference; None takes every core.

    Returns:
        The record, as written to engine.json (see `EngineRecord`).

    Raises:
        EngineError: unusable model file or frames, a backend or precision that is not to be had, or fewer
            labels agree than the limit asks for; nothing is written.
        UserError: `out_dir` holds something other than an engine.
    """
    onnx_path, out_dir, threads = Path(onnx_path), Path(out_dir), threads or cores()
    started = time.perf_counter()
    _refuse_foreign_folder(out_dir)
    card = read_card(onnx_path)
    if len(frames) == 0:
        raise EngineError("no frames to compare the engine with the model file on")
    reference = _reference_masks(onnx_path, card, frames, threads)

    shortfalls = []
    for chosen_backend, chosen_precision, reason in _candidates(backend, precision):
        engine = open_model_file(onnx_path, card, chosen_backend, chosen_precision, threads, requests=1)
        with engine:
            agreement = _agreement(engine, frames, reference) | {"limit": agreement_limit}
            if agreement["label_agreement"] < agreement_limit:
                shortfalls.append(_shortfall(engine, agreement))
                continue
            reason = "; ".join([*shortfalls, reason])
            record = _write_folder(engine, onnx_path, out_dir, reason, agreement, started)
        print(
            f"engine: {record['backend']} {record['precision']} ({reason}; labels agree on "
            f"{agreement['label_agreement']:.2%} of pixels), built in {record['build_seconds']:.1f} s"
        )
        return record
    raise EngineError(
        f"{onnx_path}: the engine disagrees with the model file",
        "; ".join(shortfalls),
        "set engine.precision: fp32, or lower engine.agreement_limit, in params.yaml",
    )


def _candidates(backend: str, precision: str) -> list[tuple[str, str, str]]:
    """(backend, precision, reason) in the order to try."""
    if backend == "auto":
        backend = "openvino" if installed("openvino") else "onnxruntime"
        why_backend = "auto: OpenVINO" if backend == "openvino" else "auto: ONNX Runtime, as OpenVINO is not installed"
    else:
        why_backend = f"{backend} as asked"
    if precision != "auto":
        refuse_unless_offered(backend, precision)
        return [(backend, precision, f"{why_backend}, {precision} as asked")]
    refuse_unless_offered(backend, "fp32")
    if "bf16" not in PRECISIONS[backend]:
        return [(backend, "fp32", f"{why_backend}, fp32 is its only precision")]
    if not bf16_flag():
        return [(backend, "fp32", f"{why_backend}, fp32 as the processor has no bf16 arithmetic")]
    return [
        (backend, "bf16", f"{why_backend}, bf16 as the processor has it in hardware"),
        (backend, "fp32", f"{why_backend}, fp32 instead"),
    ]


def _reference_masks(onnx_path: Path, card: ModelCard, frames: np.ndarray, threads: int) -> list:
    with open_model_file(onnx_path, card, "onnxruntime", "fp32", threads, requests=1) as reference:
        return [reference.infer(frame[None]) for frame in frames]


def _agreement(engine: Engine, frames: np.ndarray, reference: list) -> dict[str, float]:
    equal, furthest = [], 0
    for frame, wanted in zip(frames, reference, strict=True):
        found = engine.infer(frame[None])
        equal.append(np.mean(found.labels == wanted.labels))
        difference = np.abs(found.confidence.astype(np.int16) - wanted.confidence)
        furthest = max(furthest, int(difference.max()))
    return {
        "label_agreement": float(np.mean(equal)),
        "max_confidence_difference": furthest,
        "frames": len(frames),
    }


def _shortfall(engine: Engine, agreement: dict[str, float]) -> str:
    return (
        f"{engine.info.backend} {engine.info.precision} gives the label of ONNX Runtime fp32 on "
        f"{agreement['label_agreement']:.2%} of pixels, the limit is {agreement['limit']:.2%}"
    )


def _write_folder(
    engine: Engine, onnx_path: Path, out_dir: Path, reason: str, agreement: dict[str, float], started: float
) -> dict:
    out_dir.parent.mkdir(parents=True, exist_ok=True)
    # Its own name first: no one ever sees half an engine, and a failed build leaves the old one in place.
    with tempfile.TemporaryDirectory(prefix=f".{out_dir.name}.", dir=out_dir.parent) as temporary:
        fresh = Path(temporary) / "fresh"
        fresh.mkdir()
        payload = _write_payload(engine, onnx_path, fresh)
        info, size = engine.info, [engine.info.card.height, engine.info.card.width]
        record = EngineRecord(
            backend=info.backend,
            precision=info.precision,
            reason=reason,
            payload=payload.name,
            payload_sha256=sha256(payload),
            card=info.card.to_json(),
            onnx_sha256=info.onnx_sha256,
            versions=library_versions(info.backend),
            hardware=processor(),
            shapes={INPUT: ["N", *size, 3]} | {name: ["N", *size] for name in OUTPUTS},
            agreement=agreement,
            build_seconds=round(time.perf_counter() - started, 3),
        )
        record.write(fresh)
        if out_dir.exists():
            out_dir.rename(Path(temporary) / "replaced")
        fresh.rename(out_dir)
    return record.to_dict()


def _write_payload(engine: Engine, onnx_path: Path, folder: Path) -> Path:
    from src.runtime.engines.openvino import OpenVINOEngine

    if isinstance(engine, OpenVINOEngine):
        payload = folder / "model.blob"
        payload.write_bytes(engine.export())
        return payload
    # ONNX Runtime's optimised graph would open 80 ms sooner, but is fixed to this processor's block layouts.
    return Path(shutil.copyfile(onnx_path, folder / "model.onnx"))


def _refuse_foreign_folder(out_dir: Path) -> None:
    foreign = out_dir.is_file() or (
        out_dir.is_dir() and any(out_dir.iterdir()) and not (out_dir / RECORD_FILE).is_file()
    )
    if foreign:
        raise UserError(f"{out_dir}: exists and is not an engine folder", fix="move it away, or choose another folder")
