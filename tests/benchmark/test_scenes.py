"""The scene generator's benchmark: a rate, shares that make a whole, one JSON line."""

import json

import pytest

from src.benchmark import scenes
from src.errors import UserError


def test_it_prints_a_rate_and_where_the_time_went(capsys, monkeypatch):
    monkeypatch.setattr(scenes, "WARM_UP", 1)
    monkeypatch.setattr(scenes, "BLOCK", 2)
    scenes.main(["--seconds", "0.001", "--width", "64", "--height", "36"])
    out = capsys.readouterr().out
    report = json.loads(out.splitlines()[-1])
    assert report["scenes_per_second"] > 0 and (report["width"], report["height"]) == (64, 36)
    assert {"camera", "noise", "sky"} <= set(report["share"])
    assert sum(report["share"].values()) == pytest.approx(100, abs=2)
    assert "scenes/s per core at 64x36" in out


@pytest.mark.parametrize("wrong", [["--seconds", "0"], ["--height", "8"]])
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(UserError):
        scenes.main(wrong)
