"""Agreement of an engine with its reference, and the probe: one real frame by which an engine is tested when opened."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from src.errors import EngineError
from src.runtime.engines.base import Engine, Masks

PROBE_FILE = "probe.npz"


@dataclass(frozen=True)
class Agreement:
    """How near an engine's masks are to the reference's.

    Attributes:
        label_agreement: share (0..1) of pixels with the reference's label.
        max_confidence_difference: 0..255.
        per_frame: label_agreement of each frame.
    """

    label_agreement: float
    max_confidence_difference: int
    per_frame: tuple[float, ...]


@dataclass(frozen=True)
class Probe:
    """A frame uint8 [1, H, W, 3] RGB and the reference's labels uint8 [1, H, W] on it."""

    frame: np.ndarray
    labels: np.ndarray

    def agreement(self, engine: Engine) -> float:
        """Share (0..1) of pixels with the reference's label."""
        return float(np.mean(engine.infer(self.frame).labels == self.labels))

    def save(self, folder: Path) -> None:
        np.savez_compressed(folder / PROBE_FILE, frame=self.frame, labels=self.labels)

    @classmethod
    def load(cls, folder: Path) -> "Probe":
        """Reads what `save` wrote; raises EngineError if it is missing or damaged."""
        try:
            with np.load(folder / PROBE_FILE) as arrays:
                probe = cls(arrays["frame"], arrays["labels"])
            if probe.frame.shape[:-1] != probe.labels.shape:
                raise ValueError("its frame and labels differ in size")
            return probe
        except (OSError, KeyError, ValueError, BadZipFile) as error:
            raise EngineError(f"{folder / PROBE_FILE}: damaged", str(error)) from error


def agreement(engine: Engine, frames: np.ndarray, reference: Sequence[Masks]) -> Agreement:
    """Compares an engine with the reference's answers, frame by frame (uint8 [N, H, W, 3])."""
    equal, furthest = [], 0
    for frame, wanted in zip(frames, reference, strict=True):
        found = engine.infer(frame[None])
        equal.append(float(np.mean(found.labels == wanted.labels)))
        difference = np.abs(found.confidence.astype(np.int16) - wanted.confidence)
        furthest = max(furthest, int(difference.max()))
    return Agreement(float(np.mean(equal)), furthest, tuple(equal))


def choose_probe(frames: np.ndarray, reference: Sequence[Masks], per_frame: Sequence[float], limit: float) -> Probe:
    """Of the frames within the limit (there is one, where their mean is within), that with the most mixed labels:
    an engine that answers the same everywhere must not pass."""
    fit = [index for index, share in enumerate(per_frame) if share >= limit]
    chosen = max(fit, key=lambda index: _entropy(reference[index].labels))
    return Probe(frames[chosen][None], reference[chosen].labels)


def _entropy(labels: np.ndarray) -> float:
    shares = np.bincount(labels.ravel()) / labels.size
    shares = shares[shares > 0]
    return float(-(shares * np.log(shares)).sum())
