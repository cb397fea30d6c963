"""A run that was stopped goes on with the next step, and ends as if it had not been."""

import signal
import subprocess

import pytest
import torch

from src.errors import UserError
from src.training import fit as fit_module
from src.training.progress import Progress
from src.training.resume import Store, fingerprint
from tests.prepared import model_options, train_options
from tests.training.runs import LONG, assert_equal_weights, history, run, run_killed, start, wait_for

# Everything that has a state: an average, momentum, a schedule with memory, dropout, batches left to accumulate.
MODEL = model_options(name="fpn", decoder_channels=None)  # its decoder drops out
CHANGES = {"epochs": 3, "batch_size": 2, "accumulate": 2, "ema": 0.9, "schedule": "plateau", "plateau_patience": 0,
           "checkpoint_every": 2}  # fmt: skip


def test_a_run_killed_within_an_epoch_ends_bit_equal_to_an_unbroken_one(prepared, tmp_path, capsys):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    figures = run(prepared, whole, MODEL, **CHANGES)
    run_killed(prepared, broken, MODEL, **CHANGES)
    assert not (broken / "c.ckpt").exists()
    capsys.readouterr()
    again = run(prepared, broken, MODEL, **CHANGES)
    assert "resuming the interrupted run" in (said := capsys.readouterr().out)
    assert "step 2 of epoch 2" in said
    assert_equal_weights(whole, broken)
    assert again["val"] == figures["val"]
    rows = [[{k: v for k, v in row.items() if k != "seconds"} for row in history(into)] for into in (whole, broken)]
    assert rows[0] == rows[1]


KILLED_ANYWHERE = """
import sys
from pathlib import Path
from tests.training.runs import run
run(Path(sys.argv[1]), Path(sys.argv[2]), epochs=40, checkpoint_every=1)
"""


def test_a_kill_at_any_moment_leaves_a_state_that_can_be_read(prepared, tmp_path):
    child = start(KILLED_ANYWHERE, prepared, tmp_path)
    state = wait_for(child, tmp_path, "work/train/*/last.ckpt")
    child.kill()
    child.wait()
    progress, learner = Store(state.parent).load()
    assert (progress.epoch, progress.step) >= (0, 1)
    assert learner["steps_done"] == progress.epoch * 3 + progress.step


INTERRUPTED = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
from src.errors import user_errors
from tests.training.runs import run
with user_errors():
    run(Path(sys.argv[1]), Path(sys.argv[2]), epochs=2000)
"""


def test_ctrl_c_ends_with_its_own_code_and_says_how_to_go_on(prepared, tmp_path):
    child = start(INTERRUPTED, prepared, tmp_path, stdout=subprocess.PIPE)
    wait_for(child, tmp_path, "work/train/*/last.ckpt")
    child.send_signal(signal.SIGINT)
    said, _ = child.communicate(timeout=LONG)
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


def test_a_run_that_was_only_not_written_down_does_not_train_again(prepared, tmp_path, monkeypatch):
    monkeypatch.setattr(fit_module, "save_checkpoint", stop)
    with pytest.raises(InterruptedError):
        run(prepared, tmp_path, epochs=1)
    monkeypatch.undo()
    monkeypatch.setattr(fit_module.Learner, "step", stop)
    assert run(prepared, tmp_path, epochs=1)["epochs"] == 1
    assert (tmp_path / "c.ckpt").is_file()


def test_the_fingerprint_knows_the_content_of_initial_weights(prepared, tmp_path):
    weights = tmp_path / "encoder.pt"
    model = model_options().model_copy(update={"encoder_weights": str(weights)})
    prints = []
    for content in (b"one", b"two", b"one"):
        weights.write_bytes(content)
        prints.append(fingerprint(prepared, model, train_options()))
    assert prints[0] == prints[2] != prints[1]
    assert fingerprint(prepared, model_options(), train_options()) not in prints


def test_a_run_of_other_devices_or_precision_is_not_gone_on_with(prepared):
    machines = (), ("32-true", 1), ("32-true", 2), ("bf16-mixed", 1)
    prints = {fingerprint(prepared, model_options(), train_options(), None, machine) for machine in machines}
    assert len(prints) == len(machines)


def test_the_best_weights_outlive_the_state_that_does_not_know_of_later_ones(tmp_path):
    store, weights = Store(tmp_path / "run"), {"w": torch.ones(2)}
    store.save_best(0, weights)
    store.save(Progress(epoch=1, best_epoch=0, history=[{}]), {})
    store.save_best(1, {"w": torch.zeros(2)})  # killed here
    progress, _ = Store(store.folder).load()
    assert torch.equal(store.load_best(progress.best_epoch)["w"], weights["w"])
    store.save(Progress(epoch=2, best_epoch=1, history=[{}, {}]), {})
    assert [path.name for path in store.folder.glob("best-*")] == ["best-1.ckpt"]


def test_a_damaged_state_is_named_with_the_way_out(tmp_path):
    (tmp_path / "last.ckpt").write_bytes(b"not a state")
    with pytest.raises(UserError, match="cannot be read") as caught:
        Store(tmp_path).load()
    assert str(tmp_path) in caught.value.fix
