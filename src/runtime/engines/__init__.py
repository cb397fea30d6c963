"""Engines: a model file, or the engine folder built from it, opened for running.

base.py             what every backend offers: `infer`, `submit`
openvino.py, onnxruntime.py, tensorrt.py   one backend each, with the same few functions
openvino_cache.py   what OpenVINO compiled, kept between runs
openvino_int8.py    int8 graphs for processors that add products of 8 bits in 16
tensorrt_build.py   model file -> TensorRT plan;  cuda.py  streams, graphs, pinned buffers
choice.py           the variants that this machine can run, measured; build.py  the engine folder from the best
record.py, probe.py what the folder says of itself, and the frame on which it is tested when opened
timing.py           interleaved timing
"""

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from src.errors import EngineError
from src.model_card import BF16_AGREEMENT, ModelCard, read_card

if TYPE_CHECKING:
    from src.runtime.engines.base import Engine, Options

# By backend, its precisions; by precision, the graph (model_card.precision) that runs in it. TensorRT has no bf16:
# a precision is the graph's own there, and no bf16 graph is exported.
PRECISIONS = {
    "tensorrt": ("fp32", "fp16", "int8"),
    "openvino": ("fp32", "bf16", "fp16", "int8"),
    "onnxruntime": ("fp32", "fp16", "int8"),
}
GRAPH_OF = {"fp32": "fp32", "bf16": "fp32", "fp16": "fp16", "int8": "int8"}
INSTALLS = {
    "tensorrt": "uv pip install -r pyproject.toml --extra tensorrt",
    "openvino": "uv pip install openvino",
    "onnxruntime": "uv pip install onnxruntime",
}
MOST_AT_WORK = 8  # requests of a video; each holds a decoded frame: 25 MB at 4K


