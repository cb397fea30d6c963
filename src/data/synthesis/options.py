"""What scenes show, how often, and how they are photographed: the library's defaults, which params.yaml repeats."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

# Relative weights.
SKIES = {
    "clear": 14.0, "haze": 9.0, "cumulus": 14.0, "altocumulus": 6.0, "stratocumulus": 8.0, "cirrus": 7.0,
    "overcast": 15.0, "storm": 5.0, "sunset": 8.0, "twilight": 4.0, "night": 5.0, "fog": 4.0, "dust": 1.0,
}  # fmt: skip
PLACES = {
    "landscape": 10.0, "mountains": 6.0, "forest": 7.0, "desert": 3.0, "snow": 4.0, "coast": 7.0, "lake": 5.0,
    "street": 16.0, "town": 8.0, "suburb": 8.0, "highway": 7.0, "facade": 7.0, "flight": 8.0, "canopy": 4.0,
}  # fmt: skip
NO_SKY = {
    "room": 8.0, "corridor": 3.0, "wall": 3.0, "ground": 3.0, "foliage": 3.0, "water": 2.0, "canyon": 2.0,
    "close_up": 3.0,
}  # fmt: skip

# Probabilities.
FOREGROUND = {
    "branches": 0.12, "wires": 0.12, "pole": 0.15, "fence": 0.05, "birds": 0.06, "aircraft": 0.05, "window": 0.03,
}  # fmt: skip
LENS = {
    "distortion": 0.3, "fringes": 0.15, "dirt": 0.05, "flare": 0.12, "glare": 0.3, "vignette": 0.5, "defocus": 0.5,
    "motion": 0.1, "noise": 0.8, "jpeg": 0.5, "monochrome": 0.02,
}  # fmt: skip


@dataclass(frozen=True)
class SceneOptions:
    """Arguments of `render_scene` beyond seed and size; params.yaml's `data.synthetic` says the ranges.

    A name that a mapping leaves out counts as 0, so `SceneOptions(skies={"night": 1})` is night alone.

    Attributes:
        no_sky_share: probability, 0..1, that a scene has no sky at all.
        max_roll: the camera's roll is drawn up to this many degrees either way, 0..60.
        skies, places, no_sky: weights >= 0 by name; one at least is above 0.
        foreground, lens: probabilities 0..1 by name.

    Raises:
        ValueError: a value is out of range, or a name is unknown.
    """

    no_sky_share: float = 0.25
    max_roll: float = 40.0
    skies: Mapping[str, float] = field(default_factory=SKIES.copy)
    places: Mapping[str, float] = field(default_factory=PLACES.copy)
    no_sky: Mapping[str, float] = field(default_factory=NO_SKY.copy)
    foreground: Mapping[str, float] = field(default_factory=FOREGROUND.copy)
    lens: Mapping[str, float] = field(default_factory=LENS.copy)

    def __post_init__(self) -> None:
        if not 0 <= self.no_sky_share <= 1:
            raise ValueError(f"no_sky_share is {self.no_sky_share}, but it is a probability from 0 to 1")
        if not 0 <= self.max_roll <= 60:
            raise ValueError(f"max_roll is {self.max_roll}, but it is an angle from 0 to 60 degrees")
        for name, known in (("skies", SKIES), ("places", PLACES), ("no_sky", NO_SKY)):
            self._complete(name, known, float("inf"))
            if not any(getattr(self, name).values()):
                raise ValueError(f"{name}: at least one weight must be above 0")
        for name, known in (("foreground", FOREGROUND), ("lens", LENS)):
            self._complete(name, known, 1.0)

    def _complete(self, name: str, known: Mapping[str, float], most: float) -> None:
        """Checks a mapping and gives the names that it leaves out a 0, in the order of `known`."""
        given = getattr(self, name)
        unknown = [key for key in given if key not in known]
        if unknown:
            raise ValueError(f"{name}: {unknown[0]!r} is none of {', '.join(known)}")
        for key, value in given.items():
            if not 0 <= value <= most or value == float("inf"):
                raise ValueError(f"{name}: {key} is {value}, but it must be 0 or more" + " and at most 1" * (most == 1))
        object.__setattr__(self, name, {key: float(given.get(key, 0.0)) for key in known})


DEFAULTS = SceneOptions()


def pick(rng: np.random.Generator, weights: Mapping[str, float]) -> str:
    """Draws a name by weight; the weights need not sum to 1."""
    share = np.array(list(weights.values()), np.float64)
    return str(rng.choice(list(weights), p=share / share.sum()))
