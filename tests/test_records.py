import json
import subprocess

import pytest

from src.records import flatten, git_revision, lock_md5s, read_metrics, write_json, write_metrics, write_table


def test_metrics_carry_their_stage_and_are_rounded(tmp_path):
    write_metrics("evaluate", {"test": {"iou": 1 / 3}, "images": 2}, tmp_path)
    write_metrics("train", {"epochs": 3}, tmp_path)
    assert read_metrics(tmp_path) == {"evaluate": {"test": {"iou": 0.333333}, "images": 2}, "train": {"epochs": 3}}


def test_flatten_joins_keys_by_dots():
    assert flatten({"a": {"b": 1, "c": {"d": 2}}, "e": [3]}) == {"a.b": 1, "a.c.d": 2, "e": [3]}


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "m.json"
    write_json({"old": 1}, path)
    with pytest.raises(TypeError):
        write_json({"new": object()}, path)
    assert json.loads(path.read_text()) == {"old": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_tables_have_a_header_and_a_row_each(tmp_path):
    write_table([{"a": 1, "b": 0.5}, {"a": 2, "b": None}], tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text() == "a,b\n1,0.5\n2,\n"


def test_git_revision_tells_changed_code_but_not_changed_metrics(tmp_path):
    def git(*arguments):
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", "-C", tmp_path, *identity, *arguments], check=True, capture_output=True)

    assert git_revision(tmp_path) == ""
    git("init")
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics/a.json").write_text("1")
    (tmp_path / "code.py").write_text("1")
    git("add", ".")
    git("commit", "-m", "x")
    clean = git_revision(tmp_path)
    assert len(clean) == 40
    (tmp_path / "metrics/a.json").write_text("2")
    assert git_revision(tmp_path) == clean
    (tmp_path / "code.py").write_text("2")
    assert git_revision(tmp_path) == clean + "+changes"


def test_md5_of_cached_outputs_are_read_from_the_lock(tmp_path):
    lock = tmp_path / "dvc.lock"
    assert lock_md5s(lock) == {}
    lock.write_text(
        "stages:\n  train:\n    cmd: x\n    outs:\n    - {path: models/c.ckpt, md5: abc}\n    - {path: plain}\n"
    )
    assert lock_md5s(lock) == {"models/c.ckpt": "abc"}
