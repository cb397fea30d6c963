"""How the camera turns, seen from what is far away: the sky, and the scene along the skyline."""

import cv2
import numpy as np

MOST_POINTS, POINT_DISTANCE = 120, 5
STRONG_CORNER = 0.01  # of the best corner's strength: keeps clouds, leaves a clear sky's compression noise out
FAR_STRIP = 12  # pixels below the skyline that count as far
INLIER_PIXELS = 0.7
FEWEST_INLIERS, LEAST_SHARE = 8, 0.35
STILL_PIXELS, STILL_RADIANS = 0.04, 3e-4  # below the tracking's own noise
LEVELLING = 0.995  # per frame: a camera's pitch and roll come back to their mean, and so errors in them fade
CUT_CORRELATION = 0.6
THUMBNAIL = (32, 18)


class CameraMotion:
    """Follows the camera from frame to frame, on small pictures of one size.

    Corners in the sky and along the skyline are tracked by pyramidal Lucas-Kanade optical flow (Bouguet, Intel
    2001) and a similarity is fitted by RANSAC (Fischler and Bolles, 1981). Of it, the turn and the shift of the
    picture's centre count: a sky infinitely far away does not grow as the camera drives towards it, and the
    fitted growth takes up what nearer points move apart.

    Attributes:
        matrix: float64 [3, 3], from a place in the first frame's sky to its place now, in small pixels.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets the frames before."""
        self._grey = self._corners = self._thumbnail = None
        self._shift, self._angle = np.zeros(2), 0.0
        self._last_step = (np.zeros(2), 0.0)

    def follow(self, small_bgr: np.ndarray, sky: np.ndarray) -> bool:
        """Takes the next frame in; True if it begins another scene, from which motion counts anew.

        Args:
            small_bgr: uint8 [h, w, 3].
            sky: uint8 [h, w], share of sky x 255.
        """
        grey = cv2.cvtColor(small_bgr, cv2.COLOR_BGR2GRAY)
        thumbnail = cv2.resize(grey, THUMBNAIL, interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
        step, cut = self._last_step, False
        if self._grey is not None:
            found = _step(self._grey, grey, self._corners)
            if found is not None:
                step = found
            elif cut := _correlation(self._thumbnail, thumbnail) < CUT_CORRELATION:
                self.reset()
                step = self._last_step
        self._advance(*step)
        self._grey, self._thumbnail = grey, thumbnail
        self._corners = _far_corners(grey, sky)
        return cut

    @property
    def matrix(self) -> np.ndarray:
        height, width = self._grey.shape
        centre = np.array(((width - 1) / 2, (height - 1) / 2))
        cosine, sine = np.cos(self._angle), np.sin(self._angle)
        turn = np.array(((cosine, -sine), (sine, cosine)))
        matrix = np.eye(3)
        matrix[:2, :2], matrix[:2, 2] = turn, centre + self._shift - turn @ centre
        return matrix

    def _advance(self, shift: np.ndarray, angle: float) -> None:
        cosine, sine = np.cos(angle), np.sin(angle)
        self._shift = np.array(((cosine, -sine), (sine, cosine))) @ self._shift + shift
        self._angle = (self._angle + angle) * LEVELLING
        self._shift[1] *= LEVELLING
        self._last_step = (shift * 0.8, angle * 0.8)  # goes on, ever slower, while nothing can be tracked


def _far_corners(grey: np.ndarray, sky: np.ndarray) -> np.ndarray | None:
    strip = np.ones((2 * FAR_STRIP + 1, 1), np.uint8)
    far = cv2.dilate(cv2.inRange(sky, 128, 255), strip)
    return cv2.goodFeaturesToTrack(grey, MOST_POINTS, STRONG_CORNER, POINT_DISTANCE, mask=far)


def _step(before: np.ndarray, now: np.ndarray, corners: np.ndarray | None) -> tuple[np.ndarray, float] | None:
    """Shift of the centre in pixels and turn in radians; None where too few corners agree on one."""
    if corners is None or len(corners) < FEWEST_INLIERS:
        return None
    moved, found, _ = cv2.calcOpticalFlowPyrLK(before, now, corners, None, winSize=(15, 15), maxLevel=3)
    corners, moved, found = corners.reshape(-1, 2), moved.reshape(-1, 2), found.ravel().astype(bool)
    if found.sum() < FEWEST_INLIERS:
        return None
    fit, inliers = cv2.estimateAffinePartial2D(
        corners[found], moved[found], method=cv2.RANSAC, ransacReprojThreshold=INLIER_PIXELS
    )
    if fit is None or inliers.sum() < max(FEWEST_INLIERS, LEAST_SHARE * len(corners)):
        return None
    height, width = now.shape
    centre = np.array(((width - 1) / 2, (height - 1) / 2))
    shift, angle = fit[:, :2] @ centre + fit[:, 2] - centre, float(np.arctan2(fit[1, 0], fit[0, 0]))
    if np.abs(shift).max() < STILL_PIXELS and abs(angle) < STILL_RADIANS:
        return np.zeros(2), 0.0
    return shift, angle


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    one, other = one - one.mean(), other - other.mean()
    size = np.sqrt((one @ one) * (other @ other))
    return float(one @ other / size) if size > 0 else 1.0
