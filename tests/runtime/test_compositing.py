import cv2
import numpy as np
import pytest

from src.errors import UserError
from src.runtime.options import VIEWS, parse
from src.runtime.video.compositing import Compositor, look_of, make_compositor, mask_picture
from src.runtime.video.frame import Result
from src.runtime.video.new_sky import NewSky
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


@pytest.fixture
def new_sky(tmp_path) -> NewSky:
    cv2.imwrite(str(tmp_path / "sky.png"), np.full((90, 160, 3), (20, 30, 200), np.uint8))
    return NewSky(tmp_path / "sky.png")


def compose(card, view, frame, labels, opacity=0.5, **options) -> np.ndarray:
    compositor = Compositor(card, view, frame.shape[1], frame.shape[0], opacity, **options)
    before, out = frame.copy(), compositor.buffer()
    assert out.shape == (compositor.height, compositor.width, 4 if compositor.transparent else 3)
    assert compositor.compose(frame, Result(labels, labels * 255), out) is out
    assert np.array_equal(frame, before), "the frame belongs to someone else"
    return out


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


def test_an_outline_is_the_border_alone(frame, labels):
    out = compose(binary_card(), "outline", frame, labels)
    assert np.all(out[28:32] == SKY_BGR)
    assert np.array_equal(out[:28], frame[:28])
    assert np.array_equal(out[32:], frame[32:])


def test_an_outline_has_its_classs_colour(frame, labels):
    labels[30:50] = 2
    out = compose(three_class_card(), "outline", frame, labels)
    assert np.all(out[49:51] == (0, 255, 0))
    assert np.array_equal(out[:28], frame[:28])


@pytest.mark.parametrize("view", ["overlay", "outline"])
def test_the_colour_is_the_users(frame, labels, view):
    out = compose(binary_card(), view, frame, labels, colour=(255, 200, 0))
    assert np.all(out[29:31] == (0, 200, 255))


def test_a_cut_out_leaves_the_sky_transparent(frame, labels):
    out = compose(binary_card(), "cut-out", frame, labels)
    assert not out[:20].any()
    assert np.all(out[40:, :, 3] == 255)
    assert np.array_equal(out[40:, :, :3], frame[40:])


def test_a_cut_out_may_have_a_colour_in_the_place_of_the_sky(frame, labels):
    out = compose(binary_card(), "cut-out", frame, labels, background=(0, 177, 64))
    assert np.all(out[:20] == (64, 177, 0))
    assert np.array_equal(out[40:], frame[40:])


def test_a_cut_outs_edge_is_free_of_the_old_sky():
    frame = np.full((180, 320, 3), (30, 60, 50), np.uint8)
    frame[:90] = (230, 160, 90)
    confidence = cv2.blur(np.where(np.arange(180)[:, None] < 90, 255, 0).repeat(320, 1).astype(np.uint8), (15, 15))
    frame = cv2.blur(frame, (5, 5))
    compositor = Compositor(binary_card(), "cut-out", 320, 180)
    out = compositor.compose(frame, Result((confidence > 127).astype(np.uint8), confidence))
    partly = (out[..., 3] > 30) & (out[..., 3] < 225)
    assert partly.any()
    assert np.abs(out[partly][:, :3].astype(int) - (30, 60, 50)).max() < 45
    assert np.all(np.diff(out[:, 100, 3].astype(int)) >= -8), "from transparent to opaque"


def test_a_new_sky_stands_behind_the_scene(frame, labels, new_sky):
    out = compose(binary_card(), "replace", frame, labels, sky=new_sky)
    assert np.abs(out[:20].astype(int) - (20, 30, 200)).max() <= 2


@pytest.mark.parametrize("view", ["cut-out", "replace"])
def test_several_classes_have_no_sky_to_take_away(view, new_sky):
    with pytest.raises(UserError, match=r"2 classes apart \(red, green\)"):
        Compositor(three_class_card(), view, 80, 60, sky=new_sky)


def test_several_classes_keep_their_own_colours():
    with pytest.raises(UserError, match="a colour for each of 2 classes"):
        Compositor(three_class_card(), "overlay", 80, 60, colour=(1, 2, 3))


def options(*given: str):
    return parse(["--video", "a.mp4", *given], "")


def test_the_keys_go_through_every_view_that_is_possible(frame, labels, new_sky):
    asked = options("--view", "replace", "--sky", "sky.png")
    look = look_of(asked, binary_card(), switchable=True)
    compositor = make_compositor(asked, binary_card(), 80, 60, look=look, sky=new_sky)
    assert compositor.needs_confidence
    seen, picture = [], None
    for _ in VIEWS:
        seen.append(look.next_view())
        picture = compositor.compose(frame, Result(labels, labels * 255), picture)
        assert picture.shape == compositor.buffer().shape
    assert seen == list(VIEWS)


def test_views_that_need_something_else_are_passed_over():
    assert look_of(options(), binary_card(), switchable=True).views == VIEWS[:-1]
    assert look_of(options(), three_class_card(), switchable=True).views == VIEWS[:-2]
    assert look_of(options("--view", "mask"), binary_card(), switchable=False).views == ("mask",)


@pytest.mark.parametrize("view", ["overlay", "mask", "side-by-side", "outline"])
def test_only_what_looks_at_the_confidence_asks_for_it(view):
    assert not Compositor(binary_card(), view, 80, 60).needs_confidence
    assert Compositor(binary_card(), "cut-out", 80, 60).needs_confidence


def test_opacity_may_change_between_frames(frame, labels):
    compositor = Compositor(binary_card(), "overlay", 80, 60, 0.9)
    compositor.look.change_opacity(0.1)
    assert np.all(compositor.compose(frame, Result(labels))[:28] == SKY_BGR)


def test_the_frames_size_may_change(frame, labels, new_sky):
    for view in VIEWS:
        compositor = Compositor(binary_card(), view, 10, 10, sky=new_sky, follow=False)
        compositor.resize(80, 60)
        out = compositor.compose(frame, Result(labels, labels * 255))
        assert np.array_equal(out, compose(binary_card(), view, frame, labels, sky=new_sky, follow=False))


@pytest.mark.parametrize(("width", "height"), [(1, 1), (8, 8), (3, 500)])
def test_odd_sizes(width, height, new_sky):
    frame, labels = np.zeros((height, width, 3), np.uint8), np.ones((height, width), np.uint8)
    for view in VIEWS:
        compositor = Compositor(binary_card(), view, width, height, sky=new_sky)
        assert compositor.compose(frame, Result(labels, labels * 200)).shape[0] == height


def test_a_saved_mask_is_255_for_sky_and_the_index_for_more_classes(labels):
    assert set(np.unique(mask_picture(labels, binary_card()))) == {0, 255}
    labels[0] = 2
    assert np.array_equal(mask_picture(labels, three_class_card()), labels)
