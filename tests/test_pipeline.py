"""The whole pipeline for real, at toy size, in a clone: repro, no-op, a changed param, diffs, the engine playing."""

import csv
import json
import re
import shutil

import cv2
import numpy as np
import onnx
import pytest

from src.model_card import read_card
from tests.clone import Clone
from tests.test_house import ORDER
from tests.toy import CLASSES, make_folder

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pipeline")]


@pytest.fixture(scope="module")
def clone(finished, tmp_path_factory):
    return finished.copy(tmp_path_factory.mktemp("pipeline") / "clone")


def ran(output: str) -> list[str]:
    return re.findall(r"Running stage '([\w-]+)'", output)


def metrics(clone: Clone, stage: str) -> dict:
    return json.loads((clone.path / f"metrics/{stage}.json").read_text())[stage]


def test_every_stage_leaves_its_figures_and_files(clone):
    for stage in ORDER:
        assert metrics(clone, stage.replace("-", "_"))
    assert metrics(clone, "download")["synthetic"]["images"] == 24
    assert set(metrics(clone, "evaluate")["test"]) >= {"iou", "dice", "accuracy", "boundary_iou"}
    assert metrics(clone, "export_onnx")["fp32"]["agreement"] >= 0.9999
    agreement = metrics(clone, "build_engine")["agreement"]
    assert agreement["label_agreement"] >= agreement["limit"]
    benchmark = metrics(clone, "benchmark")
    assert {"torch_fp32", "onnxruntime_fp32", "openvino_fp32", "engine"} <= set(benchmark["latency"])
    assert set(benchmark["latency"]["engine"]) >= {"p50_ms", "p95_ms", "p99_ms", "fps", "peak_rss_mb", "agreement"}
    assert set(benchmark["video"]) >= {"decode", "model", "overlay", "saving"}
    assert 0 < benchmark["video"]["saving"]["share_of_limit"] <= 1.1
    for picture in ("evaluate/worst.png", "evaluate/typical.png", "evaluate/curves.png", "benchmark/benchmark.png"):
        assert cv2.imread(str(clone.path / "reports" / picture)).std() > 5


def test_the_benchmark_shows_its_tables_and_ends_in_one_line_of_json(finished):
    said = (finished.path / ".work/repro.log").read_text()
    lines = said[said.index("Running stage 'benchmark'") :].splitlines()
    [place] = [number for number, line in enumerate(lines) if line.startswith('{"')]
    figures = json.loads(lines[place])
    assert set(figures) >= {"latency", "goals", "video"}
    assert {row["step"] for row in figures["video"]} >= {"decode", "model", "overlay", "saving"}
    assert all(row["noise"] >= 0 for row in figures["video"])
    for head in ("contender", "goal", "video step"):
        assert any(line.split(maxsplit=1)[:1] == [head.split()[0]] for line in lines[:place]), head
    assert not any(line.startswith(("contender", "goal", "video step")) for line in lines[place:])


def test_the_model_file_carries_where_it_came_from(clone):
    path = clone.path / "models/onnx/fp32.onnx"
    onnx.checker.check_model(path)
    card = read_card(path)
    assert [c.name for c in card.classes] == ["background", "sky"]
    assert (card.height, card.width, card.threshold, card.precision) == (64, 64, 0.5, "fp32")
    assert card.training_data[0]["source"] == "synthetic"
    assert re.fullmatch(r"[0-9a-f]{40}\+changes", card.git_revision)  # TOY is not committed when it is exported
    assert card.dvc_lock.keys() >= {"data/raw", "data/prepared", "models/checkpoint.ckpt"}
    assert card.metrics["iou"] == pytest.approx(metrics(clone, "evaluate")["test"]["iou"])


def test_a_second_repro_runs_nothing(clone):
    assert ran(clone.run("dvc repro")) == []


def test_the_state_is_one_row_in_mlflow(clone):
    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{clone.path}/mlflow.db")
    [row] = client.search_runs([client.get_experiment_by_name("skyseg/pipeline").experiment_id])
    assert row.data.params["train.epochs"] == "1"
    assert row.data.metrics["evaluate.test.iou"] == pytest.approx(metrics(clone, "evaluate")["test"]["iou"])
    assert "benchmark.latency.engine.p50_ms" in row.data.metrics
    [run] = client.search_runs([client.get_experiment_by_name("skyseg/train").experiment_id])
    assert run.info.status == "FINISHED"
    assert {"train/loss_epoch", "val/iou"} <= set(run.data.metrics)


