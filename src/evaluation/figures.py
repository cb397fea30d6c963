"""Contact sheets: photograph, ground truth, prediction and errors of chosen cases.

case_sheet([("camvid/0001, IoU 0.97", image, target, labels)], classes, Path("worst.png"))
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from src.evaluation.canvas import PAPER, STYLE, new_figure, save
from src.labels import VOID
from src.model_card import ClassInfo

Case = tuple[str, np.ndarray, np.ndarray, np.ndarray]  # title, image, target, labels
Colour = tuple[int, int, int]

MAX_CASES = 8
COLUMNS = ("Photograph", "Ground truth", "Prediction", "Errors")
# All lengths in pixels. A cell takes the cases' usual shape, so that most photographs fill theirs.
CELL_WIDTH, CELL_RATIO_RANGE = 400, (1.0, 1.8)
MARGIN, GAP = 24, 8
LEGEND_HEIGHT, HEADER_HEIGHT, TITLE_HEIGHT = 44, 26, 42
TITLE_LENGTH = 150  # characters that fit above a row

# Vermilion and violet stay apart for every kind of colour blindness, and from a blue sky.
MISSED, FALSE, CONFUSED, VOID_GREY = (222, 84, 10), (118, 50, 222), (240, 190, 0), (150, 150, 150)
OVERLAY_STRENGTH = 0.5


def case_sheet(cases: Sequence[Case], classes: Sequence[ClassInfo], path: Path) -> None:
    """Writes a PNG with a row for each case: photograph, ground truth, prediction, errors; a legend above.

    Args:
        cases: (title, image RGB uint8 [H, W, 3], target uint8 [H, W] class index or `VOID`, labels uint8 [H, W]
            class index). The title stands above the row; name and IoU belong there. Sizes may differ between
            cases. The first `MAX_CASES` are drawn.
        classes: by class index; background (0) is drawn as the plain photograph.
        path: the PNG, 1672 pixels wide; its folder is made.

    In the errors column a pixel of any foreground class is *missed* where the prediction says background, *false*
    the other way round, and *confused* where both say foreground but not the same class. Errors thinner than a
    pixel of the sheet are not lost: their colour is mixed in by area.

    Raises:
        ValueError: no case, or a case whose three arrays differ in size.
    """
    if not cases:
        raise ValueError("a case sheet needs at least one case")
    for title, image, target, labels in cases:
        if image.shape != (*target.shape, 3) or labels.shape != target.shape:
            raise ValueError(f"{title}: image {image.shape}, target {target.shape}, labels {labels.shape} do not match")
    drawn = cases[:MAX_CASES]
    cell_height = _cell_height([image for _, image, _, _ in drawn])
    width = 2 * MARGIN + len(COLUMNS) * CELL_WIDTH + (len(COLUMNS) - 1) * GAP
    top = MARGIN + LEGEND_HEIGHT + HEADER_HEIGHT
    row_height = TITLE_HEIGHT + cell_height
    sheet = np.full((top + len(drawn) * row_height + MARGIN, width, 3), PAPER, np.uint8)
    lefts = [MARGIN + column * (CELL_WIDTH + GAP) for column in range(len(COLUMNS))]
    titles = []
    for row, (title, image, target, labels) in enumerate(drawn):
        y = top + row * row_height + TITLE_HEIGHT
        titles.append((y, _shorten(title)))
        for x, panel in zip(lefts, _panels(image, target, labels, classes, cell_height), strict=True):
            _place(panel, sheet[y : y + cell_height, x : x + CELL_WIDTH])
    _write_sheet(sheet, lefts, titles, _legend(classes), path)


def _cell_height(images: Sequence[np.ndarray]) -> int:
    usual = float(np.median([image.shape[1] / image.shape[0] for image in images]))
    return round(CELL_WIDTH / float(np.clip(usual, *CELL_RATIO_RANGE)))


def _panels(
    image: np.ndarray, target: np.ndarray, labels: np.ndarray, classes: Sequence[ClassInfo], cell_height: int
) -> Iterator[np.ndarray]:
    """The four pictures of one case, uint8 [h, w, 3], scaled to fit into a cell."""
    scale = min(CELL_WIDTH / image.shape[1], cell_height / image.shape[0])
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    photograph = _scaled(image, size)
    yield photograph
    yield _overlay(photograph, target, classes)
    yield _overlay(photograph, labels, classes)
    yield _error_map(photograph, target, labels)


def _overlay(photograph: np.ndarray, labels: np.ndarray, classes: Sequence[ClassInfo]) -> np.ndarray:
    """The photograph [h, w, 3] tinted by class, with each class's contour; `labels` is of its own size."""
    canvas = photograph.astype(np.float32)
    for index, info in enumerate(classes[1:], start=1):
        share = _share(labels == index, photograph)
        canvas = _mixed(canvas, info.colour, OVERLAY_STRENGTH * share)
        contour = cv2.morphologyEx((share >= 0.5).astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8))
        canvas = _mixed(canvas, info.colour, contour.astype(np.float32))
    return _hatched(canvas, _share(labels == VOID, photograph)).astype(np.uint8)


