"""What filter-sky kept and dropped, to be judged by eye.

    contact_sheet(rows, {"camvid": lookup}, classes, Path("contact_sheet.png"))

matplotlib is imported inside functions (its import takes a second) and used without pyplot: no global state.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np

from src.data.images import UnreadableImage, read_image, read_mask
from src.data.index import KEPT, IndexRow
from src.data.selection import DUPLICATE
from src.files import write_whole
from src.labels import VOID
from src.model_card import ClassInfo

COLUMNS, KEPT_LINES = 8, 2
# All lengths in pixels.
CELL = (204, 136)  # width, height
MARGIN, GAP = 28, 10
HEADER, HEADING, CAPTION = 116, 46, 40
NAME_LENGTH = 26  # characters below a picture

INK, FAINT, EMPTY = "#222222", "#7a7a7a", (236, 236, 236)
KEPT_COLOUR = "#2a7f62"
# Of the reasons in their order, warm and apart from each other; there are never many in one set.
REASON_COLOURS = ("#d1495b", "#edae49", "#8d5a97", "#5b7db1", "#a8763e", "#6c757d", "#c05299", "#3d5a80")
TINT = 0.35
DPI = 100
STYLE = {"font.family": "DejaVu Sans", "text.color": INK, "text.parse_math": False}


@dataclass(frozen=True)
class Section:
    """One heading of the sheet and the images below it."""

    reason: str
    colour: str
    total: int
    shown: list[IndexRow]

    @property
    def lines(self) -> int:
        return -(-len(self.shown) // COLUMNS)

    @property
    def height(self) -> int:
        return HEADING + self.lines * (CELL[1] + CAPTION)


def contact_sheet(
    rows: Sequence[IndexRow], lookups: Mapping[str, np.ndarray], classes: Sequence[ClassInfo], path: Path
) -> None:
    """Writes a PNG: kept images with their classes tinted, then dropped ones (outlined) by reason, commonest first.

    Of each the sheet shows a line (of the kept two), spread evenly over the sources' order; a near-duplicate stands
    to the right of the image that stays in its place.

    Args:
        rows: of the index, at least one.
        lookups: by source, uint8 [256]: native mask value -> target index or `VOID`.
        classes: by target index.
        path: the PNG, 1758 pixels wide; its folder is made.
    """
    sections = _sections(rows)
    width = 2 * MARGIN + COLUMNS * CELL[0] + (COLUMNS - 1) * GAP
    sheet = np.full((HEADER + sum(s.height for s in sections) + MARGIN, width, 3), 255, np.uint8)
    for _, row, left, top in _cells(sections):
        sheet[top : top + CELL[1], left : left + CELL[0]] = _picture(row, lookups[row.source], classes)
    _write_sheet(sheet, sections, rows, classes, path)


def _sections(rows: Sequence[IndexRow]) -> list[Section]:
    dropped = Counter(row.reason for row in rows if not row.kept)
    reasons = [(KEPT, KEPT_COLOUR, KEPT_LINES * COLUMNS)]
    reasons += [
        (reason, REASON_COLOURS[i % len(REASON_COLOURS)], COLUMNS)
        for i, (reason, _) in enumerate(dropped.most_common())
    ]
    by_image = {row.image: row for row in rows}
    sections = []
    for reason, colour, room in reasons:
        found = [row for row in rows if row.reason == reason]
        if reason == DUPLICATE:
            shown = [row for repeat in _spread(found, room // 2) for row in (by_image[repeat.twin], repeat)]
        else:
            shown = _spread(found, room)
        sections.append(Section(reason, colour, len(found), shown))
    return sections


def _spread(rows: list[IndexRow], most: int) -> list[IndexRow]:
    picks = np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(int))
    return [rows[pick] for pick in picks]


def _cells(sections: Sequence[Section]) -> Iterator[tuple[Section, IndexRow, int, int]]:
    """Every picture with its section, left and top."""
    top = HEADER
    for section in sections:
        for position, row in enumerate(section.shown):
            line, column = divmod(position, COLUMNS)
            yield section, row, MARGIN + column * (CELL[0] + GAP), top + HEADING + line * (CELL[1] + CAPTION)
        top += section.height


def _picture(row: IndexRow, lookup: np.ndarray, classes: Sequence[ClassInfo]) -> np.ndarray:
    """The photograph with its classes' outlines, cut to fill a cell: RGB uint8 [136, 204, 3].

    Only kept ones are tinted: the fault of the others must be seen as it is.
    """
    try:
        image = read_image(Path(row.image))[..., ::-1]
    except UnreadableImage:
        return _nothing()
    # cv2 takes no negative strides.
    picture = _fill_cell(np.ascontiguousarray(image), cv2.INTER_AREA)
    try:
        mask = read_mask(Path(row.label))
    except UnreadableImage:
        return picture
    if mask.shape != image.shape[:2]:
        return picture
    target = _fill_cell(cv2.LUT(mask, lookup), cv2.INTER_NEAREST)
    canvas = picture.astype(np.float32)
    for index in np.unique(target[(target > 0) & (target != VOID)]):
        inside = (target == index).astype(np.uint8)
        contour = cv2.morphologyEx(inside, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) & inside
        amount = np.maximum(TINT * row.kept * inside, contour)[..., None].astype(np.float32)
        canvas += (np.float32(classes[index].colour) - canvas) * amount
    return canvas.astype(np.uint8)


def _nothing() -> np.ndarray:
    """A crossed-out cell, for what cannot be decoded."""
    cell = np.full((CELL[1], CELL[0], 3), EMPTY, np.uint8)
    for start, end in (((0, 0), CELL), ((0, CELL[1]), (CELL[0], 0))):
        cv2.line(cell, start, end, (205, 205, 205), 1, cv2.LINE_AA)
    return cell


def _fill_cell(array: np.ndarray, interpolation: int) -> np.ndarray:
    """The array scaled until it covers a cell, and its middle."""
    scale = max(CELL[0] / array.shape[1], CELL[1] / array.shape[0])
    size = max(CELL[0], round(array.shape[1] * scale)), max(CELL[1], round(array.shape[0] * scale))
    if scale > 1 and interpolation == cv2.INTER_AREA:
        interpolation = cv2.INTER_LINEAR
    scaled = cv2.resize(array, size, interpolation=interpolation)
    x, y = (size[0] - CELL[0]) // 2, (size[1] - CELL[1]) // 2
    return scaled[y : y + CELL[1], x : x + CELL[0]]


def _caption(row: IndexRow, section: Section, classes: Sequence[ClassInfo]) -> tuple[str, str]:
    """Name, and the figure that decided."""
    path = Path(row.image)
    name = f"{row.source}/{path.stem}"
    if len(name) > NAME_LENGTH:
        name = f"{name[: NAME_LENGTH // 2 - 1]}…{name[-NAME_LENGTH // 2 :]}"
    if section.reason == DUPLICATE:
        return name, f"repeats it, {row.detail.split(' from ')[0]} differ" if row.twin else "stays"
    figures = {
        "black": f"{row.black:.0%} black",
        "white": f"{row.white:.0%} white",
        "blurred": f"sharpness {row.sharpness:.1f}",
    }
    share = f"{row.sky_fraction:.1%} {classes[1].name if len(classes) == 2 else 'of any class'}"
    if np.isnan(row.sky_fraction):
        share = row.detail.rpartition(": ")[2][:NAME_LENGTH]
    return name, figures.get(section.reason, f"{row.split + ', ' if row.kept else ''}{share}")


def _write_sheet(
    sheet: np.ndarray,
    sections: Sequence[Section],
    rows: Sequence[IndexRow],
    classes: Sequence[ClassInfo],
    path: Path,
) -> None:
    """Sets the type over the pixels of the sheet: one canvas pixel per sheet pixel."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    height, width = sheet.shape[:2]
    with rc_context(STYLE):
        figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")
        FigureCanvasAgg(figure)

        def write(x: float, y: float, text: str, **style) -> float:
            item = figure.text(x / width, 1 - y / height, text, va="baseline", **style)
            return item.get_window_extent(figure.canvas.get_renderer()).x1

        kept = sections[0].total
        write(MARGIN, 46, f"{kept:,} of {len(rows):,} images kept", size=17, weight="bold")
        sources = Counter(row.source for row in rows)
        parts = [f"{name} {sum(r.kept for r in rows if r.source == name):,} of {n:,}" for name, n in sources.items()]
        write(MARGIN, 70, "  ·  ".join(parts[:8]) + ("  · …" if len(parts) > 8 else ""), size=10, color=FAINT)
        _draw_bar(sheet, sections, len(rows))
        top = HEADER
        for section in sections:
            y = top + HEADING - 14
            sheet[y - 13 : y + 3, MARGIN : MARGIN + 6] = _rgb(section.colour)
            end = write(MARGIN + 16, y, section.reason, size=13, weight="bold")
            share = f"{section.total:,} images, {section.total / len(rows):.1%}"
            write(
                end + 14, y, share.replace("1 images", "1 image") if section.total == 1 else share, size=11, color=FAINT
            )
            top += section.height
        for section, row, left, cell_top in _cells(sections):
            name, figure_text = _caption(row, section, classes)
            write(left, cell_top + CELL[1] + 14, name, size=8.5)
            write(left, cell_top + CELL[1] + 27, figure_text, size=8.5, color=FAINT)
        figure.figimage(sheet, 0, 0, origin="upper")
        content = BytesIO()
        # Without matplotlib's version inside, equal sheets are equal files.
        figure.savefig(content, format="png", dpi=DPI, metadata={"Software": None})
    write_whole(path, content.getvalue())


def _draw_bar(sheet: np.ndarray, sections: Sequence[Section], total: int) -> None:
    """Shares of the sections, side by side over the sheet's whole width."""
    left, room = MARGIN, sheet.shape[1] - 2 * MARGIN
    edges = np.cumsum([0, *(section.total for section in sections)]) / total * room
    for section, start, end in zip(sections, edges[:-1], edges[1:], strict=True):
        sheet[88:100, left + round(start) : left + max(round(start) + 1, round(end))] = _rgb(section.colour)


def _rgb(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))
