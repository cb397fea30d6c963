"""Edges at the frame's own resolution: the confidence of a small model follows the frame where it is undecided.

    refiner = GuidedRefiner(1280, 720)
    sky = refiner(frame, masks.confidence[0]) >= 128

Within a window a picture's edge is the mask's edge: confidence is there a linear function a I + b of the brightness I.
That is the guided filter of He, Sun and Tang, "Guided Image Filtering", TPAMI 2013, in the form of He and Sun, "Fast
Guided Filter", 2015, arXiv 1505.00996: a and b are fitted at half the model's size and enlarged, and only the last
step, a I + b, sees the frame's own pixels. It is for a binary model's confidence, the probability of one class.
"""

import cv2
import numpy as np

SUBSAMPLING = 2  # the fit's size is the model's by this
RADIUS = 5  # of the windows, in pixels of the fit: as far as a small model misses an edge
EPSILON = 1e-4 * 255**2  # variance of brightness at which a window is followed halfway; 1 % of the range, squared


class GuidedRefiner:
    """Enlarges confidence to full resolution with the frame's own edges, by a fast guided filter.

    How far the frame is followed falls linearly from "undecided" (confidence 127.5) to "decided" (0 or 255), where
    the result is the bilinear enlargement: no border of a band shows, and nothing appears far from a doubt.

    Its buffers are reused, which makes it one thread's own.

    Args:
        width, height: of the frame, in pixels.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._brightness = np.empty((height, width), np.uint8)
        self._slope = np.empty((height, width), np.float32)
        self._offset = np.empty((height, width), np.float32)

    def __call__(self, frame_bgr: np.ndarray, confidence: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """The confidence of every pixel of the frame.

        Args:
            frame_bgr: uint8 [height, width, 3], BGR; stays unchanged.
            confidence: uint8 [h, w] at the model's size, 0..255, the probability of class 1.
            out: uint8 [height, width] to write into; None allocates.

        Returns:
            uint8 [height, width], 0..255; `out` where given.

        Raises:
            ValueError: the frame is not uint8 of the refiner's size, or the confidence not uint8 [h, w].
        """
        self._check(frame_bgr, confidence)
        size = (self.width, self.height)
        cv2.cvtColor(frame_bgr, cv2.COLOR_BGR2GRAY, dst=self._brightness)
        guide = cv2.resize(self._brightness, confidence.shape[::-1], interpolation=cv2.INTER_LINEAR)
        slope, offset = _linear_model(guide.astype(np.float32), confidence.astype(np.float32))
        cv2.resize(slope, size, dst=self._slope, interpolation=cv2.INTER_LINEAR)
        cv2.resize(offset, size, dst=self._offset, interpolation=cv2.INTER_LINEAR)
        cv2.multiply(self._slope, self._brightness, dst=self._slope, dtype=cv2.CV_32F)
        return cv2.add(self._slope, self._offset, dst=out, dtype=cv2.CV_8U)  # rounds, and saturates at 0 and 255

    def _check(self, frame: np.ndarray, confidence: np.ndarray) -> None:
        if frame.shape != (self.height, self.width, 3) or frame.dtype != np.uint8:
            expected = f"uint8 ({self.height}, {self.width}, 3)"
            raise ValueError(f"the frame is {frame.dtype} {frame.shape}, this refiner takes {expected}")
        if confidence.ndim != 2 or confidence.dtype != np.uint8:
            raise ValueError(f"the confidence is {confidence.dtype} {confidence.shape}, not uint8 [h, w]")


def _linear_model(guide: np.ndarray, confidence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """slope, offset: float32 [h, w], so that slope * guide + offset is the refined confidence, 0..255.

    Where the confidence is decided or the picture flat, the slope is 0 and the offset the confidence itself.
    """
    height, width = confidence.shape
    coarse = max(1, width // SUBSAMPLING), max(1, height // SUBSAMPLING)
    parts = _fit(*(cv2.resize(whole, coarse, interpolation=cv2.INTER_AREA) for whole in (guide, confidence)))
    slope, offset, trust = (cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR) for part in parts)
    trust *= 1 - np.abs(confidence * np.float32(1 / 127.5) - 1)
    return slope * trust, confidence + (offset - confidence) * trust


def _fit(guide: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """slope, offset: float32 [h, w], the means of those of all windows over a pixel; He et al., equations 5 to 8.

    And trust, 0..1: how much contrast there is to follow. The filter alone would blur the target where there is none.
    """
    mean_guide, mean = _window_mean(guide), _window_mean(target)
    covariance = _window_mean(guide * target) - mean_guide * mean
    variance = np.maximum(_window_mean(guide * guide) - mean_guide * mean_guide, 0)
    slope = covariance / (variance + EPSILON)
    trust = variance / (variance + EPSILON)
    return _window_mean(slope), _window_mean(mean - slope * mean_guide), trust


def _window_mean(values: np.ndarray) -> np.ndarray:
    # Replicated at the border: the other modes need more pixels than a very small picture has.
    return cv2.blur(values, (2 * RADIUS + 1, 2 * RADIUS + 1), borderType=cv2.BORDER_REPLICATE)