def _error_map(photograph: np.ndarray, target: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """What is wrong, in colour, on the photograph in pale grey, where there is room for nothing but shape."""
    grey = cv2.cvtColor(photograph, cv2.COLOR_RGB2GRAY).astype(np.float32)
    canvas = cv2.merge([145 + 0.37 * grey] * 3)
    valid, wanted, found = target != VOID, target > 0, labels > 0
    for wrong, colour in (
        (valid & wanted & ~found, MISSED),
        (valid & ~wanted & found, FALSE),
        (valid & wanted & found & (target != labels), CONFUSED),
    ):
        # The root lifts what is small: a one-pixel seam in a large photograph must be seen on the sheet.
        canvas = _mixed(canvas, colour, np.sqrt(_share(wrong, photograph)))
    return _hatched(canvas, _share(~valid, photograph)).astype(np.uint8)


def _hatched(canvas: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Grey with white diagonals where `share` [h, w] is 1: the sign for pixels that do not count."""
    y, x = np.indices(share.shape)
    lines = np.where((x + y) % 8 < 2, 0.75, 0.0).astype(np.float32)
    return _mixed(_mixed(canvas, VOID_GREY, 0.7 * share), PAPER, lines * share)


def _mixed(canvas: np.ndarray, colour: Colour, amount: np.ndarray) -> np.ndarray:
    """float32 [h, w, 3] moved towards a colour by `amount`, float32 [h, w] in 0..1."""
    return canvas + (np.float32(colour) - canvas) * amount[..., None]


def _share(mask: np.ndarray, photograph: np.ndarray) -> np.ndarray:
    """How much of each pixel of the scaled photograph the mask covers: float32 [h, w], 0..1."""
    return _scaled(mask.astype(np.float32), photograph.shape[1::-1])


def _scaled(array: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    shrinks = size[0] < array.shape[1]
    return cv2.resize(array, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def _place(panel: np.ndarray, cell: np.ndarray) -> None:
    """Centres the panel in the cell, which it fits; what remains is a light grey, for white photographs to show."""
    y, x = (cell.shape[0] - panel.shape[0]) // 2, (cell.shape[1] - panel.shape[1]) // 2
    cell[:] = 244
    cell[y : y + panel.shape[0], x : x + panel.shape[1]] = panel


def _legend(classes: Sequence[ClassInfo]) -> list[tuple[str, np.ndarray]]:
    """(name, swatch uint8 [16, 28, 3]) of everything the sheet's colours say."""

    def swatch(colour: Colour) -> np.ndarray:
        return np.full((16, 28, 3), colour, np.uint8)

    entries = [(info.name, swatch(info.colour)) for info in classes[1:]]
    entries += [("missed", swatch(MISSED)), ("false", swatch(FALSE))]
    if len(classes) > 2:
        entries.append(("confused", swatch(CONFUSED)))
    hatch = _hatched(swatch(PAPER).astype(np.float32), np.ones((16, 28), np.float32))
    return [*entries, ("void (not counted)", hatch.astype(np.uint8))]


def _shorten(title: str) -> str:
    """One line that fits; the middle goes, for the name begins and the figures end it."""
    line = " ".join(title.split())
    half = (TITLE_LENGTH - 1) // 2
    return line if len(line) <= TITLE_LENGTH else f"{line[:half]}…{line[-half:]}"


def _write_sheet(
    sheet: np.ndarray,
    lefts: Sequence[int],
    titles: Sequence[tuple[int, str]],
    legend: Sequence[tuple[str, np.ndarray]],
    path: Path,
) -> None:
    """Sets the type over the pixels of the sheet: matplotlib for its fonts, one canvas pixel per sheet pixel."""
    from matplotlib import rc_context

    height, width = sheet.shape[:2]
    with rc_context(STYLE):
        figure = new_figure(width, height)

        def write(x: float, y: float, text: str, **style) -> float:
            """Puts text at a sheet position (its middle height) and returns where it ends."""
            item = figure.text(x / width, 1 - y / height, text, va="center_baseline", **style)
            return item.get_window_extent(figure.canvas.get_renderer()).x1

        x = MARGIN
        for name, swatch in legend:
            y = MARGIN + 8
            sheet[y : y + swatch.shape[0], x : x + swatch.shape[1]] = swatch
            x = round(write(x + swatch.shape[1] + 8, y + swatch.shape[0] / 2, name)) + 28
        for left, name in zip(lefts, COLUMNS, strict=True):
            write(left + CELL_WIDTH / 2, MARGIN + LEGEND_HEIGHT + HEADER_HEIGHT / 2, name, ha="center", size=13)
        for y, title in titles:
            write(MARGIN, y - 15, title, size=11.5, weight="bold")
        figure.figimage(sheet, 0, 0, origin="upper")
        save(figure, path)
