"""`python -m src.runtime.engines`: an engine from model files and photographs, without the pipeline."""

import re

import cv2
import numpy as np
import pytest

from src.runtime import open_engine
from src.runtime.engines import __main__ as engines_main
from src.runtime.engines.__main__ import main
from tests.import_graph import ROOT
from tests.model_file import write_variants


@pytest.fixture
def photos(tmp_path):
    (tmp_path / "photos").mkdir()
    for seed in range(5):
        picture = np.random.default_rng(seed).integers(0, 256, (50, 70, 3), np.uint8)
        cv2.imwrite(str(tmp_path / "photos" / f"{seed}.png"), picture)
    return tmp_path / "photos"


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
def test_an_engine_from_model_files_and_photographs(backend, photos, tmp_path, capsys):
    models = write_variants(tmp_path / "onnx")
    given = ["--models", models, "--images", photos, "--out", tmp_path / "engine", "--backend", backend, "--frames", 2]
    main([str(argument) for argument in [*given, "--precision", "int8"]])
    assert f"engine: {backend} int8" in capsys.readouterr().out
    with open_engine(tmp_path / "engine") as engine:
        assert engine.info.backend == backend


def test_pictures_that_cannot_be_read_and_other_mistakes_exit_with_a_message(photos, tmp_path, capsys):
    models = write_variants(tmp_path / "onnx")
    for picture in photos.iterdir():
        picture.write_bytes(b"not a picture")
    given = ["--models", str(models), "--images", str(photos), "--out", str(tmp_path / "engine")]
    with pytest.raises(SystemExit) as ended:
        main(given)
    assert ended.value.code == 2
    assert "none of the pictures can be read" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(["--models", str(tmp_path / "missing.onnx"), *given[2:]])
    assert ended.value.code == 3
    assert "no such model file" in capsys.readouterr().err
    for wrong in (("--frames", "0"), ("--batch-sizes", "0"), ("--threads", "-2"), ("--min-agreement", "2")):
        with pytest.raises(SystemExit) as ended:
            main([*given, *wrong])
        assert ended.value.code == 2
        assert wrong[0] in capsys.readouterr().err
    assert not (tmp_path / "engine").exists()


def test_the_commands_in_the_docs_are_accepted(monkeypatch):
    text = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    commands = re.findall(r"python -m src\.runtime\.engines (--[^#`\n]+)", text)
    assert len(commands) >= 2
    accepted = []
    monkeypatch.setattr(engines_main, "_build", accepted.append)
    for command in commands:
        main(command.split())
    assert {options.backend for options in accepted} >= {"auto", "openvino"}
    main([*commands[0].split(), "--backend", "tensorrt", "--batch-sizes", "1", "4", "--precision", "fp16"])
    assert accepted[-1].batch_sizes == [1, 4]
