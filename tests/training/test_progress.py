"""Which epoch is the best, and when a run is over."""

import pytest

from src.training.progress import Progress


def after(values: list[float], monitor: str) -> tuple[Progress, list[bool]]:
    progress, better = Progress(), []
    for value in values:
        progress.step, progress.loss = 4, 2.0
        figures = dict.fromkeys(("loss", "iou", "dice", "accuracy"), 0.5) | {monitor: value}
        better.append(progress.end_epoch(1e-3, figures, monitor))
    return progress, better


@pytest.mark.parametrize("monitor", ["iou", "dice", "accuracy"])
def test_the_highest_figure_is_the_best_and_the_first_of_equals(monitor):
    progress, better = after([0.5, 0.7, 0.7, 0.6], monitor)
    assert (progress.best_epoch, better) == (1, [True, True, False, False])


def test_the_lowest_loss_is_the_best():
    progress, better = after([0.5, 0.7, 0.4], "loss")
    assert (progress.best_epoch, better) == (2, [True, False, True])


def test_a_run_ends_with_its_epochs_or_its_patience():
    progress, _ = after([0.5, 0.7, 0.6, 0.6], "iou")
    assert progress.finished(4, 10)
    assert not progress.finished(5, 3)
    assert progress.finished(5, 2)
    assert not Progress().finished(1, 1)


def test_rows_hold_the_mean_loss_of_the_steps():
    progress, _ = after([0.5], "iou")
    assert progress.history[0]["train_loss"] == 0.5
    assert (progress.epoch, progress.step, progress.loss) == (1, 0, 0.0)
