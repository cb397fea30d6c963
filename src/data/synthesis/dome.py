"""The cloudless sky over a camera: what colour comes from each direction.

Daylight is the analytic model of Preetham, Shirley and Smits 1999, "A practical analytic model for daylight"
(appendix A.2): the luminance and chromaticity of Perez' formula, from the sun's position and the air's turbidity.
A low sun, twilight, overcast, fog and night are profiles over elevation towards and away from the sun, with colours
chosen by eye against photographs; overcast follows the CIE's gradation, (1 + 2 sin e) / 3, more or less.

Colours are display values (gamma 2.2), 1 being white; brighter is possible.
"""

from dataclasses import dataclass

import numpy as np

# Preetham 1999, A.2: coefficients A..E of luminance Y and chromaticities x, y: slope in turbidity, and intercept.
PEREZ = np.array(
    [
        [[0.1787, -1.4630], [-0.3554, 0.4275], [-0.0227, 5.3251], [0.1206, -2.5771], [-0.0670, 0.3703]],
        [[-0.0193, -0.2592], [-0.0665, 0.0008], [-0.0004, 0.2125], [-0.0641, -0.8989], [-0.0033, 0.0452]],
        [[-0.0167, -0.2608], [-0.0950, 0.0092], [-0.0079, 0.2102], [-0.0441, -1.6537], [-0.0109, 0.0529]],
    ]
)
# Chromaticity at the zenith: rows turbidity^2, turbidity, 1; columns cubes, squares, ... of the sun's zenith angle.
ZENITH = (
    ((0.00166, -0.00375, 0.00209, 0), (-0.02903, 0.06377, -0.03202, 0.00394), (0.11693, -0.21196, 0.06052, 0.25886)),
    ((0.00275, -0.00610, 0.00317, 0), (-0.04214, 0.08970, -0.04153, 0.00516), (0.15346, -0.26756, 0.06670, 0.26688)),
)
XYZ_TO_RGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])  # sRGB


@dataclass(frozen=True)
class Dome:
    """The cloudless sky as a function of direction.

    Attributes:
        sun: azimuth (0 is the middle of the view, positive to the right) and elevation, radians.
        stops: elevations in radians, rising, at which the profiles are given; empty for daylight.
        toward, away: float [N, 3], colours at the stops on the sun's side and opposite.
        turbidity: of daylight: 2 very clear, 10 very hazy.
        level: of daylight: display brightness of green a hand's breadth above the horizon, at right angles to the sun.
        chroma: of daylight: exponent that makes its colours stronger (> 1), as cameras do.
        veil: of daylight: whiteness of the air at the horizon, 0..1; it thins out within some 10 degrees.
        tint: float [3], factor on every colour.
        aureole: strength of the glow around the sun; 0: hidden.
        spread: angle, radians, over which the glow falls to a third.
    """

    sun: tuple[float, float]
    stops: tuple[float, ...] = ()
    toward: np.ndarray | None = None
    away: np.ndarray | None = None
    turbidity: float = 3.0
    level: float = 0.7
    chroma: float = 1.0
    veil: float = 0.0
    tint: np.ndarray | None = None
    aureole: float = 0.0
    spread: float = 0.2

    def colours(self, elevation: np.ndarray, azimuth: np.ndarray) -> np.ndarray:
        """Colours float32 [..., 3] of directions, radians; below the horizon its colour goes on."""
        elevation = np.clip(elevation, 0.0, np.pi / 2)
        angle = self.angle(elevation, azimuth)
        picture = self._profile(elevation, azimuth) if self.stops else self._daylight(elevation, angle)
        if self.tint is not None:
            picture = picture * self.tint
        if self.aureole:
            warm = np.array([1.0, 0.96, 0.86]) if self.sun[1] > 0.25 else np.array([1.0, 0.78, 0.42])
            glow = self.aureole * (np.exp(-angle / self.spread) + 0.7 * np.exp(-angle / (0.2 * self.spread)))
            glow = np.minimum(glow, 1)[..., None]
            picture = (1 - 0.8 * glow) * picture + 1.15 * glow * warm
        return picture.astype(np.float32)

    def angle(self, elevation: np.ndarray, azimuth: np.ndarray) -> np.ndarray:
        """Angle to the sun, radians."""
        cosine = np.sin(elevation) * np.sin(self.sun[1])
        cosine = cosine + np.cos(elevation) * np.cos(self.sun[1]) * np.cos(azimuth - self.sun[0])
        return np.arccos(np.clip(cosine, -1, 1))

    def _profile(self, elevation: np.ndarray, azimuth: np.ndarray) -> np.ndarray:
        near = (0.5 + 0.5 * np.cos(azimuth - self.sun[0]))[..., None] ** 1.5
        toward, away = (
            np.stack([np.interp(elevation, self.stops, side[:, c]) for c in range(3)], axis=-1)
            for side in (self.toward, self.away)
        )
        return near * toward + (1 - near) * away

    def _daylight(self, elevation: np.ndarray, angle: np.ndarray) -> np.ndarray:
        sun = np.pi / 2 - np.clip(self.sun[1], 0.03, np.pi / 2)
        chroma = [
            float(
                np.array([self.turbidity**2, self.turbidity, 1]) @ np.array(table) @ np.array([sun**3, sun**2, sun, 1])
            )
            for table in ZENITH
        ]
        side = np.arccos(np.sin(0.15) * np.cos(sun))
        Y, x, y = (
            self._perez(table, elevation, angle) / self._perez(table, np.float64(np.pi / 2), np.float64(sun)) * zenith
            for table, zenith in zip(PEREZ, (1.0, *chroma), strict=True)
        )
        xyz = np.stack([x / y, np.ones_like(y), (1 - x - y) / y], axis=-1)
        # White is equal energy, as a camera set to daylight has it; D65 would make the horizon pink.
        colour = np.clip(xyz @ XYZ_TO_RGB.T / XYZ_TO_RGB.sum(axis=1), 0.02, None)
        # The model is known to turn the horizon opposite the sun brown, which photographs do not show.
        warm = np.clip(0.5 + 2 * (colour[..., :1] - colour[..., 2:]), 0, 1)
        colour **= self.chroma + (0.3 - self.chroma) * warm
        # Exposed so that the sky beside the sun, not the model's absolute luminance, has the level asked for.
        beside = self._perez(PEREZ[0], np.float64(0.15), side)
        beside = beside / self._perez(PEREZ[0], np.float64(np.pi / 2), np.float64(sun))
        # Less contrast, as a tone curve leaves it: around the sun the model is 20 times as bright.
        picture = self.level * (np.clip(Y / beside, 0.05, 8)[..., None] ** 0.75 * colour) ** (1 / 2.2)
        veil = self.veil * np.exp(-elevation / 0.15)[..., None]
        return (1 - veil) * picture + veil * (0.48 + 0.6 * self.level) * np.array([0.94, 1.0, 1.04])

    def _perez(self, table: np.ndarray, elevation: np.ndarray, angle: np.ndarray) -> np.ndarray:
        A, B, C, D, E = table @ np.array([self.turbidity, 1.0])
        height = np.maximum(np.sin(elevation), 0.02)
        return (1 + A * np.exp(B / height)) * (1 + C * np.exp(D * angle) + E * np.cos(angle) ** 2)
