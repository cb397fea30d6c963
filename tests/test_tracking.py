"""MLflow: where runs go, and what a row holds."""

import json
import subprocess
import sys

import pytest
from mlflow.exceptions import MlflowException

from src.errors import UserError
from src.records import write_json
from src.tracking import (
    PIPELINE_EXPERIMENT,
    TRAIN_EXPERIMENT,
    RunLogger,
    _end_orphans,
    log_state,
    tracking_uri,
    training_run,
)
from tests.import_graph import ROOT


def runs(uri, experiment):
    import mlflow

    client = mlflow.MlflowClient(uri)
    found = client.get_experiment_by_name(experiment)
    return client.search_runs([found.experiment_id])


def test_the_store_is_the_projects_unless_the_environment_says_otherwise(tmp_path):
    assert tracking_uri({}, tmp_path) == f"sqlite:///{tmp_path}/mlflow.db"
    assert tracking_uri({"DVC_ROOT": "/project"}, tmp_path) == "sqlite:////project/mlflow.db"
    assert tracking_uri({"MLFLOW_TRACKING_URI": "http://host"}, tmp_path) == "http://host"


def test_a_state_is_one_row_with_params_metrics_tags_and_artifacts(tmp_path):
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics/evaluate.json").write_text(json.dumps({"evaluate": {"test": {"iou": 0.9}, "note": "text"}}))
    (tmp_path / "params.yaml").write_text("train: {}\n")
    (tmp_path / "dvc.lock").write_text("stages:\n  train:\n    outs:\n    - path: models/c.ckpt\n      md5: abc\n")
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports/worst.png").write_bytes(b"png")
    log_state({"train": {"lr": 0.1}}, {"DVC_EXP_NAME": "tidy-sky"}, tmp_path, [tmp_path / "reports"])
    uri = tracking_uri({}, tmp_path)
    [row] = runs(uri, PIPELINE_EXPERIMENT)
    assert row.info.run_name == "tidy-sky"
    assert row.data.params == {"train.lr": "0.1"}
    assert row.data.metrics == {"evaluate.test.iou": 0.9}
    assert row.data.tags["md5.models.c.ckpt"] == "abc"
    assert sorted(p.name for p in (tmp_path / "mlartifacts").rglob("*.*") if p.is_file()) == [
        "dvc.lock", "params.yaml", "worst.png"]  # fmt: skip


@pytest.mark.parametrize(
    ("error", "status"), [(None, "FINISHED"), (ValueError, "FAILED"), (KeyboardInterrupt, "KILLED")]
)
def test_a_training_run_ends_as_what_it_was(tmp_path, error, status):
    uri = tracking_uri({}, tmp_path)
    try:
        with training_run(uri, "abc", {"train": {"lr": 0.1}}) as logger:
            logger.log_metrics({"loss": 0.5}, step=1)
            if error:
                raise error
    except (ValueError, KeyboardInterrupt):
        pass
    [row] = runs(uri, TRAIN_EXPERIMENT)
    assert (row.info.status, row.data.params["train.lr"], row.data.metrics["loss"]) == (status, "0.1", 0.5)


def test_processes_that_come_first_together_do_not_race(tmp_path):
    code = "import sys, pathlib; from src.tracking import log_state; log_state({}, {}, pathlib.Path(sys.argv[1]), [])"
    children = [subprocess.Popen([sys.executable, "-c", code, tmp_path], cwd=ROOT) for _ in range(3)]
    assert [child.wait(timeout=120) for child in children] == [0, 0, 0]
    assert len(runs(tracking_uri({}, tmp_path), PIPELINE_EXPERIMENT)) == 3


def test_a_store_that_does_not_answer_is_said(tmp_path):
    (tmp_path / "mlflow.db").write_bytes(b"this is no database, whatever its name says")
    with pytest.raises(UserError, match="store does not answer"):
        log_state({}, {}, tmp_path, [])


