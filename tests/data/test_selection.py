"""The index: every image kept or dropped for a reason, and no group in two splits."""

import cv2
import numpy as np
import pytest

from src.data.index import KEPT, fraction_histogram, index_metrics, read_index, write_index
from src.data.quality import CutShort, look_at, refuse_cut_short
from src.data.raw import fill_raw_folder, raw_folders
from src.data.selection import select
from src.data.sources.folder import FolderSource
from src.data.splits import assign_splits, groups_across_splits
from src.errors import UserError
from src.labels import ClassTable
from src.params import Filter
from tests.toy import FOLDER, make_folder, photograph, write_pair

TABLE = ClassTable.from_labels({"sky": ["sky"]})
RULES = {
    "min_side": 32,
    "min_sky": 0.01,
    "max_sky": 0.99,
    "negatives": 1.0,
    "max_black": 1.0,
    "max_white": 1.0,
    "min_sharpness": 0.0,
    "duplicate_bits": None,
    "max_per_group": None,
    "size_mismatch": "error",
    "val_share": 0.2,
    "test_share": 0.2,
    "seed": 1,
}


def index_of(tmp_path, root, **changes):
    fill_raw_folder(FolderSource("toy", root, **FOLDER), tmp_path / "raw/toy")
    return select(raw_folders(tmp_path / "raw"), TABLE, Filter.model_validate(RULES | changes))


def reasons(rows):
    return {row.image.rsplit("/", 1)[1].removesuffix(".jpg"): row.reason for row in rows}


def test_each_kind_of_bad_image_is_dropped_for_its_reason(tmp_path, capsys):
    root = make_folder(tmp_path / "photos", negatives=1)
    image, mask = photograph(50)
    write_pair(root, "tiny_0", image[:20, :20], mask[:20, :20])
    write_pair(
        root, "little_0", image, np.where(np.arange(mask.size).reshape(mask.shape) < 20, 255, 0).astype(np.uint8)
    )
    write_pair(root, "all_0", image, np.full_like(mask, 255))
    write_pair(root, "void_0", image, np.full_like(mask, 127))
    write_pair(root, "foreign_0", image, np.full_like(mask, 33))
    write_pair(root, "broken_0", image, mask)
    (root / "images/broken_0.jpg").write_bytes(b"no image")
    rows = index_of(tmp_path, root)
    found = reasons(rows)
    assert found["a_0"] == found["n0_0"] == KEPT
    assert found["tiny_0"] == "side below 32 px"
    assert found["little_0"] == "too little sky"
    assert found["all_0"] == "too much sky"
    assert found["void_0"] == "void everywhere"
    assert found["foreign_0"] == "values not in the class table"
    assert found["broken_0"] == "unreadable"
    assert "1 unreadable, skipped" in (out := capsys.readouterr().out)
    assert "broken_0.jpg" in out
    figures = index_metrics(rows)
    assert (figures["kept"], figures["dropped"], figures["negatives"]) == (13, 6, 1)
    assert figures["reason"]["unreadable"] == 1
    assert sum(r["images"] for r in fraction_histogram(rows)) == 13


