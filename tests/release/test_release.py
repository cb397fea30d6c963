"""The released model: half the bytes and the same labels, a card that tells the truth, a folder that is never half."""

from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from src.errors import UserError
from src.export import Images, check_contract, to_onnx
from src.export.operators import tensorrt_violations
from src.files import digest
from src.model_card import BF16_AGREEMENT, read_card
from src.models.portable import PortableModel
from src.models.weight_file import read_weights
from src.models.zoo import save_checkpoint
from src.release import __main__ as commands
from src.release import pack as pack_module
from src.release.card import CARD, INT8, ONNX, WEIGHTS, card_text
from src.release.pack import pack
from src.release.weights import with_half_kernels
from src.runtime.engines.choice import Models
from src.runtime.engines.record import sha256
from tests.export.conftest import arrays, nodes
from tests.models.test_zoo import spec

DATA = ({"source": "streets", "licence": "MIT", "images": 1234},)
SPEC = replace(spec(channels=(16, 16, 8, 8, 8)), training_data=DATA)
METRICS = {
    "evaluate": {
        "test": {"iou": 0.912, "dice": 0.95},
        "source": {"streets": {"val": {"iou": 0.5, "images": 1}, "test": {"iou": 0.901, "images": 40}},
                   "hills": {"unseen": {"iou": 0.87, "images": 9, "false_sky": 0.0123}}},
    },
    "train": {"epochs": 3, "best_epoch": 1, "minutes": 90.0, "images_per_second": 31.6, "precision": "bf16-mixed"},
}  # fmt: skip


@pytest.fixture(scope="module")
def segmenter():
    """Its logits are spread: of a fresh net's, half of the pixels lie on the threshold."""
    torch.manual_seed(4)
    made = SPEC.build().eval()
    frames = torch.from_numpy(photographs())
    with torch.inference_mode():
        head, logits = made.network.segmentation_head[0], made(frames)
        gain = 30 / logits.std()
        head.weight *= gain
        head.bias.copy_((head.bias - logits.median()) * gain)
    return made


@pytest.fixture(scope="module")
def plain(segmenter):
    """The graph as the pipeline exports it."""
    return to_onnx(PortableModel(segmenter, 0.5).eval(), SPEC.card(0.5))


def photographs():
    """Smooth frames uint8 [4, 64, 64, 3]."""
    corners = torch.from_numpy(np.random.default_rng(0).uniform(0, 255, (4, 3, 3, 3)))
    smooth = torch.nn.functional.interpolate(corners, (64, 64), mode="bilinear").permute(0, 2, 3, 1)
    return smooth.round().to(torch.uint8).numpy()


def images():
    frames = photographs()
    return Images(frames, np.ones(frames.shape[:3], np.uint8), frames)


def released(checkpoint, folder, **changes):
    chosen = {"threshold": 0.5, "git_revision": "c0ffee", "dvc_lock": {}, "metrics": METRICS} | changes
    return pack(checkpoint, folder, images(), **chosen)


@pytest.fixture(scope="module")
def checkpoint(segmenter, tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoint") / "c.ckpt"
    save_checkpoint(path, segmenter, SPEC)
    return path


@pytest.fixture(scope="module")
def folder(checkpoint, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "release"
    patched = pytest.MonkeyPatch()
    patched.setattr(pack_module, "MIN_AGREEMENT", 0.99)  # a net that has learnt nothing is unsure of many pixels
    patched.setattr(pack_module, "MAX_INT8_LOSS", 1.0)
    try:
        said = released(checkpoint, folder)
    finally:
        patched.undo()
    assert "of labels equal the checkpoint's" in said
    return folder


def test_kernels_are_stored_in_half_and_computed_in_float(plain):
    halved = with_half_kernels(plain)
    check_contract(halved)
    onnx.checker.check_model(halved, full_check=True)
    assert tensorrt_violations(halved) == []
    before, after = arrays(plain), arrays(halved)
    kernels = {node.input[1] for node in nodes(plain, "Conv")}
    assert {f"{name}_half" for name in kernels} == {name for name, value in after.items() if value.dtype == np.float16}
    assert all(np.array_equal(after[f"{name}_half"], before[name].astype(np.float16)) for name in kernels)
    assert all(np.array_equal(after[name], before[name]) for name in before.keys() - kernels)
    assert halved.ByteSize() < 0.6 * plain.ByteSize()
    assert arrays(plain).keys() == before.keys()  # the given graph is left alone


def test_onnx_runtime_folds_the_casts_away(plain, tmp_path):
    counts = []
    for model in (plain, with_half_kernels(plain)):
        options = onnxruntime.SessionOptions()
        options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
        options.log_severity_level = 3
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        counts.append(sorted(node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node))
    assert counts[0] == counts[1]


def test_kernels_beyond_half_are_refused(plain):
    large = onnx.ModelProto.FromString(plain.SerializeToString())
    tensor = next(t for t in large.graph.initializer if t.name == nodes(large, "Conv")[0].input[1])
    tensor.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(tensor) * 1e9, tensor.name))
    with pytest.raises(ValueError, match="beyond float16's range"):
        with_half_kernels(large)


def test_the_folder_holds_the_model_its_weights_and_its_card(folder):
    assert sorted(path.name for path in folder.iterdir()) == sorted([ONNX, INT8, WEIGHTS, CARD])
    assert [path.name for path in folder.parent.iterdir()] == ["release"]
    assert set(Models.find(folder).files) == {"fp32", "int8"}
    card = read_card(folder / ONNX)
    assert (card.precision, card.threshold, card.git_revision) == ("fp32", 0.5, "c0ffee")
    assert card.metrics["iou"] == 0.912
    assert 0.5 < card.metrics.get(BF16_AGREEMENT, 1.0) <= 1
    found, weights = read_weights(folder / WEIGHTS)
    assert found == SPEC
    SPEC.build().network.load_state_dict(weights)
    assert (folder / WEIGHTS).stat().st_mode & 0o044


