"""How the camera turns, seen from what is far away: the sky, and the scene along the skyline."""

from dataclasses import dataclass, field

import cv2
import numpy as np

MOST_POINTS, POINT_DISTANCE = 120, 5
STRONG_CORNER = 0.01  # of the best corner's strength: keeps clouds, leaves a clear sky's compression noise out
FAR_STRIP = 12  # pixels below the skyline that count as far
INSIDE_SKY = np.ones((9, 9), np.uint8)  # a corner with nothing but sky around it is one of a cloud
TRACKING = {"winSize": (15, 15), "maxLevel": 3}
FEWEST_POINTS, LEAST_SHARE = 8, 0.35
TRACKING_ERROR = 0.3  # pixels
FORWARD_ERROR = 0.3  # pixels a frame that a point may seem to come nearer before it counts less
OUTWARD_TRUST, NEAR_CENTRE = 0.1, 20.0  # see `_fit`; pixels
USUAL_TURN = 0.002  # radians a frame
ROUNDS = 6  # of reweighting
STILL_PIXELS, STILL_RADIANS = 0.04, 3e-4  # a frame; below the tracking's own noise
LEVELLING = 0.995  # per frame: a camera's pitch and roll come back to their mean, and so errors in them fade
FADING = 0.8  # per frame, of the last motion, while nothing can be tracked
CUT_CORRELATION = 0.6  # of thumbnails; below, and with nothing tracked, it is another scene
THUMBNAIL = (32, 18)


@dataclass(frozen=True)
class _Step:
    """From one frame to the next: how far the centre goes, pixels [2], and the turn about it, radians."""

    shift: np.ndarray = field(default_factory=lambda: np.zeros(2))
    turn: float = 0.0


class CameraMotion:
    """Follows the camera from frame to frame, on small pictures of one size.

    Corners in the sky and along the skyline (Shi and Tomasi, CVPR 1994) are tracked by pyramidal Lucas-Kanade
    optical flow (Bouguet, Intel 2001). What turns the camera moves them all alike; what drives it forward moves
    them away from the point it drives towards, and `_fit` takes that apart, for a sky infinitely far away follows
    the turns alone.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets the frames before."""
        self._grey: np.ndarray | None = None
        self._shift, self._turn = np.zeros(2), 0.0
        self._last = _Step()

    def follow(self, small_bgr: np.ndarray, sky: np.ndarray) -> bool:
        """Takes the next frame in; True if it begins another scene, from which motion counts anew.

        Args:
            small_bgr: uint8 [h, w, 3].
            sky: uint8 [h, w], share of sky x 255.
        """
        grey = cv2.cvtColor(small_bgr, cv2.COLOR_BGR2GRAY)
        thumbnail = cv2.resize(grey, THUMBNAIL, interpolation=cv2.INTER_AREA)
        cut = False
        if self._grey is not None:
            step = self._step_to(grey)
            cut = step is None and _correlation(self._thumbnail, thumbnail) < CUT_CORRELATION
            if cut:
                self.reset()
            else:
                self._take(step or _Step(FADING * self._last.shift, FADING * self._last.turn))
        self._grey, self._thumbnail, self._sky = grey, thumbnail, sky
        self._corners = _far_corners(grey, sky)
        return cut

    @property
    def matrix(self) -> np.ndarray:
        """float64 [3, 3], from a place in the first frame's sky to its place now, in small pixels."""
        centre = _centre(self._grey)
        matrix = np.eye(3)
        matrix[:2, :2] = _rotation(self._turn)
        matrix[:2, 2] = centre + self._shift - matrix[:2, :2] @ centre
        return matrix

    def _take(self, step: _Step) -> None:
        self._shift = _rotation(step.turn) @ self._shift + step.shift
        self._shift[1] *= LEVELLING
        self._turn = (self._turn + step.turn) * LEVELLING
        self._last = step

    def _step_to(self, grey: np.ndarray) -> _Step | None:
        """None where too few corners are found again, or agree."""
        if self._corners is None or len(self._corners) < FEWEST_POINTS:
            return None
        moved, found, _ = cv2.calcOpticalFlowPyrLK(self._grey, grey, self._corners, None, **TRACKING)
        found = found.ravel().astype(bool)
        if found.sum() < max(FEWEST_POINTS, LEAST_SHARE * len(found)):
            return None
        corners = self._corners.reshape(-1, 2)[found].astype(np.float64)
        columns, rows = corners.astype(int).T
        in_sky = cv2.erode(self._sky, INSIDE_SKY)[rows, columns] > 250
        centre = _centre(grey)
        # One drives towards a point on the horizon.
        ahead = np.array((0.0, lowest_sky(self._sky) * len(grey) - centre[1]))
        step = _fit(corners - centre, moved.reshape(-1, 2)[found] - corners, in_sky, ahead)
        if step is not None and np.abs(step.shift).max() < STILL_PIXELS and abs(step.turn) < STILL_RADIANS:
            return _Step()
        return step


