"""--size as users type it."""

import pytest

from src.errors import UserError
from src.sizes import parse_size


def test_a_size_is_width_and_height():
    assert parse_size("256x160") == parse_size("256X160") == (256, 160)


@pytest.mark.parametrize("text", ["256", "axb", "8x8", "9000x16", "-1x20"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(UserError, match="--size"):
        parse_size(text)


def test_an_odd_side_is_refused_where_video_needs_even_ones():
    assert parse_size("101x51") == (101, 51)
    with pytest.raises(UserError, match="odd") as caught:
        parse_size("101x51", even=True)
    assert "102x52" in caught.value.fix
