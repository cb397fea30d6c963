"""The soft edge between sky and scene: how much sky is in a pixel, and what colour the scene has there."""

import cv2
import numpy as np

SMALL_WIDTH = 320  # pixels; colours are estimated at about this width, whatever the frame's
NEAR, FAR = 4, 24  # pixels at that width: radii in which colours of sky and scene are averaged
FAR_SHARE = 1e-3  # the wide average decides only where the narrow one has seen next to nothing
CONTRAST = 24.0  # levels between sky and scene from which colours say more than the model's confidence
SOFT_SHARE = 0.8  # of the confidence's range, about the threshold, that stays soft


class SkyMatte:
    """The matte of one frame at a time, and the colours of the scene without the old sky in its edge.

    The confidence, steepened about the threshold, says where the edge is: the band that is neither all sky
    nor all scene. In the band alone, the share of sky is where the pixel's colour lies between the colours of
    the sky and of the scene nearby (the known-colours case of Smith and Blinn, Blue Screen Matting, SIGGRAPH
    1996), as far as these differ. Colours nearby are averages over what is certain (normalised convolution,
    Knutsson and Westin, CVPR 1993), at a small size. The scene's own colour is then that average, corrected by
    what the mixture leaves unexplained (Forte, Approximate Fast Foreground Colour Estimation, ICIP 2021).

    Args:
        width, height: of the frames, in pixels.
        threshold: probability (0..1) at which a pixel is half sky.

    Attributes:
        alpha: uint8 [height, width], share of sky x 255.
        band: int64 [n], flat indices of the pixels with 0 < alpha < 255 before colours were looked at.
        share: float32 [n, 1], share of sky (0..1) in each of them.
        scene: float32 [n, 3], BGR 0..255, colour of the scene in each of them.
        small: uint8 [h, w, 3], BGR, the frame at about `SMALL_WIDTH`.
        small_alpha: uint8 [h, w], likewise.
    """

    def __init__(self, width: int, height: int, threshold: float) -> None:
        self.shrink = max(1, round(width / SMALL_WIDTH))
        self._small_size = (-(-width // self.shrink), -(-height // self.shrink))
        self._curve = _steepened(threshold)
        self.alpha = np.empty((height, width), np.uint8)
        self._in_band = np.empty((height, width), np.uint8)
        self._sky = np.empty((height, width, 3), np.uint8)
        self._ground = np.empty((height, width, 3), np.uint8)

    def estimate(self, frame_bgr: np.ndarray, confidence: np.ndarray) -> None:
        """Fills the attributes for a frame uint8 [height, width, 3] and its confidence uint8 [height, width]."""
        cv2.LUT(confidence, self._curve, dst=self.alpha)
        self.small = cv2.resize(frame_bgr, self._small_size, interpolation=cv2.INTER_AREA)
        self.small_alpha = cv2.resize(self.alpha, self._small_size, interpolation=cv2.INTER_AREA)
        self.band = _flat_indices(cv2.inRange(self.alpha, 1, 254, dst=self._in_band))
        if not len(self.band):
            self.share, self.scene = np.empty((0, 1), np.float32), np.empty((0, 3), np.float32)
            return
        sky = self._nearby(cv2.inRange(self.small_alpha, 250, 255), self._sky)
        ground = self._nearby(cv2.inRange(self.small_alpha, 0, 5), self._ground)
        pixels = self.in_band(frame_bgr).astype(np.float32)
        self.share = _share_of_sky(pixels, sky, ground, self.in_band(self.alpha)[:, None] / np.float32(255))
        keep = 1 - self.share
        self.scene = np.clip(ground + keep * (pixels - keep * ground - self.share * sky), 0, 255)
        self.alpha.reshape(-1)[self.band] = (self.share[:, 0] * 255 + 0.5).astype(np.uint8)

    def in_band(self, picture: np.ndarray) -> np.ndarray:
        """The band's pixels of a contiguous picture [height, width, ...]: [n, ...]."""
        return np.take(picture.reshape(self.alpha.size, *picture.shape[2:]), self.band, axis=0)

    def _nearby(self, certain: np.ndarray, room: np.ndarray) -> np.ndarray:
        """Mean colour of the certain pixels (uint8 [h, w], 255) around each pixel of the band: float32 [n, 3]."""
        weight = certain.astype(np.float32) * (1 / 255)
        weighted = cv2.merge((self.small * weight[..., None], weight))
        near, far = (cv2.blur(weighted, (2 * radius + 1, 2 * radius + 1)) for radius in (NEAR, FAR))
        mean = near + FAR_SHARE * far
        # Where nothing is certain far and wide, the frame's own colours stand in.
        mean += 1e-6 * cv2.merge((self.small.astype(np.float32), np.ones_like(weight)))
        colours = (mean[..., :3] / mean[..., 3:]).astype(np.uint8)
        cv2.resize(colours, self.alpha.shape[::-1], dst=room, interpolation=cv2.INTER_LINEAR)
        return self.in_band(room).astype(np.float32)


def _share_of_sky(pixels: np.ndarray, sky: np.ndarray, ground: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Share of sky, float32 [n, 1], by colours [n, 3] where they tell, else as `expected` [n, 1]."""
    across = sky - ground
    contrast = np.einsum("ij,ij->i", across, across)[:, None]
    by_colour = np.einsum("ij,ij->i", pixels - ground, across)[:, None] / np.maximum(contrast, 1)
    trust = contrast / (contrast + CONTRAST**2)
    # None at the band's ends, so that it has no rim.
    trust *= np.minimum(1, 6 * expected * (1 - expected))
    return expected + trust * (np.clip(by_colour, 0, 1) - expected)


def _steepened(threshold: float) -> np.ndarray:
    """A table uint8 [256] from confidence to alpha: a smooth step through one half at the threshold."""
    low, high = threshold * (1 - SOFT_SHARE), threshold + (1 - threshold) * SOFT_SHARE
    confidence = np.arange(256) / 255
    below = (confidence - low) / max(threshold - low, 1 / 255) / 2
    above = 0.5 + (confidence - threshold) / max(high - threshold, 1 / 255) / 2
    step = np.clip(np.where(confidence < threshold, below, above), 0, 1)
    return np.round(255 * step * step * (3 - 2 * step)).astype(np.uint8)


def _flat_indices(mask: np.ndarray) -> np.ndarray:
    points = cv2.findNonZero(mask)
    if points is None:
        return np.empty(0, np.int64)
    across, down = points.reshape(-1, 2).T  # OpenCV 5 gives [n, 2], 4 gave [n, 1, 2]
    return down.astype(np.int64) * mask.shape[1] + across
