"""The engine folder: a payload that fits one machine, and `engine.json`, which says what it is and for whom.

models/engine/
    engine.json     the record: see `EngineRecord`
    model.blob      OpenVINO's compiled model, or model.onnx for ONNX Runtime
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from src.errors import EngineError
from src.hardware import processor
from src.model_card import ModelCard

RECORD_FILE = "engine.json"
FORMAT = 1
REBUILD = "rebuild it here: dvc repro -f -s build-engine"


@dataclass(frozen=True)
class EngineRecord:
    """What `engine.json` holds.

    Attributes:
        backend, precision: as in `EngineInfo`.
        reason: why these two.
        payload, payload_sha256: the file beside the record.
        card: the model card, as JSON text.
        onnx_sha256: of the model file the payload was built from.
        versions: by library, exactly as each reports itself.
        hardware: {model, flags, cores} of the processor it was built on.
        shapes: by port, as in the model file.
        agreement: with ONNX Runtime fp32 on real frames: {label_agreement 0..1,
            max_confidence_difference 0..255, frames, limit}.
        build_seconds: compiling, exporting and comparing.
    """

    backend: str
    precision: str
    reason: str
    payload: str
    payload_sha256: str
    card: str
    onnx_sha256: str
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
            texts = (record.backend, record.precision, record.payload, record.payload_sha256, record.onnx_sha256)
            if not all(isinstance(text, str) for text in texts) or Path(record.payload).name != record.payload:
                raise ValueError("a field is of the wrong kind")
            record.versions.items(), record.hardware["flags"], record.hardware["model"]
        except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise EngineError(f"{path}: damaged", f"{type(error).__name__}: {error}", REBUILD) from error
        return record

    def model_card(self, folder: Path) -> ModelCard:
        return ModelCard.from_json(self.card, str(folder / RECORD_FILE))

    def refuse_unless_fit(self, folder: Path, versions: dict[str, str]) -> None:
        """Refuses an engine that is not for this machine, or whose payload is not the one recorded.

        Args:
            versions: of the libraries in this environment, as `versions` of the record.

        Raises:
            EngineError: naming what differs and the command that rebuilds it.
        """
        here = processor()
        for fact in ("model", "flags"):
            if self.hardware[fact] != here[fact]:
                difference = f"processor {fact}: built on {self.hardware[fact]}, this is {here[fact]}"
                raise EngineError(f"{folder}: built on another machine", difference, REBUILD)
        if self.versions != versions:
            difference = f"built with {self.versions}, here is {versions}"
            raise EngineError(f"{folder}: built by another library version", difference, REBUILD)
        payload = folder / self.payload
        if not payload.is_file():
            raise EngineError(f"{folder}: its payload {self.payload} is missing", fix=REBUILD)
        if sha256(payload) != self.payload_sha256:
            raise EngineError(f"{payload}: damaged", f"its SHA-256 is not the one in {RECORD_FILE}", REBUILD)


def sha256(path: Path) -> str:
    """Of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
