"""build-engine: models/onnx/*.onnx -> models/engine, the fastest for this machine that agrees with the fp32 model."""

from pathlib import Path

from src import params
from src.data.shards import ShardReader
from src.errors import user_errors
from src.records import write_metrics
from src.runtime.engines.build import build_engine


def main() -> None:
    options = params.load().engine
    frames, _ = ShardReader(Path("data/prepared/val")).spread(options.frames)
    record = build_engine(
        Path("models/onnx"),
        Path("models/engine"),
        frames,
        backend=options.backend,
        precision=options.precision,
        agreement_limit=options.min_agreement,
        int8_agreement_limit=options.int8_min_agreement,
        threads=None if options.threads == "auto" else options.threads,
        batch_sizes=tuple(options.batch_sizes),
        timings=Path(".work/tensorrt"),
    )
    wanted = ("backend", "precision", "build_seconds", "agreement")
    measured = {
        f"{found['backend']}_{found['precision']}": {"ms": found["ms"], "agreement": found["agreement"]}
        for found in record["candidates"]
        if "ms" in found
    }
    write_metrics("build_engine", {key: record[key] for key in wanted} | {"candidates": measured})


if __name__ == "__main__":
    with user_errors():
        main()
