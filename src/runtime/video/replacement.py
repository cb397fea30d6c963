"""A new sky behind the scene: matted at the edges, moving with the camera, and lighting the scene."""

import cv2
import numpy as np

from src.runtime.video.camera_motion import CameraMotion, lowest_sky
from src.runtime.video.matting import SkyMatte
from src.runtime.video.new_sky import NewSky

OVERSIZE = 1.15  # of the sky against what the frame shows of it: room for small motions before it is mirrored
BELOW_HORIZON = 0.04  # of the frame's height that the sky reaches below the lowest sky
LEAST_SKY = 0.01  # of the frame, to know where its horizon and what its light is
UNKNOWN_HORIZON = 0.6  # of the frame's height, until then
WIDEST = 3.0  # times the frame's width: of a longer panorama the middle is used
EXPOSURE_SHARE, EXPOSURE_LIMITS = 0.55, (0.38, 1.12)
CAST_SHARE, CAST_LIMITS = 0.4, (0.75, 1.35)
DULLING = 0.35  # of the colour that a scene loses as its light goes out
LIGHT_INERTIA = 0.9  # per frame
LUMA = np.array((0.114, 0.587, 0.299))  # of BGR, ITU-R BT.601
HORIZON_PART = 0.4  # of the new sky's height, from below, that lights the scene


