"""The options of the source `synthetic`: what the rendered scenes show and how they are photographed."""

from typing import Annotated

from pydantic import Field, model_validator

from src.params.base import Section, Share

Weight = Annotated[float, Field(ge=0)]


class Weights(Section):
    """How often each kind occurs, relative to the others."""

    @model_validator(mode="after")
    def _some(self) -> "Weights":
        if not any(self.model_dump().values()):
            raise ValueError("at least one weight must be above 0")
        return self


class Skies(Weights):
    clear: Weight
    haze: Weight
    cumulus: Weight
    altocumulus: Weight
    stratocumulus: Weight
    cirrus: Weight
    overcast: Weight
    storm: Weight
    sunset: Weight
    twilight: Weight
    night: Weight
    fog: Weight
    dust: Weight


class Places(Weights):
    landscape: Weight
    mountains: Weight
    forest: Weight
    desert: Weight
    snow: Weight
    coast: Weight
    lake: Weight
    street: Weight
    town: Weight
    suburb: Weight
    highway: Weight
    facade: Weight
    flight: Weight
    canopy: Weight


class NoSky(Weights):
    room: Weight
    corridor: Weight
    wall: Weight
    ground: Weight
    foliage: Weight
    water: Weight
    canyon: Weight
    close_up: Weight


class Foreground(Section):
    branches: Share
    wires: Share
    pole: Share
    fence: Share
    birds: Share
    aircraft: Share
    window: Share


class Lens(Section):
    distortion: Share
    fringes: Share
    dirt: Share
    flare: Share
    glare: Share
    vignette: Share
    defocus: Share
    motion: Share
    noise: Share
    jpeg: Share
    monochrome: Share


class Synthetic(Section):
    scenes: int = Field(ge=3)
    width: int = Field(ge=64, le=4096)
    height: int = Field(ge=64, le=4096)
    no_sky_share: Share
    max_roll: float = Field(ge=0, le=60)
    skies: Skies
    places: Places
    no_sky: NoSky
    foreground: Foreground
    lens: Lens
