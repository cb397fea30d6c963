import json
import sys

import pytest

from src.benchmark import sequential
from src.errors import UserError
from src.model_card import ClassInfo
from src.models.zoo import NetworkSpec, save_checkpoint
from src.runtime.video.source import VideoSource
from tests.runtime.clips import HEIGHT, WIDTH, write_clip


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    classes = (ClassInfo("background", (0, 0, 0)), ClassInfo("sky", (0, 114, 255)))
    spec = NetworkSpec("lraspp", None, None, classes, 64, 96, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), ())
    path = tmp_path_factory.mktemp("checkpoint") / "checkpoint.ckpt"
    save_checkpoint(path, spec.build(), spec)
    return path


def test_it_plays_the_whole_clip_into_a_video(checkpoint, tmp_path, monkeypatch, capsys):
    clip = write_clip(tmp_path / "clip.mp4", frames=5)
    given = ["--video", clip, "--save", tmp_path / "out.mp4", "--checkpoint", checkpoint]
    monkeypatch.setattr(sys, "argv", ["sequential", *map(str, given)])
    sequential.main()
    figures = json.loads(capsys.readouterr().out)
    assert figures["frames"] == 5
    assert figures["fps"] == pytest.approx(5 / figures["seconds"], rel=0.1)
    with VideoSource(tmp_path / "out.mp4") as source:
        assert (source.width, source.height, len(list(source))) == (WIDTH, HEIGHT, 5)


def test_what_cannot_be_read_is_named(checkpoint, tmp_path):
    with pytest.raises(UserError, match=r"none\.mp4 cannot be read"):
        sequential.play(tmp_path / "none.mp4", tmp_path / "out.mp4", checkpoint, 5)
    with pytest.raises(UserError, match="no such checkpoint"):
        sequential.play(write_clip(tmp_path / "clip.mp4", 2), tmp_path / "out.mp4", tmp_path / "none.ckpt", 5)