def test_the_card_tells_data_terms_origin_figures_limits_and_hashes(folder):
    text = (folder / CARD).read_text(encoding="utf-8")
    for part in (
        "unet-tu-mobilenetv4_conv_small", "| streets | 1,234 | MIT |",
        "At commit c0ffee. The last pass took 3 epochs in 90 minutes",
        "epoch 2 had the best", "IoU 0.912 on all test images", "| streets, test | 40 | 0.901 | - | - | - |",
        "| hills, unseen | 9 | 0.870 | - | - | 1.23% |", "## Limits", sha256(folder / ONNX), sha256(folder / WEIGHTS),
    ):  # fmt: skip
        assert part in text
    assert "val" not in text.split("## How good")[1]
    assert str(folder.parent) not in text
    assert "Beside another model" not in text


def scores(**changes):
    rows = [
        {"measure": "IoU, streets (test)", "images": 40, "unit": "ratio", "ours": 0.95, "peer": 0.9},
        {"measure": "false sky, hills", "images": 3, "unit": "share", "ours": 0.001, "peer": 0.02},
        {"measure": "one inference", "images": None, "unit": "ms", "ours": 8.25, "peer": None},
    ]
    return {"peer": {"name": "u2netp"}, "entrants": ["ours", "peer"], "rows": rows} | changes


def test_the_card_takes_the_scores_of_this_very_file(folder):
    text = card_text(folder, METRICS, scores(model={"sha256": sha256(folder / ONNX)}))
    assert "| IoU, streets (test) | 40 | 0.950 | 0.900 |" in text
    assert "| false sky, hills | 3 | 0.10% | 2.00% |" in text
    assert "| one inference | - | 8.2 ms | - |" in text
    with pytest.raises(UserError, match="scores are of another model file"):
        card_text(folder, METRICS, scores(model={"sha256": "0" * 64}))


def test_a_card_is_not_written_with_the_figures_of_another_model(folder):
    with pytest.raises(UserError, match=r"of another model: its test IoU is 0\.766, the model file's 0\.912"):
        card_text(folder, {"evaluate": {"test": {"iou": 0.766}}})


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "cannot be read"), ("{", "not JSON"), ("[]", "not what"), ('{"model": {}}', "not what")],
)
def test_scores_that_are_none_are_refused_and_the_card_stays(content, says, folder, tmp_path):
    path, before = tmp_path / "scores.json", (folder / CARD).read_bytes()
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=says):
        commands.card(folder, path)
    assert (folder / CARD).read_bytes() == before


def test_a_checkpoint_that_was_not_measured_is_not_released(checkpoint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(commands, "read_metrics", lambda: METRICS)
    now = digest(checkpoint, "md5")
    (tmp_path / "dvc.lock").write_text(
        f"stages: {{train: {{outs: [{{path: models/checkpoint.ckpt, md5: {now}}}]}},"
        "evaluate: {deps: [{path: models/checkpoint.ckpt, md5: 0123456789abcdef}]}}",
        encoding="utf-8",
    )
    with pytest.raises(UserError, match="of another checkpoint"):
        commands.export(checkpoint, tmp_path / "release")
    assert not (tmp_path / "release").exists()


def test_without_metrics_the_card_leaves_out_what_nobody_measured(folder):
    text = card_text(folder, {})
    assert "epochs" not in text.split("## How good")[0]
    assert "| hills" not in text


@pytest.mark.parametrize(
    ("limit", "value", "says"),
    [("MIN_AGREEMENT", 1.1, "below 1.1"), ("MOST_BYTES", 1000, "the limit is 0")],
)
def test_what_fails_a_gate_leaves_the_earlier_release(checkpoint, plain, tmp_path, monkeypatch, limit, value, says):
    monkeypatch.setattr(pack_module, "to_onnx", lambda *_: plain)
    monkeypatch.setattr(pack_module, "MIN_AGREEMENT", 0.99)
    monkeypatch.setattr(pack_module, limit, value)
    target = tmp_path / "release"
    target.mkdir()
    (target / CARD).write_text("earlier")
    with pytest.raises(UserError, match="release: ") as caught:
        released(checkpoint, target)
    assert says in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["release"]
    assert (target / CARD).read_text() == "earlier"


def test_int8_that_loses_too_much_is_left_out(checkpoint, plain, tmp_path, monkeypatch):
    monkeypatch.setattr(pack_module, "to_onnx", lambda *_: plain)
    monkeypatch.setattr(pack_module, "MIN_AGREEMENT", 0.99)
    monkeypatch.setattr(pack_module, "MAX_INT8_LOSS", -0.5)
    said = released(checkpoint, tmp_path / "release")
    assert f"{INT8}: not written: iou_change" in said
    assert sorted(path.name for path in (tmp_path / "release").iterdir()) == sorted([ONNX, WEIGHTS, CARD])
    assert "int8" not in (tmp_path / "release" / CARD).read_text(encoding="utf-8").split("## Files")[1]


def test_a_foreign_folder_is_left_alone(checkpoint, tmp_path):
    (tmp_path / "thesis.tex").write_text("words")
    with pytest.raises(UserError, match=r"holds thesis\.tex"):
        released(checkpoint, tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "words"
