"""Two models on the same photographs: one table, one JSON line, masks that any other scorer can read."""

import json
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from src.benchmark import peers
from src.benchmark.peer_scores import Entrant, held_out, measures, score_set, shown
from src.data.index import IndexRow, read_index, write_index
from src.data.raw import fill_raw_folder, raw_folders
from src.data.sources.folder import FolderSource
from src.errors import UserError
from tests.evaluation.test_score_masks import SCRIPT, theirs
from tests.model_file import write_binary_model, write_three_class_model
from tests.toy import FOLDER, make_folder

SIDE = 32


def write_peer(path: Path) -> Path:
    """Someone else's net: sky is where blue is 1 above red, both normalised as ImageNet's."""
    nodes = [
        helper.make_node("Conv", ["input", "kernel", "bias"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["chance"]),
    ]
    kernel = numpy_helper.from_array(np.array([[[[-10.0]], [[0.0]], [[10.0]]]], np.float32), "kernel")
    bias = numpy_helper.from_array(np.float32([-10.0]), "bias")
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, SIDE, SIDE])
        for name, channels in (("input", 3), ("chance", 1))
    ]
    graph = helper.make_graph(nodes, "peer", values[:1], values[1:], [kernel, bias])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
    return path


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """data/ of a pipeline over toy photographs: 8 test (2 without sky), 2 unseen, 2 to learn from, 1 unreadable."""
    root = tmp_path_factory.mktemp("project")
    for source, negatives in (("toy", 2), ("far", 0)):
        photos = make_folder(root / "photos" / source, groups=5 if negatives else 1, negatives=negatives)
        fill_raw_folder(FolderSource(source, photos, **FOLDER), root / "data/raw" / source)
    rows = []
    for folder in raw_folders(root / "data/raw"):
        for index, sample in enumerate(folder.samples()):
            image, label = (f"data/raw/{folder.name}/{part}" for part in (sample.image, sample.label))
            split = "unseen" if folder.name == "far" else "train" if index < 2 else "test"
            dropped = {"reason": "unreadable"} if index == 2 else {"reason": "too little sky"} if index == 3 else {}
            rows.append(IndexRow(folder.name, sample.group, split, image, label, **{"reason": "kept"} | dropped))
    write_index(rows, root / "data/index.parquet")
    return root


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return write_binary_model(folder / "sky.onnx"), write_peer(folder / "peer.onnx")


def run(project, files, capsys, monkeypatch, *arguments):
    words = ["peers", "--model", files[0], "--peer", files[1], "--root", project, "--threads", 1, *arguments]
    monkeypatch.setattr("sys.argv", [str(word) for word in words])
    peers.main()
    return capsys.readouterr().out.splitlines()


def test_both_are_scored_on_the_same_photographs(project, files, capsys, monkeypatch, tmp_path):
    *table, last = run(
        project, files, capsys, monkeypatch, "--runs", 2, "--json", tmp_path / "s.json", "--keep-masks", tmp_path / "m"
    )
    found = json.loads(last)
    rows = {row["measure"]: row for row in found["rows"]}
    assert found["entrants"] == ["ours", "refined", "peer"]
    assert rows["IoU, toy (test)"]["images"] == 9
    assert rows["IoU, far (unseen)"]["images"] == 2
    assert rows["IoU, toy (test)"]["ours"] > 0.5
    assert rows["IoU, toy (test)"]["peer"] > 0.9
    assert rows["false sky, toy"]["images"] == 2
    times = rows[next(name for name in rows if name.startswith("one inference"))]
    assert times["ours"] > 0
    assert times["peer"] > 0
    assert times["refined"] is None
    assert any(line.startswith("IoU, toy (test)") for line in table)
    assert json.loads((tmp_path / "s.json").read_text())["model"] == found["model"]
    kept = {path.relative_to(tmp_path / "m").as_posix() for path in (tmp_path / "m").rglob("*.png")}
    assert len(kept) == 4 * 11
    for who in ("truth", "ours", "refined", "peer"):
        assert f"{who}/far/images-a_0.png" in kept
    assert set(np.unique(cv2.imread(str(tmp_path / "m/truth/far/images-a_0.png"), 0))) == {0, 127, 255}


