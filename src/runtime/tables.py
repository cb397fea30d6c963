"""Figures of a run as a CSV file, one row per frame or photograph; complete or absent."""

import csv
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

from src.errors import UserError
from src.files import PartFile
from src.model_card import ModelCard


class Table:
    """A CSV file with a header.

    As a context manager it keeps the file on success and on Ctrl-C, and on any other exception removes what
    it wrote. Without a row there is no file.

    Args:
        path: of the file.
        columns: its header.

    Raises:
        UserError: nothing can be written there.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        if path.is_dir():
            raise UserError(f"{path}: a folder of this name is in the way", fix="name a file")
        self._place = PartFile(path)
        self._rows = 0
        try:
            # As file names come: those that are no UTF-8 pass through as they are.
            self._file = self._place.open("w", encoding="utf-8", errors="surrogateescape", newline="")
        except OSError as error:
            self._place.discard()
            raise self._refusal(error) from error
        self._writer = csv.writer(self._file, lineterminator="\n")
        self.add(*columns)
        self._rows = 0

    def add(self, *row: object) -> None:
        """Appends a row; raises UserError where the disk refuses."""
        try:
            self._writer.writerow(row)
        except OSError as error:
            raise self._refusal(error) from error
        self._rows += 1

    def __enter__(self) -> "Table":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        wanted = self._rows and (kind is None or issubclass(kind, KeyboardInterrupt))
        try:
            self._file.close()  # writes what is left; a full disk refuses here
            if wanted:
                self._place.keep()
        except OSError as refused:
            self._place.discard()
            if wanted:
                raise self._refusal(refused) from refused
        except BaseException:  # a second Ctrl-C
            self._place.discard()
            raise
        if not wanted:
            self._place.discard()

    def _refusal(self, error: OSError) -> UserError:
        return UserError(f"{self._place.path}: cannot be written", str(error), "free space, or choose another place")


def share_columns(card: ModelCard) -> list[str]:
    """The names of what `shares` gives: sky_share, say; one for each class but the background."""
    return [f"{info.name}_share" for info in card.classes[1:]]


def shares(labels: np.ndarray, card: ModelCard) -> list[str]:
    """The part of a picture, 0..1, that each class but the background has in labels, uint8 [H, W]."""
    if card.binary:
        counts = [cv2.countNonZero(labels)]
    else:
        counts = np.bincount(labels.ravel(), minlength=len(card.classes))[1 : len(card.classes)]
    return [f"{count / labels.size:.6f}" for count in counts]
