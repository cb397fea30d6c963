import json

import cv2
import numpy as np
import pytest

from src.benchmark import edges
from src.errors import UserError
from tests.model_file import write_binary_model, write_three_class_model
from tests.toy import make_folder, photograph


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A small camvid with its splits, an ade20k_sample, and a labelled clip, of toy photographs."""
    root = tmp_path_factory.mktemp("shared")
    make_folder(root / "data" / "ade20k_sample", groups=2, per_group=1, negatives=1)
    make_folder(root / "data" / "camvid", groups=4, per_group=1)
    splits = ["name,split", "a_0,train", "b_0,test", "c_0,val", "d_0,val"]
    (root / "data" / "camvid" / "splits.csv").write_text("\n".join(splits) + "\n")
    masks = root / "video" / "sea_sky_seq_masks"
    masks.mkdir(parents=True)
    clip = cv2.VideoWriter(str(root / "video" / "sea_sky_seq.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), 10, (96, 64))
    image, mask = photograph(5)
    for i in range(4):
        clip.write(image)
        cv2.imwrite(str(masks / f"{i:04}.png"), mask)
    clip.release()
    return root


def test_the_command_prints_a_table_and_one_json_line(shared, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(edges, "REPEATS", 2)
    model = write_binary_model(tmp_path / "model.onnx")
    edges.main(["--engine", str(model), "--data", f"{shared}/data", "--video", f"{shared}/video", "--threads", "1"])
    *lines, last = capsys.readouterr().out.splitlines()
    report = json.loads(last)
    assert [(row["set"], row["images"]) for row in report["refine"]] == [("ade20k_sample", 3), ("camvid test", 1)]
    assert [(row["sequence"], row["frames"]) for row in report["smooth"]] == [("sea_sky_seq", 4), ("camvid val", 2)]
    assert len(report["cost"]) == 3
    assert all(0 <= row[f"iou_{when}"] <= 1 for row in report["refine"] for when in ("without", "with"))
    for name in ("ade20k_sample", "camvid test", "sea_sky_seq", "camvid val", "smooth 96x64"):
        assert any(line.startswith(name) for line in lines), name


def test_a_clip_that_stands_still_does_not_flicker(shared, tmp_path):
    with edges.open_engine(write_binary_model(tmp_path / "model.onnx"), threads=1) as engine:
        image, mask = photograph(5)
        target = np.where(mask == 127, edges.VOID, mask // 255).astype(np.uint8)
        row = edges.smoothed("still", [(image, target)] * 3, engine)
    assert row["flicker_without"] == row["flicker_with"] == 0
    assert row["iou_with"] == pytest.approx(row["iou_without"], abs=0.01)


def test_what_is_missing_is_named(shared, tmp_path):
    with pytest.raises(UserError, match="masks"):
        next(edges.photographs(tmp_path / "nothing"))
    with pytest.raises(UserError, match=r"splits\.csv"):
        next(edges.photographs(shared / "data" / "ade20k_sample", "test"))
    model = write_three_class_model(tmp_path / "three.onnx")
    with pytest.raises(UserError, match="more than two classes"):
        edges.measure(model, shared / "data", shared / "video", threads=1)


def test_a_sequence_with_a_mask_too_few_is_refused_before_pairs_shift(shared):
    clip = shared / "video/sea_sky_seq.mp4"
    first, *_ = sorted(clip.with_name("sea_sky_seq_masks").glob("*.png"))
    content = first.read_bytes()
    first.unlink()
    try:
        with pytest.raises(UserError, match="3 masks, which is not one per frame"):
            list(edges.sequence(clip))
    finally:
        first.write_bytes(content)