def test_a_resumed_training_goes_on_in_its_own_run(tmp_path):
    uri, identity = tracking_uri({}, tmp_path), tmp_path / "work/tracked_run"
    with pytest.raises(KeyboardInterrupt), training_run(uri, "abc", {"lr": 0.1}, identity) as logger:
        logger.log_metrics({"loss": 0.5}, step=1)
        raise KeyboardInterrupt
    with training_run(uri, "abc", {"lr": 0.1}, identity) as logger:
        logger.log_metrics({"loss": 0.25}, step=2)
    [row] = runs(uri, TRAIN_EXPERIMENT)
    assert (row.info.status, row.info.run_name, row.data.metrics["loss"]) == ("FINISHED", "abc", 0.25)


def test_a_run_that_the_store_does_not_know_any_more_is_begun_anew(tmp_path):
    identity = tmp_path / "tracked_run"
    identity.write_text("0123456789abcdef0123456789abcdef")
    with training_run(tracking_uri({}, tmp_path), "abc", {}, identity):
        pass
    [row] = runs(tracking_uri({}, tmp_path), TRAIN_EXPERIMENT)
    assert row.info.run_id == identity.read_text()


KILLED = """
import os, pathlib, signal, sys
from src.tracking import training_run
with training_run(sys.argv[1], "killed", {}, pathlib.Path(sys.argv[2])):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_run_whose_process_was_killed_is_not_left_running(tmp_path):
    import mlflow

    uri = tracking_uri({}, tmp_path)
    subprocess.run([sys.executable, "-c", KILLED, uri, tmp_path / "tracked_run"], cwd=ROOT, timeout=300)
    assert [row.info.status for row in runs(uri, TRAIN_EXPERIMENT)] == ["RUNNING"]
    with training_run(uri, "alive", {}):
        _end_orphans(mlflow.MlflowClient(uri), but=None)  # as a second training would
        statuses = {row.info.run_name: row.info.status for row in runs(uri, TRAIN_EXPERIMENT)}
    assert statuses == {"killed": "KILLED", "alive": "RUNNING"}


def test_names_that_are_free_text_reach_the_store(tmp_path):
    write_json(
        {"filter_sky": {"reason": {"no sky, beyond the group's share (of 3)": 3}}}, tmp_path / "metrics/filter.json"
    )
    log_state({"classes": {"car (parked)": 1}}, {}, tmp_path, [])
    [row] = runs(tracking_uri({}, tmp_path), PIPELINE_EXPERIMENT)
    assert row.data.metrics == {"filter_sky.reason.no sky_ beyond the group_s share _of 3_": 3.0}
    assert row.data.params == {"classes.car _parked_": "1"}


def test_a_database_may_be_named_relative_to_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with training_run("sqlite:///mine.db", "abc", {}) as logger:
        logger.log_metrics({"loss": 1.0}, 1)
    assert (tmp_path / "mine.db").is_file()


NOBODY = "http://me:secret@127.0.0.1:9"


class LostStore:
    def log_batch(self, *_, **__):
        raise MlflowException("API request to http://me:secret@host failed\nwith a long tail")


def test_a_store_that_is_lost_costs_the_curves_and_not_the_training(capsys):
    logger = RunLogger(LostStore(), "abc", "http://me:secret@host")
    for step in (7, 8):
        logger.log_metrics({"loss": 1.0}, step)
    said = capsys.readouterr().out
    assert said.endswith("answers no more, so curves end at step 7: API request to http://host failed\n")
    assert said.count("\n") == 1


def test_a_store_that_is_lost_at_the_end_does_not_undo_the_training(tmp_path, capsys, monkeypatch):
    import mlflow

    def gone(*_):
        raise MlflowException("no answer")

    with monkeypatch.context() as patched, training_run(tracking_uri({}, tmp_path), "abc", {}):
        patched.setattr(mlflow, "end_run", gone)
    mlflow.end_run()
    assert "did not hear the run's end: no answer" in capsys.readouterr().out


def test_a_password_in_the_address_is_not_told(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(UserError, match="store does not answer") as caught, training_run(NOBODY, "abc", {}):
        pass
    assert "127.0.0.1" in caught.value.why
    assert "secret" not in caught.value.why
