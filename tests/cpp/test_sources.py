"""The house's rules for cpp/, and the benchmark command that holds the two players against each other."""

import re

import pytest

from src.benchmark.cpp import WAYS, measure
from tests.cpp.player import built
from tests.import_graph import ROOT

SOURCES = sorted(
    path
    for folder in ("include", "src", "player", "tests", "cmake")
    for path in (ROOT / "cpp" / folder).rglob("*")
    if path.suffix in (".hpp", ".cpp", ".cmake")
)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_are_short_and_own_nothing_raw(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 300
    code = re.sub(r"//.*|\"(\\.|[^\"])*\"", "", text)
    assert not re.search(r"\bnew \w|\bdelete \w|\b(malloc|free)\(", code)


@built
def test_the_benchmark_gives_every_figure_of_both_players(binary_model, clip):
    rows = measure(clip, binary_model, "fp32", rounds=1)
    figures = {row["figure"] for row in rows}
    assert {"help s", *(f"{way}: {figure}" for way in WAYS for figure in ("FPS", "peak MB", "ready s"))} <= figures
    assert all(row["cpp"] > 0 and row["python"] > 0 and row["ratio"] > 0 for row in rows)
