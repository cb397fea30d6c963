"""The loaders of a run: train batches shared out to its processes, val batches dealt out to them."""

from pathlib import Path

from torch.utils.data import DataLoader

from src.data.augment import build_augmentation
from src.data.dataset import EpochBatches, ShardDataset, SkySwaps, make_loader
from src.data.shards import Manifest
from src.errors import UserError
from src.hardware import cores
from src.params import Train
from src.training.processes import ALONE, Place


def build_loaders(
    prepared: Path, manifest: Manifest, options: Train, place: Place = ALONE
) -> tuple[DataLoader, DataLoader]:
    """Loaders of the train and val splits; batches are (uint8 [N, H, W, 3] RGB, int64 [N, H, W]).

    The train loader's `batch_sampler` is an `EpochBatches`. Val batches hold the same images whatever the number of
    processes, each of which gets every so many-th.

    Raises:
        UserError: fewer training images than processes.
    """
    augmentation = build_augmentation(options.augment, manifest.height, manifest.width)
    swaps = None
    if share := options.augment.sky_swap:
        swaps = SkySwaps(share, [one.name for one in manifest.classes].index("sky"))
    train = ShardDataset(prepared / "train", augmentation, options.seed, swaps)
    val = ShardDataset(prepared / "val")
    if len(train) < place.processes:
        raise UserError(
            f"train.devices: {place.processes} processes for {len(train)} training images",
            fix="set train.devices and train.nodes lower",
        )
    # One loader process keeps two training cores fed; more cores, more loaders.
    workers = max(1, cores() // 4 // place.local_processes) if options.workers == "auto" else options.workers
    order = EpochBatches(len(train), options.batch_size, options.seed, process=place.process, processes=place.processes)
    firsts = range(place.process * options.batch_size, len(val), place.processes * options.batch_size)
    batches = [list(range(first, min(first + options.batch_size, len(val)))) for first in firsts]
    return make_loader(train, order, workers=workers), make_loader(val, batches, workers=workers if batches else 0)
