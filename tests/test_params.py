"""params.yaml: accepted as it stands; every kind of mistake is refused by its path."""

import copy
import re

import pytest
from ruamel.yaml import YAML

from src import params
from src.errors import UserError
from src.params import Loss
from tests.import_graph import ROOT


@pytest.fixture
def tree():
    return YAML(typ="safe", pure=True).load((ROOT / "params.yaml").read_text(encoding="utf-8"))


def refusal(tree, path, value):
    changed = copy.deepcopy(tree)
    *sections, key = path.split(".")
    at = changed
    for section in sections:
        at = at[section]
    at[key] = value
    with pytest.raises(UserError) as caught:
        params.parse(changed, "params.yaml")
    return str(caught.value)


def test_the_committed_file_is_accepted():
    assert params.load(ROOT / "params.yaml").model.name == "unet"


def test_every_key_of_the_committed_file_has_a_comment():
    lines = (ROOT / "params.yaml").read_text(encoding="utf-8").splitlines()
    keys = [line for line in lines if line.strip() and not line.strip().startswith("#")]
    bare = [line for line in keys if "#" not in line and not line.rstrip().endswith(":")]
    assert bare == []


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("train.lrr", 1, ("train.lrr: unknown key", "did you mean lr?", "weight_decay")),
        ("trian", {}, ("trian: unknown key", "did you mean train?")),
        ("data.folder.sets.photos.imges", "x", ("data.folder.sets.photos.imges: unknown key", "did you mean images?")),
        ("train.lr", "fast", ("train.lr", "valid number", "'fast'")),
        ("train.lr", 0, ("train.lr", "greater than 0")),
        ("train.lr", float("nan"), ("train.lr", "finite")),
        ("train.epochs", 2.5, ("train.epochs", "integer")),
        ("train.threads", "many", ("train.threads", "'auto'", "integer")),
        ("tracking.mlflow", "yes", ("tracking.mlflow", "boolean")),
        ("model.name", "unett", ("model.name", "'unet'", "'segformer'", "'unett'")),
        ("preprocess.height", 250, ("preprocess.height", "multiples of 8; the nearest to 250 is 248")),
        ("train.warmup", 1.0, ("train.warmup", "less than 1")),
        ("train.init", "models/checkpoint.ckpt", ("train.init", "cp models/checkpoint.ckpt models/start.ckpt")),
        ("train.augment.flip", 2, ("train.augment.flip", "less than or equal to 1")),
        ("data.sources", [], ("data.sources", "at least 1")),
        ("data.sources", ["skyfindr"], ("data.sources.0", "'synthetic', 'folder', 'skyfinder'")),
        ("data.folder.sets.photos.classes", {"sky": [1, 2]}, ("classes.sky", "3 items")),
        ("data.folder.sets.photos.classes", {"sky": 300}, ("classes.sky", "255")),
        ("data.folder.sets", {"camvid": {}}, ("data.folder.sets.camvid.images: missing",)),
        ("data.ade20k.negatives", 2, ("data.ade20k.negatives", "less than or equal to 1")),
        ("data.bdd100k.task", "lanes", ("data.bdd100k.task", "'drivable' or 'semantic'")),
        ("data.sources", ["folder", "folder"], ("data.sources", "twice")),
        ("data.folder.sets.photos.masks", "mask.png", ("data.folder.sets.photos.masks", "{path} or {stem}")),
        ("filter.max_sky", 0.001, ("filter", "min_sky", "below max_sky")),
        ("train.loss", dict.fromkeys(Loss.model_fields, 0.0), ("train.loss", "above 0")),
        ("export.variants", ["fp16"], ("export.variants", "fp32 must be among them")),
        ("export.variants", ["fp32", "fp32"], ("export.variants", "named twice")),
        ("export.variants", ["fp32", "fp8"], ("export.variants.1", "'int8'", "'fp8'")),
        ("export.batch_sizes", [0], ("export.batch_sizes.0", "greater than or equal to 1")),
        ("train", None, ("train", "not None")),
        ("labels", {"background": ["sky"]}, ("labels", "cannot be a target class")),
        ("labels", {"a": ["sky"], "b": ["sky"]}, ("labels", "sky is named twice")),
    ],
)
def test_a_mistake_is_refused_with_its_path_and_what_is_accepted(tree, path, value, says):
    message = refusal(tree, path, value)
    for part in says:
        assert part in message


