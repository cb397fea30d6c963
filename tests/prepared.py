"""Toy shards, and sections of params at toy size made from params.yaml: a new key needs no edit here."""

from pathlib import Path

from src import params
from src.data.index import IndexRow
from src.data.pack import write_shards
from src.data.raw import fill_raw_folder, raw_folders
from src.data.selection import select
from src.data.sources.folder import FolderSource
from src.labels import ClassTable
from src.params import Filter, Loss, Model, Preprocess, Train
from tests.data.test_selection import RULES
from tests.import_graph import ROOT
from tests.toy import CLASSES, FOLDER, make_folder

TABLE = ClassTable.from_labels({"sky": ["sky"]})
LOOKUPS = {"toy": TABLE.lookup(CLASSES, "toy")[0]}
SIZES = Preprocess(height=32, width=64, train_scale=1.5, jpeg_quality=95)
TOY_TRAIN = {
    "epochs": 3, "patience": 10, "batch_size": 4, "lr": 3e-3, "precision": "fp32", "devices": 1, "workers": 0,
    "threads": 1, "init": None,
}  # fmt: skip
TOY_MODEL = {
    "name": "unet", "encoder": "tu-mobilenetv4_conv_small", "encoder_weights": None,
    "decoder_channels": [16, 16, 8, 8, 8], "context": 0, "normalisation": "dataset",
}  # fmt: skip


def make_prepared(folder: Path, *, groups: int = 6, negatives: int = 0) -> Path:
    """Shards of toy photographs, two per group, of 32x64 pixels, below `folder`."""
    root = make_folder(folder / "photos", groups=groups, negatives=negatives)
    fill_raw_folder(FolderSource("toy", root, **FOLDER), folder / "raw/toy")
    rows = select(raw_folders(folder / "raw"), TABLE, Filter.model_validate(RULES))
    pack([row for row in rows if row.kept], folder / "prepared")
    return folder / "prepared"


def pack(rows: list[IndexRow], folder: Path):
    return write_shards(rows, LOOKUPS, TABLE, SIZES, {"toy": "made by the tests"}, folder)


def train_options(**changes) -> Train:
    """The section `train` of params.yaml at toy size, with `changes`; those of `augment` are merged into it."""
    section = params.load(ROOT / "params.yaml").train.model_dump() | TOY_TRAIN
    augment = section["augment"] | changes.pop("augment", {})
    return Train.model_validate(section | {"augment": augment} | changes)


def model_options(**changes) -> Model:
    """A small network, with `changes`."""
    return Model.model_validate(params.load(ROOT / "params.yaml").model.model_dump() | TOY_MODEL | changes)


def loss_weights(**weights: float) -> Loss:
    """Those given; 0 for every other term."""
    return Loss.model_validate(dict.fromkeys(Loss.model_fields, 0.0) | weights)