class SkyReplacer:
    """Puts a new sky behind the scenes of consecutive frames; holds state from one to the next.

    Light: a share of the ratio between the new and the old sky's mean brightness and colour is put on the scene,
    channel by channel, as von Kries adapts to an illuminant and as Reinhard et al. (Color Transfer between
    Images, IEEE CG&A 2001) match a picture's statistics. Motion as `CameraMotion`. That a convincing new sky needs
    a soft matte, light and motion is from Zou et al. (Castle in the Sky, 2020).

    Args:
        sky: not closed here.
        width, height: of the frames, in pixels.
        threshold: probability (0..1) at which a pixel is half sky.
        follow: move the sky with the camera; False for pictures that do not follow each other.
    """

    def __init__(self, sky: NewSky, width: int, height: int, threshold: float, follow: bool = True) -> None:
        self._sky, self._width, self._height = sky, width, height
        self._matte = SkyMatte(width, height, threshold)
        self._motion = CameraMotion() if follow else None
        self._behind = np.empty((height, width, 3), np.uint8)
        self._canvas: np.ndarray | None = None
        self.reset()

    def reset(self) -> None:
        """The next frame is of another scene."""
        self._horizon: float | None = None
        self._light: np.ndarray | None = None
        if self._motion is not None:
            self._motion.reset()

    def compose(self, frame_bgr: np.ndarray, confidence: np.ndarray, time: float, out: np.ndarray) -> np.ndarray:
        """Writes the scene before the new sky into `out`, uint8 [height, width, 3] BGR, and returns it.

        Args:
            frame_bgr: uint8 [height, width, 3], BGR; stays unchanged.
            confidence: uint8 [height, width], probability of sky x 255.
            time: seconds, for a sky that is a clip.
            out: C-contiguous.
        """
        matte = self._matte
        matte.estimate(frame_bgr, confidence)
        if self._motion is None or self._motion.follow(matte.small, matte.small_alpha):
            self._horizon = self._light = None
        canvas, place = self._placed(self._sky.at(time))
        light = self._lit(canvas)
        cv2.transform(frame_bgr, light, dst=out)
        rows = self._rows_of_sky()
        if rows.stop > rows.start:
            self._draw_sky(canvas, place, rows)
            cv2.copyTo(self._behind[rows], cv2.inRange(matte.alpha[rows], 255, 255), out[rows])
            self._draw_edge(light, out)
        return out

    def _placed(self, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The picture, scaled if it stands still, and the matrix [3, 3] from its pixels to the first frame's."""
        horizon = self._find_horizon()
        bottom = (horizon + BELOW_HORIZON) * self._height
        height, width = picture.shape[:2]
        if (spare := width - round(WIDEST * height * self._width / bottom)) > 0:
            picture = picture[:, spare // 2 : width - spare // 2]
            width = picture.shape[1]
        scale = max(OVERSIZE * self._width / width, OVERSIZE * bottom / height)
        if not self._sky.moving:
            size = round(width * scale), round(height * scale)
            if self._canvas is None or self._canvas.shape[1::-1] != size:
                self._canvas = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
            picture, scale = self._canvas, 1.0
            height, width = picture.shape[:2]
        place = np.array(
            ((scale, 0, (self._width - scale * width) / 2), (0, scale, bottom - scale * height), (0, 0, 1.0))
        )
        return picture, place

    def _find_horizon(self) -> float:
        """Share of the frame's height at which the sky ends, as the scene's first frames with sky show it."""
        if self._horizon is None:
            sky = self._matte.small_alpha
            if cv2.countNonZero(sky) < LEAST_SKY * sky.size:
                return UNKNOWN_HORIZON
            self._horizon = lowest_sky(sky)
        return self._horizon

    def _rows_of_sky(self) -> slice:
        """The rows with any sky in them, and those about them that the matte's band may reach."""
        filled = np.flatnonzero(self._matte.small_alpha.max(axis=1))
        if not len(filled):
            return slice(0, 0)
        scale, margin = self._height / len(self._matte.small_alpha), 3 * self._matte.shrink
        start, stop = int(filled[0] * scale) - margin, int((filled[-1] + 1) * scale) + margin
        return slice(max(0, start), min(self._height, stop))

    def _draw_sky(self, canvas: np.ndarray, place: np.ndarray, rows: slice) -> None:
        if self._motion is not None:
            shrink = self._matte.shrink
            grow = np.diag((shrink, shrink, 1.0))
            place = grow @ self._motion.matrix @ np.linalg.inv(grow) @ place
        place = place.copy()
        place[1, 2] -= rows.start
        size = (self._width, rows.stop - rows.start)
        cv2.warpAffine(canvas, place[:2], size, self._behind[rows], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)

    def _draw_edge(self, light: np.ndarray, out: np.ndarray) -> None:
        matte = self._matte
        scene = np.clip(matte.scene @ light.T.astype(np.float32), 0, 255)
        behind = matte.in_band(self._behind).astype(np.float32)
        mixed = scene + matte.share * (behind - scene)
        out.reshape(-1, 3)[matte.band] = (mixed + 0.5).astype(np.uint8)

    def _lit(self, canvas: np.ndarray) -> np.ndarray:
        """The matrix [3, 3] that puts the new sky's light on BGR colours of the scene."""
        is_sky = cv2.inRange(self._matte.small_alpha, 230, 255)
        if cv2.countNonZero(is_sky) < LEAST_SKY * is_sky.size:
            return np.eye(3) if self._light is None else self._light
        old = np.array(cv2.mean(self._matte.small, is_sky)[:3])
        new = np.array(cv2.mean(canvas[-max(1, int(HORIZON_PART * len(canvas))) :: 4, ::4])[:3])
        light = _light_between(old, new)
        self._light = light if self._light is None else LIGHT_INERTIA * self._light + (1 - LIGHT_INERTIA) * light
        return self._light


def _light_between(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """From two skies' mean colours, BGR 0..255: the matrix for colours of the scene, in display values.

    A ratio of light is a ratio of display values too, by another power: gamma only changes the share.
    """
    old, new = old + 8, new + 8  # a black sky is no ratio
    old_luma, new_luma = LUMA @ old, LUMA @ new
    exposure = np.clip((new_luma / old_luma) ** EXPOSURE_SHARE, *EXPOSURE_LIMITS)
    cast = np.clip(((new / new_luma) / (old / old_luma)) ** CAST_SHARE, *CAST_LIMITS)
    cast /= LUMA @ cast
    dulled = DULLING * max(0.0, 1 - exposure)
    colours = (1 - dulled) * np.eye(3) + dulled * LUMA
    return np.diag(exposure * cast) @ colours
