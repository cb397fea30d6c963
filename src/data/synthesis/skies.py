"""Weathers and times of day: what each kind of sky is drawn from. Colours are display values, RGB 0..1."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from src.data.synthesis.dome import Dome

Colour = tuple[float, float, float]

# Elevations (degrees) at which a low sun's colours are given, and palettes of RRGGBB: towards the sun, away from it.
LOW_STOPS = (0, 3, 8, 18, 40, 90)
SUNSETS = (
    # golden
    ("ffad4c ffc26b f5cc94 b8b8b2 6b85ad 476199",
     "9e949e b89ea3 9e9eb2 7a8fb2 5c75a8 476199"),
    # red
    ("eb5c24 f5752e eb8a4c a87a70 616180 334270",
     "6b5c75 85667a 756b8a 57618a 425280 334270"),
    # pink and violet
    ("f59e7a f2998a db949e a385ad 7075ad 4c5c99",
     "807a9e b28aa8 a88fb2 8085b8 6670ad 4c5c99"),
    # pale
    ("fae0ad faebc7 f0ebdb ccd9e0 99b8d6 6b8fc2",
     "c2c2cc ccc7d1 bdc7d6 a3bdd6 8aa8d1 6b8fc2"),
)  # fmt: skip
TWILIGHTS = (
    # afterglow
    ("cc6624 bd7542 8a756b 475775 1f2e57 0d1433",
     "242947 2e2e4c 2e3357 242e57 1a2147 0d1433"),
    # blue hour
    ("616b8a 576b99 45619e 2e4c91 1c3375 12215c",
     "334270 334780 2e4585 243b7a 1a2b6b 12215c"),
    # violet
    ("a86661 946170 705780 474275 2b2e5c 171c42",
     "383357 473b61 403b66 303361 242652 171c42"),
)  # fmt: skip
# Zenith and horizon of a night: country, moonlit, a lamp-lit haze over towns (sodium, then white lamps).
NIGHTS = (
    ((0.008, 0.010, 0.018), (0.025, 0.028, 0.040)), ((0.05, 0.08, 0.17), (0.12, 0.16, 0.26)),
    ((0.07, 0.06, 0.06), (0.34, 0.22, 0.12)), ((0.06, 0.07, 0.09), (0.20, 0.20, 0.22)),
)  # fmt: skip
DUSTS = ((0.90, 0.80, 0.62), (0.86, 0.70, 0.52), (0.82, 0.78, 0.69), (0.76, 0.58, 0.42))


def _sun(rng: np.random.Generator, low: float, high: float, ahead: float) -> tuple[float, float]:
    """The sun's azimuth and elevation in radians, with probability `ahead` where the camera looks; degrees in."""
    azimuth = rng.normal(0, 0.4) if rng.random() < ahead else rng.uniform(-np.pi, np.pi)
    return float(azimuth), float(np.deg2rad(rng.uniform(low, high)))


def _aureole(rng: np.random.Generator, share: float = 0.8) -> dict[str, float]:
    shows = rng.random() < share
    return {"aureole": rng.uniform(0.1, 0.7) if shows else 0.0, "spread": rng.uniform(0.08, 0.3)}


def _daylight(rng: np.random.Generator, clearest: float, haziest: float, level: tuple[float, float]) -> Dome:
    sun = _sun(rng, 8, 72, 0.22)
    turbidity = clearest * (haziest / clearest) ** rng.random()
    # A polariser, an exposure for a sunlit land: a deep sky.
    bright = rng.uniform(0.33, 0.55) if rng.random() < 0.15 else rng.uniform(*level)
    tint = np.exp(rng.normal(0, (0.04, 0.015, 0.04)))
    if rng.random() < 0.1:  # film, old prints
        tint = tint * np.exp(rng.normal(0, (0.16, 0.06, 0.12)))
    looks = {"level": bright, "chroma": rng.uniform(0.9, 1.9), "veil": rng.uniform(0.1, 0.9), "tint": tint}
    return Dome(sun, turbidity=turbidity, **looks, **_aureole(rng))