@pytest.mark.skipif(not SCRIPT.is_file(), reason=f"no acceptance script at {SCRIPT}")
def test_the_masks_score_alike_with_the_acceptance_script(project, files, capsys, monkeypatch, tmp_path):
    *_, last = run(project, files, capsys, monkeypatch, "--runs", 0, "--keep-masks", tmp_path)
    rows = {row["measure"]: row for row in json.loads(last)["rows"]}
    for name in ("ours", "refined", "peer"):
        figures = theirs(tmp_path / "truth/toy", tmp_path / name / "toy")
        assert rows["IoU, toy (test)"][name] == pytest.approx(figures["iou"], abs=1e-3)
        assert rows["false sky, toy"][name] == pytest.approx(figures["false_sky"], abs=1e-3)


def test_the_peer_sees_imagenets_normalisation_and_is_cut_at_one_half(files):
    peer = peers.PeerModel(files[1], "f32", 1)
    picture = np.zeros((50, 90, 3), np.uint8)
    picture[:25] = (220, 180, 140)
    pixels = peer.prepare(picture)
    assert pixels.shape == (1, 3, SIDE, SIDE)
    assert pixels[0, :, 0, 0] == pytest.approx(
        [(140 / 255 - 0.485) / 0.229, (180 / 255 - 0.456) / 0.224, (220 / 255 - 0.406) / 0.225], 1e-3
    )
    labels = peer.predict(picture)
    assert labels.shape == (50, 90)
    assert labels[:20].all()


def test_rows_without_a_figure_are_left_out_and_pixels_are_pooled(project):
    rows = held_out_rows(project)
    lookup = np.full(256, 255, np.uint8)
    lookup[[0, 255]] = 0, 1
    all_sky = Entrant("all", lambda image: np.ones(image.shape[:2], np.uint8))
    none = Entrant("none", lambda image: np.zeros(image.shape[:2], np.uint8))
    scores = {name: score_set(found, lookup, [all_sky, none], root=project) for name, found in rows.items()}
    table = {row["measure"]: row for row in measures(scores, rows, ["far", "nowhere"])}
    assert table["false sky, of all pixels without sky"]["all"] == 1
    assert table["false sky, of all pixels without sky"]["none"] == 0
    assert "false sky, far" not in table
    assert table["boundary F1, far"]["images"] == 2
    assert shown(table["false sky, toy"], "all") == "100.00%"


def held_out_rows(project):
    rows = held_out(read_index(project / "data/index.parquet", kept_only=False), [])
    assert {name: len(found) for name, found in rows.items()} == {"far": 2, "toy": 9}
    return rows


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("--peer", "nowhere.onnx"), "nowhere.onnx: no such model"),
        (("--root", "nowhere"), "no photographs to score"),
        (("--skip", "toy", "far"), "no test or unseen photographs"),
    ],
)
def test_what_is_missing_is_named(project, files, capsys, monkeypatch, change, says):
    with pytest.raises(SystemExit) as caught:
        run(project, files, capsys, monkeypatch, *change)
    assert caught.value.code == 2
    assert says in capsys.readouterr().err


def test_a_model_of_several_classes_is_refused(project, files, capsys, monkeypatch, tmp_path):
    lanes = write_three_class_model(tmp_path / "lanes.onnx")
    with pytest.raises(SystemExit):
        run(project, (lanes, files[1]), capsys, monkeypatch)
    assert "has several classes" in capsys.readouterr().err


def test_a_foreign_file_is_no_peer(tmp_path):
    (tmp_path / "peer.onnx").write_bytes(b"text")
    with pytest.raises(UserError, match="cannot be used as a peer"):
        peers.PeerModel(tmp_path / "peer.onnx", "f32", 1)
