"""The model that the repository holds: what its card says of it is so."""

import onnx
import pytest
from safetensors import safe_open

from src.export import check_contract
from src.export.operators import tensorrt_violations
from src.files import digest
from src.model_card import read_card
from tests.import_graph import ROOT

FOLDER = ROOT / "models/release"
LARGEST = 15e6  # bytes, by issue 8


@pytest.fixture(scope="module")
def page() -> str:
    return (FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["skyseg.onnx", "skyseg-int8.onnx", "skyseg.safetensors"])
def test_its_files_are_small_and_those_that_the_card_names(name, page):
    assert (FOLDER / name).stat().st_size <= LARGEST
    assert digest(FOLDER / name, "sha256") in page


def test_it_is_a_model_file_that_tensorrt_takes_too():
    model = onnx.load(FOLDER / "skyseg.onnx")
    onnx.checker.check_model(model, full_check=True)
    check_contract(model)
    assert tensorrt_violations(model) == []


def test_its_card_tells_what_it_is_and_how_good(page):
    card = read_card(FOLDER / "skyseg.onnx")
    assert f"{card.name}: finds sky" in page
    assert f"at {card.width}x{card.height}" in page
    assert f"IoU {card.metrics['iou']:.3f} on all test images" in page
    for one in card.training_data:
        assert f"| {one['source']} | {one['images']} | {one['licence']} |" in page


def test_its_weights_are_of_the_same_net():
    with safe_open(FOLDER / "skyseg.safetensors", "pt") as weights:
        assert weights.keys()
        said = str(weights.metadata())
    card = read_card(FOLDER / "skyseg.onnx")
    assert card.name.partition("-")[0] in said
