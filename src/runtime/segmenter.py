"""A picture in, a mask of the same size out: the segmenter that hides the model's size and colour order."""

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np

from src.errors import UserError
from src.runtime.engines import default_engine_folder, open_engine, released_model
from src.runtime.engines.base import Engine


@dataclass
class SegmentedFrame:
    """The answer to one picture, at the picture's own size.

    Attributes:
        labels: uint8 [H, W], class index, 0 is background.
        confidence: uint8 [H, W], 0..255; binary: probability of class 1; multi-class: of the winning class.
    """

    labels: np.ndarray
    confidence: np.ndarray


class SkySegmenter:
    """Segments pictures of any size.

        with SkySegmenter() as segmenter:
            sky = segmenter.predict(cv2.imread("photo.jpg")).labels == 1

    Args:
        engine: an open `Engine`, which stays the caller's to close; or a path for `open_engine`; None opens
            the engine that the pipeline built, or the released model.

    Raises:
        UserError: no engine is given, none is built and none released.
        EngineError: as `open_engine`.
    """

    def __init__(self, engine: Engine | str | Path | None = None) -> None:
        self._owned = not isinstance(engine, Engine)
        self.engine = engine if isinstance(engine, Engine) else open_engine(engine or built_engine())
        self.card = self.engine.info.card

    def predict(self, image_bgr: np.ndarray) -> SegmentedFrame:
        """Segments one picture.

        Args:
            image_bgr: uint8 [H, W, 3], BGR as cv2 reads it, any size.

        Raises:
            UserError: another type or shape.
            EngineError: the engine is closed or failed.
        """
        from src.runtime.frames import prepare, upscale_confidence, upscale_labels

        if image_bgr is None:
            raise UserError("no picture: None", "cv2.imread gives None for a path it cannot read", "check the path")
        if image_bgr.dtype != np.uint8 or image_bgr.ndim != 3 or image_bgr.shape[2] != 3 or image_bgr.size == 0:
            raise UserError(
                f"the picture is {image_bgr.dtype} {list(image_bgr.shape)}, not uint8 [H, W, 3]",
                fix="read it with cv2.imread(path, cv2.IMREAD_COLOR)",
            )
        height, width = image_bgr.shape[:2]
        answer = self.engine.infer(prepare(image_bgr, self.card)[None])
        labels, confidence = answer.labels[0], answer.confidence[0]
        return SegmentedFrame(
            labels=upscale_labels(labels, confidence, width, height, self.card),
            confidence=upscale_confidence(confidence, width, height),
        )

    def close(self) -> None:
        """Closes the engine if the segmenter opened it."""
        if self._owned:
            self.engine.close()

    def __enter__(self) -> "SkySegmenter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def built_engine() -> Path:
    """The engine folder that the pipeline built; the released model where there is none.

    Raises:
        UserError: there is neither.
    """
    folder = default_engine_folder()
    if not folder.is_dir():
        if (released := released_model()).is_file():
            return released
        raise UserError(
            f"no engine is built at {folder}, and there is no released model at {released}",
            fix="build one: make demo, or dvc repro; or name an engine folder or model file: --engine PATH",
        )
    return folder
