"""Shards as a PyTorch dataset whose every sample depends on (seed, epoch, index) alone.

Worker count, prefetching and a resumed run therefore change nothing: epoch 3 shows the same crops in the same order
whether the run got there in one go or not.
"""

from collections.abc import Iterator
from pathlib import Path

import albumentations as A
import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from src.data.shards import ShardReader


class ShardDataset(Dataset):
    """The images of one split.

    Args:
        folder: the split's folder of shards.
        augmentation: applied to image and mask; None for none.
        seed: of the augmentation.

    Items are (image uint8 [H, W, 3] RGB, mask int64 [H, W] of target indices and `VOID`). With augmentation, item
    `epoch * len(self) + i` is image `i` as seen in `epoch`; `EpochSampler` counts so.
    """

    def __init__(self, folder: Path, augmentation: A.Compose | None = None, seed: int = 0) -> None:
        self.reader = ShardReader(folder)
        self.augmentation = augmentation
        self.seed = seed

    def __len__(self) -> int:
        return len(self.reader)

    def __getitem__(self, item: int) -> tuple[torch.Tensor, torch.Tensor]:
        epoch, index = divmod(item, len(self))
        image, mask = self.reader[index]
        if self.augmentation:
            draw = np.random.SeedSequence([self.seed, epoch, index]).generate_state(1)[0]
            self.augmentation.set_random_seed(int(draw))
            out = self.augmentation(image=image, mask=mask)
            image, mask = out["image"], out["mask"]
        return torch.from_numpy(np.ascontiguousarray(image)), torch.from_numpy(mask.astype(np.int64))


class EpochSampler(Sampler[int]):
    """A new order each epoch, drawn from (seed, epoch); Lightning calls `set_epoch`, also after a resume."""

    def __init__(self, size: int, seed: int) -> None:
        self.size, self.seed, self.epoch = size, seed, 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[int]:
        order = np.random.default_rng([self.seed, self.epoch]).permutation(self.size)
        return iter((order + self.epoch * self.size).tolist())


def make_loader(
    dataset: ShardDataset,
    batch_size: int,
    *,
    workers: int,
    sampler: EpochSampler | None = None,
    drop_last: bool = False,
    start: str | None = None,
) -> DataLoader:
    """Batches of (uint8 [N, H, W, 3] RGB, int64 [N, H, W]), the same whatever the number of workers.

    OpenCV becomes single-threaded in this process as well as in the workers: its threads would fight those that
    train, and they do not survive a fork (a forked worker that found them set up would wait for them for ever).

    Args:
        dataset: one split.
        batch_size: images.
        workers: processes; 0 loads in this one.
        sampler: the order; None for that of the shards.
        drop_last: leaves out a last batch that is not full.
        start: how workers start, "fork" or "spawn"; None for the platform's way.
    """
    _one_thread()
    return DataLoader(
        dataset,
        batch_size,
        sampler=sampler,
        drop_last=drop_last,
        num_workers=workers,
        worker_init_fn=_one_thread,
        persistent_workers=workers > 0,
        multiprocessing_context=start if workers else None,
    )


def _one_thread(_worker: int = 0) -> None:
    cv2.setNumThreads(1)
