"""A picture in, a mask of the same size out: the segmenter that hides the model's size and colour order."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType

import numpy as np

from src.errors import UserError
from src.model_card import INT8_AGREEMENT, read_card
from src.runtime.engines import (
    MIN_UNASKED_AGREEMENT,
    compiled_models,
    default_engine_folder,
    installed,
    int8_beside,
    open_engine,
    released_model,
)
from src.runtime.engines.base import Engine, Masks
from src.runtime.frames import prepare
from src.runtime.postprocess import PostProcessor


class SkySegmenter:
    """Segments pictures of any size, and videos.

        with SkySegmenter() as segmenter:
            sky = segmenter.predict(cv2.imread("photo.jpg")).labels == 1
            for frame, masks in segmenter.stream("clip.mp4"):
                ...

    Args:
        engine: an open `Engine`, which stays the caller's to close; or a path for `open_engine`; None opens
            the engine that the pipeline built, or the released model. What it opens itself answers one picture
            soonest; an engine with more `requests` streams a little faster, and predicts slower.
        threshold: probability (0..1) from which a pixel is sky; None takes the model's own.
        refine: "guided" draws edges at the picture's own resolution (`src.runtime.refinement`); "none" does not.

    Raises:
        UserError: no engine is given, none is built and none released, or options out of range or that the model's
            classes do not allow.
        EngineError: as `open_engine`.
    """

    def __init__(
        self,
        engine: Engine | str | Path | None = None,
        *,
        threshold: float | None = None,
        refine: str = "none",
    ) -> None:
        self._owned = not isinstance(engine, Engine)
        self.engine = engine if isinstance(engine, Engine) else open_engine_or_built(engine)
        self.card = self.engine.info.card
        self._settings = {"threshold": threshold, "refine": refine}
        try:
            self._postprocess = PostProcessor(self.card, self.card.width, self.card.height, **self._settings)
        except BaseException:
            self.close()
            raise

    def predict(self, image_bgr: np.ndarray) -> Masks:
        """Segments one picture.

        Args:
            image_bgr: uint8 [H, W, 3], BGR as cv2 reads it, any size.

        Returns:
            labels uint8 [H, W], class index (1 is sky), and confidence uint8 [H, W], probability x 255.

        Raises:
            UserError: another type or shape.
            EngineError: the engine is closed or failed.
        """
        _refuse_unless_picture(image_bgr)
        prepared = prepare(image_bgr, self.card)
        return _at_full_size(self._postprocess, image_bgr, prepared, self.engine.infer(prepared[None]))

    def stream(
        self, source: str | Path | int | Iterable[np.ndarray], *, smooth: bool = False
    ) -> Iterator[tuple[np.ndarray, Masks]]:
        """Segments the frames of a video in order; those of a file several at a time, of a live source the newest.

        Args:
            source: what `open_source` takes (a file, a camera's number, an address), or pictures as `predict` takes.
            smooth: follow the frames in time (`src.runtime.smoothing`).

        Yields:
            (frame, masks): uint8 [H, W, 3] BGR, the caller's to keep, and as `predict` answers.

        Raises:
            UserError, EngineError: as `predict`, and as `open_source` for a source that cannot be read.
        """
        if isinstance(source, str | Path | int):
            from src.runtime.video.source import open_source

            with open_source(str(source)) as opened:
                ahead = 1 if opened.live else self._ahead
                yield from self._stream((frame.image for frame in opened), smooth, ahead)
        else:
            yield from self._stream(source, smooth, self._ahead)

    @property
    def _ahead(self) -> int:
        """Frames held: one per request, and the one that the caller looks at meanwhile."""
        return self.engine.requests + 1

    def _stream(self, images: Iterable[np.ndarray], smooth: bool, ahead: int) -> Iterator[tuple[np.ndarray, Masks]]:
        postprocess = PostProcessor(self.card, self.card.width, self.card.height, smooth=smooth, **self._settings)
        flying: deque[tuple[np.ndarray, np.ndarray, Future[Masks]]] = deque()

        def landed() -> tuple[np.ndarray, Masks]:
            image, prepared, answer = flying.popleft()
            return image, _at_full_size(postprocess, image, prepared, answer.result())

        for image in images:
            _refuse_unless_picture(image)
            prepared = prepare(image, self.card)
            flying.append((image, prepared, self.engine.submit(prepared[None])))
            if len(flying) == ahead:
                yield landed()
        while flying:
            yield landed()

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


def open_engine_or_built(
    path: str | Path | None, *, backend: str | None = None, precision: str | None = None, **options: int
) -> Engine:
    """Opens `path`; for None what `built_engine` finds. What OpenVINO compiles of the released model is kept for the
    next time.

    Args:
        path, backend, precision, options: as of `open_engine`.

    Raises:
        UserError, EngineError: as of `open_engine` and `built_engine`.
    """
    chosen = Path(path or built_engine(backend, precision))
    released = not path and chosen.parent == released_model().parent
    cache = compiled_models() if released else None
    return open_engine(chosen, backend=backend, precision=precision, cache=cache, **options)


def built_engine(backend: str | None = None, precision: str | None = None) -> Path:
    """The engine folder that the pipeline built; where there is none, the released model, as is asked for.

    Raises:
        UserError: there is neither.
    """
    folder = default_engine_folder()
    if not folder.is_dir():
        if (released := released_model()).is_file():
            return _released_for(released, backend, precision)
        raise UserError(
            f"no engine is built at {folder}, and there is no released model at {released}",
            fix="build one: make demo, or dvc repro; or name an engine folder or model file: --engine PATH",
        )
    return folder


def _released_for(released: Path, backend: str | None, precision: str | None) -> Path:
    """The int8 file if int8 is asked for, or if it would be OpenVINO's to choose and keeps the labels; else fp32's."""
    int8 = int8_beside(released)
    if precision not in (None, "int8") or not int8.is_file():
        return released
    in_openvino = backend in (None, "openvino") and installed("openvino")
    keeps_labels = read_card(int8).metrics.get(INT8_AGREEMENT, 0.0) >= MIN_UNASKED_AGREEMENT
    return int8 if precision == "int8" or (in_openvino and keeps_labels) else released


def _at_full_size(postprocess: PostProcessor, image: np.ndarray, prepared: np.ndarray, answer: Masks) -> Masks:
    postprocess.resize(image.shape[1], image.shape[0])
    labels, confidence = answer.labels[0], answer.confidence[0]
    room = np.empty(image.shape[:2], np.uint8)
    return Masks(*postprocess(image, prepared, labels, confidence, confidence_out=room))


def _refuse_unless_picture(image: object) -> None:
    if image is None:
        raise UserError("no picture: None", "cv2.imread gives None for a path it cannot read", "check the path")
    if not isinstance(image, np.ndarray):
        raise UserError(
            f"the picture is of type {type(image).__name__}, not a numpy array",
            fix="read it with cv2.imread(path, cv2.IMREAD_COLOR); python -m src.infer --images takes files as they are",
        )
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise UserError(
            f"the picture is {image.dtype} {list(image.shape)}, not uint8 [H, W, 3]",
            fix="read it with cv2.imread(path, cv2.IMREAD_COLOR)",
        )
