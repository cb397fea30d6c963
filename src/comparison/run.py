"""Running a comparison's experiments, in copies of the project: the user's workspace stays as it is."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from src.comparison.plan import Experiment
from src.errors import UserError

STAGE_ERROR, DVC_ERROR = re.compile(r"error: |\w*(Error|Exception): "), re.compile(r"ERROR: ")


def run_in_turn(experiments: Sequence[Experiment], project: Path, logs: Path) -> dict[str, str]:
    """Runs one after another, each in a temporary copy; one that fails does not stop the others.

    Args:
        experiments: of the plan.
        project: the repository's root.
        logs: folder for `<name>.log`, what each printed; it passes through to the terminal, too.

    Returns:
        why it failed, by name, for those that did.
    """
    failed = {}
    for experiment in experiments:
        log = logs / f"{experiment.name}.log"
        if _run(experiment.command("--temp"), project, log):
            failed[experiment.name] = reason(log.read_text(encoding="utf-8", errors="replace"))
    return failed


def run_queue(experiments: Sequence[Experiment], project: Path, logs: Path, jobs: int) -> dict[str, str]:
    """Puts all into DVC's queue and lets `jobs` of its workers run the queue to its end.

    Whatever else waits in the queue runs, too. Ctrl-C ends the waiting, not the work: `dvc queue kill` does.

    Returns:
        why it could not be queued or failed, by name, for those that did; see `run_in_turn`.
    """
    failed = {}
    for experiment in experiments:
        log = logs / f"{experiment.name}.log"
        if _run(experiment.command("--queue"), project, log):
            failed[experiment.name] = reason(log.read_text(encoding="utf-8", errors="replace"))
    _run(["dvc", "exp", "run", "--run-all", "--jobs", str(jobs)], project, logs / "queue.log")
    states = _states(_answer(["dvc", "queue", "status"], project))
    for experiment in experiments:
        if states.get(experiment.name) == "Failed":
            failed[experiment.name] = reason(_answer(["dvc", "queue", "logs", experiment.name], project))
    return failed


def forget(experiments: Sequence[Experiment], project: Path) -> None:
    """Removes what an earlier run of the same comparison left on this commit: DVC refuses a name that is taken."""
    taken = _answer(["dvc", "exp", "list", "--name-only"], project).split()
    if names := [experiment.name for experiment in experiments if experiment.name in taken]:
        _answer(["dvc", "exp", "remove", *names], project)


def show(project: Path) -> str:
    """What `dvc exp show --json` prints.

    Raises:
        UserError: it fails, for instance outside a repository with a commit.
    """
    return _answer(["dvc", "exp", "show", "--json"], project)


def reason(log: str) -> str:
    """The line that says why a run failed: a stage's own error, else DVC's, else the last."""
    lines = [line.strip() for line in log.replace("\r", "\n").splitlines() if line.strip()]
    for says_why in (STAGE_ERROR, DVC_ERROR):
        if said := [line for line in lines if says_why.match(line)]:
            return said[-1]
    return lines[-1] if lines else "it printed nothing"


def _states(table: str) -> dict[str, str]:
    """State by experiment, of `dvc queue status`: columns Task, Name, Created, Status, the third of three words."""
    rows = [line.split() for line in table.splitlines()]
    return {row[1]: row[-1] for row in rows if len(row) > 2}


def _run(command: Sequence[str], project: Path, log: Path) -> int:
    """Runs a command, what it prints going to the terminal and into `log`; its exit code."""
    print(f"\n$ {' '.join(command)}", flush=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("wb") as copy,
        subprocess.Popen(
            _words(command), cwd=project, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as child,
    ):
        # By chunks, not lines: a progress bar redraws its line without ever ending it.
        while chunk := child.stdout.read1(1 << 16):
            copy.write(chunk)
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
    return child.returncode


def _answer(command: Sequence[str], project: Path) -> str:
    done = subprocess.run(_words(command), cwd=project, env=_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"comparison: '{' '.join(command)}' failed", done.stderr.strip()[-500:])
    return done.stdout


def _words(command: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", *command]


def _environment() -> Mapping[str, str]:
    """Stages call `python`, which must be this one also where .venv is not activated."""
    here = Path(sys.executable).parent
    return os.environ | {"PATH": f"{here}{os.pathsep}{os.environ.get('PATH', '')}"}
