import numpy as np
import pytest

from src.evaluation.temporal import flicker
from src.runtime.smoothing import TemporalSmoother

HEIGHT, WIDTH = 96, 128


def scene(offset: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A camera panned by `offset` pixels over a skyline: RGB uint8 [H, W, 3], its sky uint8 [H, W] of 0 and 1."""
    rng = np.random.default_rng(seed)
    tops = np.repeat(rng.integers(HEIGHT // 4, HEIGHT // 2, 64), 16)[offset : offset + WIDTH]
    texture = np.repeat(np.repeat(rng.integers(20, 120, (HEIGHT // 4, 256)), 4, axis=0), 4, axis=1)
    sky = (np.arange(HEIGHT)[:, None] < tops).astype(np.uint8)
    grey = np.where(sky == 1, 220, texture[:, offset : offset + WIDTH]).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2), sky


def flickering(sky: np.ndarray, seed: int) -> np.ndarray:
    """An answer with patches of wrong, weak confidence that come and go."""
    rng = np.random.default_rng(seed)
    confidence = np.where(sky == 1, 225, 30).astype(np.uint8)
    for _ in range(6):
        y, x = rng.integers(0, HEIGHT - 16), rng.integers(0, WIDTH - 16)
        patch = confidence[y : y + 16, x : x + 16]
        patch[:] = np.where(patch > 127, 90, 165)
    return confidence


def labels(confidence: np.ndarray) -> np.ndarray:
    return (confidence >= 128).astype(np.uint8)


@pytest.mark.parametrize("speed", [0, 3])
def test_patches_that_come_and_go_are_gone(speed):
    smoother, targets, before, after = TemporalSmoother(), [], [], []
    for i in range(12):
        frame, sky = scene(speed * i)
        confidence = flickering(sky, i)
        targets.append(sky)
        before.append(labels(confidence))
        after.append(labels(smoother(frame, confidence)))
    assert flicker(targets, after)["flicker"] < flicker(targets, before)["flicker"] / 2
    wrong = [np.count_nonzero(found[-1] != targets[-1]) for found in (after, before)]
    assert wrong[0] < wrong[1] / 2, "and what is left is right"


def test_the_answer_moves_with_the_camera():
    smoother = TemporalSmoother()
    for i in range(10):
        frame, sky = scene(4 * i)
        smoothed = labels(smoother(frame, np.where(sky == 1, 225, 30).astype(np.uint8)))
    assert np.mean(smoothed != sky) < 0.02, "an answer that lagged would be off by a tower's side"


def test_a_cut_starts_anew():
    smoother = TemporalSmoother()
    dark, sky = scene(0)
    for _ in range(8):
        smoother(dark, np.full((HEIGHT, WIDTH), 250, np.uint8))
    other = 255 - scene(300, seed=9)[0]
    confidence = flickering(sky, 1)
    assert np.array_equal(smoother(other, confidence), confidence)


def test_a_frame_of_another_size_and_reset_start_anew():
    smoother = TemporalSmoother()
    frame, sky = scene(0)
    for _ in range(4):
        smoother(frame, np.full((HEIGHT, WIDTH), 250, np.uint8))
    small = np.full((40, 30), 20, np.uint8)
    assert np.array_equal(smoother(np.ascontiguousarray(frame[:40, :30]), small), small)
    confidence = flickering(sky, 2)
    smoother(frame, np.full((HEIGHT, WIDTH), 250, np.uint8))
    smoother.reset()
    assert np.array_equal(smoother(frame, confidence), confidence)


def test_a_decided_answer_outweighs_undecided_ones():
    smoother, (frame, _) = TemporalSmoother(), scene(0)
    for _ in range(5):
        smoother(frame, np.full((HEIGHT, WIDTH), 120, np.uint8))
    assert smoother(frame, np.full((HEIGHT, WIDTH), 255, np.uint8)).min() >= 128


@pytest.mark.parametrize("value", [0, 1, 100, 254, 255])
def test_a_steady_answer_stays_what_it_is(value):
    smoother, (frame, _) = TemporalSmoother(), scene(0)
    for _ in range(3):
        smoothed = smoother(frame, np.full((HEIGHT, WIDTH), value, np.uint8))
    assert np.max(np.abs(smoothed.astype(int) - value)) <= 1


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (7, 9), (15, 16), (16, 16), (17, 23), (33, 65)])
@pytest.mark.parametrize("flat", [True, False])
def test_any_size_and_flat_frames(size, flat):
    smoother, rng = TemporalSmoother(), np.random.default_rng(0)
    for _ in range(3):
        frame = np.full((*size, 3), 90, np.uint8) if flat else rng.integers(0, 256, (*size, 3)).astype(np.uint8)
        smoothed = smoother(frame, rng.integers(0, 256, size).astype(np.uint8))
        assert smoothed.shape == size
        assert smoothed.dtype == np.uint8


@pytest.mark.parametrize("size", [(1, 1), (4, 1), (1, 4), (3, 3)])
def test_the_smallest_frames_keep_a_steady_answer(size):
    smoother = TemporalSmoother()
    for _ in range(3):
        smoothed = smoother(np.full((*size, 3), 50, np.uint8), np.full(size, 200, np.uint8))
    assert np.max(np.abs(smoothed.astype(int) - 200)) <= 1


def test_equal_frames_give_equal_answers_and_arguments_stay():
    results = []
    for _ in range(2):
        smoother = TemporalSmoother()
        for i in range(5):
            frame, sky = scene(3 * i)
            confidence = flickering(sky, i)
            kept = frame.copy(), confidence.copy()
            smoothed = smoother(frame, confidence)
            assert np.array_equal(frame, kept[0])
            assert np.array_equal(confidence, kept[1])
            assert not np.shares_memory(smoothed, confidence)
        results.append(smoothed)
    assert np.array_equal(*results)


def test_wrong_arguments_are_named():
    frame, sky = scene(0)
    with pytest.raises(ValueError, match="the confidence is float64"):
        TemporalSmoother()(frame, sky.astype(np.float64))
    with pytest.raises(ValueError, match="the frame is uint8"):
        TemporalSmoother()(frame[:-1], sky)
