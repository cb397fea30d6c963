"""Engines: a model file, or the engine folder built from it, opened for running."""

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from src.errors import EngineError
from src.model_card import ModelCard, read_card

if TYPE_CHECKING:
    from src.runtime.engines.base import Engine

PRECISIONS = {"openvino": ("fp32", "bf16"), "onnxruntime": ("fp32",)}


def default_engine_folder() -> Path:
    """Where the pipeline's build-engine stage puts the engine: <project root>/models/engine."""
    return Path(__file__).resolve().parents[3] / "models" / "engine"


def open_engine(
    path: str | Path,
    *,
    backend: str | None = None,
    precision: str | None = None,
    threads: int | None = None,
    requests: int | None = None,
) -> "Engine":
    """Opens what answers frames with masks.

    Args:
        path: an engine folder (with engine.json) or an .onnx model file.
        backend: openvino or onnxruntime; None takes the folder's own, and for a model file OpenVINO where
            it is installed.
        precision: fp32 or bf16; None takes the folder's own, and for a model file fp32, because no one has
            measured whether bf16 keeps its labels (build_engine does).
        threads: for inference; None takes every core this process may use.
        requests: inferences in flight, 1 or more; None is 1, the lowest latency.

    Raises:
        EngineError: nothing usable at `path`, built for another machine or library version, damaged, or a
            backend or precision that is not to be had.
    """
    from src.hardware import cores

    path, threads, requests = Path(path), threads or cores(), requests or 1
    if path.is_dir():
        return _open_folder(path, backend, precision, threads, requests)
    backend = backend or _default_backend()
    return open_model_file(path, read_card(path), backend, precision or "fp32", threads, requests)


def open_model_file(path: Path, card: ModelCard, backend: str, precision: str, threads: int, requests: int) -> "Engine":
    """Opens an .onnx model file whose card has been read; arguments and errors as in `open_engine`."""
    from src.hardware import processor
    from src.runtime.engines.base import EngineInfo
    from src.runtime.engines.record import sha256

    refuse_unless_offered(backend, precision)
    info = EngineInfo(backend, precision, processor()["model"], card, sha256(path), path)
    if backend == "openvino":
        from src.runtime.engines.openvino import OpenVINOEngine, compile_model_file

        return OpenVINOEngine(compile_model_file(path, precision, threads, requests), info, requests)
    from src.runtime.engines.onnxruntime import OnnxRuntimeEngine

    return OnnxRuntimeEngine(path, info, threads, requests)


def refuse_unless_offered(backend: str, precision: str) -> None:
    """Raises EngineError for a backend or precision that does not exist or is not installed."""
    if backend not in PRECISIONS:
        raise EngineError(f"no backend '{backend}'", fix=f"choose one of: {', '.join(PRECISIONS)}")
    if precision not in PRECISIONS[backend]:
        offered = ", ".join(PRECISIONS[backend])
        raise EngineError(f"{backend} does not run in precision '{precision}' here", fix=f"choose one of: {offered}")
    if not installed(backend):
        raise EngineError(f"the backend {backend} is not installed", fix=f"uv pip install {backend}")


def installed(backend: str) -> bool:
    return importlib.util.find_spec(backend) is not None


def library_versions(backend: str) -> dict[str, str]:
    """The version of the library behind a backend, as an engine record keeps it."""
    module = importlib.import_module(f"src.runtime.engines.{backend}")
    return {backend: module.version()}


def _default_backend() -> str:
    if installed("openvino"):
        return "openvino"
    print("openvino is not installed: falling back to onnxruntime (uv pip install openvino)", file=sys.stderr)
    return "onnxruntime"


def _open_folder(folder: Path, backend: str | None, precision: str | None, threads: int, requests: int) -> "Engine":
    from src.hardware import processor
    from src.runtime.engines.base import EngineInfo
    from src.runtime.engines.record import REBUILD, EngineRecord

    record = EngineRecord.read(folder)
    for asked, built in ((backend, record.backend), (precision, record.precision)):
        if asked not in (None, built):
            raise EngineError(
                f"{folder}: built for {record.backend} {record.precision}, not {asked}",
                fix="open the .onnx model file instead, or change engine in params.yaml and: dvc repro build-engine",
            )
    refuse_unless_offered(record.backend, record.precision)
    record.refuse_unless_fit(folder, library_versions(record.backend))

    card, payload = record.model_card(folder), folder / record.payload
    info = EngineInfo(record.backend, record.precision, processor()["model"], card, record.onnx_sha256, folder)
    if record.backend == "onnxruntime":
        from src.runtime.engines.onnxruntime import OnnxRuntimeEngine

        return OnnxRuntimeEngine(payload, info, threads, requests)
    from src.runtime.engines.openvino import OpenVINOEngine, import_payload

    try:
        compiled = import_payload(payload, record.precision, threads, requests)
    except RuntimeError as error:
        raise EngineError(f"{payload}: OpenVINO cannot import it", str(error), REBUILD) from error
    return OpenVINOEngine(compiled, info, requests)