@pytest.mark.parametrize(
    ("engine", "says"),
    [
        (
            {"backend": "onnxruntime", "precision": "bf16"},
            "bf16 is OpenVINO's alone, and engine.backend is onnxruntime",
        ),
        ({"precision": "int8"}, "int8 needs the model file of that name in export.variants"),
    ],
)
def test_a_precision_that_no_stage_could_build_is_refused_before_training(tree, engine, says):
    tree["export"]["variants"] = ["fp32"]
    tree["engine"] |= engine
    with pytest.raises(UserError, match=f"engine.precision: {says}"):
        params.parse(tree, "params.yaml")


def test_a_missing_key_is_named(tree):
    del tree["train"]["lr"]
    with pytest.raises(UserError, match=r"train\.lr: missing"):
        params.parse(tree, "params.yaml")


def test_all_mistakes_are_told_at_once(tree):
    tree["train"]["lr"], tree["train"]["epochs"] = -1, 0
    with pytest.raises(UserError) as caught:
        params.parse(tree, "params.yaml")
    assert "train.lr" in str(caught.value)
    assert "train.epochs" in str(caught.value)


def test_exponents_are_numbers_as_in_dvc(tmp_path):
    text = re.sub(r"(?m)^  lr: \S+", "  lr: 1e-3", (ROOT / "params.yaml").read_text(encoding="utf-8"))
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    assert params.load(tmp_path / "params.yaml").train.lr == 1e-3


@pytest.mark.parametrize(("text", "says"), [("a: [", "not valid YAML"), ("", "not None"), (None, "cannot be read")])
def test_a_file_that_is_none(tmp_path, text, says):
    path = tmp_path / "params.yaml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=says):
        params.load(path)


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ({"name": "bisenetv2"}, "model: encoder: bisenetv2 has its own; set it to null, not 'tu-resnet10t'"),
        ({"name": "fpn", "encoder": None}, "model: encoder: fpn needs one"),
        (
            {"encoder": None, "encoder_weights": "imagenet", "decoder_channels": None},
            "unet without an encoder is trained",
        ),
        ({"name": "ddrnet", "encoder": None, "encoder_weights": "imagenet"}, "ddrnet is trained from scratch"),
        ({"name": "fpn"}, "model: decoder_channels: only unet, unetplusplus, manet over an encoder"),
        ({"encoder": None}, "model: decoder_channels: only"),
        ({"encoder": None, "decoder_channels": None, "context": 2}, "model: context: unet without"),
        ({"encoder_weights": "imagnet"}, "model.encoder_weights: should be null, imagenet or the path of a .pth"),
    ],
)
def test_parts_of_a_model_that_do_not_go_together_are_refused(tree, model, says):
    tree["model"] |= model
    with pytest.raises(UserError) as caught:
        params.parse(tree, "params.yaml")
    assert says in str(caught.value)
    assert "normalisation" not in str(caught.value)


def test_a_size_that_the_net_does_not_take_is_refused_with_the_nearest(tree):
    tree["model"] |= {"name": "fpn", "decoder_channels": None}
    tree["preprocess"]["width"] = 264
    with pytest.raises(UserError, match=r"preprocess\.width: fpn takes multiples of 32; the nearest to 264 is 256"):
        params.parse(tree, "params.yaml")
    tree["model"] |= {"name": "bisenetv2", "encoder": None, "context": 0}
    assert params.parse(tree, "params.yaml").preprocess.width == 264


def test_an_unseen_set_must_be_one_of_the_sources_and_not_all_of_them(tree):
    tree["data"]["sources"] = ["synthetic", "folder"]
    tree["evaluate"]["unseen"] = ["photos"]
    assert params.parse(tree, "params.yaml").evaluate.unseen == ["photos"]
    elsewhere = refusal(tree, "evaluate.unseen", ["camvid"])
    assert "no such source: camvid; data.sources brings synthetic, photos" in elsewhere
    assert len(elsewhere) < 200  # the message, not the whole file after it
    assert "leaves none to learn from" in refusal(tree, "evaluate.unseen", ["photos", "synthetic"])
    assert "listed twice" in refusal(tree, "evaluate.unseen", ["photos", "photos"])


def test_skies_are_swapped_only_where_a_class_is_named_sky(tree):
    tree["train"]["augment"]["sky_swap"] = 0.2
    assert params.parse(tree, "params.yaml").train.augment.sky_swap == 0.2
    tree["labels"] = {"drivable": ["road"]}
    with pytest.raises(UserError, match=r"train\.augment\.sky_swap: must be 0 as no class is named sky \(drivable\)"):
        params.parse(tree, "params.yaml")
