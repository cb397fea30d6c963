"""What a run makes of the machine it finds."""

import pytest
import torch

from src.errors import UserError
from src.training import machine
from src.training.machine import choose_precision, count_devices, share_threads
from src.training.processes import ALONE, Place
from tests.prepared import train_options


def test_precision_follows_the_processor_and_says_why(capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(machine, "bf16_flag", lambda: "amx_bf16")
    assert choose_precision("auto") == "bf16-mixed"
    assert "auto-detected: bf16 (amx_bf16" in capsys.readouterr().out
    monkeypatch.setattr(machine, "bf16_flag", lambda: None)
    assert choose_precision("auto") == "32-true"
    assert "auto-detected: fp32 (no bfloat16" in capsys.readouterr().out
    assert choose_precision("bf16") == "bf16-mixed"


def test_fp16_is_refused_without_cuda(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="fp16 needs CUDA"):
        choose_precision("fp16")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_precision("fp16") == "16-mixed"


def test_devices_are_the_gpus_there_are(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert (count_devices("auto"), count_devices(3)) == (1, 3)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert (count_devices("auto"), count_devices(1)) == (2, 1)
    with pytest.raises(UserError, match="has 2 GPUs"):
        count_devices(3)


def test_processes_divide_the_cores(monkeypatch):
    monkeypatch.setattr(machine, "cores", lambda: 8)
    asked = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    places = [ALONE, Place(local_processes=3), Place(local_processes=20)]
    found = [share_threads(train_options(threads="auto"), place) for place in places]
    assert found == asked == [8, 2, 1]
    assert share_threads(train_options(threads=5), places[2]) == 5
