"""The section `train`: loss, optimiser, schedule, augmentation, machine."""

from pathlib import PurePath
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from src.params.base import Auto, Name, Section, Seed, Share, Threads

INIT_FILES = (".safetensors", ".ckpt")
CHECKPOINT = PurePath("models/checkpoint.ckpt")  # what the stage train writes
Weight = Annotated[float, Field(ge=0)]


class Loss(Section):
    cross_entropy: Weight
    bce: Weight
    dice: Weight
    focal: Weight
    tversky: Weight
    lovasz: Weight
    boundary: Weight

    @model_validator(mode="after")
    def _some(self) -> "Loss":
        if not any(self.model_dump().values()):
            raise ValueError("at least one weight must be above 0")
        return self


class Augment(Section):
    flip: Share
    flip_vertical: Share
    rotate: float = Field(ge=0, le=90)
    min_crop: float = Field(ge=0.05, le=1)
    colour: Share
    blur: Share
    noise: Share
    jpeg: Share
    fog: Share
    rain: Share
    shadow: Share
    night: Share
    sky_swap: Share


class Train(Section):
    init: str | None
    freeze_norms: bool
    init_share: Share
    epochs: int = Field(ge=1)
    patience: int = Field(ge=1)
    monitor: Literal["iou", "dice", "accuracy", "loss"]
    batch_size: int = Field(ge=1)
    accumulate: int = Field(ge=1)
    optimizer: Literal["adamw", "adam", "sgd", "muon"]
    lr: float = Field(gt=0)
    momentum: float = Field(ge=0, lt=1)
    weight_decay: float = Field(ge=0)
    schedule: Literal["one_cycle", "cosine", "poly", "plateau", "constant"]
    warmup: float = Field(ge=0, lt=1)
    poly_power: float = Field(gt=0)
    plateau_factor: float = Field(gt=0, lt=1)
    plateau_patience: int = Field(ge=0)
    clip_norm: Annotated[float, Field(gt=0)] | None
    ema: Annotated[float, Field(gt=0, lt=1)] | None
    loss: Loss
    focal_gamma: float = Field(ge=0)
    tversky_alpha: Share
    auxiliary: Weight
    class_weights: Literal["balanced"] | dict[Name, Annotated[float, Field(gt=0)]] | None
    precision: Literal["auto", "fp32", "bf16", "fp16"]
    channels_last: bool
    compile: bool
    devices: Auto | Annotated[int, Field(ge=1)]
    nodes: int = Field(ge=1)
    checkpoint_every: Annotated[int, Field(ge=1)] | None
    workers: Auto | Annotated[int, Field(ge=0, le=64)]
    threads: Threads
    seed: Seed
    augment: Augment

    @field_validator("init")
    @classmethod
    def _release_or_a_file(cls, init: str | None) -> str | None:
        if init not in (None, "release") and PurePath(init).suffix not in INIT_FILES:
            raise ValueError(f"should be null, release or the path of a {', '.join(INIT_FILES)} file")
        if init and PurePath(init) == CHECKPOINT:
            raise ValueError(
                f"DVC removes {init} before the training starts; copy it first: cp {init} models/start.ckpt"
            )
        return init