def requests_for_video(threads: int) -> int:
    """Inferences in flight where no frame's latency counts: half as many as threads at work, two at least, and one that
    waits, so that none of the others' places stands empty while Python hands out the next frame."""
    return min(max(2, threads // 2), MOST_AT_WORK) + 1


# The share of labels that bf16 or int8 must give as fp32 does, by the card, to play unasked.
MIN_UNASKED_AGREEMENT = 0.995


def default_engine_folder() -> Path:
    """Where the pipeline's build-engine stage puts the engine: <project root>/models/engine."""
    return Path(__file__).resolve().parents[3] / "models" / "engine"


def released_model() -> Path:
    """The model file that comes with the project, which plays where no engine is built."""
    return Path(__file__).resolve().parents[3] / "models" / "release" / "skyseg.onnx"


def compiled_models() -> Path:
    """The folder for what OpenVINO compiles of the released model: <project root>/.work/openvino; may be deleted."""
    return Path(__file__).resolve().parents[3] / ".work" / "openvino"


def int8_beside(released: Path) -> Path:
    """Where the released model's int8 file is, if it has one."""
    return released.with_name("skyseg-int8.onnx")


def open_engine(
    path: str | Path,
    *,
    backend: str | None = None,
    precision: str | None = None,
    threads: int | None = None,
    requests: int | None = None,
    cache: str | Path | None = None,
    model: str | Path | None = None,
) -> "Engine":
    """Opens what answers frames with masks.

    Args:
        path: an engine folder (with engine.json) or an .onnx model file.
        backend: tensorrt, openvino or onnxruntime; None takes the folder's own, and for a model file OpenVINO
            where it is installed.
        precision: fp32, bf16, fp16 or int8; None takes the folder's own, and for a model file its graph's. OpenVINO
            takes bf16 for fp32 where the processor has it and the card says that bf16 keeps the labels; of other
            model files no one has measured that (build_engine does).
        threads: for inference; None takes every core this process may use.
        requests: inferences in flight, 1 or more; None is 1, the lowest latency.
        cache: for a model file, a folder to keep compiled models in, the newest few, which makes the next opening
            faster; where it cannot be written, none is kept.
        model: for a folder, the model file or the folder of model files that it must have been built from; None asks
            it of the pipeline's own folder alone, by models/onnx, if model files are there.

    Raises:
        EngineError: nothing usable at `path`, built for another machine, library version or model, damaged,
            disagreeing with its own reference, or a backend or precision that is not to be had.
    """
    from src.hardware import cores
    from src.runtime.engines.base import Options

    for name, count in (("threads", threads), ("requests", requests)):
        if count is not None and count < 1:
            raise EngineError(f"{name}: {count} is too few", fix="give 1 or more, or None")
    path = Path(path)
    options = Options(threads=threads or cores(), requests=requests or 1, cache=Path(cache) if cache else None)
    if path.is_dir():
        from src.runtime.engines.folder import open_folder

        return open_folder(path, backend, precision, options, Path(model) if model else None)
    card = read_card(path)
    backend = backend or _default_backend()
    return open_model_file(path, card, backend, precision or _precision(backend, card), options)


def open_model_file(path: Path, card: ModelCard, backend: str, precision: str, options: "Options") -> "Engine":
    """Opens an .onnx model file whose card has been read; errors as in `open_engine`."""
    from src.hardware import processor
    from src.runtime.engines.base import EngineInfo
    from src.runtime.engines.record import sha256

    refuse_unless_offered(backend, precision)
    if GRAPH_OF[precision] != card.precision:
        raise EngineError(
            f"{path}: its graph is {card.precision}, which does not run in {precision}",
            fix=f"open the {GRAPH_OF[precision]} model file: dvc repro export-onnx writes models/onnx",
        )
    module = backend_module(backend)
    hardware = module.hardware() if options.gpu else processor()
    info = EngineInfo(backend, precision, device_name(hardware), card, sha256(path), path)
    return module.open_model(path, info, options)


def refuse_unless_offered(backend: str, precision: str) -> None:
    """Raises EngineError for a backend or precision that does not exist or is not installed."""
    if backend not in PRECISIONS:
        raise EngineError(f"no backend '{backend}'", fix=f"choose one of: {', '.join(PRECISIONS)}")
    if precision not in PRECISIONS[backend]:
        offered = ", ".join(PRECISIONS[backend])
        raise EngineError(f"{backend} does not run in precision '{precision}' here", fix=f"choose one of: {offered}")
    if not installed(backend):
        raise EngineError(f"the backend {backend} is not installed", fix=INSTALLS[backend])


def installed(backend: str) -> bool:
    return importlib.util.find_spec(backend) is not None


def load_library(backend: str) -> ModuleType:
    """The library behind a backend; raises EngineError if it is missing or does not load."""
    from src.runtime.engines.base import first_line

    try:
        return importlib.import_module(backend)
    except (ImportError, OSError) as error:  # OSError: its shared libraries are missing or do not load
        fix = f"install it anew: {INSTALLS[backend]}"
        raise EngineError(f"{backend} cannot be loaded", first_line(error), fix) from error


def backend_module(backend: str) -> ModuleType:
    """The module behind a backend: open_model, open_payload, save, unavailable, version, hardware."""
    # Spelt out: dvc.yaml's dependencies are read off the source. A backend's own library is loaded by its first call.
    from src.runtime.engines import onnxruntime, openvino, tensorrt

    return {"tensorrt": tensorrt, "openvino": openvino, "onnxruntime": onnxruntime}[backend]


def library_versions(backend: str) -> dict[str, str]:
    """The version of the library behind a backend, as an engine record keeps it."""
    return {backend: backend_module(backend).version()}


def device_name(hardware: dict) -> str:
    """The GPU or the processor, for people."""
    return hardware.get("gpu") or hardware["model"]


def _precision(backend: str, card: ModelCard) -> str:
    from src.hardware import bf16_flag

    measured = card.metrics.get(BF16_AGREEMENT, 0.0) >= MIN_UNASKED_AGREEMENT
    bf16 = backend == "openvino" and card.precision == "fp32" and measured and bf16_flag()
    return "bf16" if bf16 else card.precision


def _default_backend() -> str:
    if installed("openvino"):
        return "openvino"
    print("openvino is not installed: falling back to onnxruntime (uv pip install openvino)", file=sys.stderr)
    return "onnxruntime"
