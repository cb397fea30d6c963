"""Runs at toy size, here and in processes of their own."""

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch

from src.params import Model
from src.training.fit import fit
from tests.import_graph import ROOT
from tests.prepared import model_options, train_options

LONG = 600  # seconds that a child may take on a machine that is busy with other things


def run(prepared: Path, into: Path, model: Model | None = None, track=None, **changes) -> dict[str, Any]:
    """A training of toy shards into `into`; `changes` are of `train_options`."""
    places = {"checkpoint": into / "c.ckpt", "history": into / "train.csv", "work": into / "work"}
    return fit(prepared, model or model_options(), train_options(**changes), track=track, **places)


KILLED = """
import json, os, signal, sys
from pathlib import Path
from src.training import resume
from tests.prepared import model_options
from tests.training.runs import run

save = resume.Store.save
def save_then_die(self, progress, learner):
    save(self, progress, learner)
    if (progress.epoch, progress.step) == (1, 2):
        os.kill(os.getpid(), signal.SIGKILL)
resume.Store.save = save_then_die
model, changes = map(json.loads, sys.argv[3:])
run(Path(sys.argv[1]), Path(sys.argv[2]), model_options(**model), **changes)
"""


def run_killed(prepared: Path, into: Path, model: Model | None = None, **changes) -> None:
    """As `run`, in a process that is killed once step 2 of epoch 2 is saved."""
    child = start(KILLED, prepared, into, (model or model_options()).model_dump_json(), json.dumps(changes))
    assert child.wait(LONG) == -signal.SIGKILL


def history(into: Path) -> list[dict[str, str]]:
    with (into / "train.csv").open() as file:
        return list(csv.DictReader(file))


def weights(into: Path) -> dict[str, torch.Tensor]:
    return torch.load(into / "c.ckpt", weights_only=True)["weights"]


def assert_equal_weights(ours: Path, theirs: Path) -> None:
    ours, theirs = weights(ours), weights(theirs)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def start(code: str, *arguments, **options) -> subprocess.Popen:
    """Python code in a process of its own, in the project's root; `arguments` are its sys.argv from 1 on."""
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], cwd=ROOT, text=True, **options)


def wait_for(child: subprocess.Popen, folder: Path, pattern: str) -> Path:
    """Until a file is there; asserts that the child has not ended by then."""
    deadline = time.monotonic() + LONG
    while not (found := list(folder.glob(pattern))):
        assert child.poll() is None, "the run ended before it could be stopped"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found[0]
