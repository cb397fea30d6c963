import pytest

from src.runtime.video.look import Look


def test_views_come_round_in_the_command_lines_order():
    look = Look("mask", views=["outline", "overlay", "mask"])
    assert [look.next_view() for _ in range(4)] == ["outline", "overlay", "mask", "outline"]


def test_a_look_of_one_view_stays_with_it():
    look = Look("cut-out")
    assert look.next_view() == look.view == "cut-out"


@pytest.mark.parametrize(("start", "by", "end"), [(0.5, 0.1, 0.6), (0.95, 0.1, 1.0), (0.05, -0.1, 0.0)])
def test_opacity_stays_between_none_and_full(start, by, end):
    look = Look("overlay", start)
    assert look.change_opacity(by) == look.opacity == end


def test_a_look_reads_as_the_title_shows_it():
    assert str(Look("side-by-side", 0.3)) == "side-by-side 30%"
    assert str(Look("mask", 0.3)) == "mask"
