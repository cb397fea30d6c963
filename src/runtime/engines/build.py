"""Builds the engine folder: measure what this machine can run, take the fastest that agrees, put it in place."""

import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from src.errors import EngineError, UserError
from src.files import check_writable
from src.hardware import cores
from src.runtime.engines import GRAPH_OF, backend_module, library_versions
from src.runtime.engines.base import INPUT, OUTPUTS, Engine, Options
from src.runtime.engines.choice import Limits, Models, Variant, fastest, measured_variants
from src.runtime.engines.probe import Probe, choose_probe
from src.runtime.engines.record import FALLBACK_FILE, FILES, RECORD_FILE, EngineRecord, sha256


def build_engine(
    models: str | Path,
    out_dir: str | Path,
    frames: np.ndarray,
    *,
    backend: str = "auto",
    precision: str = "auto",
    agreement_limit: float = 0.99,
    int8_agreement_limit: float = 0.98,
    threads: int | None = None,
    batch_sizes: tuple[int, ...] = (1,),
    timings: Path | None = None,
) -> dict:
    """Builds an engine folder, replacing the one at `out_dir`, and prints one line that says what was chosen.

    Args:
        models: a model file of this project, or a folder of its fp32, fp16 and int8 files.
        out_dir: the folder to write; complete or untouched.
        frames: uint8 [N, H, W, 3], RGB, real frames of the model's size, to compare labels on.
        backend: auto, tensorrt, openvino or onnxruntime.
        precision: auto, fp32, bf16, fp16 or int8. What is auto is decided by measuring every variant that this
            machine can run: the fastest whose labels agree.
        agreement_limit: smallest share (0..1) of pixels whose label equals that of the fp32 model file (of the
            only one, if it is another) in ONNX Runtime on the processor.
        int8_agreement_limit: the same for int8.
        threads: for inference; None takes every core.
        batch_sizes, timings: TensorRT alone; see `Options`.

    Returns:
        The record, as written to engine.json (see `EngineRecord`).

    Raises:
        EngineError: unusable model file or frames, a backend or precision that is not to be had, or fewer
            labels agree than the limit asks for; nothing is written.
        UserError: `out_dir` holds something other than an engine, or cannot be written.
    """
    started = time.perf_counter()
    out_dir = Path(out_dir)
    options = Options(threads=threads or cores(), batch_sizes=tuple(sorted({1, *batch_sizes})), timings=timings)
    _refuse_foreign_folder(out_dir)
    check_writable(out_dir.parent)  # better now than after minutes of measuring
    found = Models.find(Path(models))
    if len(frames) == 0:
        raise EngineError("no frames to compare the engine with the model file on")
    reference = found.reference_masks(frames, options.threads)
    limits = Limits(agreement_limit, int8_agreement_limit)
    asked = {"backend": backend, "precision": precision, "limits": limits, "options": options}
    with measured_variants(found, frames, reference, **asked) as variants:
        winner, reason = fastest(variants, Path(models))
        reason = reason if "auto" in (backend, precision) else "as asked"
        probe = choose_probe(frames, reference, winner.agreement.per_frame, winner.limit)
        if len(np.unique(probe.labels)) == 1:
            print(
                f"warning: no frame shows more than one class to the model: when {out_dir} is opened, an engine that "
                "answers the same everywhere will pass; show it frames with sky and without",
                file=sys.stderr,
            )
        record = _record(winner, variants, reason, found, len(frames))
        try:
            record = _write_folder(record, winner.engine, found, probe, out_dir, started)
        except OSError as error:
            fix = "free space, or choose another folder"
            raise UserError(f"{out_dir}: the engine cannot be written", str(error), fix) from error
    print(
        f"engine: {record.backend} {record.precision} ({record.reason}; labels agree on {winner.share:.2%} of pixels), "
        f"built in {record.build_seconds:.1f} s"
    )
    return record.to_dict()


def _record(winner: Variant, variants: Sequence[Variant], reason: str, models: Models, frames: int) -> EngineRecord:
    """The record without what is known of the written files alone."""
    info, card = winner.engine.info, winner.engine.info.card
    size = [card.height, card.width]
    return EngineRecord(
        backend=info.backend,
        precision=info.precision,
        reason=reason,
        candidates=[variant.to_dict() for variant in variants],
        settings=dict(winner.engine.settings),
        payload="",
        files={},
        card=card.to_json(),
        onnx_sha256=info.onnx_sha256,
        reference_sha256=sha256(models.files[models.reference]),
        versions=library_versions(info.backend),
        hardware=backend_module(info.backend).hardware(),
        shapes={INPUT: ["N", *size, 3]} | {name: ["N", *size] for name in OUTPUTS},
        agreement={
            "label_agreement": winner.share,
            "max_confidence_difference": winner.agreement.max_confidence_difference,
            "frames": frames,
            "limit": winner.limit,
        },
        build_seconds=0.0,
    )


def _write_folder(
    record: EngineRecord, engine: Engine, models: Models, probe: Probe, out_dir: Path, started: float
) -> EngineRecord:
    """Writes the folder, and returns the record with its files and the seconds since `started`."""
    out_dir.parent.mkdir(parents=True, exist_ok=True)
    # Its own name first: no one ever sees half an engine, and a failed build leaves the old one in place.
    with tempfile.TemporaryDirectory(prefix=f".{out_dir.name}.", dir=out_dir.parent) as temporary:
        fresh = Path(temporary) / "fresh"
        fresh.mkdir()
        graph = models.files[GRAPH_OF[record.precision]]
        payload = backend_module(record.backend).save(engine, graph, fresh)
        if record.backend == "openvino" and record.precision != "fp32" and "fp32" in models.files:
            shutil.copyfile(models.files["fp32"], fresh / FALLBACK_FILE)
        probe.save(fresh)
        record = replace(
            record,
            payload=payload.name,
            files={path.name: sha256(path) for path in sorted(fresh.iterdir())},
            build_seconds=round(time.perf_counter() - started, 3),
        )
        record.write(fresh)
        _put_in_place(fresh, out_dir, Path(temporary) / "replaced")
    return record


def _put_in_place(fresh: Path, out_dir: Path, replaced: Path) -> None:
    """Renames the new folder, and the old one out of its way; back again if the system or Ctrl-C breaks it off."""
    try:
        if out_dir.exists():
            out_dir.rename(replaced)
        fresh.rename(out_dir)
    except BaseException:
        if replaced.exists() and not out_dir.exists():
            replaced.rename(out_dir)
        raise


def _refuse_foreign_folder(out_dir: Path) -> None:
    if not out_dir.exists():
        return
    held = {entry.name for entry in out_dir.iterdir()} if out_dir.is_dir() else set()
    if not out_dir.is_dir() or (held and RECORD_FILE not in held):
        raise UserError(f"{out_dir}: exists and is not an engine folder", fix="move it away, or choose another folder")
    if others := sorted(held - FILES):
        raise UserError(
            f"{out_dir}: holds more than an engine",
            f"{others[0]} would be lost",
            "move it away, or choose another folder",
        )
