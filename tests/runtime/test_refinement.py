import cv2
import numpy as np
import pytest

from src.evaluation.metrics import boundary_f1
from src.runtime.frames import upscale_confidence
from src.runtime.refinement import GuidedRefiner

SMALL = (64, 48)  # the model's width and height


def roofs(width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """A bright sky over dark, noisy gables: frame BGR uint8 [H, W, 3], and the sky uint8 [H, W] of 0 and 1."""
    x = np.arange(width)
    edge = height // 2 + (np.abs(x % (width // 8) - width // 16) * 2).astype(int) - width // 16
    sky = (np.arange(height)[:, None] < edge).astype(np.uint8)
    noise = np.random.default_rng(1).integers(0, 25, (height, width, 3)).astype(np.uint8)
    return cv2.add(noise, np.where(sky[..., None] == 1, np.uint8([210, 190, 170]), np.uint8([60, 60, 70]))), sky


def blurred(sky: np.ndarray, shift: int = 0) -> np.ndarray:
    """What a small net answers: the sky at its size, its edge soft and off by `shift` of its pixels."""
    small = cv2.resize(sky * np.uint8(255), SMALL, interpolation=cv2.INTER_AREA)
    return cv2.GaussianBlur(np.roll(small, shift, axis=0), (0, 0), 1.5)


def f1(sky: np.ndarray, confidence: np.ndarray) -> float:
    return boundary_f1(sky, (confidence >= 128).astype(np.uint8), np.ones_like(sky))


@pytest.mark.parametrize("shift", [0, 1])
def test_edges_are_those_of_the_frame(shift):
    frame, sky = roofs(640, 480)
    confidence = blurred(sky, shift)
    refined = GuidedRefiner(640, 480)(frame, confidence)
    before = upscale_confidence(confidence, 640, 480)
    assert f1(sky, refined) > f1(sky, before) + 0.15
    assert np.count_nonzero((refined >= 128) != sky) < np.count_nonzero((before >= 128) != sky) / 2


def test_where_it_is_decided_the_answer_stays():
    frame, _ = roofs(640, 480)
    confidence = np.zeros(SMALL[::-1], np.uint8)
    confidence[:, 32:] = 255
    refined = GuidedRefiner(640, 480)(frame, confidence)
    assert np.max(cv2.absdiff(refined, upscale_confidence(confidence, 640, 480))) <= 1


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_constant_frame_shows_no_edge_to_follow(level):
    _, sky = roofs(640, 480)
    refined = GuidedRefiner(640, 480)(np.full((480, 640, 3), level, np.uint8), blurred(sky))
    assert f1(sky, refined) > f1(sky, upscale_confidence(blurred(sky), 640, 480)) - 0.05


@pytest.mark.parametrize("confidence", [0, 77, 128, 255])
def test_a_constant_answer_stays_what_it_is(confidence):
    frame, _ = roofs(320, 240)
    refined = GuidedRefiner(320, 240)(frame, np.full((48, 64), confidence, np.uint8))
    assert np.max(cv2.absdiff(refined, np.full_like(refined, confidence))) <= 1


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (2, 3), (17, 9), (33, 47), (7680, 16)])
@pytest.mark.parametrize("small", [(1, 1), (2, 1), (64, 48)])
def test_any_size_of_frame_and_answer(size, small):
    width, height = size
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (height, width, 3)).astype(np.uint8)
    confidence = rng.integers(0, 256, small[::-1]).astype(np.uint8)
    refined = GuidedRefiner(width, height)(frame, confidence)
    assert refined.shape == (height, width)
    assert refined.dtype == np.uint8


@pytest.mark.parametrize("size", [(1, 1), (4, 1), (1, 4), (3, 3)])
def test_the_smallest_frames_keep_a_constant_answer(size):
    width, height = size
    frame = np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)
    for small in ((1, 1), (4, 1), (5, 7)):
        refined = GuidedRefiner(width, height)(frame, np.full(small, 100, np.uint8))
        assert np.max(np.abs(refined.astype(int) - 100)) <= 1


def test_it_writes_into_the_buffer_given_and_leaves_its_arguments():
    frame, sky = roofs(320, 240)
    confidence, refiner, out = blurred(sky), GuidedRefiner(320, 240), np.zeros((240, 320), np.uint8)
    kept = frame.copy(), confidence.copy()
    assert refiner(frame, confidence, out) is out
    assert np.array_equal(frame, kept[0])
    assert np.array_equal(confidence, kept[1])
    refiner(np.zeros_like(frame), confidence)  # leaves no trace in the buffers
    assert np.array_equal(refiner(frame, confidence), out)
    strided = np.ascontiguousarray(frame[:, ::-1])[:, ::-1]
    assert np.array_equal(refiner(strided, confidence), out)


def test_wrong_arguments_are_named():
    frame, sky = roofs(320, 240)
    refiner = GuidedRefiner(320, 240)
    for wrong in (frame[:-1], frame[..., 0], frame.astype(np.float32)):
        with pytest.raises(ValueError, match=r"this refiner takes uint8 \(240, 320, 3\)"):
            refiner(wrong, blurred(sky))
    with pytest.raises(ValueError, match=r"not uint8 \[h, w\]"):
        refiner(frame, blurred(sky).astype(np.float32))
