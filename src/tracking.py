"""MLflow: live curves of each training, and one comparable row per state of the pipeline.

Two experiments: `skyseg/train` (a run per training, with system metrics) and `skyseg/pipeline` (a run per state,
written last, from params, metrics and dvc.lock). mlflow is imported inside functions: it takes seconds.
"""

import logging
import math
import os
import platform
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psutil
from filelock import FileLock

from src.errors import UserError
from src.files import write_whole
from src.records import METRICS, flatten, git_revision, lock_md5s, read_metrics

if TYPE_CHECKING:
    from mlflow import MlflowClient

# Makes the UI open on runs with their metrics and params, not on its pages for language models.
MODEL_TRAINING = {"mlflow.experimentKind": "custom_model_development"}
TRAIN_EXPERIMENT, PIPELINE_EXPERIMENT = "skyseg/train", "skyseg/pipeline"
PROCESS = "skyseg.process"  # tag: which process trains


def tracking_uri(environment: Mapping[str, str], project: Path) -> str:
    """Where runs are recorded: MLFLOW_TRACKING_URI, or a database at the project's root.

    A queued DVC experiment runs in a temporary copy; its DVC_ROOT names the project, where rows must gather.
    """
    root = Path(environment.get("DVC_ROOT") or project).resolve()
    return environment.get("MLFLOW_TRACKING_URI") or f"sqlite:///{root / 'mlflow.db'}"


class RunLogger:
    """Figures of one run over its optimiser steps.

    A store that no longer answers is told of once: it must not cost the training.
    """

    def __init__(self, client: "MlflowClient", run_id: str, uri: str) -> None:
        self._client, self._run_id, self._uri = client, run_id, uri
        self._lost = False

    def log_metrics(self, figures: Mapping[str, float], step: int) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        if self._lost:
            return
        try:
            self._client.log_batch(self._run_id, [Metric(name, value, now, step) for name, value in figures.items()])
        except _faults() as error:
            self._lost = True
            why = _words(error, self._uri)
            print(f"tracking: MLflow's store answers no more, so curves end at step {step}: {why}", flush=True)


@contextmanager
def training_run(uri: str, name: str, params: Mapping[str, Any], identity: Path | None = None) -> Iterator[RunLogger]:
    """A run of `skyseg/train`, which ends as finished, failed or killed.

    Args:
        uri: see `tracking_uri`.
        name: of a new run.
        params: nested; flattened to dotted keys.
        identity: a file that keeps the run's id; where it names one, as after a kill, that run goes on.

    Runs of processes that were killed on this machine, and are not gone on with, are marked so.
    """
    mlflow = _connect(uri, TRAIN_EXPERIMENT)
    client = mlflow.MlflowClient(uri)
    earlier = _known_run(client, identity)
    _end_orphans(client, but=earlier)
    mlflow.start_run(run_id=earlier, run_name=None if earlier else name, log_system_metrics=True)
    run_id = mlflow.active_run().info.run_id
    status = "FAILED"
    try:
        mlflow.set_tag(PROCESS, _process_name(os.getpid()))
        if not earlier:
            mlflow.log_params(_named(flatten(params)))
        if identity:
            write_whole(identity, run_id.encode())
        yield RunLogger(client, run_id, uri)
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        try:
            mlflow.end_run(status)
        except _faults() as error:
            print(f"tracking: MLflow's store did not hear the run's end: {_words(error, uri)}", flush=True)


def _known_run(client: "MlflowClient", identity: Path | None) -> str | None:
    """The id in a file, if the store still has that run."""
    from mlflow.exceptions import MlflowException

    if identity is None or not identity.is_file():
        return None
    run_id = identity.read_text(encoding="utf-8")
    try:
        return run_id if client.get_run(run_id).info.lifecycle_stage == "active" else None
    except MlflowException:  # another store than before, or deleted
        return None


