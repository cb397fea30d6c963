"""What the settings of ONNX Runtime and OpenVINO change on this machine: the reasons for those that engines use.

    python -m src.benchmark.sessions                                # models/onnx/fp32.onnx
    python -m src.benchmark.sessions --model released.onnx --runs 200

Prints a table (median of interleaved calls of batch 1; CPU time per call, which spinning threads and their waiting
raise), then one JSON line. The first row of each library is what its engine uses.
"""

import argparse
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from src.benchmark.latency import timings
from src.benchmark.report import format_table
from src.errors import user_errors
from src.hardware import EXACT_INT8, bf16_flag, cores, processor
from src.model_card import ModelCard, read_card
from src.runtime.engines import open_model_file
from src.runtime.engines.base import INPUT, OUTPUTS, Options, first_line
from src.runtime.engines.timing import Call, interleaved
from src.runtime.options import positive

COLUMNS = {"setting": "setting", "p50_ms": "p50 ms", "p95_ms": "p95 ms", "noise": "noise", "cpu_ms": "CPU ms"}
CPU_CALLS = 30


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m src.benchmark.sessions",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", type=Path, default=Path("models/onnx/fp32.onnx"), help="(default: %(default)s)")
    parser.add_argument("--runs", type=positive, default=100, help="timed calls each (default: %(default)s)")
    options = parser.parse_args()
    card = read_card(options.model)
    with ExitStack() as opened:
        calls = dict([*_onnx_runtime(options.model, card, opened), *_openvino(options.model, card, opened)])
        rows = measure(calls, card, options.runs)
    print(format_table(rows, COLUMNS), end="\n\n")
    print(json.dumps({"machine": processor(), "sessions": rows}), flush=True)


def measure(calls: dict[str, Call], card: ModelCard, runs: int) -> list[dict[str, Any]]:
    """A row {setting, p50_ms, p95_ms, p99_ms, mean_ms, noise, fps, cpu_ms} per call, on frames of noise."""
    frames = np.random.default_rng(1).integers(0, 256, (8, 1, card.height, card.width, 3), np.uint8)
    seconds = interleaved(list(calls.values()), list(frames), runs=runs, warmup=5)
    rows = []
    for (name, call), taken in zip(calls.items(), seconds, strict=True):
        began = time.process_time()
        for i in range(CPU_CALLS):
            call(frames[i % len(frames)])
        cpu_ms = (time.process_time() - began) / CPU_CALLS * 1000
        rows.append({"setting": name} | timings(taken) | {"cpu_ms": cpu_ms})
    return rows


def _onnx_runtime(path: Path, card: ModelCard, opened: ExitStack) -> Iterator[tuple[str, Call]]:
    import onnxruntime

    def session(level: str, threads: int = cores(), spinning: bool = True, parallel: bool = False) -> Call:
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, f"ORT_{level}")
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spinning)))
        options.add_session_config_entry(*EXACT_INT8)
        if parallel:
            options.execution_mode = onnxruntime.ExecutionMode.ORT_PARALLEL
        made = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return lambda frames: made.run(OUTPUTS, {INPUT: frames})

    own = Options(threads=cores(), gpu=False)
    engine = opened.enter_context(open_model_file(path, card, "onnxruntime", card.precision, own))
    yield "onnxruntime: engine (IO binding)", engine.infer
    yield "onnxruntime: run, all optimisations", session("ENABLE_ALL")
    yield "onnxruntime: extended optimisations", session("ENABLE_EXTENDED")
    yield "onnxruntime: basic optimisations", session("ENABLE_BASIC")
    yield "onnxruntime: no optimisations", session("DISABLE_ALL")
    yield "onnxruntime: no spinning", session("ENABLE_ALL", spinning=False)
    yield "onnxruntime: parallel execution", session("ENABLE_ALL", parallel=True)
    yield "onnxruntime: 1 thread", session("ENABLE_ALL", threads=1)


def _openvino(path: Path, card: ModelCard, opened: ExitStack) -> Iterator[tuple[str, Call]]:
    from src.runtime.engines.openvino import shared_core

    best = "bf16" if card.precision == "fp32" and bf16_flag() else card.precision
    engine = opened.enter_context(open_model_file(path, card, "openvino", best, Options(threads=cores())))
    yield f"openvino {best}: engine (LATENCY, batch 1)", engine.infer
    core, used = shared_core(), dict(engine.settings)

    def compiled(static: bool = True, **changes: Any) -> Call:
        model = core.read_model(path)
        if static:
            model.reshape({INPUT: [1, card.height, card.width, 3]})
        request = core.compile_model(model, "CPU", used | changes).create_infer_request()
        return lambda frames: request.infer([frames], share_inputs=True, share_outputs=True)

    settings = {
        "request alone": {},
        "dynamic batch": {"static": False},
        "THROUGHPUT hint": {"PERFORMANCE_HINT": "THROUGHPUT"},
        "1 thread": {"INFERENCE_NUM_THREADS": 1},
        "threads not pinned to cores": {"ENABLE_CPU_PINNING": False},
        "denormals to zero": {"CPU_DENORMALS_OPTIMIZATION": True},
    }
    for name, changes in settings.items():
        try:
            yield f"openvino {best}: {name}", compiled(**changes)
        except RuntimeError as error:
            print(f"sessions: no figure for {name}: {first_line(error)}", flush=True)


if __name__ == "__main__":
    with user_errors():
        main()
