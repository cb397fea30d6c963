"""Each recipe end to end at toy size: its own source's layout through the stages' mains, in one process."""

import json
import shutil

import pytest
from ruamel.yaml import YAML

from src.data.sources import SkyFinderSource
from src.model_card import read_card
from src.recipes.apply import apply
from src.recipes.catalogue import chain, read
from src.recipes.rewriting import rewrite
from stages import download, evaluate, export_onnx, filter_sky, preprocess, train
from tests.data import test_skyfinder
from tests.data.http_server import LocalServer
from tests.data.test_ade20k import benchmark as ade20k_files
from tests.data.test_ade20k import write as write_files
from tests.data.test_bdd100k import make_drivable
from tests.data.test_cityscapes import make_cityscapes
from tests.import_graph import ROOT
from tests.test_recipes import NAMES, RECIPES, TEXT
from tests.toy import make_folder

pytestmark = pytest.mark.slow

# What makes any recipe small. Encoders start from nothing: no test fetches weights.
TOY = {
    "data": {"synthetic": {"scenes": 24, "width": 96, "height": 64}},
    "filter": {"min_side": 32, "min_sharpness": 0.0, "duplicate_bits": None},
    "preprocess": {"height": 64, "width": 64, "train_scale": 1.0},
    "model": {"encoder_weights": None},
    "train": {"epochs": 1, "batch_size": 2, "workers": 0, "threads": 1, "devices": 1},
    "evaluate": {"pictures": 0},
    "export": {"frames": 4, "variants": ["fp32"], "min_agreement_fp32": 0.999},
    "tracking": {"mlflow": False},
}
STAGES = (download, filter_sky, preprocess, train, evaluate, export_onnx)


@pytest.fixture
def zenodo(monkeypatch):
    """A server with Zenodo's layout in the place of Zenodo."""
    monkeypatch.setenv("NO_PROXY", "*")
    with LocalServer() as server:
        masks = {f"skyfinder_masks/{c}.png": test_skyfinder.png(test_skyfinder.camera_mask(c)) for c in CAMERAS}
        archives = {f"{c}.zip": test_skyfinder.camera_zip(c) for c in CAMERAS}
        test_skyfinder.publish(server, {"skyfinder_masks.zip": test_skyfinder.zipped(masks)} | archives)

        def here(**options):
            return SkyFinderSource(api=f"{server.url}/api", sleep=lambda _: None, **options)

        monkeypatch.setattr("src.data.sources.SkyFinderSource", here)
        yield


CAMERAS = test_skyfinder.CAMERAS


def lay_out(root, settings):
    """The data that a recipe reads, in its source's layout below `root`; the params that lead there."""
    overlay = {}
    for source in settings["data"]["sources"]:
        if source == "ade20k":
            write_files(root / "ade20k", ade20k_files())
            overlay["ade20k"] = {"root": str(root / "ade20k/ADEChallengeData2016")}
        elif source == "cityscapes":
            overlay["cityscapes"] = {"root": str(make_cityscapes(root / "cityscapes"))}
        elif source == "bdd100k":
            overlay["bdd100k"] = {"root": str(make_drivable(root / "bdd100k"))}
        elif source == "folder":
            overlay["folder"] = {"root": str(lay_out_sets(root / "photos", settings["data"]["folder"]["sets"]))}
    return {"data": overlay}


def lay_out_sets(root, sets):
    for one in sets.values():
        below = root / one["images"].split("images/")[0]
        make_folder(below, groups=8)
        (below / "masks").rename(root / one["masks"].split("/{")[0])
        if one["group"] and one["group"].endswith("-"):  # clips named as c1-0.jpg
            for path in [*below.rglob("*.jpg"), *below.rglob("*.png")]:
                letter, number = path.name.split("_")
                path.rename(path.with_name(f"c{ord(letter)}-{number}"))
        if one["splits"]:
            rows = [f"{path.stem},{('train', 'val', 'test')[i % 3]}" for i, path in enumerate(images_of(below))]
            (root / one["splits"]).write_text("\n".join(["name,split", *rows]) + "\n", encoding="utf-8")
    return root


def images_of(folder):
    return sorted((folder / "images").glob("*.jpg"))


def made_small(name, root):
    """Applies the recipe, its data and sizes those of a toy; its settings before that."""
    target = root / "params.yaml"
    target.write_text(TEXT, encoding="utf-8")
    apply(name, target, RECIPES)
    settings = YAML(typ="safe", pure=True).load(target.read_text(encoding="utf-8"))
    for overlay in (lay_out(root / "given" / name, settings), TOY):
        target.write_text(rewrite(target.read_text(encoding="utf-8"), overlay), encoding="utf-8")
    return settings


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_from_its_data_to_a_model_file(name, tmp_path, monkeypatch, request):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "models/release").symlink_to(ROOT / "models/release")
    init = read(name, RECIPES).params.get("train", {}).get("init")
    if init not in (None, "release"):  # the checkpoint of the recipe that it goes on from, here itself from scratch
        made_small(chain(name, RECIPES)[-2].name, tmp_path)
        target = tmp_path / "params.yaml"
        target.write_text(rewrite(target.read_text(encoding="utf-8"), {"train": {"init": None}}), encoding="utf-8")
        for stage in (download, filter_sky, preprocess, train):
            stage.main()
        (tmp_path / "models/checkpoint.ckpt").rename(tmp_path / init)
        shutil.rmtree(tmp_path / "data")  # as DVC does before a stage runs again
    settings = made_small(name, tmp_path)
    if "skyfinder" in settings["data"]["sources"]:
        request.getfixturevalue("zenodo")
    for stage in STAGES:
        stage.main()
    card = read_card(tmp_path / "models/onnx/fp32.onnx")
    assert card.name.startswith(settings["model"]["name"])
    assert [c.name for c in card.classes] == ["background", *settings["labels"]]
    assert json.loads((tmp_path / "metrics/export_onnx.json").read_text())["export_onnx"]["fp32"]["agreement"] > 0.999