def _profiled(
    rng: np.random.Generator,
    sun: tuple[float, float],
    sides: tuple[str, str],
    variety: float,
    scale: float,
    **glow: float,
) -> Dome:
    """A dome of a palette whose colours move a little, all by `scale`."""
    toward, away = (np.array([list(bytes.fromhex(colour)) for colour in side.split()]) / 255 for side in sides)
    dull = rng.uniform(0, 0.45)  # haze takes the colour out
    toward, away = ((1 - dull) * side + dull * side.mean(axis=1, keepdims=True) for side in (toward, away))
    shift = np.exp(rng.normal(0, variety, 3) * np.array([1.0, 0.4, 1.0])) * scale
    elevations = tuple(np.deg2rad(LOW_STOPS) * rng.uniform(0.7, 1.3))
    return Dome(sun, elevations, toward * shift, away * shift, **glow)


def _uniform(rng: np.random.Generator, colour: np.ndarray, rise: float, ahead: float, sun: tuple[float, float]) -> Dome:
    """One colour: `rise` times as bright at the zenith as at the horizon, `ahead` times on the sun's side."""
    stops = (0.0, 0.1, 0.25, 0.5, 0.9, np.pi / 2)
    growth = 1 + (rise - 1) * np.sin(stops)[:, None]
    away = colour * growth
    return Dome(sun, stops, away * ahead, away)


def clear(rng: np.random.Generator) -> Dome:
    return _daylight(rng, 1.9, 4.5, (0.5, 0.9))


def haze(rng: np.random.Generator) -> Dome:
    return _daylight(rng, 4.5, 10.0, (0.7, 1.08))


def fair(rng: np.random.Generator) -> Dome:
    return _daylight(rng, 2.2, 6.0, (0.5, 0.95))


def overcast(rng: np.random.Generator) -> Dome:
    grey = rng.uniform(0.62, 0.92) if rng.random() < 0.5 else rng.uniform(0.9, 1.15)
    colour = grey * np.exp(rng.normal(0, (0.025, 0.01, 0.025))) * np.array([0.985, 1.0, 1.015])
    # The CIE's overcast sky is 3 times as luminous at the zenith: 1.65 times in display values.
    return _uniform(rng, colour, rng.uniform(0.8, 1.65), np.exp(abs(rng.normal(0, 0.1))), _sun(rng, 20, 60, 0.4))


def storm(rng: np.random.Generator) -> Dome:
    colour = rng.uniform(0.4, 0.95) * np.array([0.97, 1.0, 1.03]) * np.exp(rng.normal(0, 0.03, 3))
    return _uniform(rng, colour, rng.uniform(0.45, 0.9), rng.uniform(1.0, 1.3), _sun(rng, 5, 50, 0.4))


def sunset(rng: np.random.Generator) -> Dome:
    palette = SUNSETS[rng.integers(len(SUNSETS))]
    sun = _sun(rng, -3, 7, 0.65)
    shows = sun[1] > 0 and rng.random() < 0.85
    glow = {"aureole": rng.uniform(0.15, 0.9) if shows else 0.0, "spread": rng.uniform(0.06, 0.3)}
    return _profiled(rng, sun, palette, 0.08, rng.uniform(0.65, 1.15), **glow)


def twilight(rng: np.random.Generator) -> Dome:
    palette = TWILIGHTS[rng.integers(len(TWILIGHTS))]
    return _profiled(rng, _sun(rng, -14, -4, 0.6), palette, 0.1, rng.uniform(0.5, 1.35))


def night(rng: np.random.Generator) -> Dome:
    zenith, horizon = (np.array(c) * rng.uniform(0.6, 1.5) for c in NIGHTS[rng.integers(len(NIGHTS))])
    towns = horizon * np.exp(rng.normal(0, 0.3) + rng.normal(0, (0.08, 0.03, 0.08)))
    stops = tuple(np.array([0, 0.06, 0.15, 0.35, 0.8, np.pi / 2]) * rng.uniform(0.6, 1.6))
    fall = np.exp(-np.array(stops) / rng.uniform(0.1, 0.4))[:, None]
    away = zenith + (0.6 * horizon - zenith).clip(0) * fall
    return Dome(_sun(rng, -60, -20, 0.5), stops, zenith + (1.2 * towns - zenith).clip(0) * fall, away)


