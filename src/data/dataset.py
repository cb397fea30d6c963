"""Shards as a PyTorch dataset whose every sample depends on (seed, epoch, index) alone.

Worker count, prefetching and a resumed run therefore change nothing: epoch 3 shows the same crops in the same order
whether the run got there in one go or not.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import albumentations as A
import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from src.data.shards import ShardReader
from src.data.sky_swap import TRIES, swap_sky


@dataclass(frozen=True)
class SkySwaps:
    """How often an image gets another one's sky, and which class index that is."""

    share: float
    sky: int


class ShardDataset(Dataset):
    """The images of one split.

    Args:
        folder: the split's folder of shards.
        augmentation: applied to image and mask; None for none.
        seed: of the augmentation and the swaps.
        swaps: of skies, before the augmentation; None for none.

    Items are (image uint8 [H, W, 3] RGB, mask int64 [H, W] of target indices and `VOID`). With augmentation, item
    `epoch * len(self) + i` is image `i` as seen in `epoch`; `EpochBatches` counts so.
    """

    def __init__(
        self, folder: Path, augmentation: A.Compose | None = None, seed: int = 0, swaps: SkySwaps | None = None
    ) -> None:
        self.reader = ShardReader(folder)
        self.augmentation = augmentation
        self.seed = seed
        self.swaps = swaps

    def __len__(self) -> int:
        return len(self.reader)

    def __getitem__(self, item: int) -> tuple[torch.Tensor, torch.Tensor]:
        epoch, index = divmod(item, len(self))
        image, mask = self.reader[index]
        if self.swaps:
            image, mask = self._under_another_sky(image, mask, np.random.default_rng([self.seed, epoch, index, 1]))
        if self.augmentation:
            draw = np.random.SeedSequence([self.seed, epoch, index]).generate_state(1)[0]
            self.augmentation.set_random_seed(int(draw))
            out = self.augmentation(image=image, mask=mask)
            image, mask = out["image"], out["mask"]
        return torch.from_numpy(np.ascontiguousarray(image)), torch.from_numpy(mask.astype(np.int64))

    def _under_another_sky(
        self, image: np.ndarray, mask: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        if rng.random() >= self.swaps.share:
            return image, mask
        others = (self.reader[int(other)] for other in rng.integers(0, len(self), TRIES))
        swapped = (swap_sky(image, mask, *other, self.swaps.sky, rng) for other in others)
        return next((pair for pair in swapped if pair), (image, mask))


class EpochBatches(Sampler[list[int]]):
    """The batches of one epoch, in an order drawn from (seed, epoch), or what is left of them.

    Several processes share each batch out: together they see what one process with the whole batch would. Images that
    fill no whole batch are left out, unless there are no others: a batch of one would give norms no statistics.

    Args:
        size: images of the split.
        batch_size: images per batch and process.
        seed: of the order.
        process, processes: which of how many this is.
    """

    def __init__(self, size: int, batch_size: int, seed: int, *, process: int = 0, processes: int = 1) -> None:
        self.size, self.whole, self.seed = size, batch_size * processes, seed
        self.process, self.processes = process, processes
        self.epoch = self.first = 0

    def start_at(self, epoch: int, batch: int = 0) -> None:
        """The next iteration is over `epoch` from its batch `batch` on."""
        self.epoch, self.first = epoch, batch

    def __len__(self) -> int:
        """Batches of a whole epoch."""
        return max(1, self.size // self.whole)

    def __iter__(self) -> Iterator[list[int]]:
        order = np.random.default_rng([self.seed, self.epoch]).permutation(self.size) + self.epoch * self.size
        for batch in range(self.first, len(self)):
            images = order[batch * self.whole : (batch + 1) * self.whole]
            yield np.array_split(images, self.processes)[self.process].tolist()


def make_loader(
    dataset: ShardDataset, batches: Iterable[list[int]], *, workers: int, start: str | None = None
) -> DataLoader:
    """Batches of (uint8 [N, H, W, 3] RGB, int64 [N, H, W]), the same whatever the number of workers.

    OpenCV becomes single-threaded in this process as well as in the workers: its threads would fight those that
    train, and they do not survive a fork (a forked worker that found them set up would wait for them for ever).

    Args:
        dataset: one split.
        batches: the items of each batch, as `EpochBatches` or a list.
        workers: processes; 0 loads in this one.
        start: how workers start, "fork" or "spawn"; None for the platform's way.
    """
    _one_thread()
    return DataLoader(
        dataset,
        batch_sampler=batches,
        num_workers=workers,
        worker_init_fn=_one_thread,
        persistent_workers=workers > 0,
        multiprocessing_context=start if workers else None,
        pin_memory=torch.cuda.is_available(),
    )


def _one_thread(_worker: int = 0) -> None:
    cv2.setNumThreads(1)
