"""How fast images are selected, read, augmented and learnt from: what feeds training, beside what eats.

    python -m src.benchmark.loading                  # data/raw, data/prepared and params.yaml as they are
    python -m src.benchmark.loading --seconds 20     # longer, steadier
    python -m src.benchmark.loading --raw other/raw  # selection of another folder

Prints a table of images/s, a table of what each augmentation costs, then all of it as one JSON line. Training starves
only if "loader" falls below "training step". While anything else uses the cores, set OMP_WAIT_POLICY=PASSIVE, or
torch's waiting threads take what time there is.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from src.benchmark.report import format_table
from src.benchmark.training import MANY_STEPS
from src.data.augment import build_augmentation
from src.data.dataset import ShardDataset, SkySwaps
from src.data.raw import raw_folders
from src.data.selection import select
from src.data.shards import Manifest, ShardReader
from src.errors import UserError, user_errors
from src.hardware import cores, processor
from src.labels import ClassTable
from src.params import Augment, Params, load
from src.runtime.options import positive

RATE_COLUMNS = {"what": "what", "per_second": "images/s", "how": "how"}
COST_COLUMNS = {"knob": "augmentation", "ms": "ms/image", "share": "p", "expected_ms": "expected ms"}
# Nothing happens to the image but its crop to the model's size.
STILL = dict.fromkeys(Augment.model_fields, 0.0) | {"min_crop": 1.0}
COST_IMAGES = 100


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m src.benchmark.loading",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--raw", type=Path, default=Path("data/raw"), help="raw folders (default: %(default)s)")
    parser.add_argument("--prepared", type=Path, default=Path("data/prepared"), help="shards (default: %(default)s)")
    parser.add_argument("--seconds", type=positive, default=8, help="per figure, at least (default: %(default)s)")
    options = parser.parse_args()
    if not (options.prepared / "manifest.json").is_file():
        raise UserError(f"no shards in {options.prepared}", fix="dvc repro preprocess")
    settings = load()
    rates = [
        selection_rate(options.raw, settings),
        *reading_rates(options.prepared, options.seconds / 4),
        *loader_rates(options.prepared, settings, options.seconds),
        training_rate(options.prepared, settings, options.seconds),
    ]
    costs = augmentation_costs(options.prepared, settings.train.augment)
    print(format_table(rates, RATE_COLUMNS), end="\n\n")
    print(format_table(costs, COST_COLUMNS), end="\n\n")
    print(json.dumps({"machine": processor(), "rates": rates, "augmentation": costs}), flush=True)


def selection_rate(raw: Path, settings: Params) -> dict[str, Any]:
    """filter-sky over every raw folder, once, files in the page cache or not as they are."""
    table = ClassTable.from_labels(settings.labels)
    began = time.perf_counter()
    rows = select(raw_folders(raw), table, settings.filter)
    return _rate("selection", len(rows), time.perf_counter() - began, f"{len(rows)} images, {cores()} threads")


def reading_rates(prepared: Path, seconds: float) -> Iterator[dict[str, Any]]:
    """Shards read and decoded by one thread, in order and at random."""
    reader = ShardReader(prepared / "train")
    cv2.setNumThreads(1)
    orders = {"in order": np.arange(len(reader)), "at random": np.random.default_rng(1).permutation(len(reader))}
    for name, order in orders.items():
        done, taken = _repeat(lambda i, order=order: reader[int(order[i % len(order)])], seconds)
        yield _rate(f"shards {name}", done, taken, "read and decoded, one thread")


def loader_rates(prepared: Path, settings: Params, seconds: float) -> Iterator[dict[str, Any]]:
    """The training loader by itself: in this process, with as many workers as training uses, and with one per core."""
    from src.training.loaders import build_loaders

    manifest = Manifest.read(prepared)
    chosen = build_loaders(prepared, manifest, settings.train)[0].num_workers
    for workers in sorted({0, chosen, cores()}):
        options = settings.train.model_copy(update={"workers": workers})
        batches = _endless(build_loaders(prepared, manifest, options)[0])
        next(batches)  # workers start
        done, taken = _repeat(lambda _, batches=batches: next(batches), seconds)
        note = ", as in training" if workers == chosen else ""
        yield _rate("loader", done * options.batch_size, taken, f"{workers} workers{note}")


def training_rate(prepared: Path, settings: Params, seconds: float) -> dict[str, Any]:
    """Forward, backward and optimiser step on one batch that lies in memory: the most that training could take."""
    from src.models.losses import class_weights
    from src.training.fit import network_spec
    from src.training.learner import Learner
    from src.training.loaders import build_loaders
    from src.training.machine import choose_precision, make_fabric, share_threads
    from src.training.processes import ALONE

    options, manifest = settings.train.model_copy(update={"workers": 0}), Manifest.read(prepared)
    threads, precision = share_threads(options, ALONE), choose_precision(options.precision)
    fabric = make_fabric(ALONE, precision)
    weights = class_weights(options.class_weights, manifest.class_share)
    learner = Learner(fabric, network_spec(settings.model, manifest).build(None), options, weights, MANY_STEPS)
    batch = next(iter(build_loaders(prepared, manifest, options)[0]))

    def step(_: int) -> float:
        return learner.step([batch]).item()  # waits for a GPU

    for warming in range(3):
        step(warming)
    done, taken = _repeat(step, seconds)
    how = f"batch {len(batch[0])}, {precision}, {fabric.device.type}, {threads} threads"
    return _rate("training step", done * len(batch[0]), taken, how)


def augmentation_costs(prepared: Path, knobs: Augment) -> list[dict[str, Any]]:
    """CPU time that each knob of `train.augment` adds where it acts, and on average at its setting; one thread."""
    manifest = Manifest.read(prepared)
    reader = ShardReader(prepared / "train")
    cv2.setNumThreads(1)
    images = [reader[i % len(reader)] for i in range(COST_IMAGES)]

    def cost(settings: dict[str, float]) -> float:
        pipeline = build_augmentation(Augment(**settings), manifest.height, manifest.width)
        taken = []
        for seed, (image, mask) in enumerate(images):
            began = time.thread_time()
            pipeline.set_random_seed(seed)
            pipeline(image=image, mask=mask)
            taken.append(time.thread_time() - began)
        return 1000 * float(np.mean(taken))

    base = cost(STILL)
    rows = [{"knob": "crop to size", "ms": round(base, 2), "share": 1.0, "expected_ms": round(base, 2)}]
    for name in Augment.model_fields:
        if name == "min_crop":
            continue
        share = getattr(knobs, name)
        if name == "rotate":  # its knob is an angle; it acts on every second image
            added, share = 2 * (cost(STILL | {name: 15.0}) - base), 0.5 if share else 0.0
        elif name == "sky_swap":
            names = [one.name for one in manifest.classes]
            if "sky" not in names:
                continue
            added = _swapping_cost(prepared / "train", names.index("sky"))
        else:
            added = cost(STILL | {name: 1.0}) - base
        rows.append(
            {"knob": name, "ms": round(added, 2), "share": share, "expected_ms": round(max(0.0, added * share), 2)}
        )
    return rows


def _swapping_cost(train: Path, sky: int) -> float:
    """Milliseconds that a swap adds to reading an image: reading up to four others is part of it."""

    def cost(dataset: ShardDataset) -> float:
        began = time.thread_time()
        for i in range(COST_IMAGES):
            dataset[i % len(dataset)]
        return 1000 * (time.thread_time() - began) / COST_IMAGES

    return cost(ShardDataset(train, swaps=SkySwaps(1.0, sky))) - cost(ShardDataset(train))


def _repeat(work: Callable[[int], Any], seconds: float) -> tuple[int, float]:
    """Calls until the time is up: (calls, seconds taken)."""
    calls, began, taken = 0, time.perf_counter(), 0.0
    while taken < seconds:
        work(calls)
        calls += 1
        taken = time.perf_counter() - began
    return calls, taken


def _endless(loader: Any) -> Iterator[Any]:
    for epoch in count():
        loader.batch_sampler.start_at(epoch)
        yield from loader


def _rate(what: str, images: int, seconds: float, how: str) -> dict[str, Any]:
    return {"what": what, "per_second": round(images / seconds, 1), "how": how}


if __name__ == "__main__":
    with user_errors():
        main()
