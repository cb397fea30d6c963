"""train: data/prepared -> models/checkpoint.ckpt, the best epoch; resumes an interrupted run of the same params."""

import os
from contextlib import nullcontext
from pathlib import Path

from src import params
from src.errors import user_errors
from src.records import METRICS, git_revision, write_metrics
from src.tracking import tracking_uri, training_run
from src.training.fit import fit


def main() -> None:
    settings = params.load()
    here = Path.cwd()
    chosen = {"model": settings.model.model_dump(), "train": settings.train.model_dump()}
    name = os.environ.get("DVC_EXP_NAME") or git_revision(here)[:7] or "train"
    tracked = settings.tracking.mlflow
    with training_run(tracking_uri(os.environ, here), name, chosen) if tracked else nullcontext() as logger:
        figures = fit(
            Path("data/prepared"),
            settings.model,
            settings.train,
            checkpoint=Path("models/checkpoint.ckpt"),
            history=METRICS / "train.csv",
            work=Path(".work"),
            logger=logger,
        )
    write_metrics("train", figures)


if __name__ == "__main__":
    with user_errors():
        main()
