"""What stands where: every place by name, with the foreground in front of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from src.data.synthesis.canvas import Canvas
from src.data.synthesis.flight import flight
from src.data.synthesis.foreground import ALOFT, paint_foreground
from src.data.synthesis.places_city import facade_place, town
from src.data.synthesis.places_nature import canopy, desert, forest, landscape, mountains, snow
from src.data.synthesis.places_road import highway, street, suburb
from src.data.synthesis.places_water import coast, lake
from src.data.synthesis.sky import Sky, paint_sky


@dataclass(frozen=True)
class Place:
    """A kind of scenery.

    Attributes:
        paint: paints it: `paint(rng, canvas, sky, horizon)`, the canvas already showing the sky.
        low, high: range of the horizon's row as a share of the height; above 1 it lies below the picture.
        aloft: the camera flies, so nothing that stands on the ground comes near it.
    """

    paint: Callable[[np.random.Generator, Canvas, Sky, float], None]
    low: float
    high: float
    aloft: bool = False


PLACES = {
    "landscape": Place(landscape, 0.12, 0.9),
    "mountains": Place(mountains, 0.3, 0.9),
    "forest": Place(forest, 0.4, 0.95),
    "desert": Place(desert, 0.2, 0.85),
    "snow": Place(snow, 0.15, 0.85),
    "coast": Place(coast, 0.1, 0.9),
    "lake": Place(lake, 0.2, 0.8),
    "street": Place(street, 0.36, 0.68),
    "town": Place(town, 0.55, 1.2),
    "suburb": Place(suburb, 0.4, 0.85),
    "highway": Place(highway, 0.35, 0.7),
    "facade": Place(facade_place, 0.6, 0.98),
    "flight": Place(flight, 0.08, 0.92, aloft=True),
    "canopy": Place(canopy, 1.0, 1.4),
}


def compose(
    rng: np.random.Generator, sky: Sky, height: int, width: int, place: str, foreground: Mapping[str, float]
) -> Canvas:
    """Paints a random outdoor scene under the given sky.

    Args:
        place: key of PLACES.
        foreground: how likely each thing of options.FOREGROUND stands in front of it, 0..1 by name.
    """
    scenery = PLACES[place]
    horizon = rng.uniform(scenery.low, scenery.high) * height
    canvas = Canvas(paint_sky(rng, sky, height, width, horizon))
    scenery.paint(rng, canvas, sky, horizon)
    if scenery.aloft:
        foreground = {name: chance if name in ALOFT else 0.0 for name, chance in foreground.items()}
    paint_foreground(rng, canvas, sky, horizon, foreground)
    return canvas
