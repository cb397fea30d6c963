"""Opening an engine folder: it must fit this machine, and agree with its reference on its probe."""

import sys
from dataclasses import replace
from pathlib import Path

from src.errors import EngineError
from src.runtime import engines
from src.runtime.engines import backend_module, device_name, library_versions, open_model_file, refuse_unless_offered
from src.runtime.engines.base import Engine, EngineInfo, Options, first_line
from src.runtime.engines.probe import Probe
from src.runtime.engines.record import FALLBACK_FILE, REBUILD, EngineRecord

# Another number of threads or requests adds up in another order than the build did, which flips a few labels.
PROBE_SLACK = 0.01


def open_folder(
    folder: Path, backend: str | None, precision: str | None, options: Options, model: Path | None
) -> Engine:
    """Opens an engine folder; arguments and errors as in `open_engine`.

    The pipeline's own engine must be of the model files that are there now: of an older training it would play on
    without a word. An OpenVINO engine that fails its probe gives way to the fp32 model file beside it, with a warning
    on stderr.
    """
    record = EngineRecord.read(folder)
    for asked, built in ((backend, record.backend), (precision, record.precision)):
        if asked not in (None, built):
            raise EngineError(
                f"{folder}: built for {record.backend} {record.precision}, not {asked}",
                fix="open the .onnx model file instead, or change engine in params.yaml and: dvc repro build-engine",
            )
    refuse_unless_offered(record.backend, record.precision)
    module = backend_module(record.backend)
    hardware = module.hardware()
    record.refuse_unless_fit(folder, library_versions(record.backend), hardware)
    if model := model or _models_of_pipeline(folder):
        record.refuse_unless_of(folder, model)

    card, payload = record.model_card(folder), folder / record.payload
    info = EngineInfo(record.backend, record.precision, device_name(hardware), card, record.onnx_sha256, folder)
    try:
        engine = module.open_payload(payload, info, options)
    except EngineError as error:
        raise EngineError(error.what, error.why, error.fix or REBUILD) from error
    except RuntimeError as error:
        raise EngineError(f"{payload}: {record.backend} cannot load it", first_line(error), REBUILD) from error
    return _tested(engine, record, folder, options)


def _models_of_pipeline(folder: Path) -> Path | None:
    """Where the pipeline keeps the model files that this folder is built from; None for any other folder."""
    own = engines.default_engine_folder()
    if folder.resolve() != own.resolve():
        return None
    models = own.parent / "onnx"
    return models if any(models.glob("*.onnx")) else None


def _tested(engine: Engine, record: EngineRecord, folder: Path, options: Options) -> Engine:
    try:
        probe = Probe.load(folder)
        wrong = _wrong(engine, probe, record)
    except BaseException:
        engine.close()
        raise
    if not wrong:
        return engine
    engine.close()
    said = f"{folder}: {record.backend} {record.precision} {wrong}"
    if FALLBACK_FILE in record.files:
        fallback = _fallback(engine.info, record, folder, options)
        if not _wrong(fallback, probe, record):
            print(f"warning: {said}: playing in fp32 instead; {REBUILD}", file=sys.stderr)
            return fallback
        fallback.close()
    raise EngineError(said, "a library or the processor computes other than when it was built", REBUILD)


def _wrong(engine: Engine, probe: Probe, record: EngineRecord) -> str:
    """What is wrong with an engine's answer to the probe, or ""."""
    limit = record.agreement["limit"] - PROBE_SLACK
    try:
        found = probe.agreement(engine)
    except EngineError as error:
        return f"fails on its probe ({error.why or error.what})"
    if found >= limit:
        return ""
    return f"gives the reference's label on {found:.2%} of its probe's pixels, the limit is {limit:.2%}"


def _fallback(info: EngineInfo, record: EngineRecord, folder: Path, options: Options) -> Engine:
    record.refuse_unless_whole(folder / FALLBACK_FILE)
    card = replace(info.card, precision="fp32")
    return open_model_file(folder / FALLBACK_FILE, card, record.backend, "fp32", options)
