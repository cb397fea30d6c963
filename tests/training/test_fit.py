"""Training: it learns, it repeats itself, it resumes after a kill, and it refuses what cannot work."""

import csv
import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from src.data.raw import fill_raw_folder, raw_folders
from src.data.selection import select
from src.data.sources.folder import FolderSource
from src.errors import UserError
from src.models.zoo import load_checkpoint
from src.params import Filter, Model, Train
from src.training import fit as fit_module
from src.training.fit import choose_precision, fit
from tests.data.test_selection import RULES, TABLE
from tests.data.test_shards import pack
from tests.import_graph import ROOT
from tests.toy import FOLDER, make_folder

MODEL = Model(
    name="unet",
    encoder="tu-mobilenetv4_conv_small",
    encoder_weights=None,
    decoder_channels=[16, 16, 8, 8, 8],
    normalisation="dataset",
)
FPN = {"name": "fpn", "encoder": "resnet18", "decoder_channels": None}
TRAIN = {
    "epochs": 3, "patience": 10, "monitor": "iou", "batch_size": 4, "accumulate": 1,
    "optimizer": "adamw", "lr": 3e-3, "momentum": 0.9, "weight_decay": 0.01,
    "schedule": "one_cycle", "warmup": 0.2, "poly_power": 0.9, "plateau_factor": 0.1, "plateau_patience": 2,
    "clip_norm": None, "ema": None,
    "loss": {"cross_entropy": 1.0, "bce": 0.0, "dice": 0.5, "focal": 0.0, "tversky": 0.0, "lovasz": 0.0, "boundary": 0.0},
    "focal_gamma": 2.0, "tversky_alpha": 0.3, "auxiliary": 0.4, "class_weights": None, "precision": "fp32",
    "channels_last": True, "compile": False, "devices": 1, "nodes": 1, "checkpoint_every": None, "workers": 0,
    "threads": 1, "seed": 1,
    "augment": {
        "flip": 0.5, "flip_vertical": 0.0, "rotate": 5.0, "min_crop": 0.6, "colour": 0.3, "blur": 0.0, "noise": 0.0,
        "jpeg": 0.0, "fog": 0.1, "rain": 0.1, "shadow": 0.1, "night": 0.1,
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fit")
    root = make_folder(folder / "photos", groups=12)
    fill_raw_folder(FolderSource("toy", root, **FOLDER), folder / "raw/toy")
    rows = select(raw_folders(folder / "raw"), TABLE, Filter.model_validate(RULES))
    pack([row for row in rows if row.kept], folder / "prepared")
    return folder / "prepared"


def run(prepared, into: Path, model: Model = MODEL, **changes):
    options = Train.model_validate(TRAIN | changes)
    places = {"checkpoint": into / "c.ckpt", "history": into / "train.csv", "work": into / "work"}
    return fit(prepared, model, options, logger=None, **places)


def history(into: Path) -> list[dict]:
    with (into / "train.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def whole(prepared, tmp_path_factory):
    into = tmp_path_factory.mktemp("whole")
    return into, run(prepared, into)


def test_it_learns_and_keeps_the_best_epoch(whole):
    into, figures = whole
    rows = history(into)
    assert [int(row["epoch"]) for row in rows] == [0, 1, 2]
    assert float(rows[-1]["train_loss"]) < float(rows[0]["train_loss"])
    best = max(float(row["val_iou"]) for row in rows)
    assert figures["val"]["iou"] == pytest.approx(best)
    assert int(rows[figures["best_epoch"]]["epoch"]) == figures["best_epoch"]
    _, spec = load_checkpoint(into / "c.ckpt")
    assert (spec.height, spec.width) == (32, 64)
    assert spec.training_data[0]["source"] == "toy"
    assert not any((into / "work/train").iterdir())


def test_the_same_run_gives_the_same_weights(prepared, whole, tmp_path):
    into, figures = whole
    again = run(prepared, tmp_path)
    assert again["val"] == figures["val"]
    ours, theirs = (load_checkpoint(folder / "c.ckpt")[0].state_dict() for folder in (into, tmp_path))
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def wait_for_checkpoint(child: subprocess.Popen, into: Path) -> None:
    """Until a run in another process has ended an epoch; asserts that it has not ended itself."""
    deadline = time.monotonic() + 120
    while not list(into.glob("work/train/*/last.ckpt")):
        assert child.poll() is None, "the run ended before it could be stopped"
        assert time.monotonic() < deadline
        time.sleep(0.02)


KILLED = """
import os, sys
from pathlib import Path
from tests.training.test_fit import run
run(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def test_a_killed_run_resumes_and_ends_as_if_it_had_not_been(prepared, whole, tmp_path, capsys):
    _, figures = whole
    child = subprocess.Popen([sys.executable, "-c", KILLED, prepared, tmp_path], cwd=ROOT, env=os.environ)
    wait_for_checkpoint(child, tmp_path)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert not (tmp_path / "c.ckpt").exists()
    again = run(prepared, tmp_path)
    assert "resuming" in capsys.readouterr().out
    assert again["val"] == pytest.approx(figures["val"])
    assert [row["epoch"] for row in history(tmp_path)] == ["0", "1", "2"]


INTERRUPTED = """
import sys
from pathlib import Path
from src.errors import user_errors
from tests.training.test_fit import run
with user_errors():
    run(Path(sys.argv[1]), Path(sys.argv[2]), epochs=200)
"""


def test_ctrl_c_ends_with_its_own_code_and_says_how_to_go_on(prepared, tmp_path):
    child = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, prepared, tmp_path], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    wait_for_checkpoint(child, tmp_path)
    child.send_signal(signal.SIGINT)
    said, _ = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "the same dvc repro goes on from there" in said
    assert not (tmp_path / "c.ckpt").exists()


def test_other_params_do_not_resume(prepared, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(fit_module, "save_checkpoint", stop)
    with pytest.raises(InterruptedError):
        run(prepared, tmp_path, epochs=1)
    assert list(tmp_path.glob("work/train/*/last.ckpt"))
    monkeypatch.undo()
    capsys.readouterr()
    run(prepared, tmp_path, epochs=1, lr=1e-3)
    assert "resuming" not in capsys.readouterr().out


def stop(*_):
    raise InterruptedError


def test_patience_ends_a_run_that_does_not_get_better(prepared, tmp_path):
    # A rate this small changes nothing, so no epoch after the first is better.
    figures = run(prepared, tmp_path, epochs=6, patience=1, lr=1e-12)
    assert figures["epochs"] < 6


def test_a_size_the_net_does_not_take_is_refused(prepared, tmp_path, monkeypatch):
    manifest = dataclasses.replace(fit_module.Manifest.read(prepared), height=40)
    monkeypatch.setattr(fit_module.Manifest, "read", lambda _: manifest)
    with pytest.raises(UserError, match="does not take 64x40") as caught:
        run(
            prepared,
            tmp_path,
            MODEL.model_copy(update={"name": "fpn", "encoder": "resnet18", "decoder_channels": None}),
        )
    assert "preprocess.height" in caught.value.fix


def test_precision_follows_the_processor_and_says_why(capsys, monkeypatch):
    monkeypatch.setattr(fit_module, "bf16_flag", lambda: "amx_bf16")
    assert choose_precision("auto") == "bf16-mixed"
    assert "auto-detected: bf16 (amx_bf16" in capsys.readouterr().out
    monkeypatch.setattr(fit_module, "bf16_flag", lambda: None)
    assert choose_precision("auto") == "32-true"
    assert "auto-detected: fp32 (no bfloat16" in capsys.readouterr().out
    assert choose_precision("bf16") == "bf16-mixed"
