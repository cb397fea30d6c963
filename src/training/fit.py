"""One training run, from shards to a checkpoint, on one device or several; it goes on where a killed one stopped."""

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from src.data.shards import Manifest
from src.errors import UserError
from src.models.losses import class_weights
from src.models.zoo import IMAGENET_MEAN, IMAGENET_STD, NetworkSpec, Segmenter, save_checkpoint
from src.params import Model, Train
from src.training.initial import find_start, init_file
from src.training.learner import Learner
from src.training.loaders import build_loaders
from src.training.loop import Log, run_epochs, steps_per_epoch
from src.training.machine import choose_precision, count_devices, make_fabric, share_threads
from src.training.processes import Cluster, Place, log_nothing, run_processes
from src.training.progress import Progress
from src.training.resume import Store, fingerprint

if TYPE_CHECKING:
    from src.tracking import RunLogger


@dataclass(frozen=True)
class Plan:
    """What every process of a run is told."""

    prepared: Path
    model: Model
    options: Train
    precision: str  # Lightning's name
    store: Store
    checkpoint: Path
    history: Path
    released: Path


def fit(
    prepared: Path,
    model: Model,
    options: Train,
    *,
    checkpoint: Path,
    history: Path,
    work: Path,
    released: Path = Path("models/release/skyseg.safetensors"),
    track: Callable[[Path], AbstractContextManager["RunLogger"]] | None = None,
    cluster: Cluster = Cluster(),  # noqa: B008, it is frozen
) -> dict[str, Any] | None:
    """Trains and writes the best epoch's weights to `checkpoint` and a row per epoch to `history` (CSV).

    An interrupted run leaves its state below `work`, in a folder named by a fingerprint of params and data; the next
    call with the same fingerprint goes on with the next step, any other starts anew. It ends with the weights that an
    unbroken run has, to the bit where the device computes the same twice (processors do).

    Args:
        released: the weights that `train.init: release` starts from.
        track: makes the logger of live curves, given a file in which to keep the tracked run's identity, so that a
            resumed run goes on in it; None for none.
        cluster: this machine's place among `options.nodes`.

    Returns:
        metrics: init (the file that it started from, or scratch), best epoch (from 0), its val figures, epochs run,
        images per second, minutes, precision, processes.
        None on nodes but the first, which writes everything.

    Raises:
        UserError: weights to start from that are missing or do not fit, a network that cannot be built or that does
            not fit the input size, a precision or number of devices that this machine has not, a loss that is no
            number any more, a process that died.
    """
    precision, devices = choose_precision(options.precision), count_devices(options.devices)
    run = fingerprint(prepared, model, options, init_file(options.init, released), (precision, devices))
    store = Store(work / "train" / run)
    plan = Plan(prepared, model, options, precision, store, checkpoint, history, released)
    tracked = track(store.folder / "tracked_run") if track and cluster.node == 0 else nullcontext()
    with tracked as logger:
        log = log_nothing if logger is None else logger.log_metrics
        try:
            metrics = run_processes(
                train_process, (plan,), devices=devices, nodes=options.nodes, cluster=cluster, log=log
            )
        except KeyboardInterrupt:
            print(f"interrupted: {_saved(store)}", flush=True)
            raise
    if cluster.node:
        return None
    shutil.rmtree(store.folder)
    return metrics | {"precision": precision, "processes": devices * options.nodes}


def train_process(plan: Plan, *, place: Place, log: Log) -> dict[str, Any]:
    """A run as one of its processes sees it; the first one writes the results. Returns the run's figures."""
    options, manifest = plan.options, Manifest.read(plan.prepared)
    threads = share_threads(options, place)
    torch.manual_seed(options.seed)
    start = find_start(options.init, plan.released, network_spec(plan.model, manifest))
    spec, segmenter = start.spec, start.build(plan.model.encoder_weights)
    _try_size(segmenter, spec)
    if options.batch_size == 1:
        _try_one_image(segmenter, spec)

    fabric = make_fabric(place, plan.precision)
    train, val = build_loaders(plan.prepared, manifest, options, place)
    weights = class_weights(options.class_weights, manifest.class_share)
    steps = options.epochs * steps_per_epoch(train, options.accumulate)
    learner = Learner(fabric, segmenter, options, weights, steps, fine_tuned=start.weights is not None)
    progress = _resume(learner, plan.store)
    images = manifest.images["train"]
    if fabric.is_global_zero:
        many = f"{place.processes} processes of " if place.processes > 1 else ""
        print(f"training {spec.title} on {fabric.device.type}: {images} images, {many}{threads} threads", flush=True)
        if start.note:
            print(start.note, flush=True)
    run_epochs(learner, train, val, progress, plan.store, len(spec.classes), log)

    if fabric.is_global_zero:
        learner.segmenter.load_state_dict(plan.store.load_best(progress.best_epoch))
        save_checkpoint(plan.checkpoint, learner.segmenter, spec)
        progress.write_history(plan.history)
    return {"init": "scratch" if start.weights is None else options.init} | progress.summary(images)


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
        context=model.context,
    )


def _try_size(segmenter: Segmenter, spec: NetworkSpec) -> None:
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


def _try_one_image(segmenter: Segmenter, spec: NetworkSpec) -> None:
    """A training pass over one image, on a copy, as it changes norms: behind a global pool they have but one value."""
    frames = torch.zeros(1, spec.height, spec.width, 3, dtype=torch.uint8)
    try:
        deepcopy(segmenter).train()(frames)
    except ValueError as error:
        raise UserError(
            f"train.batch_size: {spec.name} cannot learn from one image at a time",
            str(error).splitlines()[0],
            "set train.batch_size: 2 or more; train.accumulate does not help here",
        ) from error


def _resume(learner: Learner, store: Store) -> Progress:
    """The state of the first node's store, in every process; a new `Progress` without one."""
    fabric = learner.fabric
    found = fabric.broadcast(store.load() if fabric.is_global_zero else None)
    if found is None:
        return Progress()
    progress, state = found
    learner.restore(state)
    if fabric.is_global_zero:
        print(f"resuming the interrupted run in {store.folder}: {_position(progress)}", flush=True)
    return progress


def _saved(store: Store) -> str:
    found = store.load()
    if found is None:
        return "nothing is saved yet, the same dvc repro starts anew"
    return f"{_position(found[0])} is saved, and the same dvc repro goes on from there"


def _position(progress: Progress) -> str:
    return f"step {progress.step} of epoch {progress.epoch + 1}"
