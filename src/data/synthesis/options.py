"""What scenes show, how often, and how they are photographed: the library's defaults, which params.yaml repeats."""

from collections.abc import Mapping
from dataclasses import dataclass, field

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
    "distortion": 0.3, "fringes": 0.15, "dirt": 0.05, "flare": 0.12, "glare": 0.3, "vignette": 0.5, "defocus": 0.3,
    "motion": 0.1, "noise": 0.8, "jpeg": 0.5, "monochrome": 0.02,
}  # fmt: skip


@dataclass(frozen=True)
class SceneOptions:
    """Arguments of `render_scene` beyond seed and size; params.yaml's `data.synthetic` says the ranges.

    Attributes:
        no_sky_share: probability, 0..1, that a scene has no sky at all.
        max_roll: the camera's roll is drawn up to this many degrees either way, 0..60.
        skies, places, no_sky: weights >= 0 by name; one at least is above 0.
        foreground, lens: probabilities 0..1 by name.
    """

    no_sky_share: float = 0.12
    max_roll: float = 20.0
    skies: Mapping[str, float] = field(default_factory=lambda: dict(SKIES))
    places: Mapping[str, float] = field(default_factory=lambda: dict(PLACES))
    no_sky: Mapping[str, float] = field(default_factory=lambda: dict(NO_SKY))
    foreground: Mapping[str, float] = field(default_factory=lambda: dict(FOREGROUND))
    lens: Mapping[str, float] = field(default_factory=lambda: dict(LENS))
