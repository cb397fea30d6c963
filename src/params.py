"""A typed view of params.yaml: every key checked by name, type and range before a stage starts.

The comments in params.yaml say what each key means; here stand its type and bounds.
"""

import difflib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from src.errors import UserError

Share = Annotated[float, Field(ge=0, le=1)]
HalfShare = Annotated[float, Field(ge=0, le=0.5)]
Seed = Annotated[int, Field(ge=0)]
Auto = Literal["auto"]
Threads = Auto | Annotated[int, Field(ge=1, le=256)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]


class Section(BaseModel):
    # Strict: "8" is not 8 and yes is not true; but 1 is a fine float.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Synthetic(Section):
    scenes: int = Field(ge=3)
    width: int = Field(ge=64, le=4096)
    height: int = Field(ge=64, le=4096)
    no_sky_share: Share
    max_roll: float = Field(ge=0, le=60)


class FolderSet(Section):
    images: str = Field(min_length=1)
    masks: str = Field(min_length=1)
    classes: dict[str, Annotated[int, Field(ge=0, le=255)]] = Field(min_length=1)
    group: str | None
    splits: str | None
    licence: str

    @field_validator("masks")
    @classmethod
    def _names_the_image(cls, pattern: str) -> str:
        if "{path}" not in pattern and "{stem}" not in pattern:
            raise ValueError("must contain {path} or {stem}, or every image would get the same mask")
        return pattern


class Folder(Section):
    root: str = Field(min_length=1)
    sets: dict[Name, FolderSet] = Field(min_length=1)

    @field_validator("sets")
    @classmethod
    def _no_clash(cls, sets: dict[str, FolderSet]) -> dict[str, FolderSet]:
        if "synthetic" in sets:
            raise ValueError("a set cannot be called synthetic: that is the built-in source")
        return sets


class Data(Section):
    sources: list[Literal["synthetic", "folder"]] = Field(min_length=1)
    seed: Seed
    synthetic: Synthetic
    folder: Folder

    @field_validator("sources")
    @classmethod
    def _once_each(cls, sources: list[str]) -> list[str]:
        if len(set(sources)) < len(sources):
            raise ValueError("a source is listed twice")
        return sources


class Filter(Section):
    min_side: int = Field(ge=16)
    min_sky: Share
    max_sky: Share
    negatives: Share
    size_mismatch: Literal["error", "drop"]
    val_share: HalfShare
    test_share: HalfShare
    seed: Seed

    @model_validator(mode="after")
    def _ordered(self) -> "Filter":
        if self.min_sky >= self.max_sky:
            raise ValueError(f"min_sky ({self.min_sky}) must be below max_sky ({self.max_sky})")
        return self


class Preprocess(Section):
    height: int = Field(ge=32, le=4096, multiple_of=32)
    width: int = Field(ge=32, le=4096, multiple_of=32)
    train_scale: float = Field(ge=1, le=4)
    jpeg_quality: int = Field(ge=50, le=100)


class Model(Section):
    name: Literal["unet", "unetplusplus", "fpn", "linknet", "manet", "pspnet", "deeplabv3plus", "segformer", "upernet"]
    encoder: str = Field(min_length=1)
    encoder_weights: Literal["imagenet"] | None
    decoder_channels: list[Annotated[int, Field(ge=1)]] | None
    normalisation: Literal["imagenet", "dataset"]


class Loss(Section):
    cross_entropy: float = Field(ge=0)
    dice: float = Field(ge=0)

    @model_validator(mode="after")
    def _some(self) -> "Loss":
        if self.cross_entropy + self.dice == 0:
            raise ValueError("at least one weight must be above 0")
        return self


class Augment(Section):
    flip: Share
    rotate: float = Field(ge=0, le=90)
    min_crop: float = Field(ge=0.05, le=1)
    colour: Share
    blur: Share
    noise: Share
    jpeg: Share


class Train(Section):
    epochs: int = Field(ge=1)
    patience: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    lr: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    loss: Loss
    precision: Literal["auto", "fp32", "bf16"]
    workers: Auto | Annotated[int, Field(ge=0, le=64)]
    threads: Threads
    seed: Seed
    augment: Augment


class Evaluate(Section):
    pictures: int = Field(ge=0, le=8)


class Export(Section):
    threshold: float = Field(gt=0, lt=1)
    min_agreement: Share
    frames: int = Field(ge=1, le=4096)


class Engine(Section):
    backend: Literal["auto", "openvino", "onnxruntime"]
    precision: Literal["auto", "fp32", "bf16"]
    threads: Threads
    min_agreement: Share
    frames: int = Field(ge=1, le=4096)


class Benchmark(Section):
    video: str | None
    frames: int = Field(ge=10)
    runs: int = Field(ge=10)
    warmup: int = Field(ge=0)


class Tracking(Section):
    mlflow: bool


class Params(Section):
    data: Data
    labels: dict[Name, Annotated[list[str], Field(min_length=1)]] = Field(min_length=1, max_length=200)
    filter: Filter
    preprocess: Preprocess
    model: Model
    train: Train
    evaluate: Evaluate
    export: Export
    engine: Engine
    benchmark: Benchmark
    tracking: Tracking


def load(path: Path = Path("params.yaml")) -> Params:
    """Reads and checks a params file, in the YAML dialect that DVC reads (1.2: `1e-3` is a number).

    Raises:
        UserError: the file is missing or not YAML, or any key is unknown, missing, of the wrong type or out of
            range; every such key is named with its path and what it accepts.
    """
    from ruamel.yaml import YAML, YAMLError

    try:
        tree = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read", str(error), "run from the project's root") from error
    except YAMLError as error:
        raise UserError(f"{path}: not valid YAML", str(error), "undo the last edit: git diff params.yaml") from error
    return parse(tree, str(path))


def parse(tree: Any, origin: str) -> Params:
    """Checks a params tree; see `load`."""
    try:
        return Params.model_validate(tree)
    except ValidationError as error:
        problems = list(dict.fromkeys(_describe(problem) for problem in error.errors()))
        raise UserError(f"{origin}: " + "\n       ".join(problems), fix=f"edit {origin}") from None


def _describe(problem: dict[str, Any]) -> str:
    """One line: the key's path, what is wrong with its value, and what it accepts."""
    # Union members appear in the location under pydantic's names for them; a key never looks like that.
    location = [str(part) for part in problem["loc"] if not _is_union_member(str(part))]
    path = ".".join(location) or "(top level)"
    if problem["type"] == "extra_forbidden":
        known = list(_section(location[:-1]))
        close = difflib.get_close_matches(location[-1], known, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        return f"{path}: unknown key; {hint}known here: {', '.join(known)}"
    if problem["type"] == "missing":
        return f"{path}: missing"
    message = problem["msg"].removeprefix("Value error, ").replace("Input should", "should")
    return f"{path}: {message}, not {problem['input']!r}"


def _is_union_member(part: str) -> bool:
    return "[" in part or part in {"int", "float", "str", "constrained-int", "constrained-float"}


def _section(location: list[str]) -> dict[str, Any]:
    """The fields of the section at `location`."""
    fields = Params.model_fields
    for part in location:
        annotation = fields[part].annotation if part in fields else FolderSet  # the only sections under free names
        fields = getattr(annotation, "model_fields", {})
        if not fields:  # the mapping of free names itself
            fields = FolderSet.model_fields
    return fields
