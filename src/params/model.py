"""The section `model`: the network."""

from typing import Annotated, Literal

from pydantic import Field

from src.params.base import Section


class Model(Section):
    name: Literal["unet", "unetplusplus", "fpn", "linknet", "manet", "pspnet", "deeplabv3plus", "segformer", "upernet"]
    encoder: str = Field(min_length=1)
    encoder_weights: Literal["imagenet"] | None
    decoder_channels: list[Annotated[int, Field(ge=1)]] | None
    normalisation: Literal["imagenet", "dataset"]
