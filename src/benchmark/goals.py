"""What the engines are to reach, measured: bf16 over fp32, the price of our call, and what requests in flight gain."""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from src.benchmark.ceiling import one_per_core
from src.benchmark.latency import REFERENCE
from src.benchmark.report import goal_row
from src.hardware import cores, processor
from src.runtime.engines import open_engine, requests_for_video
from src.runtime.engines.base import Engine
from src.runtime.engines.timing import interleaved

REPEATS = 5
PAIRED = 2  # calls in a row before the other has its turn
MOST_PROCESSES = 8  # of 200 MB, for the ceiling
BF16_SPEED_UP, MOST_OVERHEAD, ASYNC_GAIN = 2.5, 0.05, 1.15


def measure(
    engine_folder: Path,
    frames: np.ndarray,
    latency: Sequence[Mapping[str, Any]],
    *,
    threads: int,
    runs: int,
) -> list[dict[str, Any]]:
    """A row per goal.

    - bf16: ONNX Runtime fp32's median over OpenVINO bf16's, batch 1, from the latency rows; absent where this
      processor has no bf16.
    - overhead: what `Engine.infer` adds to the backend's own call (checks, slots, arrays of the caller's own), as a
      share of it; the calls take turns.
    - async gain: frames per second with requests in flight, as a video is played, over one call after another, repeats
      taking turns; beside it the share of the limit (cores / CPU seconds per frame) that the former reaches, and on a
      processor the ceiling: what its cores give as processes of their own (`src.benchmark.ceiling`).

    Args:
        engine_folder: the built engine.
        frames: uint8 [N, H, W, 3] RGB at the model's size.
        latency: rows of `src.benchmark.latency.measure`.
        threads: for inference.
        runs: calls per figure and repeat.

    Returns:
        rows {goal, value, asked, met, noise}; asked is text such as ">= 1.15", noise the median deviation of the
        repeats from their median (None where there are none).
    """
    singles = [frame[None] for frame in frames]
    rows = [*_bf16(latency)]
    with open_engine(engine_folder, threads=threads) as alone:
        rows.append(_overhead(alone, singles, runs))
        with (
            open_engine(engine_folder, threads=threads, requests=requests_for_video(threads)) as several,
            one_per_core(engine_folder, frames) if _on_few_cores(alone) else nullcontext() as ceiling,
        ):
            rows += _async_gain(alone, several, ceiling, singles, runs)
    return rows


def _bf16(latency: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    p50 = {row["contender"]: row["p50_ms"] for row in latency if row["batch"] == 1}
    if "openvino bf16" not in p50:
        return []
    return [goal_row(f"openvino bf16 over {REFERENCE}", [p50[REFERENCE] / p50["openvino bf16"]], ">=", BF16_SPEED_UP)]


def _overhead(engine: Engine, singles: Sequence[np.ndarray], runs: int) -> dict[str, Any]:
    ours, raw = interleaved([engine.infer, engine.raw_call()], singles, runs=runs * REPEATS, warmup=3, block=PAIRED)
    # Neighbours in time are compared, so that what else the machine does weighs on both.
    ratios = np.median(np.reshape(ours, (REPEATS, -1)) / np.reshape(raw, (REPEATS, -1)), axis=1) - 1
    return goal_row("engine call over backend call", list(ratios), "<=", MOST_OVERHEAD)


def _on_few_cores(engine: Engine) -> bool:
    return engine.info.device == processor()["model"] and cores() <= MOST_PROCESSES


def _async_gain(
    alone: Engine, several: Engine, ceiling: Callable[[int], float] | None, singles: Sequence[np.ndarray], runs: int
) -> list[dict[str, Any]]:
    gains, shares, ceilings = [], [], []
    _rate_of_calls(alone, singles, len(singles))  # warms up, as the next
    _rate(several, singles, len(singles))
    for _ in range(REPEATS):
        one_by_one = _rate_of_calls(alone, singles, runs)
        in_flight, share = _rate(several, singles, runs)
        gains.append(in_flight / one_by_one)
        shares.append(share)
        if ceiling is not None:
            ceilings.append(ceiling(runs) / one_by_one)
    rows = [
        goal_row("requests in flight over one", gains, ">=", ASYNC_GAIN),
        goal_row("share of the limit with requests in flight", shares),
    ]
    if ceilings:
        rows.append(goal_row("ceiling: a process per core over one request", ceilings))
    return rows


def _rate_of_calls(engine: Engine, singles: Sequence[np.ndarray], runs: int) -> float:
    """Frames per second of one call after another."""
    began = time.perf_counter()
    for i in range(runs):
        engine.infer(singles[i % len(singles)])
    return runs / (time.perf_counter() - began)


def _rate(engine: Engine, singles: Sequence[np.ndarray], runs: int) -> tuple[float, float]:
    """Frames per second with as many in flight as the engine has requests, and the cores' share that was busy."""
    flying: deque = deque()
    began, cpu = time.perf_counter(), time.process_time()
    for i in range(runs):
        if len(flying) == engine.requests:
            flying.popleft().result()
        flying.append(engine.submit(singles[i % len(singles)]))
    for future in flying:
        future.result()
    taken = time.perf_counter() - began
    return runs / taken, (time.process_time() - cpu) / (taken * cores())
