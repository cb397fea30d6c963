"""What travels through the pipeline: a decoded frame, and what came of it."""

from dataclasses import dataclass

import numpy as np


@dataclass
class Frame:
    """A decoded frame.

    Attributes:
        image: uint8 [H, W, 3], BGR; its memory is reused once the frame has been composed.
        index: of the frame in its source, from 0.
        time: seconds from the source's first frame; never falls.
    """

    image: np.ndarray
    index: int
    time: float


@dataclass
class Result:
    """What came of a frame, as sinks get it. The arrays are reused after `Sink.write` returns.

    Attributes:
        labels: uint8 [H, W], class index, at the frame's size.
        confidence: uint8 [H, W], 0..255, likewise; binary: probability of class 1; None unless someone needs it.
        picture: uint8 [h, w, 3] BGR, composed; None where nothing composes.
        index, time: the frame's.
        infer_ms: from the frame's preparation to the model's answer.
    """

    labels: np.ndarray
    confidence: np.ndarray | None = None
    picture: np.ndarray | None = None
    index: int = 0
    time: float = 0.0
    infer_ms: float = 0.0
