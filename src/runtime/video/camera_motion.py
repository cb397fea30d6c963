"""How the camera turns, seen from what is far away: the sky, and the scene along the skyline."""

import cv2
import numpy as np

MOST_POINTS, POINT_DISTANCE = 120, 5
STRONG_CORNER = 0.01  # of the best corner's strength: keeps clouds, leaves a clear sky's compression noise out
FAR_STRIP = 12  # pixels below the skyline that count as far
INLIER_PIXELS = 0.3
FEWEST_POINTS, LEAST_SHARE = 8, 0.35
OUTWARD_TRUST, NEAR_CENTRE = 0.1, 20.0  # pixels
# What is usual between two frames: a turn of 0.005, a growth of 0.02; precisions against INLIER_PIXELS.
STIFF = np.diag((1e-6, 1e-6, (INLIER_PIXELS / 0.002) ** 2))
NEARNESS = 1.0
ROUNDS = 6
STILL_PIXELS, STILL_RADIANS = 0.04, 3e-4  # below the tracking's own noise
LEVELLING = 0.995  # per frame: a camera's pitch and roll come back to their mean, and so errors in them fade
CUT_CORRELATION = 0.6
DEBUG = False
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
            found = self._step(grey)
            if found is not None:
                step = found
            elif cut := _correlation(self._thumbnail, thumbnail) < CUT_CORRELATION:
                self.reset()
                step = self._last_step
        self._advance(*step)
        self._grey, self._thumbnail, self._sky = grey, thumbnail, sky
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

    def _step(self, grey: np.ndarray) -> tuple[np.ndarray, float] | None:
        tracked = _tracked(self._grey, grey, self._corners)
        if tracked is None:
            return None
        places, shifts = tracked
        height, width = grey.shape
        columns, rows = np.round(places + ((width - 1) / 2, (height - 1) / 2)).astype(int).T
        certain = cv2.erode(self._sky, np.ones((9, 9), np.uint8))
        in_sky = certain[rows.clip(0, height - 1), columns.clip(0, width - 1)] > 250
        filled=(self._sky>127).sum(axis=1); hor=np.searchsorted(np.cumsum(filled), .98*filled.sum())
        found = _fit(places, shifts, in_sky, np.array((0.0, hor - (height - 1) / 2)))
        if DEBUG: print(len(places), in_sky.sum(), hor, found)
        if found is not None and np.abs(found[0]).max() < STILL_PIXELS and abs(found[1]) < STILL_RADIANS:
            return np.zeros(2), 0.0
        return found

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


def _tracked(before: np.ndarray, now: np.ndarray, corners: np.ndarray | None) -> tuple[np.ndarray, np.ndarray] | None:
    """Places from the centre and shifts, float64 [n, 2] each, of the corners found again; None if they are too few."""
    if corners is None or len(corners) < FEWEST_POINTS:
        return None
    moved, found, _ = cv2.calcOpticalFlowPyrLK(before, now, corners, None, winSize=(15, 15), maxLevel=3)
    found = found.ravel().astype(bool)
    if found.sum() < max(FEWEST_POINTS, LEAST_SHARE * len(corners)):
        return None
    places, moved = corners.reshape(-1, 2)[found].astype(np.float64), moved.reshape(-1, 2)[found]
    height, width = now.shape
    return places - ((width - 1) / 2, (height - 1) / 2), moved - places


def _fit(places: np.ndarray, shifts: np.ndarray, in_sky: np.ndarray, ahead: np.ndarray) -> tuple[np.ndarray, float] | None:
    """Shift of the centre in pixels and turn in radians; None where too few points agree.

    A point's shift is that of the centre, and what the turn adds, and what the camera's way forward adds: an
    unknown share of its distance from the centre, away from it, more the nearer it is. So only what a shift
    has across that direction counts in full.
    """
    count = len(places)
    radius = np.linalg.norm(places - ahead, axis=1)
    outward = (places - ahead) / np.maximum(radius, 1e-6)[:, None]
    across = np.stack((-outward[:, 1], outward[:, 0]), axis=1)
    turned = np.stack((-places[:, 1], places[:, 0]), axis=1)
    # Unknowns: shift in x and y, turn.
    rows = np.concatenate(
        [np.column_stack((way, (way * turned).sum(axis=1))) for way in (across, outward)]
    )
    seen = np.concatenate([(way * shifts).sum(axis=1) for way in (across, outward)])
    trust = np.concatenate((np.ones(count), np.where(in_sky, 1.0, OUTWARD_TRUST / (1 + (radius / NEAR_CENTRE) ** 2))))
    solution = np.array((*np.median(shifts, axis=0), 0.0))
    for _ in range(ROUNDS):
        off = ((rows @ solution - seen) / INLIER_PIXELS).reshape(2, count) ** 2
        weight = trust * np.tile(1 / (1 + off[0] + off[1] / NEARNESS**2), 2)  # Cauchy's
        solution = np.linalg.solve(rows.T @ (rows * weight[:, None]) + STIFF, rows.T @ (weight * seen))
    agree = np.abs(rows[:count] @ solution - seen[:count]) < INLIER_PIXELS
    if agree.sum() < max(FEWEST_POINTS, LEAST_SHARE * count):
        return None
    return solution[:2], float(solution[2])


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    one, other = one - one.mean(), other - other.mean()
    size = np.sqrt((one @ one) * (other @ other))
    return float(one @ other / size) if size > 0 else 1.0
