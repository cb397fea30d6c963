"""train: data/prepared -> models/checkpoint.ckpt, the best epoch; resumes an interrupted run of the same params."""

import os
import signal
from functools import partial
from pathlib import Path

from src import params
from src.errors import user_errors
from src.records import METRICS, git_revision, write_metrics
from src.tracking import tracking_uri, training_run
from src.training.fit import fit
from src.training.processes import Cluster


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: the tracked run ends as killed
    settings = params.load()
    here = Path.cwd()
    chosen = {"model": settings.model.model_dump(), "train": settings.train.model_dump()}
    name = os.environ.get("DVC_EXP_NAME") or git_revision(here)[:7] or "train"
    figures = fit(
        Path("data/prepared"),
        settings.model,
        settings.train,
        checkpoint=Path("models/checkpoint.ckpt"),
        history=METRICS / "train.csv",
        work=Path(".work"),
        track=partial(training_run, tracking_uri(os.environ, here), name, chosen) if settings.tracking.mlflow else None,
        cluster=Cluster.of(os.environ, settings.train.nodes),
    )
    if figures:  # the first node has them
        write_metrics("train", figures)


if __name__ == "__main__":
    with user_errors():
        main()