def _end_orphans(client: "MlflowClient", but: str | None) -> None:
    """Marks the trainings that say they run, by a process of this machine that does not exist any more, as killed."""
    experiment = client.get_experiment_by_name(TRAIN_EXPERIMENT).experiment_id
    for run in client.search_runs([experiment], "attributes.status = 'RUNNING'"):
        host, _, process = run.data.tags.get(PROCESS, "").partition(" ")
        gone = process and host == platform.node() and _process_name(int(process.split("@")[0])) != f"{host} {process}"
        if gone and run.info.run_id != but:
            client.set_terminated(run.info.run_id, "KILLED")


def _process_name(pid: int) -> str:
    """Of a process on this machine: host, pid and start, since pids return; without a start if there is none."""
    try:
        began = f"{psutil.Process(pid).create_time():.0f}"
    except psutil.Error:
        began = ""
    return f"{platform.node()} {pid}@{began}"


def log_state(
    params: Mapping[str, Any], environment: Mapping[str, str], project: Path, artifacts: Sequence[Path]
) -> None:
    """One run of `skyseg/pipeline` with everything known of the state that `project` is in.

    Its params come from `params`, its metrics from the project's metrics folder, its tags (the commit, and each
    output's md5) from git and dvc.lock. It is named after the DVC experiment, or the commit.

    Args:
        params: nested; flattened to dotted keys, as metrics are.
        environment: for `tracking_uri` and DVC_EXP_NAME.
        project: the folder that the pipeline runs in.
        artifacts: files and folders to keep with the run, beside params.yaml and dvc.lock.
    """
    revision, lock = git_revision(project), project / "dvc.lock"
    metrics = flatten(read_metrics(project / METRICS))
    outputs = {f"md5.{path.replace('/', '.')}": md5 for path, md5 in lock_md5s(lock).items()}
    mlflow = _connect(tracking_uri(environment, project), PIPELINE_EXPERIMENT)
    with mlflow.start_run(run_name=environment.get("DVC_EXP_NAME") or revision[:7] or "pipeline"):
        mlflow.log_params(_named(flatten(params)))
        mlflow.log_metrics({key: float(value) for key, value in _named(metrics).items() if _is_number(value)})
        mlflow.set_tags({"git.revision": revision, **outputs})
        for path in (project / "params.yaml", lock, *artifacts):
            if path.is_dir():
                mlflow.log_artifacts(str(path), artifact_path=path.name)
            elif path.is_file():
                mlflow.log_artifact(str(path))


def _named(figures: Mapping[str, Any]) -> dict[str, Any]:
    """With keys that MLflow accepts: names of classes and reasons are free text."""
    return {re.sub(r"[^\w.\-/ ]", "_", key): value for key, value in figures.items()}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _words(error: Exception, uri: str) -> str:
    """The first line of what MLflow says, without the user and password that the address may hold."""
    secret = urlsplit(uri).netloc.rpartition("@")[0]
    said = (str(error).splitlines() or [type(error).__name__])[0]
    return said.replace(f"{secret}@", "") if secret else said


def _faults() -> tuple[type[Exception], ...]:
    """What a store that cannot be reached or written raises."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return MlflowException, SQLAlchemyError, OSError


def _connect(uri: str, experiment: str):
    """mlflow, pointed at `uri` and an experiment that exists there."""
    import mlflow

    logging.getLogger("mlflow").setLevel(logging.WARNING)  # its migrations and monitors announce themselves

    local = Path(uri.removeprefix("sqlite:///")).resolve() if uri.startswith("sqlite:///") else None
    mlflow.set_tracking_uri(uri)
    try:
        with FileLock(f"{local}.lock") if local else nullcontext():  # the first use creates the tables, and would race
            if mlflow.get_experiment_by_name(experiment) is None:
                place = (local.parent / "mlartifacts").as_uri() if local else None
                mlflow.create_experiment(experiment, artifact_location=place, tags=MODEL_TRAINING)
        mlflow.set_experiment(experiment)
    except _faults() as error:
        raise UserError(
            "tracking: MLflow's store does not answer",
            _words(error, uri),
            "check MLFLOW_TRACKING_URI, or set tracking.mlflow: false",
        ) from error
    return mlflow