def fog(rng: np.random.Generator) -> Dome:
    colour = rng.uniform(0.55, 1.03) * np.exp(rng.normal(0, (0.03, 0.012, 0.03)))
    return _uniform(rng, colour, rng.uniform(0.95, 1.3), np.exp(abs(rng.normal(0, 0.08))), _sun(rng, 5, 50, 0.4))


def dust(rng: np.random.Generator) -> Dome:
    colour = np.array(DUSTS[rng.integers(len(DUSTS))]) * rng.uniform(0.75, 1.15) * np.exp(rng.normal(0, 0.05, 3))
    dome = _uniform(rng, colour, rng.uniform(0.7, 1.2), rng.uniform(1.0, 1.2), _sun(rng, 8, 50, 0.3))
    return Dome(dome.sun, dome.stops, dome.toward, dome.away, **_aureole(rng, 0.3))


@dataclass(frozen=True)
class Kind:
    """A weather or time of day; ranges are (low, high).

    Attributes:
        dome: draws the cloudless sky.
        level: display brightness of a white surface on the ground, fully lit.
        warmth: of the light on the ground, -1 blue .. 1 orange.
        haze: density of the air over the longest view.
        clouds: layers of clouds, one tuple drawn for each sky, high to low; see `clouds.LAYERS`.
        dark: probability that lamps and windows are lit.
    """

    dome: Callable[[np.random.Generator], Dome]
    level: tuple[float, float]
    warmth: float
    haze: tuple[float, float]
    clouds: tuple[tuple[str, ...], ...]
    dark: float = 0.0


HEAPS = (("cumulus",), ("cumulus",), ("cumulus",), ("cirrus", "cumulus"))
FLAKES = (("altocumulus",), ("altocumulus",), ("altocumulus", "cumulus"))
ROLLS = (("stratocumulus",), ("stratocumulus",), ("altocumulus", "stratocumulus"))
STREAKS = (("cirrus",), ("cirrus", "contrails"), ("contrails",))
EVENING = ((), ("cirrus",), ("altocumulus",), ("stratocumulus",), ("cirrus", "cumulus"), ("stratus",))
DUSK = ((), (), ("cirrus",), ("altocumulus",), ("stratocumulus",), ("stratus",))

KINDS = {
    "clear": Kind(clear, (0.7, 1.4), 0.25, (0.1, 1.0), ((), (), (), ("contrails",))),
    "haze": Kind(haze, (0.6, 1.2), 0.15, (0.8, 2.5), ((), (), ("cirrus",), ("stratus",))),
    "cumulus": Kind(fair, (0.6, 1.35), 0.2, (0.2, 1.3), HEAPS),
    "altocumulus": Kind(fair, (0.6, 1.3), 0.15, (0.2, 1.3), FLAKES),
    "stratocumulus": Kind(fair, (0.45, 1.1), 0.0, (0.3, 1.5), ROLLS),
    "cirrus": Kind(fair, (0.7, 1.35), 0.2, (0.1, 1.0), STREAKS),
    "overcast": Kind(overcast, (0.32, 0.9), -0.1, (0.3, 2.0), ((), ("stratus",), ("stratus",))),
    "storm": Kind(storm, (0.3, 1.2), -0.1, (0.3, 1.5), (("storm",), ("storm",), ("stratus", "storm"))),
    "sunset": Kind(sunset, (0.12, 0.75), 0.7, (0.4, 1.8), EVENING, 0.3),
    "twilight": Kind(twilight, (0.08, 0.4), -0.3, (0.2, 1.0), DUSK, 0.9),
    "night": Kind(night, (0.03, 0.45), 0.2, (0.1, 0.6), ((), (), (), ("stratocumulus",), ("altocumulus",)), 1.0),
    "fog": Kind(fog, (0.35, 0.85), -0.1, (2.0, 5.0), ((),), 0.15),
    "dust": Kind(dust, (0.45, 0.95), 0.6, (2.0, 5.0), ((), ("stratus",)), 0.05),
}
