"""Flicker: how much of a segmentation's error changes from one frame of a sequence to the next.

    flicker(targets, labels)   # {"flicker": 0.004, "error_change": 0.31, "frame_pairs": 100}

Where every frame is labelled, the scene's own motion need not be guessed by optical flow: it is in the labels. What
counts is the error state of a pixel (right or wrong), so a mask that follows a moving object exactly has no flicker
however fast the object is, and a mistake that stays where it is has none either, for it disturbs no viewer of a clip.
An edge that is drawn now inside, now outside the true one does flicker, and so does a patch that comes and goes. A
mistake that travels with an object counts too: without correspondences it cannot be told from one that jumps.

Related to the video consistency of Miao et al., "VSPW: A Large-scale Dataset for Video Scene Parsing in the Wild",
CVPR 2021, which asks for right labels in n consecutive frames where the truth stands still; here all pixels
count, n is 2, and a constant mistake is not held against the mask a second time: IoU has done that.
"""

from collections.abc import Iterable

import cv2
import numpy as np

from src.labels import VOID


class FlickerTally:
    """Accumulates the frames of one sequence, in their order; merges with the tally of other sequences."""

    def __init__(self) -> None:
        self._changed = self._wrong = self._valid = self._pairs = 0
        self._before: tuple[np.ndarray, np.ndarray] | None = None  # the frame before: its errors, its valid pixels

    def add(self, target: np.ndarray, labels: np.ndarray) -> None:
        """Counts one frame against the one before it.

        Args:
            target: uint8 [H, W], class index or `VOID`; pixels void in either frame do not count.
            labels: uint8 [H, W], class index.

        A frame of another size than the one before it begins another sequence.

        Raises:
            ValueError: target and labels differ in size.
        """
        if target.shape != labels.shape:
            raise ValueError(f"target {target.shape} and labels {labels.shape} differ in size")
        valid = (target != VOID).astype(np.uint8)
        wrong = (target != labels).astype(np.uint8) & valid
        if self._before and self._before[0].shape == target.shape:
            wrong_before, valid_before = self._before
            both = valid & valid_before
            self._changed += cv2.countNonZero((wrong ^ wrong_before) & both)
            self._wrong += cv2.countNonZero((wrong | wrong_before) & both)
            self._valid += cv2.countNonZero(both)
            self._pairs += 1
        self._before = wrong, valid

    def merge(self, other: "FlickerTally") -> None:
        """Adds what `other` has counted."""
        self._changed += other._changed
        self._wrong += other._wrong
        self._valid += other._valid
        self._pairs += other._pairs

    def summary(self) -> dict[str, float]:
        """The figures so far, over pairs of consecutive frames, pixels pooled; empty before the first pair.

        flicker: share of the pixels that are wrong in exactly one of the two frames, 0..1.
        error_change: the same pixels as a share of those wrong in either frame: 0, the error stands still; 1, none of
            it does; left out when no pixel is wrong.
        frame_pairs: how many pairs.
        """
        if not self._valid:
            return {}
        change = {"error_change": self._changed / self._wrong} if self._wrong else {}
        return {"flicker": self._changed / self._valid, **change, "frame_pairs": self._pairs}


def flicker(targets: Iterable[np.ndarray], labels: Iterable[np.ndarray]) -> dict[str, float]:
    """The figures of one sequence; see `FlickerTally.summary`.

    Args:
        targets: per frame, uint8 [H, W] of class indices and `VOID`.
        labels: per frame, uint8 [H, W] of class indices.

    Raises:
        ValueError: a frame's target and labels differ in size, or there are more of the one than of the other.
    """
    tally = FlickerTally()
    for target, found in zip(targets, labels, strict=True):
        tally.add(target, found)
    return tally.summary()
