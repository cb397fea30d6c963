"""The figures are written whole, at their size, with the right colours in the right cells."""

import cv2
import numpy as np
import pytest

from src.evaluation import figures
from src.evaluation.figures import case_sheet
from src.labels import VOID
from src.model_card import ClassInfo

SKY = (ClassInfo("background", (0, 0, 0)), ClassInfo("sky", (70, 130, 230)))
LANES = (
    ClassInfo("background", (0, 0, 0)),
    ClassInfo("direct", (219, 94, 86)),
    ClassInfo("alternative", (86, 211, 219)),
)
WIDTH = 1672


def case(height: int, width: int, title: str = "made/1, IoU 0.66"):
    """A grey photograph; sky above the middle and void in the last fifth; predicted in the left half, and too low."""
    image = np.full((height, width, 3), 128, np.uint8)
    target, labels = np.zeros((height, width), np.uint8), np.zeros((height, width), np.uint8)
    target[: height // 2] = 1
    target[-height // 5 :] = VOID
    labels[: 3 * height // 5, : width // 2] = 1
    return title, image, target, labels


def read(path) -> np.ndarray:
    return cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1]


def cell_of(sheet: np.ndarray, column: int, cell_height: int) -> np.ndarray:
    """The cell of the only row."""
    top, left = sheet.shape[0] - figures.MARGIN - cell_height, figures.MARGIN + column * 408
    return sheet[top : top + cell_height, left : left + 400]


def test_case_sheet_puts_the_right_colours_in_the_right_cells(tmp_path):
    path = tmp_path / "deep" / "er" / "sheet.png"
    case_sheet([case(300, 400)], SKY, path)
    sheet = read(path)
    assert sheet.shape[1] == WIDTH
    photograph, truth, prediction, errors = (cell_of(sheet, column, 300).astype(int) for column in range(4))
    assert (photograph == 128).all()
    upper_left, upper_right, low_left, bottom = (50, 100), (50, 300), (165, 100), (280, 300)
    tinted = (128 + np.array(SKY[1].colour)) // 2
    assert np.abs(truth[upper_left] - tinted).max() <= 1
    assert np.abs(truth[upper_right] - tinted).max() <= 1
    assert (truth[low_left] == 128).all()
    assert np.abs(prediction[low_left] - tinted).max() <= 1
    assert (prediction[upper_right] == 128).all()
    assert tuple(errors[upper_right]) == figures.MISSED
    assert tuple(errors[low_left]) == figures.FALSE
    assert errors[upper_left].std() == 0  # right: grey
    hatch = errors[bottom[0] - 8 : bottom[0] + 8, bottom[1] - 8 : bottom[1] + 8]
    assert hatch.std() > 10  # void: striped
    assert figures.MISSED in {tuple(pixel) for pixel in sheet[:70].reshape(-1, 3).tolist()}  # the legend


def test_confusion_of_foreground_classes_has_its_own_colour(tmp_path):
    title, image, target, labels = case(300, 400)
    labels[:100, :100] = 2
    case_sheet([(title, image, target, labels)], LANES, tmp_path / "sheet.png")
    errors = cell_of(read(tmp_path / "sheet.png"), 3, 300)
    assert tuple(errors[50, 50]) == figures.CONFUSED


def test_a_thin_error_of_a_large_photograph_is_seen(tmp_path):
    image = np.full((1800, 2400, 3), 128, np.uint8)
    target, labels = np.zeros((1800, 2400), np.uint8), np.zeros((1800, 2400), np.uint8)
    target[:900], labels[:901] = 1, 1  # one row too low: a sixth of a pixel of the sheet
    case_sheet([("thin", image, target, labels)], SKY, tmp_path / "sheet.png")
    errors = cell_of(read(tmp_path / "sheet.png"), 3, 300).astype(int)
    assert np.abs(errors[150, 200] - errors[100, 200]).max() > 30


def test_sheets_have_one_size_per_row_whatever_the_photographs(tmp_path):
    heights = []
    for count in (1, 2, 3):
        shapes = [(300, 400), (400, 300), (90, 160)][:count]
        cases = [case(300, 400), *(case(*shape) for shape in shapes[1:])]
        case_sheet(cases, SKY, tmp_path / f"{count}.png")
        heights.append(read(tmp_path / f"{count}.png").shape[0])
    assert heights[0] < heights[1] < heights[2]
    case_sheet([case(60, 80)] * 20, SKY, tmp_path / "many.png")
    case_sheet([case(60, 80)] * figures.MAX_CASES, SKY, tmp_path / "most.png")
    assert read(tmp_path / "many.png").shape == read(tmp_path / "most.png").shape


def test_titles_are_text_not_mathematics_and_stay_on_the_sheet(tmp_path):
    title = "$broken_{ very/long\nname" * 20 + " IoU 0.91"
    case_sheet([case(300, 400, title)], SKY, tmp_path / "sheet.png")
    sheet = read(tmp_path / "sheet.png")
    assert (sheet[:, -figures.MARGIN :] == 255).all()
    assert (sheet[90:130] < 100).any()
    assert figures._shorten(title).endswith("IoU 0.91")


def test_case_sheet_refuses_nothing_and_misfits(tmp_path):
    with pytest.raises(ValueError, match="at least one"):
        case_sheet([], SKY, tmp_path / "sheet.png")
    title, image, target, labels = case(30, 40)
    with pytest.raises(ValueError, match="do not match"):
        case_sheet([(title, image, target[1:], labels)], SKY, tmp_path / "sheet.png")
    assert list(tmp_path.iterdir()) == []


def test_equal_figures_are_equal_files_and_a_failure_leaves_the_old_one(tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    first, second = tmp_path / "first.png", tmp_path / "second.png"
    for path in (first, second):
        case_sheet([case(60, 80)], SKY, path)
    before = first.read_bytes()
    assert second.read_bytes() == before

    def fail(self, file, **_):
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(Figure, "savefig", fail)
    with pytest.raises(OSError, match="disk full"):
        case_sheet([case(30, 40)], SKY, first)
    assert first.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first.png", "second.png"]
