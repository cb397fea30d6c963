"""What the defaults promise: fine-tuning the released model on rendered scenes alone keeps it good on photographs."""

from dataclasses import replace
from pathlib import Path

import pytest

from src import params
from src.data.index import IndexRow, native_lookups
from src.data.pack import write_shards
from src.data.raw import fill_raw_folder, raw_folders
from src.data.selection import select
from src.data.sources.synthetic import SyntheticSource, scene_options
from src.evaluation.evaluate import Evaluator
from src.evaluation.metrics import Tally
from src.labels import ClassTable
from src.models.weight_file import read_weights
from src.models.zoo import save_checkpoint
from src.training.fit import fit
from tests.import_graph import ROOT
from tests.shared_data import shared
from tests.toy import CLASSES

RELEASED = ROOT / "models/release/skyseg.safetensors"
DEFAULTS = params.load(ROOT / "params.yaml")
TABLE = ClassTable.from_labels({"sky": ["sky"]})
MASKS = {"camvid": "masks", "horizon_uav": "masks", "labelmefacade": "masks", "bsds500": "masks",
         "msrc_v2": "masks_tolerant", "ade20k_sample": "masks"}  # fmt: skip
PHOTOGRAPHS, SCENES, MOST_LOST = 25, 400, 0.01

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(DEFAULTS.train.init != "release", reason="the defaults do not start from the released weights"),
    pytest.mark.skipif(not RELEASED.is_file(), reason=f"no released weights at {RELEASED}"),
    pytest.mark.skipif(not shared("data/camvid").is_dir(), reason="no photographs beside the repository"),
]


def test_scenes_alone_cost_the_released_weights_little_on_photographs(tmp_path):
    before, after = tmp_path / "before.ckpt", tmp_path / "after.ckpt"
    spec, weights = read_weights(RELEASED)
    spec = replace(spec, height=DEFAULTS.preprocess.height, width=DEFAULTS.preprocess.width)  # both at the same size
    segmenter = spec.build()
    segmenter.network.load_state_dict(weights)
    save_checkpoint(before, segmenter, spec)
    # As many steps as the default has on its own number of scenes.
    epochs = round(DEFAULTS.train.epochs * DEFAULTS.data.synthetic.scenes / SCENES)
    options = DEFAULTS.train.model_copy(update={"epochs": epochs, "patience": epochs})
    places = {"checkpoint": after, "history": tmp_path / "train.csv", "work": tmp_path / "work"}
    figures = fit(scenes(tmp_path), DEFAULTS.model, options, released=RELEASED, **places)
    assert figures["init"] == "release"
    had, has = ious(before), ious(after)
    lost = {name: had[name] - has[name] for name in MASKS}
    assert sum(lost.values()) / len(lost) <= MOST_LOST, lost


def scenes(folder):
    """Shards of rendered scenes, as the defaults make them."""
    size = {"width": DEFAULTS.data.synthetic.width, "height": DEFAULTS.data.synthetic.height}
    options = scene_options(DEFAULTS.data.synthetic)
    fill_raw_folder(SyntheticSource(scenes=SCENES, seed=7, options=options, **size), folder / "raw/synthetic")
    raw = raw_folders(folder / "raw")
    rows = [row for row in select(raw, TABLE, DEFAULTS.filter) if row.kept]
    licences = {one.name: one.licence for one in raw}
    write_shards(rows, native_lookups(raw, TABLE), TABLE, DEFAULTS.preprocess, licences, folder / "prepared")
    return folder / "prepared"


def ious(checkpoint: Path) -> dict[str, float]:
    """Pooled IoU of sky on some photographs of each set."""
    lookup = TABLE.lookup(CLASSES, "shared")[0]
    evaluator = Evaluator(checkpoint, dict.fromkeys(MASKS, lookup), DEFAULTS.export.threshold)
    found = {}
    for name, masks in MASKS.items():
        labels = sorted(shared(f"data/{name}/{masks}").glob("*.png"))
        images = {path.stem: path for path in shared(f"data/{name}/images").iterdir()}
        chosen = labels[:: max(1, len(labels) // PHOTOGRAPHS)]
        rows = [IndexRow(name, "", "test", str(images[label.stem]), str(label)) for label in chosen]
        tally = Tally(evaluator.card.classes)
        for one in evaluator.predict(rows):
            tally.add(one.target, one.labels)
        found[name] = tally.summary()["iou"]
    return found
