"""Temporal smoothing of a confidence: it follows the motion between frames, and starts anew at a cut.

    smoother = TemporalSmoother()
    for frame, masks in answers:            # in the order of the video
        steady = smoother(frame, masks.confidence[0])

The answer before is carried along dense optical flow (Kroeger et al., "Fast Optical Flow using Dense Inverse Search",
ECCV 2016, arXiv 1603.03590) and averaged with the new one in log-odds, as independent evidence is (the occupancy
grids of Moravec and Elfes, ICRA 1985): a decided answer outweighs an undecided one, whichever is the newer. The
carried answer counts less where the carried picture differs from the new one, as it does where something was hidden
or moved otherwise, and not at all beyond the frame's edge. Warping and testing by brightness is what Lai et al.,
"Learning Blind Video Temporal Consistency", ECCV 2018, arXiv 1808.00449, train with; here nothing is trained.
"""

import cv2
import numpy as np

KEEP = 0.87  # weight of the carried answer where it explains the picture fully: a memory of about 8 frames
# Difference, in grey levels, at which it has none left: so many, and so many times the picture's contrast around. Among
# twigs a carried picture never fits exactly; in a plain sky it does, unless something has moved away from before it.
UNEXPLAINED, PER_CONTRAST = 30.0, 15.0
# Pixels over which pictures are compared and contrast is measured: one pixel's noise is no motion.
NEIGHBOURHOOD = (5, 5)
# Mean difference at a cut, in grey levels: above this share of the picture's contrast, and so many more. The share
# stayed below 0.06 within six clips, and above 0.43 between any two of them.
CUT_SHARE, CUT_LEVELS = 0.25, 8.0
SMALLEST = 16  # pixels; the flow's patches need as many a side, and a smaller picture is held to stand still

# Log-odds of a confidence; finite, as 0 and 255 stand for what rounds to them.
_LOG_ODDS = np.log((np.arange(256) + 0.5) / (255.5 - np.arange(256))).astype(np.float32)


class TemporalSmoother:
    """Steadies the confidence of a binary model over consecutive frames; it keeps state, for one video at a time."""

    def __init__(self) -> None:
        self._flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._grid = np.empty((0, 0, 2), np.float32)
        self.reset()

    def reset(self) -> None:
        """Forgets all frames so far; the next answer is passed on as it is."""
        self._picture: np.ndarray | None = None  # the frame before, grey
        self._odds: np.ndarray | None = None  # its smoothed answer, log-odds

    def __call__(self, frame_rgb_small: np.ndarray, confidence: np.ndarray) -> np.ndarray:
        """The smoothed confidence of the next frame; frames of another size, and cuts, start anew.

        Args:
            frame_rgb_small: uint8 [h, w, 3], RGB, the prepared frame at the model's size.
            confidence: uint8 [h, w], 0..255, the probability of class 1 on it.

        Returns:
            uint8 [h, w], 0..255; never one of the arguments' memory.

        Raises:
            ValueError: other dtypes or shapes, or the two differ in size.
        """
        _check(frame_rgb_small, confidence)
        picture = cv2.cvtColor(frame_rgb_small, cv2.COLOR_RGB2GRAY)
        odds = cv2.LUT(confidence, _LOG_ODDS)
        carried = self._carried(picture) if self._odds is not None and self._odds.shape == odds.shape else None
        self._picture = picture
        if carried is None:
            self._odds = odds
            return confidence.copy()
        before, weight = carried
        self._odds = odds + weight * (before - odds)
        return _probability(self._odds)

    def _carried(self, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """The answer before, moved to where its pixels are now, and its weight, 0..1; None after a cut."""
        where = self._motion(picture)
        seen = _moved(self._picture, where)
        difference = cv2.absdiff(picture, seen)
        contrast = cv2.mean(cv2.absdiff(picture, np.full_like(picture, round(cv2.mean(picture)[0]))))[0]
        if cv2.mean(difference)[0] > CUT_SHARE * contrast + CUT_LEVELS:
            return None
        weight = KEEP * np.maximum(1 - _around(difference) / _tolerance(picture), 0)
        height, width = picture.shape
        inside = cv2.inRange(where, (-0.5, -0.5), (width - 0.5, height - 0.5))
        return _moved(self._odds, where), cv2.copyTo(weight, inside)

    def _motion(self, picture: np.ndarray) -> np.ndarray:
        """Where each pixel was in the frame before: float32 [h, w, 2], x and y in pixels."""
        if self._grid.shape[:2] != picture.shape:
            height, width = picture.shape
            self._grid = np.dstack(np.meshgrid(np.arange(width), np.arange(height))).astype(np.float32)
        if min(picture.shape) < SMALLEST:
            return self._grid
        return self._flow.calc(picture, self._picture, None) + self._grid


def _tolerance(picture: np.ndarray) -> np.ndarray:
    """Grey levels of difference at which the carried answer has no weight: float32 [h, w]."""
    contrast = _around(cv2.absdiff(picture, cv2.blur(picture, NEIGHBOURHOOD)))
    return UNEXPLAINED + PER_CONTRAST * contrast


def _around(values: np.ndarray) -> np.ndarray:
    """The mean of uint8 [h, w] around each pixel, float32."""
    return cv2.boxFilter(values, cv2.CV_32F, NEIGHBOURHOOD)


def _moved(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    return cv2.remap(values, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _probability(odds: np.ndarray) -> np.ndarray:
    """Log-odds to confidence, uint8 0..255: the inverse of `_LOG_ODDS`."""
    return cv2.convertScaleAbs(256 / (1 + cv2.exp(-odds)), beta=-0.5)


def _check(frame: np.ndarray, confidence: np.ndarray) -> None:
    if confidence.dtype != np.uint8 or confidence.ndim != 2 or confidence.size == 0:
        raise ValueError(f"the confidence is {confidence.dtype} {confidence.shape}, not uint8 [h, w]")
    if frame.dtype != np.uint8 or frame.shape != (*confidence.shape, 3):
        raise ValueError(f"the frame is {frame.dtype} {frame.shape}, the confidence uint8 {confidence.shape}")
