"""How a frame and its labels are drawn: tinted, outlined, as a mask, or without its sky."""

import cv2
import numpy as np

from src.model_card import ModelCard
from src.runtime.video.matting import SkyMatte

KERNEL = np.ones((3, 3), np.uint8)


class Tint:
    """Classes in their colours; its scratch buffers make it one thread's own.

    Args:
        card: whose classes' colours are used.
        colour: RGB 0..255, of class 1 in their place; None takes the card's.
        width, height: of the frames, in pixels.
    """

    def __init__(self, card: ModelCard, colour: tuple[int, int, int] | None, width: int, height: int) -> None:
        self._colours = _colour_map(card)
        if colour is not None:
            self._colours[1, 0] = colour[::-1]
        self._binary = card.binary
        # One colour needs no map per frame: 0.03 ms against 0.57 ms at 1280x720.
        self._tint = np.empty((height, width, 3), np.uint8)
        self._tint[:] = self._colours[1, 0]
        self._blend = np.empty((height, width, 3), np.uint8)
        self._grown = np.empty((height, width), np.uint8)
        self._outline = np.empty((height, width), np.uint8)
        # At 720p an outline of 3 pixels is seen on a screen; smaller frames take a finer one.
        self._outline_steps = max(1, round(height / 720))

    def overlay(self, frame: np.ndarray, labels: np.ndarray, opacity: float, out: np.ndarray) -> np.ndarray:
        """The frame, its classes tinted and outlined; all uint8, [H, W, 3] BGR, labels [H, W]."""
        np.copyto(out, frame)
        tint = self._tint_of(labels, self._outline_steps)
        cv2.addWeighted(frame, 1 - opacity, tint, opacity, 0, dst=self._blend)
        cv2.copyTo(self._blend, labels, out)
        # A blue tint over a blue sky hardly shows; its outline does.
        return self._draw_outline(labels, tint, self._outline_steps, out)

    def outline(self, frame: np.ndarray, labels: np.ndarray, out: np.ndarray) -> np.ndarray:
        """The frame with the classes' borders alone, twice as wide as those of the overlay."""
        np.copyto(out, frame)
        steps = 2 * self._outline_steps
        return self._draw_outline(labels, self._tint_of(labels, steps), steps, out)

    def mask(self, labels: np.ndarray, out: np.ndarray) -> np.ndarray:
        """White on black, or the classes' colours where there are several."""
        if self._binary:
            white = cv2.multiply(labels, 255, dst=self._grown)
            return cv2.cvtColor(white, cv2.COLOR_GRAY2BGR, dst=out)
        return cv2.applyColorMap(labels, self._colours, dst=out)

    def _tint_of(self, labels: np.ndarray, steps: int) -> np.ndarray:
        if self._binary:
            return self._tint
        # Grown, for half of the outline lies outside.
        cv2.dilate(labels, KERNEL, dst=self._grown, iterations=steps)
        return cv2.applyColorMap(self._grown, self._colours, dst=self._tint)

    def _draw_outline(self, labels: np.ndarray, tint: np.ndarray, steps: int, out: np.ndarray) -> np.ndarray:
        cv2.morphologyEx(labels, cv2.MORPH_GRADIENT, KERNEL, dst=self._outline, iterations=steps)
        return cv2.copyTo(tint, self._outline, out)


class CutOut:
    """The scene without its sky, matted at the edges as `SkyMatte` does it.

    Args:
        width, height: of the frames, in pixels.
        threshold: probability (0..1) at which a pixel is half sky.
        background: RGB 0..255 in the place of the sky; None leaves it transparent.
    """

    def __init__(self, width: int, height: int, threshold: float, background: tuple[int, int, int] | None) -> None:
        self._matte = SkyMatte(width, height, threshold)
        self._is_sky, self._opaque = np.empty((2, height, width), np.uint8)
        self.channels = 4 if background is None else 3
        self._backdrop = np.zeros((height, width, self.channels), np.uint8)
        if background is not None:
            self._backdrop[:] = background[::-1]

    def draw(self, frame: np.ndarray, confidence: np.ndarray, out: np.ndarray) -> np.ndarray:
        """Writes into `out`, uint8 [H, W, 3] BGR or, if transparent, [H, W, 4] BGRA (not premultiplied)."""
        matte = self._matte
        matte.estimate(frame, confidence)
        if self.channels == 4:
            cv2.cvtColor(frame, cv2.COLOR_BGR2BGRA, dst=out)
        else:
            np.copyto(out, frame)
        cv2.copyTo(self._backdrop, cv2.inRange(matte.alpha, 255, 255, dst=self._is_sky), out)
        scene = matte.scene
        if self.channels == 3:
            scene = scene + matte.share * (self._backdrop[0, 0].astype(np.float32) - scene)
        out.reshape(-1, self.channels)[matte.band, :3] = (scene + 0.5).astype(np.uint8)
        if self.channels == 4:
            cv2.insertChannel(cv2.bitwise_not(matte.alpha, dst=self._opaque), out, 3)
        return out


def _colour_map(card: ModelCard) -> np.ndarray:
    colours = np.zeros((256, 1, 3), np.uint8)
    for index, info in enumerate(card.classes):
        colours[index, 0] = info.colour[::-1]
    return colours
