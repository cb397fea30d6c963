import numpy as np
import pytest

from src.runtime.options import VIEWS as OFFERED
from src.runtime.video.compositing import VIEWS, Compositor, mask_picture
from src.runtime.video.frame import Result
from tests.model_file import SKY_COLOUR, binary_card, three_class_card

SKY_BGR = np.array(SKY_COLOUR[::-1])


@pytest.fixture
def frame() -> np.ndarray:
    return np.random.default_rng(2).integers(0, 256, (60, 80, 3), np.uint8)


@pytest.fixture
def labels() -> np.ndarray:
    labels = np.zeros((60, 80), np.uint8)
    labels[:30] = 1
    return labels


def compose(card, view, frame, labels, opacity=0.5) -> np.ndarray:
    compositor = Compositor(card, view, frame.shape[1], frame.shape[0], opacity)
    before, out = frame.copy(), compositor.buffer()
    assert compositor.compose(frame, Result(labels), out) is out
    assert np.array_equal(frame, before), "the frame belongs to someone else"
    return out


def test_the_command_line_offers_every_view():
    assert OFFERED == VIEWS


def test_an_overlay_tints_the_sky_outlines_it_and_leaves_the_rest(frame, labels):
    out = compose(binary_card(), "overlay", frame, labels, opacity=0.25)
    assert np.array_equal(out[32:], frame[32:])
    tinted = 0.75 * frame[:28] + 0.25 * SKY_BGR
    assert np.abs(out[:28] - tinted).max() <= 1
    assert np.all(out[29:31] == SKY_BGR), "the outline"


@pytest.mark.parametrize("opacity", [0.0, 1.0])
def test_opacity_goes_from_none_to_full(frame, labels, opacity):
    out = compose(binary_card(), "overlay", frame, labels, opacity)
    assert np.array_equal(out[:28], frame[:28] if opacity == 0 else np.broadcast_to(SKY_BGR, (28, 80, 3)))


def test_a_binary_mask_is_white_on_black(frame, labels):
    out = compose(binary_card(), "mask", frame, labels)
    assert np.all(out[:30] == 255)
    assert not out[30:].any()


def test_side_by_side_is_the_frame_and_its_overlay(frame, labels):
    out = compose(binary_card(), "side-by-side", frame, labels)
    assert out.shape == (60, 160, 3)
    assert np.array_equal(out[:, :80], frame)
    assert np.array_equal(out[:, 80:], compose(binary_card(), "overlay", frame, labels))


def test_each_class_has_its_own_colour(frame, labels):
    labels[30:50] = 2
    mask = compose(three_class_card(), "mask", frame, labels)
    assert np.all(mask[:30] == (0, 0, 255))
    assert np.all(mask[30:50] == (0, 255, 0))
    assert not mask[50:].any()
    overlay = compose(three_class_card(), "overlay", frame, labels)
    assert np.abs(overlay[40] - (frame[40] * 0.5 + np.array((0, 255, 0)) * 0.5)).max() <= 1
    assert np.array_equal(overlay[52:], frame[52:])


def test_nothing_of_the_last_frame_shows_in_the_next(frame, labels):
    compositor = Compositor(three_class_card(), "overlay", 80, 60)
    out = compositor.buffer()
    compositor.compose(frame, Result(labels), out)
    compositor.compose(frame, Result(np.zeros_like(labels)), out)
    assert np.array_equal(out, frame)


def test_a_saved_mask_is_255_for_sky_and_the_index_for_more_classes(labels):
    assert set(np.unique(mask_picture(labels, binary_card()))) == {0, 255}
    labels[0] = 2
    assert np.array_equal(mask_picture(labels, three_class_card()), labels)