def lowest_sky(sky: np.ndarray) -> float:
    """Share of the height, 0..1, above which 98 % of a sky, uint8 [h, w], lies; 1 where there is none."""
    filled = np.cumsum((sky > 127).sum(axis=1))
    return (int(np.searchsorted(filled, 0.98 * filled[-1])) + 1) / len(sky) if filled[-1] else 1.0


def _far_corners(grey: np.ndarray, sky: np.ndarray) -> np.ndarray | None:
    strip = np.ones((2 * FAR_STRIP + 1, 1), np.uint8)
    far = cv2.dilate(cv2.inRange(sky, 128, 255), strip)
    return cv2.goodFeaturesToTrack(grey, MOST_POINTS, STRONG_CORNER, POINT_DISTANCE, mask=far)


def _fit(places: np.ndarray, shifts: np.ndarray, in_sky: np.ndarray, ahead: np.ndarray) -> _Step | None:
    """The step that most points agree on, by least squares reweighted after Cauchy; None where too few do.

    A point's shift is the centre's, and what the turn adds, and what driving forward adds: away from the point
    ahead, by an unknown amount, the more the nearer it is. So what a shift has across that direction counts in
    full; what it has along it counts for clouds, and a little for points close to the one ahead; and points that
    come nearer quickly count less, for they tell most wrongly if the point ahead is elsewhere.

    Args:
        places, shifts: float64 [n, 2], pixels, places from the centre.
        in_sky: bool [n].
        ahead: float64 [2], pixels from the centre.
    """
    count = len(places)
    distance = np.linalg.norm(places - ahead, axis=1)
    outward = (places - ahead) / np.maximum(distance, 1e-6)[:, None]
    across = np.stack((-outward[:, 1], outward[:, 0]), axis=1)
    turning = np.stack((-places[:, 1], places[:, 0]), axis=1)
    # Unknowns: shift in x and y, turn.
    rows = np.concatenate([np.column_stack((way, (way * turning).sum(axis=1))) for way in (across, outward)])
    seen = np.concatenate([(way * shifts).sum(axis=1) for way in (across, outward)])
    along_trust = np.where(in_sky, 1.0, OUTWARD_TRUST / (1 + (distance / NEAR_CENTRE) ** 2))
    trust = np.concatenate((np.ones(count), along_trust))
    prior = np.diag((1e-6, 1e-6, (TRACKING_ERROR / USUAL_TURN) ** 2))
    solution = np.array((*np.median(shifts, axis=0), 0.0))
    for _ in range(ROUNDS):
        off_across, off_along = (rows @ solution - seen).reshape(2, count)
        agreeing = 1 / (1 + (off_across / TRACKING_ERROR) ** 2 + (off_along / FORWARD_ERROR) ** 2)
        weight = trust * np.tile(agreeing, 2)
        solution = np.linalg.solve(rows.T @ (rows * weight[:, None]) + prior, rows.T @ (weight * seen))
    agree = np.abs(rows[:count] @ solution - seen[:count]) < TRACKING_ERROR
    if agree.sum() < max(FEWEST_POINTS, LEAST_SHARE * count):
        return None
    return _Step(solution[:2], float(solution[2]))


def _centre(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape
    return np.array(((width - 1) / 2, (height - 1) / 2))


def _rotation(angle: float) -> np.ndarray:
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array(((cosine, -sine), (sine, cosine)))


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    one, other = (picture.ravel() - picture.mean() for picture in (one, other))
    size = np.sqrt((one @ one) * (other @ other))
    return float(one @ other / size) if size > 0 else 1.0
