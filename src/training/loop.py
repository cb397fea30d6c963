"""The loop: epochs of steps, each epoch validated, its best weights and its state kept."""

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from math import ceil, isfinite

import torch
from torch.utils.data import DataLoader
from tqdm import tqdm

from src.errors import UserError
from src.training.learner import Batch, Learner
from src.training.progress import Progress
from src.training.resume import Store
from src.training.validation import validate

Log = Callable[[dict[str, float], int], None]  # figures by name, optimiser steps done
LOG_EVERY = 10  # steps


def steps_per_epoch(train: DataLoader, accumulate: int) -> int:
    """Optimiser steps; the last of an epoch may be over fewer batches."""
    return ceil(len(train.batch_sampler) / accumulate)


def run_epochs(
    learner: Learner, train: DataLoader, val: DataLoader, progress: Progress, store: Store, classes: int, log: Log
) -> None:
    """Trains from where `progress` stands to the last epoch, or until patience ends.

    Only the first process writes and logs; all of them see the same figures and so decide alike.

    Raises:
        UserError: the loss is no number any more.
    """
    options, first = learner.options, learner.fabric.is_global_zero
    while not progress.finished(options.epochs, options.patience):
        _train_epoch(learner, train, progress, store, log)
        began = time.perf_counter()
        guess = learner.best_guess()
        val_figures = validate(learner.fabric, guess, learner.loss, val, classes)
        progress.seconds += time.perf_counter() - began
        if not isfinite(val_figures["loss"]):
            raise UserError(
                f"training diverged: the val loss of epoch {progress.epoch} is {val_figures['loss']}",
                fix="set train.lr lower, train.warmup higher or train.clip_norm: 1.0",
            )
        better = progress.end_epoch(learner.lr, val_figures, options.monitor)
        learner.end_epoch(val_figures["loss"])
        row = progress.history[-1]
        log({"train/loss_epoch": row["train_loss"]} | _named(val_figures), learner.steps_done)
        if first:
            _say(row, options.epochs, options.monitor, better)
            if better:
                store.save_best(progress.best_epoch, guess.state_dict())
            store.save(progress, learner.state())


def _train_epoch(learner: Learner, train: DataLoader, progress: Progress, store: Store, log: Log) -> None:
    """The steps of the epoch that `progress` stands in, from its step on."""
    options, first = learner.options, learner.fabric.is_global_zero
    steps = steps_per_epoch(train, options.accumulate)
    train.batch_sampler.start_at(progress.epoch, progress.step * options.accumulate)
    name = f"epoch {progress.epoch + 1}/{options.epochs}"
    # Nothing is drawn where nobody looks: a log file has the epochs' lines.
    bar = tqdm(desc=name, total=steps, initial=progress.step, unit="step", leave=False, disable=None if first else True)
    began, losses = time.perf_counter(), []

    def settle() -> None:
        """Brings `progress` up to date; reading a loss waits for the GPU, so not after every step."""
        nonlocal began
        progress.loss = sum(torch.stack(losses).tolist(), start=progress.loss)
        losses.clear()
        now = time.perf_counter()
        progress.seconds, began = progress.seconds + now - began, now

    with bar:
        for batches in _grouped(train, options.accumulate, steps - progress.step):
            lr = learner.lr
            losses.append(learner.step(batches))
            progress.step += 1
            bar.update()
            done, every = learner.steps_done, options.checkpoint_every
            if done % LOG_EVERY == 0:
                loss = losses[-1].item()
                bar.set_postfix(loss=f"{loss:.3f}")
                log({"train/loss_step": loss, "lr": lr}, done)
            if every and done % every == 0 and progress.step < steps:
                settle()
                if first:
                    store.save(progress, learner.state())
    settle()


def _grouped(batches: Iterable[Batch], size: int, groups: int) -> Iterator[list[Batch]]:
    each = iter(batches)
    for _ in range(groups):
        yield list(islice(each, size))


def _named(val: dict[str, float]) -> dict[str, float]:
    return {f"val/{name}": value for name, value in val.items()}


def _say(row: dict[str, float], epochs: int, monitor: str, better: bool) -> None:
    figures = ", ".join(f"{name.replace('_', ' ')} {row[name]:.4f}" for name in ("train_loss", "val_loss", "val_iou"))
    best = f" (best {monitor} so far)" if better else ""
    print(f"epoch {row['epoch'] + 1}/{epochs}: {figures}, {row['seconds']:.0f} s{best}", flush=True)
