"""MLflow: live curves of each training, and one comparable row per state of the pipeline.

Two experiments: `skyseg/train` (a run per training, with system metrics) and `skyseg/pipeline` (a run per state,
written last, from params, metrics and dvc.lock). mlflow is imported inside functions: it takes seconds.
"""

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from src.errors import UserError
from src.records import METRICS, flatten, git_revision, lock_md5s, read_metrics

if TYPE_CHECKING:
    from lightning.pytorch.loggers import Logger

# Makes the UI open on runs with their metrics and params, not on its pages for language models.
MODEL_TRAINING = {"mlflow.experimentKind": "custom_model_development"}
TRAIN_EXPERIMENT, PIPELINE_EXPERIMENT = "skyseg/train", "skyseg/pipeline"


def tracking_uri(environment: Mapping[str, str], project: Path) -> str:
    """Where runs are recorded: MLFLOW_TRACKING_URI, or a database at the project's root.

    A queued DVC experiment runs in a temporary copy; its DVC_ROOT names the project, where rows must gather.
    """
    root = Path(environment.get("DVC_ROOT") or project).resolve()
    return environment.get("MLFLOW_TRACKING_URI") or f"sqlite:///{root / 'mlflow.db'}"


@contextmanager
def training_run(uri: str, name: str, params: Mapping[str, Any]) -> Iterator["Logger"]:
    """A Lightning logger inside a run of `skyseg/train`; the run ends as finished, failed or killed."""
    mlflow = _connect(uri, TRAIN_EXPERIMENT)
    from lightning.pytorch.loggers import MLFlowLogger

    mlflow.start_run(run_name=name, log_system_metrics=True)
    status = "FAILED"
    try:
        mlflow.log_params(flatten(params))
        yield MLFlowLogger(TRAIN_EXPERIMENT, tracking_uri=uri, run_id=mlflow.active_run().info.run_id)
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        mlflow.end_run(status)


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
        mlflow.log_params(flatten(params))
        mlflow.log_metrics({key: float(value) for key, value in metrics.items() if _is_number(value)})
        mlflow.set_tags({"git.revision": revision, **outputs})
        for path in (project / "params.yaml", lock, *artifacts):
            if path.is_dir():
                mlflow.log_artifacts(str(path), artifact_path=path.name)
            elif path.is_file():
                mlflow.log_artifact(str(path))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _connect(uri: str, experiment: str):
    """mlflow, pointed at `uri` and an experiment that exists there."""
    import mlflow
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    logging.getLogger("mlflow").setLevel(logging.WARNING)  # its migrations and monitors announce themselves

    local = Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None
    mlflow.set_tracking_uri(uri)
    try:
        with FileLock(f"{local}.lock") if local else nullcontext():  # the first use creates the tables, and would race
            if mlflow.get_experiment_by_name(experiment) is None:
                place = (local.parent / "mlartifacts").as_uri() if local else None
                mlflow.create_experiment(experiment, artifact_location=place, tags=MODEL_TRAINING)
        mlflow.set_experiment(experiment)
    except (MlflowException, SQLAlchemyError, OSError) as error:
        raise UserError(
            "tracking: MLflow's store does not answer",
            str(error).splitlines()[0],
            "check MLFLOW_TRACKING_URI, or set tracking.mlflow: false",
        ) from error
    return mlflow
