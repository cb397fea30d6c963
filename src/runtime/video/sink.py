"""Where pictures and masks go: a video file or a folder of PNGs."""

from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from src.errors import UserError
from src.files import make_writable, write_whole
from src.model_card import ModelCard
from src.runtime.video.compositing import mask_picture
from src.runtime.video.frame import Result
from src.runtime.video.writer import VideoWriter


class Sink(Protocol):
    """Takes the frames of a run in their order.

    Attributes:
        needs_confidence: whether results must carry `confidence`.
        thread_ids: of the sink's own native threads.
    """

    needs_confidence: bool
    thread_ids: set[int]

    def write(self, result: Result) -> None: ...


class VideoFile:
    """The composed pictures, into a video that stays the caller's to finish."""

    needs_confidence = False

    def __init__(self, writer: VideoWriter) -> None:
        self.writer, self.thread_ids = writer, writer.thread_ids

    def write(self, result: Result) -> None:
        self.writer.write(result.picture)


class MaskFolder:
    """A PNG per frame, 000000.png onwards: binary: 255 is class 1; more classes: the class index.

    Args:
        folder: made if missing.
        card: of the model.

    Raises:
        UserError: nothing can be written there.
    """

    needs_confidence = False

    def __init__(self, folder: str | Path, card: ModelCard) -> None:
        self.path, self.card = Path(folder), card
        self.thread_ids: set[int] = set()
        self._frames = 0
        make_writable(self.path)

    def write(self, result: Result) -> None:
        """Writes the labels of the next frame as its mask."""
        write_picture(self.path / f"{self._frames:06d}.png", mask_picture(result.labels, self.card))
        self._frames += 1


def write_picture(path: Path, image: np.ndarray) -> None:
    """Writes an image file in the format of its suffix, complete or not at all.

    Raises:
        UserError: unknown suffix, or the disk refuses.
    """
    try:
        _, encoded = cv2.imencode(path.suffix, image)
    except cv2.error as error:
        raise UserError(f"{path}: cannot write pictures of this kind", fix="use .png or .jpg") from error
    write_whole(path, encoded.tobytes())
