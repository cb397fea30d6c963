"""What is shown of a frame and its labels: one of several views, which may change from frame to frame."""

from argparse import Namespace
from functools import cached_property

import cv2
import numpy as np

from src.errors import UserError
from src.model_card import ModelCard
from src.runtime.engines.base import Engine
from src.runtime.frames import prepare
from src.runtime.options import OPACITY, VIEWS
from src.runtime.video.frame import Result
from src.runtime.video.look import Look
from src.runtime.video.new_sky import NewSky
from src.runtime.video.replacement import SkyReplacer
from src.runtime.video.views import CutOut, Tint

OF_THE_SKY = ("cut-out", "replace")  # views that ask how much of a pixel is sky
Colour = tuple[int, int, int]


class Compositor:
    """Composes pictures of frames of one size, given in their order; its scratch buffers make it one thread's own.

    Args:
        card: of the model.
        view: one of `VIEWS`: overlay: the frame, its classes tinted and outlined; mask: white on black, or the
            classes' colours where there are several; side-by-side: the frame left, the overlay right; outline: the
            frame and the classes' borders; cut-out: the frame without its sky; replace: with another.
        width, height: of the frame, in pixels.
        opacity: of the tint, 0..1.
        colour: of tint and outline, RGB 0..255; None takes the card's.
        background: of the cut-out, RGB 0..255; None leaves the sky transparent.
        threshold: probability (0..1) from which a pixel is sky; None takes the card's.
        sky: the new one; needed for replace; stays the caller's to close.
        follow: frames follow each other, and the new sky moves with the camera.
        look: says the view and the opacity from frame to frame, in the place of `view` and `opacity`.

    Raises:
        UserError: a view, or a colour, that this model's classes do not allow.
    """

    def __init__(
        self,
        card: ModelCard,
        view: str,
        width: int,
        height: int,
        opacity: float = OPACITY,
        *,
        colour: Colour | None = None,
        background: Colour | None = None,
        threshold: float | None = None,
        sky: NewSky | None = None,
        follow: bool = True,
        look: Look | None = None,
    ) -> None:
        self.look = look or Look(view, opacity)
        _refuse_unless_possible(card, self.look.view, colour)
        self._card, self._colour, self._background = card, colour, background
        self._threshold = card.threshold if threshold is None else threshold
        self._sky, self._follow = sky, follow
        self._last_view = self.look.view
        self.frame_width = self.frame_height = 0
        self.resize(width, height)

    def resize(self, width: int, height: int) -> None:
        """The frames from here on have this size."""
        if (width, height) != (self.frame_width, self.frame_height):
            self.frame_width, self.frame_height = width, height
            for drawn in ("_tint", "_cut_out", "_replacer"):
                self.__dict__.pop(drawn, None)

    @property
    def width(self) -> int:
        """Of the view's pictures, in pixels."""
        return self._shape(self.look.view)[1]

    @property
    def height(self) -> int:
        """Of the view's pictures, in pixels."""
        return self.frame_height

    @property
    def transparent(self) -> bool:
        """Whether the view's pictures are BGRA."""
        return self._shape(self.look.view)[2] == 4

    @property
    def needs_confidence(self) -> bool:
        """Whether `compose` reads the confidence, in this view or in another of the look's."""
        return any(view in OF_THE_SKY for view in self.look.views)

    def buffer(self) -> np.ndarray:
        """A picture for `compose` to write into: uint8 [height, width, 3] BGR or, if transparent, 4 BGRA."""
        return np.empty(self._shape(self.look.view), np.uint8)

    def compose(self, frame_bgr: np.ndarray, result: Result, out: np.ndarray | None = None) -> np.ndarray:
        """The view of a frame, as `buffer` describes it.

        Args:
            frame_bgr: uint8 [height, frame width, 3], BGR; stays unchanged.
            result: the frame's labels, time and, if `needs_confidence`, its confidence.
            out: written into and returned, if it fits the view; else the picture is a new one.
        """
        view = self.look.view
        if out is None or out.shape != self._shape(view):
            out = np.empty(self._shape(view), np.uint8)
        if view == "replace" and self._last_view != view:
            self._replacer.reset()  # it has not seen the frames between
        self._last_view = view
        if view == "mask":
            return self._tint.mask(result.labels, out)
        if view == "outline":
            return self._tint.outline(frame_bgr, result.labels, out)
        if view == "cut-out":
            return self._cut_out.draw(frame_bgr, result.confidence, out)
        if view == "replace":
            return self._replacer.compose(frame_bgr, result.confidence, result.time, out)
        if view == "side-by-side":
            np.copyto(out[:, : self.frame_width], frame_bgr)
            self._tint.overlay(frame_bgr, result.labels, self.look.opacity, out[:, self.frame_width :])
            return out
        return self._tint.overlay(frame_bgr, result.labels, self.look.opacity, out)

    def _shape(self, view: str) -> tuple[int, int, int]:
        width = self.frame_width * (2 if view == "side-by-side" else 1)
        return self.frame_height, width, 4 if view == "cut-out" and self._background is None else 3

    # Made when first needed: a view's buffers are several frames large.

    @cached_property
    def _tint(self) -> Tint:
        return Tint(self._card, self._colour, self.frame_width, self.frame_height)

    @cached_property
    def _cut_out(self) -> CutOut:
        return CutOut(self.frame_width, self.frame_height, self._threshold, self._background)

    @cached_property
    def _replacer(self) -> SkyReplacer:
        return SkyReplacer(self._sky, self.frame_width, self.frame_height, self._threshold, self._follow)


