"""evaluate: the checkpoint against val and test photographs at their own size; pictures in reports/evaluate."""

from pathlib import Path

from src import params
from src.data.index import native_lookups, read_index
from src.data.raw import raw_folders
from src.errors import user_errors
from src.evaluation.evaluate import SPLITS, Evaluator, evaluate
from src.labels import ClassTable
from src.records import write_metrics


def main() -> None:
    settings = params.load()
    table = ClassTable.from_labels(settings.labels)
    lookups = native_lookups(raw_folders(Path("data/raw")), table)
    evaluator = Evaluator(Path("models/checkpoint.ckpt"), lookups, settings.export.threshold)
    figures = evaluate(
        evaluator,
        read_index(Path("data/index.parquet")),
        pictures=settings.evaluate.pictures,
        reports=Path("reports/evaluate"),
    )
    write_metrics("evaluate", figures)
    for split in SPLITS:
        shown = {name: figures.get(split, {}).get(name) for name in ("iou", "dice", "accuracy")}
        print(f"{split}: " + ", ".join(f"{name} {value:.4f}" for name, value in shown.items() if value is not None))


if __name__ == "__main__":
    with user_errors():
        main()
