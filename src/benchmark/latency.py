"""Latency, memory, agreement and IoU of every way to run the model on this machine, at each batch size."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from src.errors import EngineError
from src.evaluation.metrics import Tally
from src.model_card import ModelCard, read_card
from src.runtime.engines import GRAPH_OF, PRECISIONS, backend_module, open_engine, open_model_file
from src.runtime.engines.base import Engine, Options
from src.runtime.engines.choice import Models, obstacle
from src.runtime.engines.timing import Call, interleaved
from src.runtime.video.stats import peak_rss_mb

REFERENCE, ENGINE = "onnxruntime fp32", "engine"
FEWEST_RUNS = 10  # at large batches


@dataclass(frozen=True)
class Contender:
    """One way to run the model.

    Attributes:
        name: in the table.
        path: a checkpoint (torch), a model file or an engine folder.
        backend, precision: None takes the engine folder's own.
        gpu: False keeps ONNX Runtime on the processor.
    """

    name: str
    path: Path
    backend: str | None = None
    precision: str | None = None
    gpu: bool = True


@dataclass(frozen=True)
class Conditions:
    """What all contenders share: compute threads, the batch sizes, and PyTorch's threshold (it has no card)."""

    threads: int
    batch_sizes: tuple[int, ...]
    threshold: float


def contenders(checkpoint: Path, models: Path, engine: Path, *, quiet: bool = False) -> list[Contender]:
    """PyTorch, every backend and precision that this machine has, and the built engine, which comes last.

    `models` is a model file or a folder of them. What is not to be had is printed with the reason, unless `quiet`.
    """
    known = Models.find(models)
    found = [Contender("torch fp32", checkpoint, "torch")]
    for backend, precisions in reversed(PRECISIONS.items()):
        for precision in precisions:
            why = obstacle(known, backend, precision)
            if why and not quiet:
                print(f"benchmark: no {backend} {precision}: {why}", flush=True)
            if not why:
                found += _contenders_of(backend, precision, known.files[GRAPH_OF[precision]])
    return [*found, Contender(ENGINE, engine)]


def _contenders_of(backend: str, precision: str, graph: Path) -> list[Contender]:
    """One; of ONNX Runtime with a GPU two, as the reference is its processor's."""
    if backend != "onnxruntime":
        return [Contender(f"{backend} {precision}", graph, backend, precision)]
    on_gpu = backend_module(backend).on_gpu()
    processor = (
        [] if precision == "fp16" else [Contender(f"{backend} {precision}", graph, backend, precision, gpu=False)]
    )
    return processor + ([Contender(f"{backend} cuda {precision}", graph, backend, precision)] if on_gpu else [])