def test_the_engine_plays_a_clip_and_masks_photographs(clone):
    clone.run("python -m src.data.synthesis --clip clip.mp4 --frames 12 --size 160x96 --masks truth")
    clone.run("python -m src.infer --video clip.mp4 --save out.mp4 --save-masks masks --stats-json s.json")
    stats = json.loads((clone.path / "s.json").read_text())
    assert stats["frames"] == 12 == len(list((clone.path / "masks").glob("*.png")))
    capture = cv2.VideoCapture(str(clone.path / "out.mp4"))
    assert (capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FRAME_WIDTH)) == (12, 160)
    clone.run("python -m src.infer --images data/raw/synthetic/images --save-masks photo-masks --view mask")
    mask = cv2.imread(str(next((clone.path / "photo-masks").iterdir())), cv2.IMREAD_UNCHANGED)
    assert mask.shape == (64, 96)
    assert set(np.unique(mask)) <= {0, 255}


def test_a_changed_rate_trains_again_and_changes_nothing_before(clone):
    clone.set_params(**{"train.lr": 1e-3})
    expected = ORDER[ORDER.index("train") :]
    assert ran(clone.run("dvc repro")) == expected
    assert "train.lr" in clone.run("dvc params diff")
    diff = clone.run("dvc metrics diff")
    assert re.search(r"evaluate\.test\.iou\s+[\d.]+\s+[\d.]+\s+-?[\d.]+", diff)
    clone.run("dvc plots show -o plots")
    page = (clone.path / "plots/index.html").read_text()
    for title in ("Loss and val IoU per epoch", "Precision over recall", "Latency of a call", "worst.png"):
        assert title in page
    clone.git("checkout", "params.yaml", "dvc.lock", "metrics")
    clone.run("dvc checkout")


def test_own_photographs_are_a_matter_of_params_and_new_ones_are_noticed(clone):
    photos = make_folder(clone.path / "photos", groups=8)
    clone.set_params(**{
        "data.sources": ["folder"],
        "data.folder.sets.photos.classes": CLASSES,
        "data.folder.sets.photos.group": "^([^_]+)_",
    })  # fmt: skip
    assert ran(clone.run("dvc repro preprocess")) == ORDER[:3]
    assert metrics(clone, "filter_sky")["source"]["photos"]["train"] >= 8
    (photos / "images/broken_0.jpg").write_bytes(b"no image")
    (photos / "masks/broken_0.png").write_bytes((photos / "masks/a_0.png").read_bytes())
    output = clone.run("dvc repro preprocess")
    assert ran(output)[:2] == ORDER[:2]
    assert "photos: 1 unreadable, skipped" in output
    assert "broken_0.jpg" in output
    with (clone.path / "metrics/filter_sky.csv").open() as file:
        assert sum(int(row["images"]) for row in csv.DictReader(file)) == 16
    clone.git("checkout", "params.yaml", "dvc.lock", "metrics")


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("train.lr", "fast", "train.lr: should be a valid number"),
        ("data.folder.root", "no/such/folder", "no/such/folder"),
    ],
)
def test_bad_params_stop_the_pipeline_without_a_traceback(clone, key, value, says):
    clone.set_params(**{key: value, "data.sources": ["folder"]})
    output = clone.run("dvc repro", code=255)
    assert says in output
    assert "Traceback" not in output
    clone.git("checkout", "params.yaml")


def test_after_a_failed_stage_everything_can_be_brought_back(clone):
    clone.git("checkout", ".")
    clone.run("dvc checkout")
    clone.set_params(**{"model.encoder": "resnet999"})
    assert "cannot build unet over encoder 'resnet999'" in clone.run("dvc repro train", code=255)
    clone.git("checkout", "params.yaml")
    clone.run("git checkout metrics && dvc checkout")
    assert ran(clone.run("dvc repro train")) == []


def test_the_demo_goes_on_from_a_finished_pipeline(clone):
    clone.run("dvc repro")
    output = clone.run("python -m src.demo --frames 12")
    assert ran(output) == []
    for line in ("test IoU (sky)", "demo/overlay.mp4", "reports/evaluate/worst.png", "make ui"):
        assert line in output
    assert (clone.path / "demo/overlay.mp4").is_file()


def test_a_fresh_clone_without_a_released_model_says_what_builds_one(tmp_path):
    fresh = Clone.of_working_tree(tmp_path / "fresh")
    shutil.rmtree(fresh.path / "models", ignore_errors=True)
    fresh.run("python -m src.data.synthesis --clip clip.mp4 --frames 2 --size 160x96")
    output = fresh.run("python -m src.infer --video clip.mp4 --save out.mp4", code=2)
    assert "no engine is built" in output
    assert "dvc repro" in output
    assert not (fresh.path / "out.mp4").exists()
