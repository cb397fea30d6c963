"""The remaining sections, one per stage, and the whole."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from src.params.base import HalfShare, Name, Section, Seed, Share, Threads
from src.params.data import Data
from src.params.model import Model
from src.params.training import Train

BatchSizes = Annotated[list[Annotated[int, Field(ge=1, le=256)]], Field(min_length=1, max_length=8)]


class Filter(Section):
    min_side: int = Field(ge=16)
    min_sky: Share
    max_sky: Share
    negatives: Share
    max_black: Share
    max_white: Share
    min_sharpness: float = Field(ge=0)
    duplicate_bits: Annotated[int, Field(ge=0, le=16)] | None
    max_per_group: Annotated[int, Field(ge=1)] | None
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


class Evaluate(Section):
    pictures: int = Field(ge=0, le=8)


class Export(Section):
    threshold: float = Field(gt=0, lt=1)
    min_agreement: Share
    frames: int = Field(ge=1, le=4096)


class Engine(Section):
    backend: Literal["auto", "tensorrt", "openvino", "onnxruntime"]
    precision: Literal["auto", "fp32", "bf16", "fp16", "int8"]
    threads: Threads
    batch_sizes: BatchSizes
    min_agreement: Share
    int8_min_agreement: Share
    frames: int = Field(ge=1, le=4096)


class Benchmark(Section):
    video: str | None
    frames: int = Field(ge=10)
    batch_sizes: BatchSizes
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

    @field_validator("labels")
    @classmethod
    def _each_name_once(cls, labels: dict[str, list[str]]) -> dict[str, list[str]]:
        if reserved := {"background", "void"} & labels.keys():
            raise ValueError(f"{sorted(reserved)[0]} is made of what no class names; it cannot be a target class")
        natives = [native for names in labels.values() for native in names]
        if twice := [native for native in natives if natives.count(native) > 1]:
            raise ValueError(f"the native class {twice[0]} is named twice")
        return labels
