"""benchmark: latency, memory and video FPS on this machine; then the state's complete row in MLflow."""

import os
from pathlib import Path

from src import params
from src.benchmark import latency, video
from src.benchmark.report import LATENCY_COLUMNS, VIDEO_COLUMNS, by_name, format_table, json_line, plot
from src.benchmark.size import model_size
from src.data.shards import ShardReader
from src.errors import user_errors
from src.hardware import cores, processor
from src.records import METRICS, write_metrics, write_table
from src.runtime.video.source import VideoSource
from src.tracking import log_state

CHECKPOINT, ONNX, ENGINE = Path("models/checkpoint.ckpt"), Path("models/onnx/fp32.onnx"), Path("models/engine")
REPORTS = Path("reports/benchmark")


def main() -> None:
    settings = params.load()
    options = settings.benchmark
    threads = cores() if settings.engine.threads == "auto" else settings.engine.threads
    frames, _ = ShardReader(Path("data/prepared/val")).spread(32)
    clip = Path(options.video) if options.video else video.rendered_clip(options.frames, Path(".work"))
    VideoSource(clip).close()  # a video that is none is better refused before minutes of measuring
    rows = latency.measure(
        latency.contenders(CHECKPOINT, ONNX, ENGINE),
        frames,
        threads=threads,
        threshold=settings.export.threshold,
        runs=options.runs,
        warmup=options.warmup,
    )
    steps = video.measure(ENGINE, clip, frames=options.frames, threads=threads)

    machine = f"{processor()['model']}, {threads} threads"
    plot(rows, steps, machine, REPORTS / "benchmark.png")
    write_table(rows, METRICS / "latency.csv")
    write_table(steps, METRICS / "video.csv")
    size = model_size(CHECKPOINT, ONNX)
    write_metrics("benchmark", {**size, "latency": by_name(rows, "contender"), "video": by_name(steps, "step")})
    if settings.tracking.mlflow:
        log_state(settings.model_dump(), os.environ, Path.cwd(), [Path("reports/evaluate"), REPORTS])
    print("\n" + ", ".join(f"{value:,} {name}" for name, value in size.items()))
    print(f"\n{machine}\n\n{format_table(rows, LATENCY_COLUMNS)}\n\n{format_table(steps, VIDEO_COLUMNS)}\n")
    print(json_line(rows, steps, processor()), flush=True)


if __name__ == "__main__":
    with user_errors():
        main()