def measure(
    chosen: Sequence[Contender],
    frames: np.ndarray,
    masks: np.ndarray,
    *,
    conditions: Conditions,
    runs: int,
    warmup: int,
) -> list[dict[str, Any]]:
    """A row per batch size and contender.

    Calls are timed in blocks that take turns, so that what else the machine does falls on all alike. Memory is the
    peak of a fresh process that does nothing else.

    Args:
        chosen: with `REFERENCE` and `ENGINE`; any other that cannot be opened is named and left out.
        frames: uint8 [N, H, W, 3] RGB at the model's size.
        masks: uint8 [N, H, W], their target indices and void.
        conditions: of all contenders.
        runs: timed calls each at batch 1; larger batches take as many frames, `FEWEST_RUNS` calls at least.
        warmup: untimed calls each, first.

    Returns:
        rows {contender, batch, p50_ms, p95_ms, p99_ms, mean_ms, noise, fps, speed_up, agreement, iou, kernel_ms,
        share_of_limit, peak_rss_mb}: ms of a call; noise is the median deviation from the median over the median;
        speed_up the reference's median over the contender's; agreement the share of pixels with the reference's
        label; kernel_ms the time on a GPU, and share_of_limit its share of p50 (None on a processor).
    """
    with ExitStack() as opened:
        calls = []
        for one in list(chosen):
            try:
                calls.append(open_contender(one, conditions, opened))
            except EngineError as error:
                if one.name in (REFERENCE, ENGINE):
                    raise
                print(f"benchmark: no {one.name}: {error.what}: {error.why}", flush=True)
                chosen = [other for other in chosen if other != one]
        reference = [one.name for one in chosen].index(REFERENCE)
        memory = [peak_memory(one, frames, conditions) for one in chosen]
        answers = [np.concatenate([call(frame[None]) for frame in frames]) for call in calls]
        card = read_card(chosen[reference].path)
        quality = [
            {"agreement": float(np.mean(labels == answers[reference])), "iou": _iou(labels, masks, card)}
            for labels in answers
        ]
        rows = []
        for batch, peaks in zip(conditions.batch_sizes, zip(*memory, strict=True), strict=True):
            batches = _batches(frames, batch)
            seconds = interleaved(calls, batches, runs=max(FEWEST_RUNS, runs // batch), warmup=warmup)
            kernels = [call.kernel_ms(batches[0]) for call in calls]
            base = float(np.median(seconds[reference]))
            rows += [
                {"contender": one.name, "batch": batch}
                | timings(taken, batch)
                | {"speed_up": base / float(np.median(taken))}
                | figures
                | _limit(kernel, taken)
                | {"peak_rss_mb": peak}
                for one, taken, figures, kernel, peak in zip(chosen, seconds, quality, kernels, peaks, strict=True)
            ]
    return rows


def timings(seconds: Sequence[float], batch: int = 1) -> dict[str, float]:
    """p50_ms, p95_ms, p99_ms, mean_ms, noise and fps of timed calls; see `measure`."""
    median = float(np.median(seconds))
    return {
        **{f"p{q}_ms": float(np.percentile(seconds, q) * 1000) for q in (50, 95, 99)},
        "mean_ms": float(np.mean(seconds) * 1000),
        "noise": float(np.median(np.abs(np.asarray(seconds) - median))) / median,
        "fps": batch / median,
    }


def peak_memory(one: Contender, frames: np.ndarray, conditions: Conditions) -> list[float]:
    """Peak resident memory, MiB, by batch size, of one process that opens a contender and calls it a few times."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_run_alone, one, frames[:1], conditions).result()


class ContenderCall:
    """A contender as a function from frames uint8 [N, H, W, 3] RGB to labels uint8 [N, H, W]."""

    def __init__(self, call: Call, engine: Engine | None = None) -> None:
        self._call, self._engine = call, engine

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        return self._call(frames)

    def kernel_ms(self, frames: np.ndarray) -> float | None:
        return self._engine.kernel_ms(frames) if self._engine else None


def open_contender(one: Contender, conditions: Conditions, opened: ExitStack) -> ContenderCall:
    """A function from frames to their labels, which `opened` closes; raises EngineError if it cannot be opened."""
    if one.backend == "torch":
        return ContenderCall(_open_torch(one.path, conditions))
    if one.backend is None:
        engine = open_engine(one.path, threads=conditions.threads)
    else:
        options = Options(threads=conditions.threads, batch_sizes=conditions.batch_sizes, gpu=one.gpu)
        engine = open_model_file(one.path, read_card(one.path), one.backend, one.precision, options)
    opened.enter_context(engine)
    return ContenderCall(lambda frames: engine.infer(frames).labels, engine)


def _open_torch(checkpoint: Path, conditions: Conditions) -> Call:
    import torch

    from src.models.portable import PortableModel
    from src.models.zoo import load_checkpoint

    torch.set_num_threads(conditions.threads)
    segmenter, _ = load_checkpoint(checkpoint)
    model = PortableModel(segmenter.to(memory_format=torch.channels_last), conditions.threshold).eval()

    @torch.inference_mode()
    def call(frames: np.ndarray) -> np.ndarray:
        return model(torch.from_numpy(frames))[0].numpy()

    return call


def _run_alone(one: Contender, frame: np.ndarray, conditions: Conditions) -> list[float]:
    peaks = []
    with ExitStack() as opened:
        call = open_contender(one, conditions, opened)
        for batch in conditions.batch_sizes:
            for _ in range(3):
                call(np.repeat(frame, batch, axis=0))
            peaks.append(peak_rss_mb())
    return peaks


def _batches(frames: np.ndarray, batch: int) -> list[np.ndarray]:
    """Batches that begin at each frame in turn; the frames repeat as often as needed."""
    endless = np.concatenate([frames] * (1 + -(-batch // len(frames))))
    return [np.ascontiguousarray(endless[start : start + batch]) for start in range(len(frames))]


def _iou(labels: np.ndarray, masks: np.ndarray, card: ModelCard) -> float | None:
    """Pooled over the images, of class 1 or the mean of the foreground's; None where no mask has any."""
    tally = Tally(card.classes)
    for target, found in zip(masks, labels, strict=True):
        tally.add(target, found)
    return tally.summary().get("iou")


def _limit(kernel_ms: float | None, seconds: Sequence[float]) -> dict[str, float | None]:
    share = None if kernel_ms is None else kernel_ms / (float(np.median(seconds)) * 1000)
    return {"kernel_ms": kernel_ms, "share_of_limit": share}
