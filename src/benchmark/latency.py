"""Latency, memory and agreement of every way to run the model on this machine, batch 1."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from src.hardware import bf16_flag
from src.runtime.engines import PRECISIONS, installed, open_engine
from src.runtime.video.stats import peak_rss_mb

BLOCK = 10  # calls of one contender in a row before the next has its turn

Labels = Callable[[np.ndarray], np.ndarray]  # uint8 [1, H, W, 3] RGB -> labels uint8 [1, H, W]


@dataclass(frozen=True)
class Contender:
    """One way to run the model.

    Attributes:
        name: in the table.
        path: a checkpoint (torch), a model file or an engine folder.
        backend, precision: None takes the engine folder's own.
    """

    name: str
    path: Path
    backend: str | None = None
    precision: str | None = None


def contenders(checkpoint: Path, onnx: Path, engine: Path) -> list[Contender]:
    """PyTorch, every backend and precision that this machine has, and the built engine, which comes last."""
    found = [Contender("torch fp32", checkpoint, "torch")]
    for backend, precisions in reversed(PRECISIONS.items()):
        if installed(backend):
            found += [
                Contender(f"{backend} {precision}", onnx, backend, precision)
                for precision in precisions
                if precision != "bf16" or bf16_flag()
            ]
    return [*found, Contender("engine", engine)]


def measure(
    chosen: Sequence[Contender], frames: np.ndarray, *, threads: int, threshold: float, runs: int, warmup: int
) -> list[dict[str, Any]]:
    """A row per contender.

    Calls are timed in blocks that take turns, so that what else the machine does falls on all alike; a block's
    first call is not timed. Memory is the peak of a fresh process that does nothing else.

    Args:
        chosen: the second is the reference for agreement and speed-up.
        frames: uint8 [N, H, W, 3] RGB at the model's size.
        threads: of every contender.
        threshold: for PyTorch, which has no card.
        runs: timed calls each.
        warmup: untimed calls each, first.

    Returns:
        rows {contender, p50_ms, p95_ms, p99_ms, mean_ms, fps, agreement, peak_rss_mb, speed_up}; agreement is the
        share of pixels with the reference's label, speed_up the reference's median over the contender's.
    """
    calls = [open_contender(one, threads, threshold) for one in chosen]
    single = [frames[i : i + 1] for i in range(len(frames))]
    seconds = time_in_turns(calls, single, runs=runs, warmup=warmup)
    labels = [np.concatenate([call(frame) for frame in single]) for call in calls]
    medians = [float(np.median(taken)) for taken in seconds]
    return [
        {
            "contender": one.name,
            **{f"p{q}_ms": float(np.percentile(taken, q) * 1000) for q in (50, 95, 99)},
            "mean_ms": float(np.mean(taken) * 1000),
            "fps": 1 / median,
            "agreement": float(np.mean(answer == labels[1])),
            "peak_rss_mb": peak_memory(one, frames[:1], threads, threshold),
            "speed_up": medians[1] / median,
        }
        for one, taken, median, answer in zip(chosen, seconds, medians, labels, strict=True)
    ]


def time_in_turns(
    calls: Sequence[Labels], single: Sequence[np.ndarray], *, runs: int, warmup: int
) -> list[list[float]]:
    """Seconds of each timed call, for each of `calls`; see `measure`. `single` holds frames uint8 [1, H, W, 3]."""
    for call in calls:
        for i in range(warmup):
            call(single[i % len(single)])
    seconds: list[list[float]] = [[] for _ in calls]
    for start in range(0, runs, BLOCK):
        for call, taken in zip(calls, seconds, strict=True):
            call(single[0])
            for i in range(start, min(start + BLOCK, runs)):
                began = time.perf_counter()
                call(single[i % len(single)])
                taken.append(time.perf_counter() - began)
    return seconds


def open_contender(one: Contender, threads: int, threshold: float) -> Labels:
    """A function from a frame to its labels."""
    if one.backend == "torch":
        return _open_torch(one.path, threads, threshold)
    engine = open_engine(one.path, backend=one.backend, precision=one.precision, threads=threads)
    return lambda frame: engine.infer(frame).labels


def peak_memory(one: Contender, frame: np.ndarray, threads: int, threshold: float) -> float:
    """Peak resident memory, MiB, of a process that opens a contender and calls it a few times."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_run_alone, one, frame, threads, threshold).result()


def _run_alone(one: Contender, frame: np.ndarray, threads: int, threshold: float) -> float:
    call = open_contender(one, threads, threshold)
    for _ in range(3):
        call(frame)
    return peak_rss_mb()


def _open_torch(checkpoint: Path, threads: int, threshold: float) -> Labels:
    import torch

    from src.models.portable import PortableModel
    from src.models.zoo import load_checkpoint

    torch.set_num_threads(threads)
    segmenter, _ = load_checkpoint(checkpoint)
    model = PortableModel(segmenter.to(memory_format=torch.channels_last), threshold).eval()

    @torch.inference_mode()
    def call(frame: np.ndarray) -> np.ndarray:
        return model(torch.from_numpy(frame))[0].numpy()

    return call
