"""What `python -m src.model_card` says of a model file."""

import hashlib
import json

import pytest

from src.errors import EngineError
from src.model_card import ModelCard, main
from tests.model_file import binary_card, write_binary_model, write_foreign_model, write_three_class_model


def lines(path, capsys) -> list[str]:
    main([str(path)])
    return capsys.readouterr().out.splitlines()


def test_a_model_file_tells_what_is_inside(tmp_path, capsys):
    data = ({"source": "streets", "licence": "research use", "images": 12}, {"source": "scenes"})
    card = binary_card(training_data=data, git_revision="abc123", metrics={"iou": 0.912, "images": 815.0})
    path = write_binary_model(tmp_path / "sky.onnx", card)
    assert lines(path, capsys) == [
        "name: blue-and-high",
        "class 0: background, #000000",
        "class 1: sky, #0072ff",
        "input: 96x64, stretch-linear",
        "threshold: 0.5",
        "precision: fp32",
        "training data: streets, 12 images, research use",
        "training data: scenes, unknown images, terms unknown",
        "metric images: 815",
        "metric iou: 0.912",
        "revision: abc123",
        f"SHA-256: {hashlib.sha256(path.read_bytes()).hexdigest()}",
    ]
    assert "threshold: none, the likeliest class" in lines(write_three_class_model(tmp_path / "l.onnx"), capsys)


def test_what_is_no_model_file_of_ours_is_refused_in_words(tmp_path, capsys):
    (tmp_path / "text.onnx").write_text("no model\n" * 99)
    for path, said in (
        (tmp_path / "none.onnx", "no such model file"),
        (tmp_path / "text.onnx", "not a readable ONNX file"),
        (write_foreign_model(tmp_path / "foreign.onnx"), "no 'skyseg' metadata"),
    ):
        with pytest.raises(SystemExit) as caught:
            main([str(path)])
        message = capsys.readouterr().err
        assert caught.value.code == 3
        assert message.startswith(f"error: {path}: {said}")
        assert "  fix: " in message


@pytest.mark.parametrize(
    "change",
    [
        {"training_data": [7]},
        {"metrics": {"iou": "high"}},
        {"threshold": None},
        {"threshold": "half"},
        {"threshold": 1.5},
        {"classes": [{"name": "background", "colour": [0, 0, 0]}, {"name": "sky", "colour": [0, 0, 256]}]},
        {"classes": [{"name": "background", "colour": [0, 0]}, {"name": "sky", "colour": [0, 0, 255]}]},
    ],
)
def test_a_card_with_values_of_the_wrong_kind_is_damaged(change):
    card = binary_card()
    assert ModelCard.from_json(card.to_json(), "sky.onnx") == card
    with pytest.raises(EngineError, match=r"sky\.onnx: its skyseg model card is damaged"):
        ModelCard.from_json(json.dumps(json.loads(card.to_json()) | change), "sky.onnx")
