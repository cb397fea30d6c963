import time
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest

from src.benchmark import goals
from src.benchmark.report import goal_row
from src.hardware import processor
from src.runtime.engines.base import Engine, EngineInfo, Masks
from tests.model_file import HEIGHT, WIDTH, binary_card


class SleepingEngine(Engine):
    """Takes 4 ms a frame, of which the raw call takes 2; two requests overlap."""

    def __init__(self, requests: int = 1) -> None:
        device = processor()["model"]
        super().__init__(EngineInfo("openvino", "fp32", device, binary_card(), "", "fake"), requests)

    def raw_call(self):
        return lambda frames: time.sleep(0.002)

    def _run(self, frames):
        time.sleep(0.004)
        return Masks(frames[..., 0], frames[..., 0])


def row(contender: str, p50_ms: float, batch: int = 1) -> dict:
    return {"contender": contender, "batch": batch, "p50_ms": p50_ms}


def test_goals_are_measured_and_judged(monkeypatch):
    opened = []

    def open_engine(path, *, threads, requests=1):
        opened.append(SleepingEngine(requests))
        return opened[-1]

    monkeypatch.setattr(goals, "open_engine", open_engine)
    monkeypatch.setattr(goals, "cores", lambda: 2)
    monkeypatch.setattr(goals, "one_per_core", lambda folder, frames: nullcontext(lambda runs: 1e6))
    latency = [row("onnxruntime fp32", 10), row("openvino bf16", 5), row("openvino bf16", 1, batch=4)]
    frames = np.zeros((2, HEIGHT, WIDTH, 3), np.uint8)
    found = goals.measure("engine", frames, latency, threads=2, runs=10)
    by_name = {one["goal"]: one for one in found}
    assert len(by_name) == 5
    bf16 = by_name["openvino bf16 over onnxruntime fp32"]
    assert (bf16["value"], bf16["asked"], bf16["met"]) == (2.0, ">= 2.5", False)
    overhead = by_name["engine call over backend call"]
    assert overhead["asked"] == "<= 0.05"
    assert overhead["value"] > 0.5  # 4 ms over 2
    assert overhead["met"] is False
    gain = by_name["requests in flight over one"]
    assert gain["value"] > 1.15
    assert gain["met"] is True
    assert gain["noise"] >= 0
    assert by_name["share of the limit with requests in flight"]["met"] is None
    ceiling = by_name["ceiling: a process per core over one request"]
    assert ceiling["value"] > gain["value"]
    assert (ceiling["asked"], ceiling["met"]) == (None, None)
    assert [engine.requests for engine in opened] == [1, 3]
    assert all(engine._closed for engine in opened)


def test_no_process_is_started_for_a_gpu_or_many_cores(monkeypatch):
    engine = SleepingEngine()
    monkeypatch.setattr(goals, "cores", lambda: 8)
    assert goals._on_few_cores(engine)
    monkeypatch.setattr(goals, "cores", lambda: 9)
    assert not goals._on_few_cores(engine)
    monkeypatch.setattr(goals, "cores", lambda: 2)
    engine.info = replace(engine.info, device="NVIDIA H200")
    assert not goals._on_few_cores(engine)


@pytest.mark.parametrize(
    ("value", "sign", "bound", "met"), [(2.5, ">=", 2.5, True), (2.4, ">=", 2.5, False), (0.06, "<=", 0.05, False)]
)
def test_a_goal_is_met_at_its_bound(value, sign, bound, met):
    assert goal_row("x", [value], sign, bound)["met"] is met


def test_without_bf16_there_is_no_such_goal():
    assert goals._bf16([row("onnxruntime fp32", 10)]) == []
