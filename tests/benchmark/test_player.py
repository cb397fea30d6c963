import json
import sys
from contextlib import nullcontext

import pytest

from src.benchmark import player, video
from src.errors import UserError
from tests.model_file import write_binary_model
from tests.runtime.clips import write_clip


@pytest.fixture
def given(tmp_path):
    clip, model = write_clip(tmp_path / "clip.mp4"), write_binary_model(tmp_path / "sky.onnx")
    numbers = ("--frames", "8", "--repeats", "1", "--large-frames", "4", "--soak", "20")
    return ["player", "--video", str(clip), "--engine", str(model), *numbers]


def measured(monkeypatch, capsys, given, *only):
    monkeypatch.setattr(sys, "argv", [*given, "--only", *only])
    player.main()
    table, line = capsys.readouterr().out.strip().rsplit("\n", 1)
    rows = {row["goal"]: row for row in json.loads(line)["player"]}
    assert all(goal in table for goal in rows)
    return rows


def test_a_row_per_figure_with_what_is_asked(given, monkeypatch, capsys):
    monkeypatch.setattr(player, "LARGE", (384, 256))
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(video, "display", lambda: nullcontext("none in this test"))  # Qt takes but one in its life
    rows = measured(monkeypatch, capsys, given, "share", "first-frame", "help", "memory", "soak")
    asked = {goal: row["asked"] for goal, row in rows.items() if row["asked"]}
    assert asked["saving: share of the limit"] == asked["overlay: share of the limit"] == ">= 0.9"
    assert asked["first frame saved, s"] == "<= 1.5"
    assert asked["--help, s"] == "<= 0.5"
    assert asked["384x256, saving: peak MiB"] == "<= 1200"
    assert asked["20 frames: growth of memory, MiB"] == "<= 20"
    assert all(row["met"] in (True, False) for goal, row in rows.items() if goal in asked)
    assert all(
        rows[goal]["value"] > 0 for goal in ("saving: FPS", "first frame saved, s", "--help, s", "--help, CPU s")
    )


def test_both_loops_take_turns(given, monkeypatch, capsys):
    told = {"src.benchmark.sequential": '{"fps": 10.0}'}
    ran = []

    def run(module, *arguments):
        ran.append(module)
        if module == "src.infer":
            stats = arguments[arguments.index("--stats-json") + 1]
            stats.write_text('{"fps": 55.0}')
        return told.get(module, "")

    monkeypatch.setattr(player, "_run", run)
    checkpoint = given[2]  # any file: it is the loop's to read
    rows = measured(monkeypatch, capsys, [*given, "--checkpoint", checkpoint, "--repeats", "3"], "sequential")
    assert ran == ["src.benchmark.sequential", "src.infer"] * 3
    assert rows["saving over the sequential loop"] | {"noise": 0} == {
        "goal": "saving over the sequential loop", "value": 5.5, "asked": ">= 5", "met": True, "noise": 0,
    }  # fmt: skip
    assert rows["sequential loop: FPS"]["value"] == 10


def test_what_is_missing_is_said(given, monkeypatch, tmp_path, capsys):
    with pytest.raises(UserError, match="no checkpoint for the plain loop"):
        measured(monkeypatch, capsys, [*given, "--checkpoint", str(tmp_path / "none.ckpt")], "sequential")
    with pytest.raises(UserError, match="failed") as caught:
        player._run("src.infer", "--video", tmp_path / "none.mp4")
    assert "error: " in caught.value.why
