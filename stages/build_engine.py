"""build-engine: models/onnx/fp32.onnx -> models/engine, for this machine, checked against the ONNX."""

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
        Path("models/onnx/fp32.onnx"),
        Path("models/engine"),
        frames,
        backend=options.backend,
        precision=options.precision,
        agreement_limit=options.min_agreement,
        threads=None if options.threads == "auto" else options.threads,
    )
    wanted = ("backend", "precision", "build_seconds", "agreement")
    write_metrics("build_engine", {key: record[key] for key in wanted})


if __name__ == "__main__":
    with user_errors():
        main()
