"""evaluate: the checkpoint against val, test and unseen photographs at their own size; pictures in reports/evaluate."""

from pathlib import Path

from src import params
from src.data.index import native_lookups, read_index
from src.data.raw import raw_folders
from src.errors import user_errors
from src.evaluation.evaluate import SPLITS, Evaluator, metrics, score
from src.evaluation.report import write_reports
from src.labels import ClassTable
from src.records import write_metrics


def main() -> None:
    settings = params.load()
    raw = raw_folders(Path("data/raw"))
    lookups = native_lookups(raw, ClassTable.from_labels(settings.labels))
    evaluator = Evaluator(Path("models/checkpoint.ckpt"), lookups, settings.export.threshold)
    sequences = {folder.name for folder in raw if folder.sequences}
    scored = score(evaluator, read_index(Path("data/index.parquet")), sequences)
    write_reports(evaluator, scored, settings.evaluate.pictures, Path("reports/evaluate"))
    figures = metrics(scored)
    write_metrics("evaluate", figures)
    for split in SPLITS:
        say(split, figures.get(split, {}))
    for name in settings.evaluate.unseen:
        say(f"unseen {name}", figures["source"].get(name, {}).get("unseen", {}))


def say(what: str, figures: dict[str, float]) -> None:
    shown = ("iou", "dice", "accuracy", "boundary_f1", "false_sky", "flicker")
    if line := ", ".join(f"{name} {figures[name]:.4f}" for name in shown if name in figures):
        print(f"{what}: {line}", flush=True)


if __name__ == "__main__":
    with user_errors():
        main()
