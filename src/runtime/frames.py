"""A frame to the model's size, and the model's answer back to the frame's size.

Evaluation imports these very functions, so that what is measured is what plays.
"""

import cv2
import numpy as np

from src.model_card import ModelCard


def prepare(frame_bgr: np.ndarray, card: ModelCard, out: np.ndarray | None = None) -> np.ndarray:
    """Resizes a frame to the model's input by the card's rule (stretch, bilinear) and turns it to RGB.

    Args:
        frame_bgr: uint8 [H, W, 3], BGR, any size.
        card: of the model.
        out: uint8 [card.height, card.width, 3] to write into; None allocates.

    Returns:
        uint8 [card.height, card.width, 3], RGB; `out` where given.
    """
    small = cv2.resize(frame_bgr, (card.width, card.height), interpolation=cv2.INTER_LINEAR)
    return cv2.cvtColor(small, cv2.COLOR_BGR2RGB, dst=out)


def upscale_labels(
    labels: np.ndarray,
    confidence: np.ndarray,
    width: int,
    height: int,
    card: ModelCard,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """The class of every pixel of the frame, from the answer at the model's size.

    A binary model's confidence is resized bilinearly and thresholded at full size, which follows an edge
    more smoothly than its enlarged labels; the labels of more classes are taken from the nearest pixel.

    Args:
        labels, confidence: uint8 [h, w], one frame of an engine's `Masks`.
        width, height: of the frame, in pixels.
        card: of the model.
        out: uint8 [height, width] to write into; None allocates.

    Returns:
        uint8 [height, width], class index; `out` where given.
    """
    if not card.binary:
        return cv2.resize(labels, (width, height), dst=out, interpolation=cv2.INTER_NEAREST)
    full = upscale_confidence(confidence, width, height, out)
    return threshold_confidence(full, card, full)


def threshold_confidence(confidence: np.ndarray, card: ModelCard, out: np.ndarray | None = None) -> np.ndarray:
    """Labels uint8 [H, W], 0 or 1, of a binary model's confidence uint8 [H, W]; into `out`, which may be the same."""
    # cv2 keeps what is above its threshold; the card's keeps what reaches it.
    return cv2.threshold(confidence, round(card.threshold * 255) - 1, 1, cv2.THRESH_BINARY, dst=out)[1]


def upscale_confidence(confidence: np.ndarray, width: int, height: int, out: np.ndarray | None = None) -> np.ndarray:
    """Confidence uint8 [h, w] resized bilinearly to uint8 [height, width], 0..255; into `out` where given."""
    return cv2.resize(confidence, (width, height), dst=out, interpolation=cv2.INTER_LINEAR)
