"""The zoo in figures: size, work and latency of each net, untrained, on this machine.

    python -m src.benchmark.models                             # all of them at 256x256
    python -m src.benchmark.models --size 512x288 --runs 100   # width x height; timed calls per backend
    python -m src.benchmark.models --only bisenetv2 ddrnet     # some
    python -m src.benchmark.models --markdown                  # as docs/models.md has it

Latency is the median at batch 1 in milliseconds; the backends of a net take turns, so that what else the machine does
falls on all alike. MB is the model file's size.
"""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, get_args

import numpy as np

from src.benchmark.latency import Conditions, contenders, open_contender
from src.benchmark.report import format_table
from src.errors import UserError, user_errors
from src.hardware import cores, processor
from src.params.model import NetName
from src.runtime.engines.timing import interleaved
from src.runtime.options import positive
from src.sizes import parse_size

# An encoder of each kind where the net takes one: small residual, larger residual, depthwise, transformer.
CHOSEN: tuple[tuple[str, str | None], ...] = (
    ("unet", None), ("unet", "tu-resnet10t"), ("unet", "resnet34"), ("unet", "mobilenet_v2"),
    ("unetplusplus", "resnet18"), ("manet", "resnet18"), ("linknet", "resnet18"), ("fpn", "resnet18"),
    ("upernet", "resnet18"), ("pspnet", "resnet50"), ("deeplabv3", "resnet101"), ("deeplabv3plus", "resnet50"),
    ("deeplabv3plus", "mobilenet_v2"), ("segformer", "mit_b0"), ("fcn", None), ("lraspp", None), ("bisenetv2", None),
    ("ddrnet", None), ("pidnet", None),
)  # fmt: skip
THRESHOLD, WARMUP = 0.5, 3


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m src.benchmark.models", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", default="256x256", help="width x height of the input (default: %(default)s)")
    parser.add_argument("--runs", type=positive, default=30, help="timed calls per backend (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=cores(), help="of every backend (default: %(default)s)")
    parser.add_argument("--only", nargs="+", choices=get_args(NetName), metavar="NET", help="these nets alone")
    parser.add_argument("--markdown", action="store_true", help="a table for a page")
    chosen = parser.parse_args()
    width, height = parse_size(chosen.size)
    machine = f"{processor()['model']}, {chosen.threads} threads"
    print(f"{machine}, input {width}x{height}, median of {chosen.runs}\n", flush=True)
    wanted = [(net, encoder) for net, encoder in CHOSEN if not chosen.only or net in chosen.only]
    rows = [*measure(wanted, height, width, threads=chosen.threads, runs=chosen.runs)]
    columns = {key: key for key in rows[0]}
    print(_markdown(rows) if chosen.markdown else format_table(rows, columns))


def measure(
    nets: Sequence[tuple[str, str | None]], height: int, width: int, *, threads: int, runs: int
) -> Iterator[dict[str, Any]]:
    """A row per (net, encoder) that takes the size: {net, parameters in millions, MB, GMAC, size multiple, and the
    milliseconds of each backend}.

    Raises:
        UserError: a net does not take this size.
    """
    from tqdm import tqdm

    for name, encoder in tqdm(nets, desc="nets", leave=False):
        with TemporaryDirectory() as folder:
            yield _row(name, encoder, height, width, threads, runs, Path(folder))


def _row(
    name: str, encoder: str | None, height: int, width: int, threads: int, runs: int, folder: Path
) -> dict[str, Any]:
    import torch

    from src.export import to_onnx
    from src.model_card import ClassInfo
    from src.models.complexity import complexity
    from src.models.portable import PortableModel
    from src.models.sizes import size_multiple
    from src.models.zoo import IMAGENET_MEAN, IMAGENET_STD, NetworkSpec, save_checkpoint

    torch.manual_seed(0)
    torch.set_num_threads(threads)
    classes = (ClassInfo("background", (0, 0, 0)), ClassInfo("sky", (255, 51, 153)))
    spec = NetworkSpec(name, encoder, None, classes, height, width, IMAGENET_MEAN, IMAGENET_STD, ())
    segmenter = spec.build().eval()
    multiple = max(size_multiple(segmenter.network), 8)
    if height % multiple or width % multiple:
        raise UserError(f"--size: {spec.title} takes multiples of {multiple}, not {width}x{height}")
    counted = complexity(segmenter, height, width)
    checkpoint, onnx = folder / "net.ckpt", folder / "fp32.onnx"
    save_checkpoint(checkpoint, segmenter, spec)
    onnx.write_bytes(to_onnx(PortableModel(segmenter, THRESHOLD).eval(), spec.card(THRESHOLD)).SerializeToString())
    *backends, _ = contenders(checkpoint, folder, folder, quiet=True)
    frame = np.random.default_rng(0).integers(0, 255, (1, height, width, 3), np.uint8)
    with ExitStack() as opened:
        calls = [open_contender(one, Conditions(threads, (1,), THRESHOLD), opened) for one in backends]
        seconds = interleaved(calls, [frame], runs=runs, warmup=WARMUP)
    return {
        "net": f"{name} {encoder or ''}".strip(),
        "M parameters": round(counted.parameters / 1e6, 1),
        "MB": round(onnx.stat().st_size / 1e6, 1),
        "GMAC": round(counted.macs / 1e9, 2),
        "multiples of": multiple,
        **{one.name: round(median(taken) * 1000, 1) for one, taken in zip(backends, seconds, strict=True)},
    }


def _markdown(rows: Sequence[dict[str, Any]]) -> str:
    lines = [list(rows[0]), ["---"] * len(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    with user_errors():
        main()