def test_black_white_and_blurred_photographs_are_dropped_where_the_rules_say_so(tmp_path):
    root = make_folder(tmp_path / "photos")
    image, mask = photograph(50)
    write_pair(root, "black_0", image // 20, mask)
    write_pair(root, "white_0", np.full_like(image, 255), mask)
    write_pair(root, "blurred_0", cv2.GaussianBlur(image, (0, 0), 9), mask)
    bounds = {"max_black": 0.9, "max_white": 0.9, "min_sharpness": 20.0}
    rows = index_of(tmp_path, root, **bounds)
    found = reasons(rows)
    assert {name: found.pop(f"{name}_0") for name in ("black", "white", "blurred")} == {
        "black": "black", "white": "white", "blurred": "blurred"}  # fmt: skip
    assert set(found.values()) == {KEPT}
    by_name = {row.image.rsplit("/", 1)[1]: row for row in rows}
    assert by_name["black_0.jpg"].black == by_name["white_0.jpg"].white == 1
    assert by_name["blurred_0.jpg"].sharpness < 20 < by_name["a_0.jpg"].sharpness
    assert index_metrics(rows)["reason"] == {"black": 1, "blurred": 1, "white": 1}
    rules = Filter.model_validate(RULES)
    assert {row.reason for row in select(raw_folders(tmp_path / "raw"), TABLE, rules)} == {KEPT}


def test_a_clear_sky_does_not_make_a_photograph_blurred(tmp_path):
    rng = np.random.default_rng(0)
    image = np.full((200, 300, 3), 200, np.uint8)
    image[180:] = rng.integers(0, 255, (20, 300, 3))
    mask = np.where(np.arange(200) < 180, 255, 0).astype(np.uint8)[:, None].repeat(300, axis=1)
    root = make_folder(tmp_path / "photos")
    write_pair(root, "clear_0", image, mask)
    assert reasons(index_of(tmp_path, root, min_sharpness=100.0))["clear_0"] == KEPT


def test_files_that_end_early_are_dropped(tmp_path, capsys):
    root = make_folder(tmp_path / "photos")
    rng = np.random.default_rng(0)
    for name in ("jpeg_0", "mask_0"):
        write_pair(root, name, rng.integers(0, 255, (64, 96, 3)).astype(np.uint8), photograph(5)[1])
    cut(root / "images/jpeg_0.jpg")
    end = root / "masks/mask_0.png"
    end.write_bytes(end.read_bytes()[:-12])
    rows = index_of(tmp_path, root)
    found = reasons(rows)
    assert found["jpeg_0"] == found["mask_0"] == "cut short"
    assert "2 cut short, skipped" in (out := capsys.readouterr().out)
    assert "images/jpeg_0.jpg: cut short: the file ends after" in out
    assert "masks/mask_0.png: cut short: the file ends after" in out


def test_what_a_camera_appends_to_a_jpeg_and_the_thumbnail_inside_it_are_told_from_its_end(tmp_path):
    root = make_folder(tmp_path / "photos")
    path = root / "images/a_0.jpg"
    whole = path.read_bytes()
    path.write_bytes(whole + b"\0" * 100)
    refuse_cut_short(path)
    thumbnail = b"Exif\0\0" + whole
    header = b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    path.write_bytes(whole[:2] + header + whole[2:])
    assert look_at(path).grey.shape == (64, 96)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(CutShort):
        refuse_cut_short(path)


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def test_a_large_photograph_is_reduced_and_keeps_its_size_in_the_index(tmp_path):
    image, _ = photograph(3, 1300, 801)
    path = tmp_path / "large.jpg"
    cv2.imwrite(str(path), image)
    look = look_at(path)
    assert (look.width, look.height) == (1300, 801)
    assert look.grey.shape == (160, 259)


def test_a_group_is_capped_evenly_and_a_published_test_split_is_left_whole(tmp_path):
    root = make_folder(tmp_path / "photos", groups=3, per_group=9)
    rows = index_of(tmp_path, root, max_per_group=3)
    kept = {group: [row.image[-5] for row in rows if row.kept and row.group == group] for group in "abc"}
    assert kept == {"a": ["0", "4", "8"], "b": ["0", "4", "8"], "c": ["0", "4", "8"]}
    dropped = [row for row in rows if not row.kept]
    assert {(row.reason, row.detail) for row in dropped} == {("beyond the group's share", "3 of 9 stay")}
    samples = tmp_path / "raw/toy/samples.csv"
    lines = samples.read_text().splitlines()
    official = [line + {"a": "train", "b": "val", "c": "test"}[line.split(",")[2]] for line in lines[1:]]
    samples.write_text("\n".join([lines[0], *official]) + "\n")
    rules = Filter.model_validate(RULES | {"max_per_group": 3})
    rows = select(raw_folders(tmp_path / "raw"), TABLE, rules)
    assert [sum(row.kept for row in rows if row.group == group) for group in "abc"] == [3, 9, 9]


def two_sets(tmp_path, **official):
    """Raw folders `near` and `far`, the latter of poor photographs; `official` gives far's groups a split each."""
    near, far = make_folder(tmp_path / "near"), make_folder(tmp_path / "far", groups=3, negatives=1)
    image, mask = photograph(50)
    for name in ("black_0", "black_1"):  # too dark, blurred and twice the same
        write_pair(far, name, image // 20, mask)
    write_pair(far, "little_0", image[:20], np.pad(np.full((1, 1), 255, np.uint8), ((0, 19), (0, mask.shape[1] - 1))))
    for name, root in (("near", near), ("far", far)):
        fill_raw_folder(FolderSource(name, root, **FOLDER), tmp_path / "raw" / name)
    samples = tmp_path / "raw/far/samples.csv"
    header, *lines = samples.read_text().splitlines()
    split = [line + official.get(line.split(",")[2], "train" if official else "") for line in lines]
    samples.write_text("\n".join([header, *split]) + "\n")
    return raw_folders(tmp_path / "raw")


STRICT = {"max_black": 0.9, "min_sharpness": 20.0, "duplicate_bits": 6, "max_per_group": 1, "negatives": 0.0}


def test_an_unseen_set_is_scored_whole_and_never_learnt_from(tmp_path, capsys):
    rows = select(two_sets(tmp_path), TABLE, Filter.model_validate(RULES | STRICT), ["far"])
    far = [row for row in rows if row.source == "far"]
    assert {(row.split, row.kept, row.reason) for row in far} == {("unseen", True, KEPT)}
    assert len(far) == 10
    assert "unseen" not in {row.split for row in rows if row.source == "near"}
    assert index_metrics(rows)["source"]["far"] == {"unseen": 10}
    assert "far: 10 of 10 kept (0 train, 0 val, 0 test, 10 unseen)" in (said := capsys.readouterr().out)
    assert "near: 6 of 12 kept (4 train, 1 val, 1 test); dropped" in said


def test_of_an_unseen_set_with_official_splits_only_its_test_split_is_scored(tmp_path):
    rows = select(two_sets(tmp_path, b="test", black="test"), TABLE, Filter.model_validate(RULES | STRICT), ["far"])
    far = [row for row in rows if row.source == "far"]
    assert {row.group for row in far if row.kept} == {"b", "black"}
    assert {(row.split, row.reason) for row in far if not row.kept} == {("train", "unseen")}
    assert sum(row.kept for row in far) == 4


def test_a_broken_file_of_an_unseen_set_is_dropped_and_a_wrong_size_stops_it_too(tmp_path):
    raw = two_sets(tmp_path)
    (tmp_path / "raw/far/images/a_0.jpg").write_bytes(b"no image")
    found = reasons(row for row in select(raw, TABLE, Filter.model_validate(RULES), ["far"]) if row.source == "far")
    assert {name: reason for name, reason in found.items() if reason != KEPT} == {"a_0": "unreadable"}
    cv2.imwrite(str(tmp_path / "raw/far/masks/a_1.png"), np.zeros((5, 5), np.uint8))
    with pytest.raises(UserError, match="differ in size"):
        select(raw, TABLE, Filter.model_validate(RULES), ["far"])


def test_an_unseen_set_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    with pytest.raises(UserError, match=r"evaluate\.unseen: no such source: fra") as caught:
        select(two_sets(tmp_path), TABLE, Filter.model_validate(RULES), ["fra"])
    assert "far, near" in caught.value.why


def test_sky_fraction_counts_valid_pixels_only(tmp_path):
    root = make_folder(tmp_path / "photos", groups=3, per_group=1)
    mask = cv2.imread(str(root / "masks/a_0.png"), 0)
    row = index_of(tmp_path, root)[0]
    assert row.sky_fraction == pytest.approx((mask == 255).sum() / (mask != 127).sum())


def test_a_share_of_the_negatives_is_kept_and_always_the_same(tmp_path):
    root = make_folder(tmp_path / "photos", negatives=40)
    rows = index_of(tmp_path, root, negatives=0.5)
    kept = {row.image for row in rows if row.kept and row.sky_fraction == 0}
    assert 10 < len(kept) < 30
    again = select(raw_folders(tmp_path / "raw"), TABLE, Filter.model_validate(RULES | {"negatives": 0.5}))
    assert kept == {row.image for row in again if row.kept and row.sky_fraction == 0}


def test_a_mask_of_another_size_stops_the_stage_or_drops_the_image(tmp_path):
    root = make_folder(tmp_path / "photos")
    image, mask = photograph(3)
    write_pair(root, "odd_0", image, cv2.resize(mask, (40, 40)))
    with pytest.raises(UserError, match="differ in size") as caught:
        index_of(tmp_path, root)
    assert "odd_0.jpg" in caught.value.what
    assert "96x64, 40x40" in caught.value.why
    rules = Filter.model_validate(RULES | {"size_mismatch": "drop"})
    rows = select(raw_folders(tmp_path / "raw"), TABLE, rules)
    assert reasons(rows)["odd_0"] == "image and mask differ in size"


def test_a_source_of_which_nothing_is_left_is_refused_with_the_reasons(tmp_path):
    with pytest.raises(UserError, match="none of its 12 images is kept") as caught:
        index_of(tmp_path, make_folder(tmp_path / "photos"), min_side=1000)
    assert "12 side below 1000 px" in caught.value.why


def test_a_misspelt_class_is_refused_with_the_one_that_was_meant(tmp_path):
    fill_raw_folder(FolderSource("toy", make_folder(tmp_path / "photos"), **FOLDER), tmp_path / "raw/toy")
    table = ClassTable.from_labels({"sky": ["sky"], "ground": ["backgruond"]})
    with pytest.raises(UserError, match=r"no source has a class 'backgruond'; did you mean background\?"):
        select(raw_folders(tmp_path / "raw"), table, Filter.model_validate(RULES))


def test_masks_of_other_values_are_refused_with_the_values_and_the_table(tmp_path):
    root = make_folder(tmp_path / "photos", groups=4, per_group=1)
    for mask in (root / "masks").iterdir():
        cv2.imwrite(str(mask), (cv2.imread(str(mask), 0) == 255).astype(np.uint8))
    with pytest.raises(UserError) as caught:
        index_of(tmp_path, root)
    assert "4 values not in the class table" in caught.value.why
    assert "[1]" in caught.value.why
    assert "'sky': 255" in caught.value.why


def test_what_was_kept_and_dropped_is_said(tmp_path, capsys):
    root = make_folder(tmp_path / "photos")
    write_pair(root, "odd_0", photograph(3)[0], np.full((64, 96), 77, np.uint8))
    index_of(tmp_path, root)
    said = capsys.readouterr().out
    assert "toy: 12 of 13 kept" in said
    assert "dropped 1: 1 values not in the class table (" in said
    assert "odd_0.jpg: [77])" in said


def test_nothing_to_filter_is_refused(tmp_path):
    with pytest.raises(UserError, match="no source to filter"):
        select(raw_folders(tmp_path), TABLE, Filter.model_validate(RULES))


def test_the_index_survives_the_round_trip(tmp_path):
    rows = index_of(tmp_path, make_folder(tmp_path / "photos"), min_sky=0.5)
    write_index(rows, tmp_path / "index.parquet")
    assert read_index(tmp_path / "index.parquet", kept_only=False) == rows
    assert all(row.kept for row in read_index(tmp_path / "index.parquet"))


def splits_of(groups, official=None, **changes):
    options = {"source": "toy", "val_share": 0.15, "test_share": 0.15, "seed": 1} | changes
    return assign_splits(groups, official or [""] * len(groups), **options)


def test_groups_are_never_cut_and_shares_are_met():
    rng = np.random.default_rng(0)
    groups = [f"camera{c}" for c in range(40) for _ in range(int(rng.integers(5, 30)))]
    splits = splits_of(groups)
    assert groups_across_splits(groups, splits) == []
    share = {s: splits.count(s) / len(splits) for s in ("train", "val", "test")}
    assert share == pytest.approx({"train": 0.7, "val": 0.15, "test": 0.15}, abs=0.05)
    assert splits_of(groups) == splits
    assert splits_of(groups, seed=2) != splits


def test_every_split_gets_a_group_however_few_there_are():
    assert set(splits_of(["a"] * 90 + ["b", "c"])) == {"train", "val", "test"}


def test_too_few_groups_are_refused():
    with pytest.raises(UserError, match="2 groups cannot fill"):
        splits_of(["a", "a", "b"])


def test_official_splits_stand_and_val_is_taken_from_train_where_there_is_none():
    groups = ["a", "b", "c", "d", "e", "x"]
    official = ["train"] * 5 + ["test"]
    splits = splits_of(groups, official, val_share=0.2)
    assert splits[5] == "test"
    assert splits.count("val") == 1
    assert splits_of(groups, ["train", "val", "val", "train", "test", "test"]) == [
        "train", "val", "val", "train", "test", "test"]  # fmt: skip


def test_an_official_split_through_a_group_is_noticed():
    assert groups_across_splits(["a", "a", "b"], ["train", "test", "train"]) == ["a"]
