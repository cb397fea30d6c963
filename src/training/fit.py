"""One training run, from shards to a checkpoint; it goes on where a killed one stopped."""

import csv
import hashlib
import json
import logging
import shutil
import time
import warnings
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import Logger
from torch.utils.data import DataLoader

from src.data.augment import build_augmentation
from src.data.dataset import EpochSampler, ShardDataset, make_loader
from src.data.shards import Manifest
from src.errors import UserError
from src.hardware import bf16_flag, cores
from src.models.losses import SegmentationLoss, class_weights
from src.models.zoo import IMAGENET_MEAN, IMAGENET_STD, NetworkSpec, save_checkpoint
from src.params import Model, Train
from src.training.module import SegmentationModule

HISTORY = ("epoch", "lr", "train_loss", "val_loss", "val_iou", "val_accuracy", "seconds")


def fit(
    prepared: Path, model: Model, options: Train, *, checkpoint: Path, history: Path, work: Path, logger: Logger | None
) -> dict[str, Any]:
    """Trains and writes the best epoch's weights to `checkpoint` and a row per epoch to `history` (CSV).

    An interrupted run leaves its last epoch below `work`, in a folder named by a fingerprint of params and data;
    the next call with the same fingerprint resumes there, any other starts anew.

    Returns:
        metrics: best epoch (from 0), its val figures, epochs run, images per second, precision, minutes.

    Raises:
        UserError: a network that cannot be built or that does not fit the input size.
    """
    lightning.seed_everything(options.seed, workers=True, verbose=False)
    threads = cores() if options.threads == "auto" else options.threads
    torch.set_num_threads(threads)
    precision = choose_precision(options.precision)
    manifest = Manifest.read(prepared)
    spec = network_spec(model, manifest)
    segmenter = spec.build(model.encoder_weights).to(memory_format=torch.channels_last)
    _try_size(segmenter, spec)

    train, val = build_loaders(prepared, manifest, options)
    steps = options.epochs * len(train)
    loss = SegmentationLoss(options.loss, class_weights(options.class_weights, manifest.class_share))
    module = SegmentationModule(segmenter, loss, len(spec.classes), options, steps)

    # Lightning's and its loggers' notes on themselves would bury what matters here.
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    folder = work / "train" / _fingerprint(prepared, model, options)
    best = ModelCheckpoint(folder, "best", monitor="val/iou", mode="max", save_last=True, enable_version_counter=False)
    table = HistoryTable(folder / "history.csv")
    trainer = lightning.Trainer(
        accelerator="auto",
        devices=1,
        precision=precision,
        max_epochs=options.epochs,
        callbacks=[best, table, EarlyStopping("val/iou", patience=options.patience, mode="max"), TQDMProgressBar()],
        logger=logger or False,
        log_every_n_steps=10,
        num_sanity_val_steps=0,
        enable_model_summary=False,
        default_root_dir=folder,
    )
    last = folder / "last.ckpt"
    if last.is_file():
        print(f"resuming the interrupted run in {folder}", flush=True)
    print(f"training {model.name} over {model.encoder}: {len(train.dataset)} images, {threads} threads", flush=True)
    with warnings.catch_warnings():
        # Advice for clusters (more workers, other loggers) that would bury the progress bar here.
        warnings.filterwarnings("ignore", module="lightning")
        try:
            trainer.fit(module, train, val, ckpt_path=last if last.is_file() else None, weights_only=False)
        except SystemExit:  # Lightning's own answer to Ctrl-C, with the code of a failure
            if not trainer.interrupted:
                raise
            print(f"interrupted in epoch {trainer.current_epoch}: the same dvc repro goes on from there", flush=True)
            raise KeyboardInterrupt from None

    weights = torch.load(best.best_model_path, map_location="cpu", weights_only=False)["state_dict"]
    module.load_state_dict(weights)
    save_checkpoint(checkpoint, module.segmenter, spec)
    rows = table.rows()
    history.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(table.path, history)
    shutil.rmtree(folder)
    return _summary(rows, len(train.dataset), precision)


def choose_precision(wanted: str) -> str:
    """Lightning's precision for `train.precision`, with the reason printed."""
    if wanted == "auto":
        cuda = torch.cuda.is_available() and torch.cuda.is_bf16_supported()
        flag = "CUDA" if cuda else bf16_flag()
        wanted = "bf16" if flag else "fp32"
        why = f"{flag} computes in bfloat16" if flag else "no bfloat16 instructions on this processor"
        print(f"auto-detected: {wanted} ({why})", flush=True)
    return {"bf16": "bf16-mixed", "fp32": "32-true"}[wanted]


