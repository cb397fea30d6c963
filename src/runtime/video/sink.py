"""Where pictures, masks, mattes and figures of a video go."""

from pathlib import Path
from typing import Protocol

from src.files import check_writable
from src.model_card import ModelCard
from src.runtime.pictures import write_picture
from src.runtime.tables import Table, share_columns, shares
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
    """The composed pictures at their times, into a video that stays the caller's to finish."""

    needs_confidence = False

    def __init__(self, writer: VideoWriter) -> None:
        self.writer, self.thread_ids = writer, writer.thread_ids

    def write(self, result: Result) -> None:
        self.writer.write(result.picture, result.time)


class FrameFigures:
    """A row per frame: its index and time, the part of it that is sky, milliseconds of inference.

    Args:
        table: with `frame_columns`; stays the caller's to close.
        card: of the model.
    """

    needs_confidence = False

    def __init__(self, table: Table, card: ModelCard) -> None:
        self.table, self.card = table, card
        self.thread_ids: set[int] = set()

    def write(self, result: Result) -> None:
        self.table.add(result.index, f"{result.time:.6f}", *shares(result.labels, self.card), f"{result.infer_ms:.3f}")


def frame_columns(card: ModelCard) -> list[str]:
    """The header of `FrameFigures`."""
    return ["frame", "time_s", *share_columns(card), "infer_ms"]


class _NumberedFolder:
    """PNG files named 000000.png onwards; the folder is made with the first.

    Args:
        folder: to write into.

    Raises:
        UserError: nothing can be written there.
    """

    def __init__(self, folder: str | Path) -> None:
        self.path = Path(folder)
        self.thread_ids: set[int] = set()
        self._frames = 0
        check_writable(self.path)

    def _next(self) -> Path:
        self._frames += 1
        return self.path / f"{self._frames - 1:06d}.png"


class MaskFolder(_NumberedFolder):
    """A mask per frame: binary: 255 is class 1; more classes: the class index."""

    needs_confidence = False

    def __init__(self, folder: str | Path, card: ModelCard) -> None:
        super().__init__(folder)
        self.card = card

    def write(self, result: Result) -> None:
        write_picture(self._next(), mask_picture(result.labels, self.card))


class MatteFolder(_NumberedFolder):
    """A soft mask per frame: the probability of class 1 x 255; of more classes, that of the winner."""

    needs_confidence = True

    def write(self, result: Result) -> None:
        write_picture(self._next(), result.confidence)
