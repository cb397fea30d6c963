"""Training as a whole: it learns, repeats itself, keeps the best epoch, and refuses what cannot work."""

import dataclasses
from contextlib import nullcontext

import pytest
from lightning.fabric import Fabric

from src.data.shards import Manifest
from src.errors import UserError
from src.models.losses import SegmentationLoss
from src.models.zoo import load_checkpoint
from src.training.loaders import build_loaders
from src.training.validation import validate
from tests.prepared import model_options, train_options
from tests.training.runs import assert_equal_weights, history, run


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
    assert (figures["precision"], figures["processes"], figures["epochs"]) == ("32-true", 1, 3)
    _, spec = load_checkpoint(into / "c.ckpt")
    assert (spec.height, spec.width) == (32, 64)
    assert spec.training_data[0]["source"] == "toy"
    assert not any((into / "work/train").iterdir())


def test_the_same_run_gives_the_same_weights(prepared, whole, tmp_path):
    into, figures = whole
    assert run(prepared, tmp_path)["val"] == figures["val"]
    assert_equal_weights(into, tmp_path)


def test_patience_ends_a_run_that_does_not_get_better(prepared, tmp_path):
    # A rate this small changes nothing, so no epoch after the first is better.
    figures = run(prepared, tmp_path, epochs=6, patience=1, lr=1e-12)
    assert figures["epochs"] < 6


def test_the_average_is_what_is_validated_and_kept_and_training_goes_on_without_it(prepared, whole, tmp_path):
    figures = run(prepared, tmp_path, ema=0.99)
    plain, averaged = history(whole[0]), history(tmp_path)
    assert [row["train_loss"] for row in averaged] == [row["train_loss"] for row in plain]
    assert averaged[-1]["val_loss"] != plain[-1]["val_loss"]
    options, manifest = train_options(), Manifest.read(prepared)
    segmenter, _ = load_checkpoint(tmp_path / "c.ckpt")
    _, val = build_loaders(prepared, manifest, options)
    found = validate(Fabric(accelerator="cpu", devices=1), segmenter, SegmentationLoss(options.loss), val, 2)
    assert found == pytest.approx(figures["val"])


class Logger:
    def __init__(self):
        self.logged = []

    def log_metrics(self, figures, step):
        self.logged.append((step, figures))


def test_figures_are_logged_as_they_come(prepared, tmp_path):
    logger = Logger()
    run(prepared, tmp_path, track=lambda _: nullcontext(logger), epochs=4)
    steps = [step for step, figures in logger.logged if figures.keys() == {"train/loss_step", "lr"}]
    assert steps == [10]  # of 12
    step, figures = logger.logged[-1]
    assert step == 12
    assert figures.keys() == {"train/loss_epoch", "val/loss", "val/iou", "val/dice", "val/accuracy"}


def test_a_run_whose_loss_is_no_number_is_ended_with_advice(prepared, tmp_path):
    with pytest.raises(UserError, match="training diverged") as caught:
        run(prepared, tmp_path, optimizer="sgd", lr=1e30, schedule="constant", warmup=0.0, clip_norm=None)
    assert "train.lr lower" in caught.value.fix


def test_a_size_the_net_does_not_take_is_refused(prepared, tmp_path, monkeypatch):
    manifest = dataclasses.replace(Manifest.read(prepared), height=40)
    monkeypatch.setattr(Manifest, "read", lambda _: manifest)
    with pytest.raises(UserError, match="does not take 64x40") as caught:
        run(prepared, tmp_path, model_options(name="fpn", encoder="resnet18", decoder_channels=None))
    assert "preprocess.height" in caught.value.fix


def test_a_net_that_needs_more_than_one_image_says_so_before_it_trains(prepared, tmp_path):
    with pytest.raises(UserError, match="bisenetv2 cannot learn from one image at a time") as caught:
        run(prepared, tmp_path, model_options(name="bisenetv2", encoder=None, decoder_channels=None), batch_size=1)
    assert "batch_size: 2" in caught.value.fix


def test_training_runs_in_bfloat16_and_in_plain_layout(prepared, tmp_path):
    figures = run(prepared, tmp_path, epochs=1, precision="bf16", channels_last=False, accumulate=2, clip_norm=1.0)
    assert figures["precision"] == "bf16-mixed"
