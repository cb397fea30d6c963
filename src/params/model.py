"""The section `model`: the network, and what is known of each without building it."""

from pathlib import PurePath
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from src.params.base import Section

NetName = Literal[
    "unet", "unetplusplus", "fpn", "linknet", "manet", "pspnet", "deeplabv3", "deeplabv3plus", "segformer", "upernet",
    "fcn", "lraspp", "bisenetv2", "ddrnet", "pidnet",
]  # fmt: skip

# Nets that are one with their encoder; None: it has no weights from ImageNet.
OWN_ENCODER: dict[str, str | None] = {
    "fcn": "ResNet-50",
    "lraspp": "MobileNetV3-Large",
    "bisenetv2": None,
    "ddrnet": None,
    "pidnet": None,
}
TAKES_CHANNELS = ("unet", "unetplusplus", "manet")
WEIGHT_FILES = (".pth", ".pt", ".bin", ".safetensors")

SIZE_MULTIPLE = 8  # of every input height and width; of these nets' a larger one
_SIZE_MULTIPLES = {"deeplabv3plus": 16} | dict.fromkeys(
    ("unetplusplus", "fpn", "linknet", "manet", "segformer", "upernet"), 32
)


class Model(Section):
    name: NetName
    encoder: Annotated[str, Field(min_length=1)] | None
    encoder_weights: str | None
    decoder_channels: list[Annotated[int, Field(ge=1)]] | None
    context: Annotated[int, Field(ge=0, le=8)]
    normalisation: Literal["imagenet", "dataset"]

    @property
    def size_multiple(self) -> int:
        """What the input's height and width must be multiples of; `tests/models/test_sizes.py` measures it."""
        return 16 if self.name == "unet" and self.encoder is None else _SIZE_MULTIPLES.get(self.name, SIZE_MULTIPLE)

    @field_validator("encoder_weights")
    @classmethod
    def _imagenet_or_a_file(cls, weights: str | None) -> str | None:
        if weights not in (None, "imagenet") and PurePath(weights).suffix not in WEIGHT_FILES:
            raise ValueError(f"should be null, imagenet or the path of a {', '.join(WEIGHT_FILES)} file")
        return weights

    @model_validator(mode="after")
    def _fits_together(self) -> "Model":
        own = self.name in OWN_ENCODER
        if own and self.encoder is not None:
            raise ValueError(f"encoder: {self.name} has its own; set it to null, not {self.encoder!r}")
        if self.encoder is None and not own and self.name != "unet":
            raise ValueError(f"encoder: {self.name} needs one, such as resnet34 or tu-resnet10t, not null")
        if self.encoder_weights and self.encoder is None and not OWN_ENCODER.get(self.name):
            plain = f"{self.name} without an encoder" if self.name == "unet" else self.name
            raise ValueError(f"encoder_weights: {plain} is trained from scratch; set it to null")
        if self.decoder_channels and (self.encoder is None or self.name not in TAKES_CHANNELS):
            raise ValueError(
                f"decoder_channels: only {', '.join(TAKES_CHANNELS)} over an encoder take a list; set it to null"
            )
        if self.context and self.encoder is None:
            raise ValueError(f"context: {self.name} without an encoder of its own choice takes none; set it to 0")
        return self
