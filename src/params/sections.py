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
    height: int = Field(ge=32, le=4096)  # of what the net takes multiples; see Params
    width: int = Field(ge=32, le=4096)
    train_scale: float = Field(ge=1, le=4)
    jpeg_quality: int = Field(ge=50, le=100)


class Evaluate(Section):
    pictures: int = Field(ge=0, le=8)
    unseen: list[Name]

    @field_validator("unseen")
    @classmethod
    def _once_each(cls, unseen: list[str]) -> list[str]:
        if len(set(unseen)) < len(unseen):
            raise ValueError("a source is listed twice")
        return unseen


class Export(Section):
    threshold: float = Field(gt=0, lt=1)
    variants: list[Literal["fp32", "fp16", "int8"]]
    batch_sizes: list[Annotated[int, Field(ge=1, le=64)]] = Field(min_length=1)
    frames: int = Field(ge=1, le=4096)
    min_agreement_fp32: Share
    min_agreement_fp16: Share
    max_iou_loss_int8: Share
    calibration: Literal["minmax", "percentile", "entropy"]

    @field_validator("variants")
    @classmethod
    def _fp32_and_each_once(cls, variants: list[str]) -> list[str]:
        if "fp32" not in variants:
            raise ValueError("fp32 must be among them: the others are made of it")
        if len(set(variants)) < len(variants):
            raise ValueError("a variant is named twice")
        return variants


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

    @model_validator(mode="after")
    def _unseen_exists(self) -> "Params":
        names = self.data.source_names()
        if missing := [name for name in self.evaluate.unseen if name not in names]:
            raise ValueError(f"evaluate.unseen: no such source: {missing[0]}; data.sources brings {', '.join(names)}")
        if names and not set(names) - set(self.evaluate.unseen):
            raise ValueError("evaluate.unseen: names every source, which leaves none to learn from")
        return self

    @model_validator(mode="after")
    def _skies_to_swap(self) -> "Params":
        if self.train.augment.sky_swap and "sky" not in self.labels:
            raise ValueError(f"train.augment.sky_swap: must be 0 as no class is named sky ({', '.join(self.labels)})")
        return self

    @model_validator(mode="after")
    def _precision_is_to_be_had(self) -> "Params":
        backend, precision = self.engine.backend, self.engine.precision
        if precision == "bf16" and backend not in ("auto", "openvino"):
            raise ValueError(f"engine.precision: bf16 is OpenVINO's alone, and engine.backend is {backend}")
        if precision in ("fp16", "int8") and precision not in self.export.variants:
            raise ValueError(f"engine.precision: {precision} needs the model file of that name in export.variants")
        return self

    @field_validator("labels")
    @classmethod
    def _each_name_once(cls, labels: dict[str, list[str]]) -> dict[str, list[str]]:
        if reserved := {"background", "void"} & labels.keys():
            raise ValueError(f"{sorted(reserved)[0]} is made of what no class names; it cannot be a target class")
        natives = [native for names in labels.values() for native in names]
        if twice := [native for native in natives if natives.count(native) > 1]:
            raise ValueError(f"the native class {twice[0]} is named twice")
        return labels

    @model_validator(mode="after")
    def _the_net_takes_the_size(self) -> "Params":
        step = self.model.size_multiple
        for side in ("height", "width"):
            size = getattr(self.preprocess, side)
            if size % step:
                nearest = max(step, round(size / step) * step)
                takes = f"{self.model.name} takes multiples of {step}"
                raise ValueError(f"preprocess.{side}: {takes}; the nearest to {size} is {nearest}")
        return self
