"""The new sky of the replace view: a picture, or a clip that plays in a loop."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from src.errors import UserError
from src.runtime.pictures import read_if_possible
from src.runtime.video.source import VideoSource
from src.runtime.video.sources.native import native_path

FindSky = Callable[[np.ndarray], np.ndarray]

SMALLEST = 32  # pixels
ALL_SKY = 0.95  # share of a row from which it is sky all along
MOST_ROWS = 0.8  # share of the rows taken that must be so
LONGEST_STEP_S = 1.0  # of a clip between two pictures: all its frames are decoded, and the video waits for them
CLOSE = 1e-3  # seconds: times of a clip and of a video are rounded differently
FEWEST_ROWS = 0.15  # of the picture; with less sky above its skyline the picture is taken whole


class NewSky:
    """A picture or a clip, cut off at its own skyline.

    Args:
        path: of the file.
        find_sky: labels uint8 [h, w] (1 is sky, any size) of a picture uint8 [H, W, 3]; None takes pictures whole.

    Attributes:
        moving: whether `at` answers with different pictures.

    Raises:
        UserError: missing, neither a picture nor a clip, or smaller than `SMALLEST` on a side.
    """

    def __init__(self, path: str | Path, find_sky: FindSky | None = None) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise UserError(f"--sky {path}: no such file", fix="name a picture or a clip")
        self._clip: VideoSource | None = None
        self._clock = self._shown_at = self._loop_began = 0.0
        self._asked_at: float | None = None
        picture = _read_picture(self.path)
        self.moving = picture is None
        if picture is None:
            self._clip = self._opened()
            picture = self._next_frame()
        height, width = picture.shape[:2]
        if min(width, height) < SMALLEST:
            raise UserError(
                f"--sky {path}: {width}x{height} pixels are too few for a sky",
                fix=f"give at least {SMALLEST}x{SMALLEST}, better the size of the frames",
            )
        self._rows = height if find_sky is None else _rows_of_sky(find_sky(picture), height)
        self._picture = picture[: self._rows]

    def at(self, time: float) -> np.ndarray:
        """The sky at a time in seconds: uint8 [H, W, 3] BGR; not to be changed.

        A clip begins when first asked for. Where time falls, or leaps because the sky was not shown meanwhile, it goes
        on.
        """
        step = 0.0 if self._asked_at is None else time - self._asked_at
        self._clock += min(max(0.0, step), LONGEST_STEP_S)
        self._asked_at = time
        while self._clip is not None and self._shown_at < self._clock - CLOSE:
            self._picture = self._next_frame()[: self._rows]
        return self._picture

    def close(self) -> None:
        if self._clip is not None:
            self._clip.close()

    def __enter__(self) -> "NewSky":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _next_frame(self) -> np.ndarray:
        frame = self._clip.read()
        if frame is None:
            self._loop_began = self._shown_at + 1 / self._clip.fps
            self._clip.close()
            self._clip = self._opened()
            frame = self._clip.read()
        self._shown_at = self._loop_began + frame.time
        return frame.image

    def _opened(self) -> VideoSource:
        try:
            return VideoSource(self.path)
        except UserError as error:
            raise UserError(
                f"--sky {self.path}: neither a picture nor a clip that can be read", fix="name another file"
            ) from error


def _read_picture(path: Path) -> np.ndarray | None:
    """uint8 [H, W, 3] BGR, EXIF rotation applied; None if the file is no picture."""
    if not cv2.haveImageReader(native_path(path)):  # a look at the first bytes: a clip must not be read whole
        return None
    picture = read_if_possible(path)
    return picture and picture.image


def _rows_of_sky(labels: np.ndarray, height: int) -> int:
    """How many rows from the top, of a picture of so many, to take: down to its skyline, past birds and the like."""
    clear = (labels == 1).mean(axis=1) >= ALL_SKY
    rows = np.arange(1, len(clear) + 1)
    fitting = rows[clear & (np.cumsum(clear) >= MOST_ROWS * rows)]
    share = fitting[-1] / len(clear) if len(fitting) else 0.0
    return height if share < FEWEST_ROWS else max(1, int(share * height))
