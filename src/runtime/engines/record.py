"""The engine folder: a payload that fits one machine, and `engine.json`, which says what it is and for whom.

models/engine/
    engine.json     the record: see `EngineRecord`
    model.blob      OpenVINO's compiled model; model.plan of TensorRT; model.onnx for ONNX Runtime
    probe.npz       a frame with the reference's labels, on which an engine is tested when opened
    fallback.onnx   OpenVINO below fp32 alone: the fp32 model file, which plays if that test fails
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from src.errors import EngineError
from src.files import digest
from src.model_card import ModelCard
from src.runtime.engines import GRAPH_OF
from src.runtime.engines.probe import PROBE_FILE

RECORD_FILE = "engine.json"
FALLBACK_FILE = "fallback.onnx"
# All that a folder may hold.
FILES = {RECORD_FILE, FALLBACK_FILE, PROBE_FILE, "model.blob", "model.plan", "model.onnx"}
FORMAT = 2
REBUILD = "rebuild it here: dvc repro -f -s build-engine (without the pipeline: python -m src.runtime.engines)"
# Of a record's hardware, what a payload is bound to.
BINDING = {"model": "processor", "flags": "processor flags", "gpu": "GPU", "compute_capability": "compute capability"}


@dataclass(frozen=True)
class EngineRecord:
    """What `engine.json` holds.

    Attributes:
        backend, precision: as in `EngineInfo`.
        reason: why these two.
        candidates: every variant looked at: {backend, precision, ms, agreement, limit} of a measured one (median
            of batch 1), {backend, precision, left_out} of one that cannot run here.
        settings: what the backend was told (see `Engine.settings`).
        payload: the file beside the record that the backend loads.
        files: SHA-256 of each file beside the record.
        card: the model card, as JSON text.
        onnx_sha256: of the model file the payload was built from.
        reference_sha256: of the model file it is held against, run by ONNX Runtime on the processor.
        versions: by library, exactly as each reports itself.
        hardware: of the machine it was built on: {model, flags, cores}, or of a GPU {gpu, compute_capability}.
        shapes: by port, as in the model file.
        agreement: with the reference on real frames: {label_agreement 0..1, max_confidence_difference 0..255,
            frames, limit}.
        build_seconds: measuring, compiling, exporting and comparing.
    """

    backend: str
    precision: str
    reason: str
    candidates: list[dict[str, Any]]
    settings: dict[str, Any]
    payload: str
    files: dict[str, str]
    card: str
    onnx_sha256: str
    reference_sha256: str
    versions: dict[str, str]
    hardware: dict[str, Any]
    shapes: dict[str, list]
    agreement: dict[str, float]
    build_seconds: float

    def to_dict(self) -> dict[str, Any]:
        """As written to `engine.json`, with the card as an object."""
        return {"format": FORMAT, **asdict(self), "card": json.loads(self.card)}

    def write(self, folder: Path) -> None:
        (folder / RECORD_FILE).write_text(json.dumps(self.to_dict(), indent=2) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "EngineRecord":
        """Reads the record of an engine folder.

        Raises:
            EngineError: there is none, or it is damaged or of another format.
        """
        path = folder / RECORD_FILE
        if not path.is_file():
            raise EngineError(f"{folder}: not an engine folder", f"it has no {RECORD_FILE}", REBUILD)
        try:
            fields = json.loads(path.read_text())
            if fields.pop("format") != FORMAT:
                raise ValueError(f"not of format {FORMAT}")
            record = cls(**fields | {"card": json.dumps(fields["card"])})
            texts = (record.backend, record.precision, record.onnx_sha256, *record.files, *record.files.values())
            if not all(isinstance(text, str) for text in texts) or record.payload not in record.files:
                raise ValueError("a field is of the wrong kind")
            if any(Path(name).name != name for name in record.files):
                raise ValueError("a file lies outside the folder")
            record.versions.items(), record.hardware.items(), float(record.agreement["limit"])
        except (OSError, KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise EngineError(f"{path}: damaged", f"{type(error).__name__}: {error}", REBUILD) from error
        return record

    def model_card(self, folder: Path) -> ModelCard:
        return ModelCard.from_json(self.card, str(folder / RECORD_FILE))

    def refuse_unless_fit(self, folder: Path, versions: dict[str, str], hardware: dict[str, Any]) -> None:
        """Refuses an engine that is not for this machine, or whose files are not the ones recorded.

        Args:
            versions, hardware: of this environment, as in the record.

        Raises:
            EngineError: naming what differs and the command that rebuilds it.
        """
        for fact, name in BINDING.items():
            built, here = self.hardware.get(fact), hardware.get(fact)
            if built != here:
                difference = f"{name}: built on {built}, this is {here}"
                raise EngineError(f"{folder}: built on another machine", difference, REBUILD)
        if self.versions != versions:
            difference = f"built with {self.versions}, here is {versions}"
            raise EngineError(f"{folder}: built by another library version", difference, REBUILD)
        for name in self.files:
            if name != FALLBACK_FILE:  # large, and seldom opened
                self.refuse_unless_whole(folder / name)

    def refuse_unless_whole(self, file: Path) -> None:
        """Raises EngineError if a file of the folder is missing or not the one recorded."""
        if not file.is_file():
            raise EngineError(f"{file}: missing from the engine", fix=REBUILD)
        if sha256(file) != self.files[file.name]:
            raise EngineError(f"{file}: damaged", f"its SHA-256 is not the one in {RECORD_FILE}", REBUILD)

    def refuse_unless_of(self, folder: Path, model: Path) -> None:
        """Raises EngineError unless the engine was built from a model file, or from one in a folder of them."""
        # Its graph's file first: hashing 25 MB takes 20 ms of what opening takes.
        graph = f"{GRAPH_OF[self.precision]}.onnx"
        files = sorted(model.glob("*.onnx"), key=lambda file: file.name != graph) if model.is_dir() else [model]
        if self.onnx_sha256 not in map(sha256, files):
            why = f"it was built from the model file with SHA-256 {self.onnx_sha256[:12]}..., which is not in {model}"
            raise EngineError(f"{folder}: built from another model", why, REBUILD)


def sha256(path: Path) -> str:
    """Of a file, hexadecimal.

    Raises:
        EngineError: there is no such file.
    """
    try:
        return digest(path, "sha256")
    except OSError as error:
        raise EngineError(f"{path}: cannot be read", str(error)) from error
