import json

import cv2
import pytest

from src.benchmark.report import GOAL_COLUMNS, LATENCY_COLUMNS, format_table, json_line, latency_tree, plot


def row(contender: str, batch: int, p50_ms: float) -> dict:
    figures = {"p95_ms": p50_ms * 1.5, "p99_ms": p50_ms * 2, "noise": 0.05, "fps": 100.0, "speed_up": 1.0}
    quality = {"agreement": 0.999, "iou": None, "kernel_ms": None, "share_of_limit": None, "peak_rss_mb": 200.0}
    return {"contender": contender, "batch": batch, "p50_ms": p50_ms} | figures | quality


LATENCY = [row("onnxruntime fp32", 1, 10), row("engine", 1, 4), row("onnxruntime fp32", 4, 40), row("engine", 4, 15)]
VIDEO = [
    {"step": "decode", "fps": 400.0, "noise": 0.02, "limit_fps": None, "share_of_limit": None, "cpu_ms": None},
    {"step": "saving", "fps": 70.0, "noise": 0.03, "limit_fps": 100.0, "share_of_limit": 0.7, "cpu_ms": 20.0},
]


def test_the_metrics_tree_keeps_batch_1_under_the_plain_name():
    tree = latency_tree(LATENCY)
    assert list(tree) == ["onnxruntime_fp32", "engine", "onnxruntime_fp32_batch_4", "engine_batch_4"]
    assert tree["engine"]["p50_ms"] == 4
    assert "batch" not in tree["engine"]
    assert "iou" not in tree["engine"], "what is not known is left out"


def test_tables_align_and_say_yes_no_or_nothing():
    text = format_table(LATENCY, LATENCY_COLUMNS)
    assert len({len(line) for line in text.splitlines()}) == 1
    goals = [
        {"goal": "a", "value": 2.6, "asked": ">= 2.5", "met": True, "noise": None},
        {"goal": "b", "value": 0.07, "asked": "<= 0.05", "met": False, "noise": 0.01},
    ]
    lines = format_table(goals, GOAL_COLUMNS).splitlines()
    assert lines[2].split() == ["a", "2.6", ">=", "2.5", "yes", "-"]
    assert lines[3].split() == ["b", "0.0700", "<=", "0.05", "no", "0.0100"]


def test_the_json_line_is_one_line_with_every_table():
    line = json_line({"model": "x"}, latency=LATENCY, goals=[], video=VIDEO)
    assert "\n" not in line
    assert set(json.loads(line)) == {"machine", "latency", "goals", "video"}


@pytest.mark.parametrize("latency", [LATENCY, LATENCY[:2]], ids=["two batch sizes", "one"])
def test_the_plot_is_a_picture(latency, tmp_path):
    plot(latency, VIDEO, "a machine", tmp_path / "plots" / "b.png")
    assert cv2.imread(str(tmp_path / "plots" / "b.png")).std() > 5
