"""The soft edge between sky and scene: how much sky is in a pixel, and what colour the scene has there."""

import cv2
import numpy as np

SMALL_WIDTH = 320  # pixels, about: the size of `small`, whatever the frame's
NEAR, FAR = 2, 12  # pixels at half that width: radii in which colours of sky and scene are averaged
FAR_SHARE = 1e-3  # the wide average decides only where the narrow one has seen next to nothing
CONTRAST = 24.0  # levels between sky and scene from which colours say more than the model's confidence
SOFTNESS = (0.8, 0.6, 0.4, 0.25, 0.15, 0.08, 0.04, 0.0)  # shares of the confidence's range that may stay soft
VICINITY = 3  # pixels of `small`: side of the square about a pixel in which there is both sky and scene in the band
BAND = (10, 245)  # of 255, the share of sky in that square
BAND_TRUST = 12.0  # times v (1 - v) with that share v: colours count in full but at the band's outer rim
TEXTURE = 0.1  # of the way between both colours that a pixel may differ from one and still be all of it
DESPILL = 0.7  # of the sky's colour that the scene still shows in the band goes
WIDEST_BAND = 0.1  # of the frame: of the softnesses, the first with no more of it in its band
LINE = 1024  # points to a row of cv2.remap, whose rows have an end


class SkyMatte:
    """The matte of one frame at a time, and the colours of the scene without the old sky in its edge.

    The confidence, steepened about the threshold, says where the edge is: the band in or next to which there is
    both sky and scene. In the band alone, the share of sky is where the pixel's colour lies between the colours of
    the sky and of the scene nearby (the known-colours case of Smith and Blinn, Blue Screen Matting, SIGGRAPH
    1996), as far as these differ. Colours nearby are averages over what is certain (normalised convolution,
    Knutsson and Westin, CVPR 1993), at a small size. The scene's own colour is then that average, corrected by
    what the mixture leaves unexplained (Forte, Approximate Fast Foreground Colour Estimation, ICIP 2021).

    Args:
        width, height: of the frames, in pixels.
        threshold: probability (0..1) at which a pixel is half sky.

    Attributes:
        alpha: uint8 [height, width], share of sky x 255.
        band: int64 [n], flat indices of the pixels that were looked at one by one.
        share: float32 [n, 1], share of sky (0..1) in each of them.
        scene: float32 [n, 3], BGR 0..255, colour of the scene in each of them.
        small: uint8 [h, w, 3], BGR, the frame at about `SMALL_WIDTH`.
        small_alpha: uint8 [h, w], likewise.
    """

    def __init__(self, width: int, height: int, threshold: float) -> None:
        self.shrink = max(1, round(width / SMALL_WIDTH))
        self._small_size = (-(-width // self.shrink), -(-height // self.shrink))
        self._curves = [_steepened(threshold, softness) for softness in SOFTNESS]
        self.alpha = np.empty((height, width), np.uint8)
        self._vicinity = np.empty((height, width), np.uint8)
        self._in_band, self._soft = np.empty((2, height, width), np.uint8)

    def estimate(self, frame_bgr: np.ndarray, confidence: np.ndarray) -> None:
        """Fills the attributes for a frame uint8 [height, width, 3] and its confidence uint8 [height, width]."""
        cv2.LUT(confidence, self._curve_for(confidence), dst=self.alpha)
        self.small = cv2.resize(frame_bgr, self._small_size, interpolation=cv2.INTER_AREA)
        self.small_alpha = cv2.resize(self.alpha, self._small_size, interpolation=cv2.INTER_AREA)
        vicinity = cv2.blur(self.small_alpha, (VICINITY, VICINITY))
        cv2.resize(vicinity, self.alpha.shape[::-1], dst=self._vicinity, interpolation=cv2.INTER_LINEAR)
        cv2.inRange(self._vicinity, *BAND, dst=self._in_band)
        cv2.bitwise_or(self._in_band, cv2.inRange(self.alpha, 1, 254, dst=self._soft), dst=self._in_band)
        points = cv2.findNonZero(self._in_band)
        if points is None:
            self.band = np.empty(0, np.int64)
            self.share, self.scene = np.empty((0, 1), np.float32), np.empty((0, 3), np.float32)
            return
        across, down = points.reshape(-1, 2).T  # OpenCV 5 gives [n, 2], 4 gave [n, 1, 2]
        self.band = down.astype(np.int64) * self.alpha.shape[1] + across
        self.share, self.scene = _separate(
            self.in_band(frame_bgr).astype(np.float32),
            *self._nearby(across, down),
            *(self.in_band(of)[:, None] / np.float32(255) for of in (self.alpha, self._vicinity)),
        )
        self.alpha.reshape(-1)[self.band] = (self.share[:, 0] * 255 + 0.5).astype(np.uint8)

    def in_band(self, picture: np.ndarray) -> np.ndarray:
        """The band's pixels of a contiguous picture [height, width, ...]: [n, ...]."""
        return np.take(picture.reshape(self.alpha.size, *picture.shape[2:]), self.band, axis=0)

    def _curve_for(self, confidence: np.ndarray) -> np.ndarray:
        """The softest curve whose band is no wider than allowed: a model that is nowhere sure must not cost more."""
        few = cv2.resize(confidence, self._small_size, interpolation=cv2.INTER_NEAREST)
        shares = np.bincount(few.ravel(), minlength=256) / few.size
        in_band = (shares @ ((curve > 0) & (curve < 255)) for curve in self._curves)
        return next(curve for curve, share in zip(self._curves, in_band, strict=False) if share <= WIDEST_BAND)

    def _nearby(self, across: np.ndarray, down: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean colours of certain sky and of certain scene around points of the frame: float32 [n, 3] each."""
        width, height = ((size + 1) // 2 for size in self._small_size)
        colours = cv2.resize(self.small, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
        alpha = cv2.resize(self.small_alpha, (width, height), interpolation=cv2.INTER_AREA)
        places = np.zeros((2, -(-len(across) // LINE), LINE), np.float32)
        for place, index, size, full in zip(
            places, (across, down), (width, height), self.alpha.shape[::-1], strict=True
        ):
            place.reshape(-1)[: len(index)] = (index + 0.5) * (size / full) - 0.5
        means = (_mean_of(colours, cv2.inRange(alpha, *levels)) for levels in ((250, 255), (0, 5)))
        return tuple(
            cv2.remap(mean, *places, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).reshape(-1, 3)[: len(across)]
            for mean in means
        )


def _separate(
    pixels: np.ndarray, sky: np.ndarray, ground: np.ndarray, expected: np.ndarray, vicinity: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What of each pixel is sky, float32 [n, 1], and the colour of the rest, float32 [n, 3].

    Args:
        pixels: float32 [n, 3], overwritten.
        sky, ground: float32 [n, 3], the colours of both nearby.
        expected, vicinity: float32 [n, 1], share of sky by the model, in the pixel and about it.
    """
    across = sky - ground
    contrast = _dot(across, across)
    undecided = np.maximum(vicinity * (1 - vicinity), expected * (1 - expected))
    trust = np.minimum(1, BAND_TRUST * undecided) * (contrast / (contrast + CONTRAST**2))
    contrast = np.maximum(contrast, 1)
    pixels -= ground
    by_colour = (_dot(pixels, across) / contrast - TEXTURE) / (1 - 2 * TEXTURE)
    share = expected + trust * (np.clip(by_colour, 0, 1) - expected)
    # What the mixture leaves unexplained is the scene's own, as far as the pixel is.
    pixels -= share * across
    pixels *= 1 - share
    pixels -= DESPILL * trust * np.maximum(_dot(pixels, across) / contrast, 0) * across
    return share, np.clip(pixels + ground, 0, 255)


def _dot(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.einsum("ij,ij->i", one, other)[:, None]


def _mean_of(colours: np.ndarray, certain: np.ndarray) -> np.ndarray:
    """Mean colour around each pixel, float32 [h, w, 3], of those that are certain (uint8 [h, w], 255)."""
    weight = certain.astype(np.float32) * (1 / 255)
    weighted = cv2.merge((colours * weight[..., None], weight))
    near, far = (cv2.blur(weighted, (2 * radius + 1, 2 * radius + 1)) for radius in (NEAR, FAR))
    # Where nothing is certain far and wide, the mean of the frame stands in.
    mean = near + FAR_SHARE * far + 1e-6 * np.array((*cv2.mean(colours, certain)[:3], 1), np.float32)
    return mean[..., :3] / mean[..., 3:]


def _steepened(threshold: float, softness: float) -> np.ndarray:
    """A table uint8 [256] from confidence to alpha: a smooth step through one half at the threshold."""
    confidence = np.arange(256) / 255
    if softness == 0:
        return np.where(confidence < threshold, 0, 255).astype(np.uint8)
    low, high = threshold * (1 - softness), threshold + (1 - threshold) * softness
    below = (confidence - low) / max(threshold - low, 1 / 255) / 2
    above = 0.5 + (confidence - threshold) / max(high - threshold, 1 / 255) / 2
    step = np.clip(np.where(confidence < threshold, below, above), 0, 1)
    return np.round(255 * step * step * (3 - 2 * step)).astype(np.uint8)
