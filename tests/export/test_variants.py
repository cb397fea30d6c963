"""What is written, what is not, and what is left when something fails."""

import errno
from pathlib import Path

import numpy as np
import onnx
import pytest

from src.errors import UserError
from src.export import Images, Plan, export
from src.export import variants as module
from src.export.graph import with_card
from src.files import PartFile
from src.model_card import read_card
from tests.export.conftest import CARD

LENIENT = Plan(min_agreement_fp16=0.99, max_iou_loss_int8=0.2)  # its untrained logits lie close to the threshold


@pytest.fixture(autouse=True)
def graph(tiny, monkeypatch):
    """The fp32 graph as it was exported once; making it takes seconds."""

    def again(portable, card):
        assert portable.segmenter is tiny.segmenter
        return with_card(onnx.ModelProto.FromString(tiny.fp32.SerializeToString()), card)

    monkeypatch.setattr(module, "to_onnx", again)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_each_variant_is_a_file_with_its_precision_and_its_figures(tiny, tmp_path):
    verdicts = export(tiny.segmenter, CARD, tiny.images, tmp_path, LENIENT)
    assert files(tmp_path) == ["fp16.onnx", "fp32.onnx", "int8.onnx"]
    for precision, verdict in verdicts.items():
        onnx.checker.check_model(tmp_path / f"{precision}.onnx", full_check=True)
        assert read_card(tmp_path / f"{precision}.onnx").precision == precision
        assert [verdict.figures[key] for key in ("passed", "checker", "batch_sizes", "tensorrt")] == [1, 1, 1, 1]
        assert verdict.figures["checkpoint_iou"] == 1
    agreement = {precision: verdict.figures["agreement"] for precision, verdict in verdicts.items()}
    assert agreement["fp32"] >= 0.9999 > agreement["int8"] > 0.9
    assert agreement["fp16"] >= 0.99
    assert verdicts["int8"].figures["iou_change"] == pytest.approx(verdicts["int8"].figures["iou"] - 1)


def test_a_variant_that_fails_is_not_written_nor_left_from_before(tiny, tmp_path):
    (tmp_path / "int8.onnx").write_text("of an earlier export")
    verdicts = export(tiny.segmenter, CARD, tiny.images, tmp_path, Plan(max_iou_loss_int8=0.0, min_agreement_fp16=1.0))
    assert files(tmp_path) == ["fp32.onnx"]
    assert verdicts["int8"].figures["passed"] == 0
    assert verdicts["int8"].figures["iou_change"] < 0
    line = verdicts["int8"].line("int8.onnx")
    assert line.startswith("int8.onnx: not written: iou_change -0.")
    assert "export.max_iou_loss_int8" in line


def test_fp32_must_pass(tiny, tmp_path):
    (tmp_path / "fp16.onnx").write_text("of an earlier export")
    with pytest.raises(UserError, match=r"fp32\.onnx: not written: agreement .* see export\.min_agreement_fp32"):
        export(tiny.segmenter, CARD, tiny.images, tmp_path, Plan(min_agreement_fp32=1.01))
    assert files(tmp_path) == []


def test_only_what_is_asked_for(tiny, tmp_path):
    assert list(export(tiny.segmenter, CARD, tiny.images, tmp_path, Plan(variants=("fp32",)))) == ["fp32"]
    assert files(tmp_path) == ["fp32.onnx"]


def test_a_network_that_the_quantizer_cannot_take_keeps_its_other_files(tiny, tmp_path, monkeypatch):
    def refuse(*_):
        raise NotImplementedError("no such operator")

    monkeypatch.setattr(module, "to_int8", refuse)
    verdicts = export(tiny.segmenter, CARD, tiny.images, tmp_path, LENIENT)
    assert files(tmp_path) == ["fp16.onnx", "fp32.onnx"]
    assert verdicts["int8"].figures == {"passed": 0}
    assert "cannot be made int8: NotImplementedError: no such operator" in verdicts["int8"].line("int8.onnx")


def test_a_full_disk_leaves_nothing(tiny, tmp_path, monkeypatch):
    opened = PartFile.open

    def full(file, *given):
        if "int8" in file.path.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        return opened(file, *given)

    monkeypatch.setattr(PartFile, "open", full)
    with pytest.raises(UserError, match=r"int8\.onnx: cannot be written"):
        export(tiny.segmenter, CARD, tiny.images, tmp_path, LENIENT)
    assert files(tmp_path) == []


def test_full_temporary_files_are_no_fault_of_the_network(tiny, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "to_int8", full)
    with pytest.raises(UserError, match="temporary files cannot be written"):
        export(tiny.segmenter, CARD, tiny.images, tmp_path, LENIENT)
    assert files(tmp_path) == []


def test_images_of_another_size_are_refused(tiny, tmp_path):
    frames = np.zeros((1, 16, 16, 3), np.uint8)
    with pytest.raises(UserError, match=r"validation images are \(16, 16\), the checkpoint was trained for \(32, 32\)"):
        export(tiny.segmenter, CARD, Images(frames, frames[..., 0], frames), tmp_path, LENIENT)
