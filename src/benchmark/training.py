"""One training step: plain eager segmentation-models-pytorch against ours, interleaved in one run.

    python -m src.benchmark.training                             # the network of params.yaml and three others
    python -m src.benchmark.training --nets unet:resnet34 --compile
    python -m src.benchmark.training --batch 8 --size 256x256 --steps 20

Plain is the network without our training: fp32, channels first, torch's AdamW. Ours is the very step that training
takes (src/training/learner.py) with params.yaml's train section: its precision, memory format, loss and optimiser.
Both get the same random batch, which lies in memory, and the same threads. Prints a table of median milliseconds, then
all of it as one JSON line.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from src.benchmark.report import format_table
from src.errors import UserError, user_errors
from src.hardware import processor
from src.params import Model, Params, Train, load
from src.runtime.options import positive
from src.sizes import parse_size

if TYPE_CHECKING:
    import torch

    from src.models.zoo import NetworkSpec

COLUMNS = {"net": "net", "plain_ms": "plain ms", "ours_ms": "ours ms", "speed_up": "speed-up",
           "compiled_ms": "compiled ms", "plain_rate": "plain images/s", "ours_rate": "ours images/s"}  # fmt: skip
OTHERS = ("unet:mobilenet_v2", "fpn:resnet18", "segformer:mit_b0")
WARM_UP = 2  # untimed steps of each
MANY_STEPS = 10**6  # of a schedule that must not end within the measurement


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m src.benchmark.training",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--nets", nargs="+", metavar="NAME:ENCODER", help="instead of the default and three others")
    parser.add_argument("--batch", type=positive, help="images (default: train.batch_size)")
    parser.add_argument("--size", metavar="WxH", help="(default: preprocess.width and height)")
    parser.add_argument("--steps", type=positive, default=10, help="timed, of each (default: %(default)s)")
    parser.add_argument("--compile", action="store_true", help="ours under torch.compile as well (a minute per net)")
    chosen = parser.parse_args()
    settings = load()
    nets = [settings.model, *(_net(settings.model, name) for name in OTHERS)]
    if chosen.nets:
        nets = [_net(settings.model, name) for name in chosen.nets]
    rows = compare(
        settings,
        nets,
        size=parse_size(chosen.size) if chosen.size else (settings.preprocess.width, settings.preprocess.height),
        batch=chosen.batch or settings.train.batch_size,
        steps=chosen.steps,
        compiled=chosen.compile,
    )
    print(format_table(rows, COLUMNS), end="\n\n")
    print(json.dumps({"machine": processor(), "training_step": rows}), flush=True)


def compare(
    settings: Params, nets: Sequence[Model], *, size: tuple[int, int], batch: int, steps: int, compiled: bool
) -> list[dict[str, Any]]:
    """A row per network: median milliseconds of both steps, images/s, and how many times as fast ours is.

    Args:
        size: width and height in pixels.
        batch: images.
        steps: timed steps of each contender, interleaved.
        compiled: adds ours under torch.compile.
    """
    from src.training.machine import choose_precision, make_fabric, share_threads
    from src.training.processes import ALONE

    options = settings.train.model_copy(update={"compile": False})
    threads, precision = share_threads(options, ALONE), choose_precision(options.precision)
    fabric = make_fabric(ALONE, precision)
    rows = []
    for model in nets:
        spec = _spec(model, settings, size)
        data = _random_batch(spec, batch)
        contenders = {
            "plain": plain_step(spec, data, options, fabric.device),
            "ours": our_step(spec, data, options, fabric),
        }
        if compiled:
            contenders["compiled"] = our_step(spec, data, options.model_copy(update={"compile": True}), fabric)
        times = _interleaved(contenders, steps)
        rows.append(
            {
                "net": spec.title,
                "plain_ms": times["plain"],
                "ours_ms": times["ours"],
                "speed_up": times["plain"] / times["ours"],
                "compiled_ms": times.get("compiled"),
                "plain_rate": 1000 * batch / times["plain"],
                "ours_rate": 1000 * batch / times["ours"],
                "how": f"{size[0]}x{size[1]}, batch {batch}, {precision}, {fabric.device.type}, {threads} threads",
            }
        )
    return rows


def plain_step(
    spec: "NetworkSpec", data: tuple["torch.Tensor", "torch.Tensor"], options: Train, device: "torch.device"
) -> Callable[[], float]:
    """What a script over the bare library does."""
    import torch

    from src.models.losses import SegmentationLoss

    network = spec.build().network.to(device).train()
    loss = SegmentationLoss(options.loss)
    optimiser = torch.optim.AdamW(network.parameters(), lr=options.lr, weight_decay=options.weight_decay)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (spec.mean, spec.std))
    frames, target = data
    pixels = ((frames.permute(0, 3, 1, 2).float().contiguous() / 255 - mean) / std).to(device)
    target = target.to(device)

    def step() -> float:
        logits = network(pixels)
        value = loss(logits[0] if isinstance(logits, tuple) else logits, target)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        return value.item()

    return step


def our_step(
    spec: "NetworkSpec", data: tuple["torch.Tensor", "torch.Tensor"], options: Train, fabric: Any
) -> Callable[[], float]:
    from src.training.learner import Learner

    learner = Learner(fabric, spec.build(), options, None, MANY_STEPS)
    return lambda: learner.step([data]).item()


def _interleaved(contenders: dict[str, Callable[[], float]], steps: int) -> dict[str, float]:
    """Median milliseconds of each; taken in turn, so that what else the machine does meets all alike."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(WARM_UP + steps):
        for name, step in contenders.items():
            began = time.perf_counter()
            step()
            if number >= WARM_UP:
                times[name].append(1000 * (time.perf_counter() - began))
    return {name: median(taken) for name, taken in times.items()}


def _spec(model: Model, settings: Params, size: tuple[int, int]) -> "NetworkSpec":
    from src.data.shards import Manifest
    from src.labels import ClassTable
    from src.training.fit import network_spec

    classes = ClassTable.from_labels(settings.labels).classes
    manifest = Manifest(classes, size[1], size[0], (0.5,) * 3, (0.25,) * 3, {}, {}, ())
    return network_spec(model, manifest)


def _random_batch(spec: "NetworkSpec", images: int) -> tuple["torch.Tensor", "torch.Tensor"]:
    import torch

    shape = (images, spec.height, spec.width)
    return torch.randint(0, 256, (*shape, 3), dtype=torch.uint8), torch.randint(0, len(spec.classes), shape)


def _net(default: Model, name: str) -> Model:
    net, _, encoder = name.partition(":")
    if not encoder:
        raise UserError(f"--nets: {name}", "a network is named as NAME:ENCODER", "for example unet:resnet34")
    try:
        own = {"name": net, "encoder": encoder, "decoder_channels": None, "context": 0}
        return Model.model_validate(default.model_dump() | own)
    except ValidationError as error:
        why = error.errors()[0]["msg"]
        raise UserError(f"--nets: {name}", why, "see docs/models.md for the nets and their encoders") from error


if __name__ == "__main__":
    with user_errors():
        main()
