"""Fog, rain, shadow and night over a photograph: light and air change, what is where does not.

Each is a transform for albumentations that alters images alone. albumentations' own fog and rain are drawn blob by
blob and drop by drop in Python, and cost more than everything else together.
"""

from typing import Any

import albumentations as A
import cv2
import numpy as np


class Fog(A.ImageOnlyTransform):
    """Haze that thickens with distance, which is taken to grow from the lower edge to the upper.

    I = J t + A (1 - t) with t = exp(-density x distance): Koschmieder's law, as in Sakaridis et al. 2018, "Semantic
    foggy scene understanding with synthetic data" (arXiv 1708.07819). The airlight A is a grey near the photograph's
    own brightest, with a slow noise in the density.
    """

    def get_params_dependent_on_data(self, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
        height, width = params["shape"][:2]
        distance = np.linspace(1, 0.15, height, dtype=np.float32)[:, None]
        patches = self.random_generator.uniform(0.7, 1.3, (4, 5)).astype(np.float32)
        density = self.py_random.uniform(0.6, 2.0) * cv2.resize(patches, (width, height), interpolation=cv2.INTER_CUBIC)
        # The brightest tenth of a thumbnail: a dusk fog is not white.
        brightest = float(np.quantile(cv2.resize(data["image"], (32, 32), interpolation=cv2.INTER_AREA), 0.9))
        airlight = np.float32([1, 1, 1 + self.py_random.uniform(0, 0.04)]) * min(235.0, max(60.0, brightest))
        return {"clear": np.exp(-density * distance), "airlight": airlight}

    def apply(self, img: np.ndarray, clear: np.ndarray, airlight: np.ndarray, **_: Any) -> np.ndarray:
        hazed = (img - airlight) * clear[..., None] + airlight
        return cv2.convertScaleAbs(hazed)


class Rain(A.ImageOnlyTransform):
    """Bright streaks of one slant over a duller, greyer picture.

    Streaks are sparse noise smeared along a line, after Garg & Nayar 2006, "Photorealistic rendering of rain streaks":
    a drop is brighter than what lies behind it, and adds to it.
    """

    def get_params_dependent_on_data(self, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
        height, width = params["shape"][:2]
        length = max(7, round(height * self.py_random.uniform(0.08, 0.2)))
        drops = np.zeros((height, width), np.float32)
        count = round(height * width * self.py_random.uniform(0.004, 0.012))
        rows, columns = (self.random_generator.integers(0, side, count) for side in (height, width))
        drops[rows, columns] = self.random_generator.uniform(0.3, 1, count)
        streak = _line(length, self.py_random.uniform(-20, 20))
        return {"streaks": cv2.filter2D(drops, -1, streak) * self.py_random.uniform(25, 60)}

    def apply(self, img: np.ndarray, streaks: np.ndarray, **_: Any) -> np.ndarray:
        grey = cv2.cvtColor(cv2.cvtColor(img, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        dull = cv2.addWeighted(img, 0.55, grey, 0.3, 8)
        return cv2.add(dull, cv2.cvtColor(cv2.convertScaleAbs(streaks), cv2.COLOR_GRAY2RGB))


class Shadow(A.ImageOnlyTransform):
    """The shadow of something outside the picture: a polygon with a soft edge over a part of the lower two thirds.

    Where the sky reaches down there it is darkened too, as by a bank of cloud: that is meant.
    """

    def get_params_dependent_on_data(self, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
        height, width = params["shape"][:2]
        centre = np.array([self.py_random.uniform(0, width), self.py_random.uniform(0.55, 1.0) * height])
        angles = np.sort(self.random_generator.uniform(0, 2 * np.pi, self.py_random.randint(5, 8)))
        radii = self.random_generator.uniform(0.2, 0.5, len(angles)) * [[width], [0.7 * height]]
        corners = centre + (radii * [np.cos(angles), np.sin(angles)]).T
        shade = np.zeros((height, width), np.float32)
        cv2.fillPoly(shade, [corners.round().astype(np.int32)], 1.0)
        shade[: height // 3] = 0
        softness = min(height, width) * self.py_random.uniform(0.02, 0.06)
        shade = cv2.GaussianBlur(shade, (0, 0), max(0.8, softness))
        return {"light": 1 - self.py_random.uniform(0.35, 0.65) * shade}

    def apply(self, img: np.ndarray, light: np.ndarray, **_: Any) -> np.ndarray:
        # What is lit by the sky alone is a little bluer.
        return cv2.convertScaleAbs(img * cv2.merge([light, light, 0.93 * light + 0.07]))


class Night(A.ImageOnlyTransform):
    """Darkness, a colour cast (street lamps' orange, or moonlight's blue) and a sensor's noise."""

    CASTS = ((1.0, 0.86, 0.62), (0.72, 0.86, 1.0), (0.95, 0.95, 1.0))

    def get_params_dependent_on_data(self, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
        height, width = params["shape"][:2]
        gamma, gain = self.py_random.uniform(1.4, 2.4), self.py_random.uniform(0.3, 0.65)
        curve = 255 * gain * np.linspace(0, 1, 256) ** gamma
        table = curve[:, None] * np.array(self.py_random.choice(self.CASTS))
        noise = self.random_generator.standard_normal((height, width, 3), dtype=np.float32)
        return {
            "table": table.round().clip(0, 255).astype(np.uint8)[None],
            "noise": noise * np.float32(self.py_random.uniform(2, 7)),
        }

    def apply(self, img: np.ndarray, table: np.ndarray, noise: np.ndarray, **_: Any) -> np.ndarray:
        return cv2.add(cv2.LUT(img, table), noise, dtype=cv2.CV_8U)


def _line(length: int, degrees: float) -> np.ndarray:
    """A line through the middle of a kernel, float32 [length, length], upright at 0 degrees; its peak is 1."""
    kernel = np.zeros((length, length), np.float32)
    kernel[:, length // 2] = np.hanning(length + 2)[1:-1]
    turn = cv2.getRotationMatrix2D((length // 2, length // 2), degrees, 1)
    return cv2.warpAffine(kernel, turn, (length, length))
