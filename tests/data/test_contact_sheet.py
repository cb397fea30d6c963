"""The sheet of kept and dropped images: there, not blank, and a place for every reason."""

import cv2
import numpy as np

from src.data.contact_sheet import CAPTION, CELL, COLUMNS, HEADER, HEADING, MARGIN, contact_sheet
from src.data.index import IndexRow
from tests.data.test_selection import TABLE, index_of
from tests.prepared import LOOKUPS
from tests.toy import make_folder, photograph, write_pair


def sheet_of(rows, path):
    contact_sheet(rows, LOOKUPS, TABLE.classes, path)
    return cv2.imread(str(path))


def height(lines):
    return HEADER + sum(HEADING + line * (CELL[1] + CAPTION) for line in lines) + MARGIN


def test_kept_and_dropped_have_their_lines(tmp_path):
    root = make_folder(tmp_path / "photos", negatives=2)
    image, mask = photograph(0)
    write_pair(root, "z_0", image, mask)
    write_pair(root, "tiny_0", image[:20, :20], mask[:20, :20])
    write_pair(root, "broken_0", image, mask)
    (root / "images/broken_0.jpg").write_bytes(b"no image")
    rows = index_of(tmp_path, root, duplicate_bits=0)
    kept = sum(row.kept for row in rows)
    assert {row.reason for row in rows} == {"kept", "near-duplicate", "side below 32 px", "unreadable"}
    sheet = sheet_of(rows, tmp_path / "reports/sheet.png")
    assert sheet.shape[0] == height([-(-kept // COLUMNS), 1, 1, 1])
    first = sheet[HEADER + HEADING :, MARGIN:][: CELL[1], : CELL[0]]
    assert first.std() > 20
    assert sheet[: HEADER - 30].std() > 5  # the title
    # Pink is the tint of sky, and nothing else has it.
    assert (np.abs(first.astype(int) - TABLE.classes[1].colour[::-1]).sum(axis=2) < 30).sum() > 50


def test_equal_indices_are_equal_files(tmp_path):
    rows = index_of(tmp_path, make_folder(tmp_path / "photos"))
    sheet_of(rows, tmp_path / "a.png")
    sheet_of(rows, tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_photograph_that_is_gone_leaves_a_crossed_cell(tmp_path):
    row = IndexRow("toy", "a", "", "gone.jpg", "gone.png", reason="unreadable", detail="gone.jpg: no such file")
    sheet = sheet_of([row], tmp_path / "sheet.png")
    assert sheet.shape[0] == height([0, 1])
