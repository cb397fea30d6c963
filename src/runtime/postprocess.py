"""The model's answer, at the model's size, turned into labels and confidence at the frame's own size."""

from dataclasses import replace
from numbers import Real

import numpy as np

from src.errors import UserError
from src.model_card import ModelCard
from src.runtime.frames import threshold_confidence, upscale_confidence, upscale_labels

REFINEMENTS = ("none", "guided")


class PostProcessor:
    """Smooths in time, refines edges, brings to full size and applies the threshold; one thread's own.

    Args:
        card: of the model.
        width, height: of the frames, in pixels.
        threshold: probability (0..1) from which a pixel is sky; None takes the card's.
        refine: one of `REFINEMENTS`.
        smooth: follow the frames in time; they must come in order.

    Raises:
        UserError: a threshold out of its range, an unknown refinement, or one of the three for a model of more than
            one class.
    """

    def __init__(
        self,
        card: ModelCard,
        width: int,
        height: int,
        *,
        threshold: float | None = None,
        refine: str = "none",
        smooth: bool = False,
    ) -> None:
        if threshold is not None and not (isinstance(threshold, Real) and 0 <= threshold <= 1):
            raise UserError(
                f"threshold: {threshold!r} is not between 0 and 1", fix="give a probability; None: the model's"
            )
        if refine not in REFINEMENTS:
            raise UserError(f"refine: there is no {refine!r}", fix=f"choose one of: {', '.join(REFINEMENTS)}")
        if not card.binary and (threshold is not None or refine != "none" or smooth):
            raise UserError(
                f"{card.name}: has {len(card.classes) - 1} classes, and --threshold, --refine and --smooth are for one",
                fix="leave them out",
            )
        self.card = card if threshold is None else replace(card, threshold=threshold)
        self._refine = refine
        self._smoother = _smoother(smooth)
        self.width = self.height = 0
        self.resize(width, height)

    def resize(self, width: int, height: int) -> None:
        """The frames from here on have this size; frames before are not forgotten."""
        if (width, height) != (self.width, self.height):
            self.width, self.height = width, height
            self._refiner = _refiner(self._refine, width, height)

    def __call__(
        self,
        frame_bgr: np.ndarray,
        prepared: np.ndarray,
        labels: np.ndarray,
        confidence: np.ndarray,
        labels_out: np.ndarray | None = None,
        confidence_out: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Labels and, where `confidence_out` is given, confidence of a frame.

        Args:
            frame_bgr: uint8 [height, width, 3], BGR.
            prepared: uint8 [h, w, 3], RGB, what the model saw of it.
            labels, confidence: uint8 [h, w], the model's answer.
            labels_out, confidence_out: uint8 [height, width] to write into; None allocates labels, and leaves
                confidence out.

        Returns:
            uint8 [height, width] each; the confidence None where `confidence_out` is.
        """
        if self._smoother is not None:
            confidence = self._smoother(prepared, confidence)
        if not self.card.binary or (self._refiner is None and confidence_out is None):
            full = upscale_labels(labels, confidence, self.width, self.height, self.card, labels_out)
            if confidence_out is not None:
                upscale_confidence(confidence, self.width, self.height, confidence_out)
            return full, confidence_out
        if labels_out is None:
            labels_out = np.empty((self.height, self.width), np.uint8)
        # Without a place of its own, the confidence stands where its threshold is written next.
        place = labels_out if confidence_out is None else confidence_out
        if self._refiner is not None:
            self._refiner(frame_bgr, confidence, place)
        else:
            upscale_confidence(confidence, self.width, self.height, place)
        return threshold_confidence(place, self.card, labels_out), confidence_out

    def reset(self) -> None:
        """Forgets the frames before: the next one is of another scene."""
        if self._smoother is not None:
            self._smoother.reset()


def _refiner(refine: str, width: int, height: int):
    if refine == "none":
        return None
    from src.runtime.refinement import GuidedRefiner

    return GuidedRefiner(width, height)


def _smoother(smooth: bool):
    if not smooth:
        return None
    from src.runtime.smoothing import TemporalSmoother

    return TemporalSmoother()
