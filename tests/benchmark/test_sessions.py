from contextlib import ExitStack

from src.benchmark import sessions
from tests.model_file import binary_card, write_binary_model


def test_a_row_per_setting_beginning_with_the_engine_itself(tmp_path):
    path, card = write_binary_model(tmp_path / "sky.onnx"), binary_card()
    with ExitStack() as opened:
        calls = dict([*sessions._onnx_runtime(path, card, opened), *sessions._openvino(path, card, opened)])
        rows = sessions.measure(calls, card, runs=2)
    names = [row["setting"] for row in rows]
    assert names[0].startswith("onnxruntime: engine")
    # OpenVINO cannot compile this toy with a dynamic batch, which is said and left out.
    assert sum(name.startswith("openvino") for name in names) >= 6
    assert all(row["p50_ms"] > 0 and row["cpu_ms"] >= 0 for row in rows)
