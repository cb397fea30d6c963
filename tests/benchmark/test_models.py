"""The zoo's table: a row per net, on the page as on the terminal."""

import sys

import pytest

from src.benchmark import models
from src.benchmark.models import CHOSEN, measure
from src.errors import UserError
from src.params.model import NetName


def test_a_net_is_measured_on_every_backend():
    [row] = measure([("unet", "tu-resnet10t")], 32, 64, threads=1, runs=1)
    assert row["net"] == "unet tu-resnet10t"
    assert row["M parameters"] > 5
    assert row["MB"] == pytest.approx(row["M parameters"] * 4, rel=0.1)
    assert row["multiples of"] == 8
    assert {"torch fp32", "onnxruntime fp32", "openvino fp32"} <= set(row)
    assert all(value > 0 for key, value in row.items() if key != "net")


def test_a_size_that_a_net_does_not_take_is_refused():
    with pytest.raises(UserError, match="fpn-resnet18 takes multiples of 32, not 72x64"):
        next(measure([("fpn", "resnet18")], 64, 72, threads=1, runs=1))


def test_the_table_has_every_net():
    assert {name for name, _ in CHOSEN} == set(NetName.__args__)


def run(monkeypatch, *arguments):
    row = {"net": "unet", "MB": 1.5}
    monkeypatch.setattr(models, "measure", lambda nets, height, width, **_: iter([row | {"size": f"{width}x{height}"}]))
    monkeypatch.setattr(sys, "argv", ["models", *arguments])
    models.main()


def test_it_prints_a_page_or_a_terminals_table(monkeypatch, capsys):
    run(monkeypatch, "--markdown", "--size", "64x32")
    assert "| net | MB | size |\n| --- | --- | --- |\n| unet | 1.5 | 64x32 |" in capsys.readouterr().out
    run(monkeypatch)
    assert "256x256" in capsys.readouterr().out


def test_a_size_that_is_none_is_refused(monkeypatch):
    with pytest.raises(UserError, match="--size 'big' is not a size"):
        run(monkeypatch, "--size", "big")