def network_spec(model: Model, manifest: Manifest) -> NetworkSpec:
    """What params and shards say of the network."""
    imagenet = model.normalisation == "imagenet"
    return NetworkSpec(
        name=model.name,
        encoder=model.encoder,
        decoder_channels=model.decoder_channels,
        classes=manifest.classes,
        height=manifest.height,
        width=manifest.width,
        mean=IMAGENET_MEAN if imagenet else manifest.mean,
        std=IMAGENET_STD if imagenet else manifest.std,
        training_data=manifest.sources,
    )


def _try_size(segmenter: torch.nn.Module, spec: NetworkSpec) -> None:
    """One forward pass, so that a size the net cannot take fails here and by name."""
    frames = torch.zeros(1, spec.height, spec.width, 3, dtype=torch.uint8)
    try:
        with torch.inference_mode():
            answered = tuple(segmenter.eval()(frames).shape[2:])
        if answered != (spec.height, spec.width):
            raise ValueError(f"its logits are {answered[1]}x{answered[0]}")
    except (RuntimeError, ValueError) as error:
        raise UserError(
            f"model: {spec.name} over {spec.encoder} does not take {spec.width}x{spec.height}",
            str(error).splitlines()[0],
            "change preprocess.height and preprocess.width, or the model",
        ) from error
    segmenter.train()


def build_loaders(prepared: Path, manifest: Manifest, options: Train) -> tuple[DataLoader, DataLoader]:
    """Loaders of the train and val splits; batches are (uint8 [N, H, W, 3] RGB, int64 [N, H, W])."""
    augmentation = build_augmentation(options.augment, manifest.height, manifest.width)
    train = ShardDataset(prepared / "train", augmentation, options.seed)
    # One loader process keeps two training cores fed; more cores, more loaders.
    workers = max(1, cores() // 4) if options.workers == "auto" else options.workers
    # A last batch of one image would give batch norm no statistics, so it is left out where others exist.
    drop_last = len(train) > options.batch_size
    order = EpochSampler(len(train), options.seed)
    return (
        make_loader(train, options.batch_size, workers=workers, sampler=order, drop_last=drop_last),
        make_loader(ShardDataset(prepared / "val"), options.batch_size, workers=workers),
    )


def _fingerprint(prepared: Path, model: Model, options: Train) -> str:
    """Of everything the run depends on: params, and the shards by name, size and manifest."""
    shards = [(p.relative_to(prepared).as_posix(), p.stat().st_size) for p in sorted(prepared.rglob("*.*"))]
    state = [model.model_dump(), options.model_dump(), shards, (prepared / "manifest.json").read_text(encoding="utf-8")]
    return hashlib.sha256(json.dumps(state).encode()).hexdigest()[:16]


class HistoryTable(Callback):
    """A CSV row per epoch, appended as it ends, so that a resumed run has the whole history."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._began = 0.0

    def on_train_epoch_start(self, _trainer: lightning.Trainer, _module: lightning.LightningModule) -> None:
        self._began = time.perf_counter()

    def on_train_epoch_end(self, trainer: lightning.Trainer, _module: lightning.LightningModule) -> None:
        logged = {key.replace("/", "_"): float(value) for key, value in trainer.callback_metrics.items()}
        logged |= {"epoch": trainer.current_epoch, "seconds": time.perf_counter() - self._began}
        # An epoch that was cut after its row but before its checkpoint runs, and is written, again.
        rows = [row for row in self.rows() if int(row["epoch"]) < trainer.current_epoch]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, HISTORY, extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows([*rows, logged])

    def rows(self) -> list[dict[str, str]]:
        if not self.path.is_file():
            return []
        with self.path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))


def _summary(rows: list[dict[str, str]], images: int, precision: str) -> dict[str, Any]:
    best = max(rows, key=lambda row: float(row["val_iou"]))
    seconds = sum(float(row["seconds"]) for row in rows)
    return {
        "best_epoch": int(best["epoch"]),
        "epochs": len(rows),
        "val": {name: float(best[f"val_{name}"]) for name in ("iou", "loss", "accuracy")},
        "images_per_second": round(len(rows) * images / seconds, 2),
        "minutes": round(seconds / 60, 2),
        "precision": precision,
    }