def open_sky(options: Namespace, engine: Engine) -> NewSky | None:
    """The new sky that the command line's options name, to be closed; None if they name none.

    A photograph of a landscape is cut off at its skyline, which the engine finds.

    Raises:
        UserError: as `NewSky`, and as `Compositor` for the view.
    """
    card = engine.info.card
    _refuse_unless_possible(card, options.view, options.colour)
    if options.sky is None:
        return None
    return NewSky(options.sky, lambda picture: engine.infer(prepare(picture, card)[None]).labels[0])


def look_of(options: Namespace, card: ModelCard, switchable: bool) -> Look:
    """The view and opacity that the options name; `switchable` to every view that the model and they allow."""
    possible = [view for view in VIEWS if card.binary or view not in OF_THE_SKY]
    if options.sky is None and "replace" in possible:
        possible.remove("replace")
    opacity = OPACITY if options.opacity is None else options.opacity
    return Look(options.view, opacity, possible if switchable else None)


def make_compositor(
    options: Namespace,
    card: ModelCard,
    width: int,
    height: int,
    *,
    look: Look,
    sky: NewSky | None = None,
    follow: bool = True,
) -> Compositor:
    """The compositor that the command line's options ask for.

    Args:
        options: of `src.runtime.options`.
        card, width, height, follow: as for `Compositor`.
        look: from `look_of`; several compositors may share one.
        sky: from `open_sky`; likewise, where it is a picture.

    Raises:
        UserError: as `Compositor`.
    """
    return Compositor(
        card,
        options.view,
        width,
        height,
        colour=options.colour,
        background=None if options.background == "transparent" else options.background,
        threshold=options.threshold,
        sky=sky,
        follow=follow,
        look=look,
    )


def mask_picture(labels: np.ndarray, card: ModelCard) -> np.ndarray:
    """The mask as a file holds it: uint8 [H, W]; binary: 255 is class 1, 0 is not; else the class index."""
    return cv2.multiply(labels, 255) if card.binary else labels


def _refuse_unless_possible(card: ModelCard, view: str, colour: Colour | None) -> None:
    if card.binary:
        return
    names = ", ".join(info.name for info in card.classes[1:])
    if view in OF_THE_SKY:
        raise UserError(
            f"--view {view}: {card.name} tells {len(card.classes) - 1} classes apart ({names}), not sky from the rest",
            fix="choose another view, or a model of one class",
        )
    if colour is not None:
        raise UserError(
            f"--colour: {card.name} has a colour for each of {len(card.classes) - 1} classes ({names})",
            fix="leave it out",
        )
