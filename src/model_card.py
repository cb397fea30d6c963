"""The model card: what a runtime must know of a model, carried inside the model file.

    python -m src.model_card models/release/skyseg.onnx     what is inside, a line each

A card is JSON in the ONNX file's `metadata_props["skyseg"]`. The exporter writes it, every runtime
reads it, and nothing about a model is passed by flag. `FORMAT` counts incompatible changes.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from src.errors import EngineError, user_errors
from src.files import digest

KEY = "skyseg"
FORMAT = 1
# In `ModelCard.metrics`: share (0..1) of fp32's labels that OpenVINO gives in bf16, and by the int8 file beside it.
BF16_AGREEMENT, INT8_AGREEMENT = "bf16_agreement", "int8_agreement"
RESIZE_STRETCH_LINEAR = "stretch-linear"  # the whole frame to height x width, bilinear (cv2.INTER_LINEAR)


@dataclass(frozen=True)
class ClassInfo:
    """One class of the model: its name and its display colour, RGB 0..255."""

    name: str
    colour: tuple[int, int, int]

    @classmethod
    def of(cls, fields: dict[str, Any]) -> "ClassInfo":
        red, green, blue = bytes(fields["colour"])  # ValueError for other than three of 0..255
        return cls(fields["name"], (red, green, blue))


@dataclass(frozen=True)
class ModelCard:
    """All a runtime needs to feed a model and to read its answer.

    Attributes:
        name: a short name for people.
        classes: by class index; index 0 is background.
        height, width: the input size in pixels, to which a frame is resized by `resize`.
        resize: the resize rule; `RESIZE_STRETCH_LINEAR` is the only one so far.
        threshold: probability (0..1) from which a pixel is of class 1; None when there are more classes.
        precision: of the weights in the graph: fp32, fp16 or int8.
        training_data: one {source, licence, images} per source.
        git_revision, dvc_lock: the code's commit, and md5 by pipeline output, that made the model.
        metrics: figures of the test split, flat, such as {"iou": 0.95}; `BF16_AGREEMENT` and `INT8_AGREEMENT`, where
            they were measured.
    """

    name: str
    classes: tuple[ClassInfo, ...]
    height: int
    width: int
    threshold: float | None = 0.5
    resize: str = RESIZE_STRETCH_LINEAR
    precision: str = "fp32"
    training_data: tuple[dict[str, Any], ...] = ()
    git_revision: str = ""
    dvc_lock: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)

    @property
    def binary(self) -> bool:
        """True for background against one class; confidence is then that class's probability x 255."""
        return len(self.classes) == 2

    def to_json(self) -> str:
        return json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str, origin: str) -> "ModelCard":
        """Reads a card; `origin` names the file in errors.

        Raises:
            EngineError: not a card of this format, or a field is missing or of the wrong kind.
        """
        try:
            fields = json.loads(text)
            found = fields.pop("format")
            if found != FORMAT:
                raise EngineError(
                    f"{origin}: model card format {found}, this version reads {FORMAT}",
                    fix="export it again: dvc repro export-onnx",
                )
            fields["classes"] = tuple(ClassInfo.of(info) for info in fields["classes"])
            fields["training_data"] = tuple(dict(source) for source in fields["training_data"])
            fields["metrics"] = {name: float(figure) for name, figure in fields.get("metrics", {}).items()}
            card = cls(**fields)
            if card.binary and not (isinstance(card.threshold, float | int) and 0 <= card.threshold <= 1):
                raise ValueError("a threshold that is no number in 0..1")
            if card.resize != RESIZE_STRETCH_LINEAR or min(card.height, card.width) < 1 or len(card.classes) < 2:
                raise ValueError("unknown resize rule, no size, or fewer than two classes")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise EngineError(
                f"{origin}: its skyseg model card is damaged", f"{type(error).__name__}: {error}", EXPORT_FIX
            ) from error
        return card


EXPORT_FIX = "use a model file that this project exported (dvc repro export-onnx writes models/onnx/fp32.onnx)"


def read_card(onnx_path: Path) -> ModelCard:
    """The card inside an ONNX file.

    Raises:
        EngineError: the file is missing, is not ONNX, or carries no skyseg card.
    """
    import onnx
    from google.protobuf.message import DecodeError

    if not onnx_path.is_file():
        raise EngineError(f"{onnx_path}: no such model file", fix=EXPORT_FIX)
    try:
        model = onnx.load(onnx_path, load_external_data=False)
    except (DecodeError, OSError, ValueError) as error:
        raise EngineError(f"{onnx_path}: not a readable ONNX file", str(error), EXPORT_FIX) from error
    texts = [prop.value for prop in model.metadata_props if prop.key == KEY]
    if not texts:
        raise EngineError(f"{onnx_path}: no '{KEY}' metadata inside", "it was not exported by this project", EXPORT_FIX)
    return ModelCard.from_json(texts[0], str(onnx_path))


def described(onnx_path: Path) -> Iterator[str]:
    """What is in a model file, as lines `key: value`; a key with several values has a line for each.

    Raises:
        EngineError: as `read_card`.
    """
    card = read_card(onnx_path)
    yield f"name: {card.name}"
    for index, info in enumerate(card.classes):
        yield f"class {index}: {info.name}, #{bytes(info.colour).hex()}"
    yield f"input: {card.width}x{card.height}, {card.resize}"
    yield f"threshold: {'none, the likeliest class' if card.threshold is None else f'{card.threshold:g}'}"
    yield f"precision: {card.precision}"
    for one in card.training_data:
        images, terms = one.get("images", "unknown"), one.get("licence", "terms unknown")
        yield f"training data: {one.get('source', 'unknown')}, {images} images, {terms}"
    for name, figure in sorted(card.metrics.items()):
        yield f"metric {name}: {figure:g}"
    yield f"revision: {card.git_revision or 'unknown'}"
    yield f"SHA-256: {digest(onnx_path, 'sha256')}"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m src.model_card",
        description="Prints what a model file says of itself: classes, input size, training data and terms, figures.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="an .onnx model file")
    options = parser.parse_args(arguments)
    with user_errors():
        print("\n".join(described(options.file)))


if __name__ == "__main__":
    main()
