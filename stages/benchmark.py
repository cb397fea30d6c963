"""benchmark: latency, memory and video FPS on this machine; then the state's complete row in MLflow."""

import os
from pathlib import Path

from src import params
from src.benchmark import goals, latency, report, video
from src.benchmark.size import model_size
from src.data.shards import ShardReader
from src.errors import user_errors
from src.hardware import cores, processor
from src.records import METRICS, write_metrics, write_table
from src.runtime.engines import open_engine
from src.runtime.video.source import VideoSource
from src.tracking import log_state

CHECKPOINT, MODELS, ENGINE = Path("models/checkpoint.ckpt"), Path("models/onnx"), Path("models/engine")
REPORTS = Path("reports/benchmark")


def main() -> None:
    settings = params.load()
    options = settings.benchmark
    load = os.getloadavg()[0]  # before it is this benchmark's own
    threads = cores() if settings.engine.threads == "auto" else settings.engine.threads
    frames, masks = ShardReader(Path("data/prepared/val")).spread(32)
    clip = Path(options.video) if options.video else video.rendered_clip(options.frames, Path(".work"))
    VideoSource(clip).close()  # a video that is none is better refused before minutes of measuring
    open_engine(ENGINE, model=MODELS).close()  # and so is an engine of another model
    conditions = latency.Conditions(threads, tuple(sorted({1, *options.batch_sizes})), settings.export.threshold)
    chosen = latency.contenders(CHECKPOINT, MODELS, ENGINE)
    timing = {"runs": options.runs, "warmup": options.warmup}
    rows = latency.measure(chosen, frames, masks, conditions=conditions, **timing)
    reached = goals.measure(ENGINE, frames, rows, threads=threads, runs=options.runs)
    steps = video.measure(ENGINE, clip, frames=options.frames, threads=threads)

    machine = processor() | {"threads": threads, "load": load}
    title = f"{machine['model']}, {threads} threads, load {machine['load']:.1f}"
    report.plot(rows, steps, title, REPORTS / "benchmark.png")
    write_table([row | {"contender": report.label(row)} for row in rows], METRICS / "latency.csv")
    write_table(steps, METRICS / "video.csv")
    figures = {
        "latency": report.latency_tree(rows),
        "goals": report.by_name(reached, "goal"),
        "video": report.by_name(steps, "step"),
    }
    size = model_size(CHECKPOINT, MODELS / "fp32.onnx")
    write_metrics("benchmark", size | figures)
    if settings.tracking.mlflow:
        log_state(settings.model_dump(), os.environ, Path.cwd(), [Path("reports/evaluate"), REPORTS])
    columns = (report.LATENCY_COLUMNS, report.GOAL_COLUMNS, report.VIDEO_COLUMNS)
    tables = [report.format_table(*table) for table in zip((rows, reached, steps), columns, strict=True)]
    print("\n\n".join(["", title, ", ".join(f"{value:,} {name}" for name, value in size.items()), *tables, ""]))
    print(report.json_line(machine, latency=rows, goals=reached, video=steps), flush=True)


if __name__ == "__main__":
    with user_errors():
        main()
