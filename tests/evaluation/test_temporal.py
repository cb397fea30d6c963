"""Flicker against sequences small enough to count by hand."""

import numpy as np
import pytest

from src.evaluation.temporal import FlickerTally, flicker
from src.labels import VOID


def frames(*rows: str) -> list[np.ndarray]:
    """One frame of a single row for each string of digits; `v` is void."""
    return [np.array([[VOID if mark == "v" else int(mark) for mark in row]], np.uint8) for row in rows]


def test_a_mask_that_follows_what_moves_does_not_flicker():
    moving = frames("1100", "0110", "0011")
    assert flicker(moving, moving) == {"flicker": 0.0, "frame_pairs": 2}


def test_a_mistake_that_stays_does_not_flicker_and_one_that_comes_and_goes_does():
    truth = frames("1100", "1100", "1100")
    assert flicker(truth, frames("1110", "1110", "1110")) == {"flicker": 0.0, "error_change": 0.0, "frame_pairs": 2}
    assert flicker(truth, frames("1110", "1100", "1110")) == {"flicker": 2 / 8, "error_change": 1.0, "frame_pairs": 2}
    # One error stays, another joins it in the last frame.
    assert flicker(truth, frames("0100", "0100", "0110")) == {"flicker": 1 / 8, "error_change": 1 / 3, "frame_pairs": 2}


def test_of_more_classes_a_wrong_one_is_as_wrong_as_another():
    assert flicker(frames("12", "12"), frames("10", "11"))["flicker"] == 0.0


def test_void_in_either_frame_does_not_count():
    # Of the four pixels only the second and the last are valid in both; the second's error comes in the second frame.
    found = flicker(frames("v100", "11v0"), frames("1100", "1010"))
    assert found == {"flicker": 1 / 2, "error_change": 1.0, "frame_pairs": 1}
    assert flicker(frames("vv", "11"), frames("11", "11")) == {}


def test_sequences_do_not_touch_and_merge_into_the_whole():
    truth, labels = frames("1100", "1100"), frames("1100", "1000")
    whole = FlickerTally()
    for _ in range(2):
        one = FlickerTally()
        for target, found in zip(truth, labels, strict=True):
            one.add(target, found)
        whole.merge(one)
    assert whole.summary() == {"flicker": 1 / 4, "error_change": 1.0, "frame_pairs": 2}


def test_a_frame_of_another_size_begins_another_sequence():
    assert flicker([*frames("1100", "110", "110")], [*frames("1100", "000", "000")])["frame_pairs"] == 1


def test_no_pair_gives_no_figure_and_lists_must_match():
    assert flicker(frames("10"), frames("10")) == {}
    with pytest.raises(ValueError, match="differ in size"):
        flicker(frames("10"), frames("1"))
    with pytest.raises(ValueError, match=r"shorter|longer"):
        flicker(frames("10", "10"), frames("10"))
