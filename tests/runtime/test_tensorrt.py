"""The TensorRT engine over fakes: what it copies, captures, frees and refuses. Not a substitute for a GPU."""

import json
import sys
import threading

import numpy as np
import pytest

from src.errors import EngineError
from src.runtime import open_engine
from src.runtime.engines import choice, cuda, tensorrt, tensorrt_build
from src.runtime.engines.base import EngineInfo, Options
from src.runtime.engines.build import build_engine
from src.runtime.engines.tensorrt import TensorRTEngine
from tests.model_file import HEIGHT, WIDTH, binary_card
from tests.runtime.gpu_fakes import FakeContext, FakeCudart, FakeTensorRT

INFO = EngineInfo("tensorrt", "fp32", "Fake H200", binary_card(), "0" * 64, "model.plan")
REBUILD = "dvc repro -f -s build-engine"


@pytest.fixture
def frames() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (6, HEIGHT, WIDTH, 3), np.uint8)


@pytest.fixture
def gpu(monkeypatch):
    """Puts a fake GPU in; returns a function that makes another with other properties."""
    real = pytest.importorskip("cuda.bindings.runtime")

    def put_in(version: str = "11.4.0", **properties) -> FakeCudart:
        cudart = FakeCudart(real, **properties)
        monkeypatch.setattr(cuda, "_cudart", lambda: cudart)
        monkeypatch.setitem(sys.modules, "tensorrt", FakeTensorRT(cudart, HEIGHT, WIDTH, version))
        for module in (cuda, tensorrt):
            monkeypatch.setattr(module, "driver_present", lambda: True)
        return cudart

    put_in()
    return put_in


def opened(requests: int = 1, plan: bytes = b"plan 1,4") -> TensorRTEngine:
    return TensorRTEngine(plan, INFO, Options(threads=1, requests=requests))


def test_a_batch_is_cut_into_the_sizes_of_the_plan(gpu, frames):
    with opened() as engine:
        assert engine.batch_sizes == (1, 4)
        for count in range(1, 7):
            masks = engine.infer(frames[:count])
            assert np.array_equal(masks.confidence, frames[:count, ..., 2])
            assert np.array_equal(masks.labels, frames[:count, ..., 2] > 127)
        first = engine.infer(frames[:1])
        engine.infer(frames[1:2])
        assert np.array_equal(first.confidence, frames[:1, ..., 2]), "an answer is not overwritten by the next"


def test_a_plan_without_batch_1_takes_less_than_it_could(gpu, frames):
    with opened(plan=b"plan 4") as engine:
        assert np.array_equal(engine.infer(frames).confidence, frames[..., 2])


def test_an_inference_is_one_launch_of_a_graph(gpu, frames):
    cudart = gpu()
    with opened() as engine:
        cudart.calls.clear()
        engine.infer(frames[:1])
        assert cudart.calls == ["launch"]
        engine.infer(frames)
        assert cudart.calls == ["launch"] * 4
        assert engine.settings == {"tf32": False, "batch_sizes": [1, 4], "cuda_graphs": True}


def test_without_capture_it_runs_all_the_same_and_says_so(gpu, frames, capsys):
    gpu(captures=False)
    with opened() as engine:
        assert np.array_equal(engine.infer(frames).confidence, frames[..., 2])
        assert engine.settings["cuda_graphs"] is False
    assert "runs without a CUDA graph" in capsys.readouterr().err


def test_requests_in_flight_have_buffers_of_their_own(gpu, frames):
    with opened(requests=3) as engine:
        futures = [engine.submit(frames[i % 6][None]) for i in range(30)]
        for i, future in enumerate(futures):
            assert np.array_equal(future.result(timeout=240).confidence[0], frames[i % 6, ..., 2])


def test_everything_is_freed_when_it_closes_or_fails_to_open(gpu, frames):
    cudart = gpu()
    engine = opened(requests=2)
    assert cudart.allocated == 2 * 2 * 3 * 2  # requests x batch sizes x ports x (host, device)
    engine.close()
    engine.close()
    assert cudart.allocated == 0
    cudart = gpu(device_bytes=3 * HEIGHT * WIDTH * 5 + 10)
    with pytest.raises(EngineError, match="the GPU is out of memory") as caught:
        opened()
    assert "smaller batches" in caught.value.fix
    assert cudart.allocated == 0


def test_kernel_time_is_without_copies(gpu, frames):
    cudart = gpu()
    with opened() as engine:
        cudart.calls.clear()
        assert engine.kernel_ms(frames[:1]) == 100.0 / tensorrt.TIMED_LAUNCHES
        assert engine.kernel_ms(frames[:5]) == 2 * 100.0 / tensorrt.TIMED_LAUNCHES
        assert "copy" not in cudart.calls
        engine.raw_call()(frames)


def test_errors_of_the_gpu_name_themselves(gpu, frames, monkeypatch):
    with opened() as engine:
        error = cuda._cudart().cudaError_t.cudaErrorIllegalAddress
        monkeypatch.setattr(FakeCudart, "cudaGraphLaunch", lambda *_: (error,))
        with pytest.raises(EngineError, match="tensorrt failed") as caught:
            engine.infer(frames)
        assert "cudaErrorIllegalAddress: words for it" in caught.value.why
    monkeypatch.setattr(FakeContext, "execute_async_v3", lambda *_: False)
    with pytest.raises(EngineError, match="the GPU refuses the plan") as caught:
        opened()
    assert "could not enqueue" in caught.value.why


def test_a_plan_that_tensorrt_refuses_or_of_other_ports_is_an_error(gpu):
    with pytest.raises(EngineError, match="cannot load the plan"):
        opened(plan=b"of another version")
    other = EngineInfo("tensorrt", "fp32", "Fake", binary_card(height=32), "", "model.plan")
    with pytest.raises(EngineError, match="not a skyseg graph"):
        TensorRTEngine(b"plan 1", other, Options(threads=1))


def test_a_missing_or_old_library_says_what_to_install(gpu, monkeypatch):
    gpu(version="10.9.0")
    with pytest.raises(EngineError, match=r"TensorRT 10\.9\.0 is too old") as caught:
        opened()
    assert "uv pip install" in caught.value.fix
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(EngineError, match="TensorRT cannot be loaded"):
        opened()
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "cuda.bindings", None)
    with pytest.raises(EngineError, match="cuda-bindings is not installed"):
        cuda._cudart()


def test_without_a_driver_nothing_is_imported(binary_model, frames, monkeypatch):
    monkeypatch.setattr(tensorrt, "driver_present", lambda: False)
    monkeypatch.setattr(cuda, "driver_present", lambda: False)
    monkeypatch.setattr("src.runtime.engines.installed", lambda backend: True)
    monkeypatch.setitem(sys.modules, "tensorrt", None)  # an import would fail
    assert tensorrt.unavailable("fp16") == "there is no NVIDIA driver here"
    with pytest.raises(EngineError, match="no NVIDIA GPU here"):
        open_engine(binary_model, backend="tensorrt")


def test_a_fault_that_stays_is_told_and_closing_adds_no_other(gpu, frames, monkeypatch):
    cudart = gpu()
    fault = (cudart.cudaError_t.cudaErrorIllegalAddress,)
    with pytest.raises(EngineError, match="tensorrt failed"), opened() as engine:
        for name in ("cudaGraphLaunch", "cudaStreamDestroy", "cudaFree", "cudaFreeHost", "cudaGraphExecDestroy"):
            monkeypatch.setattr(cudart, name, lambda *_: fault, raising=False)
        engine.infer(frames[:1])


def test_a_library_that_does_not_load_fails_a_build_by_name(gpu, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(EngineError, match="TensorRT cannot be loaded"):
        tensorrt_build.build_plan(tmp_path / "m.onnx", binary_card(), (1,), None)


@pytest.fixture
def folder(gpu, binary_model, frames, tmp_path, monkeypatch):
    """An engine folder that build_engine made from a plan of the fake."""
    monkeypatch.setattr("src.runtime.engines.installed", lambda backend: True)
    monkeypatch.setattr(choice, "installed", lambda backend: True)
    monkeypatch.setattr(tensorrt_build, "build_plan", lambda path, card, sizes, timings: b"plan 1,4")
    build_engine(binary_model, tmp_path / "engine", frames, backend="tensorrt", batch_sizes=(4,), agreement_limit=0.01)
    return tmp_path / "engine"


def test_a_built_plan_opens_where_it_was_built(folder, frames):
    record = json.loads((folder / "engine.json").read_text())
    assert record["payload"] == "model.plan"
    assert record["hardware"] == {"gpu": "Fake H200", "compute_capability": "9.0"}
    assert record["versions"] == {"tensorrt": "11.4.0"}
    assert record["settings"] == {"tf32": False, "batch_sizes": [1, 4], "cuda_graphs": True}
    with open_engine(folder, requests=2) as engine:
        assert engine.info.device == "Fake H200"
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(engine.infer(frames))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=240)
        assert all(np.array_equal(found.confidence, frames[..., 2]) for found in answers)
        assert len(answers) == 4


@pytest.mark.parametrize(
    ("key", "change", "said"),
    [
        ("hardware", {"gpu": "Other GPU", "compute_capability": "9.0"}, "built on another machine"),
        ("hardware", {"gpu": "Fake H200", "compute_capability": "8.6"}, "built on another machine"),
        ("versions", {"tensorrt": "10.16.1"}, "built by another library version"),
    ],
)
def test_a_plan_of_another_gpu_or_version_names_the_command_that_rebuilds_it(folder, key, change, said):
    path = folder / "engine.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: change}))
    with pytest.raises(EngineError, match=said) as caught:
        open_engine(folder)
    assert REBUILD in caught.value.fix


def test_a_build_that_runs_out_of_memory_writes_nothing(gpu, binary_model, frames, tmp_path, monkeypatch):
    monkeypatch.setattr("src.runtime.engines.installed", lambda backend: True)
    monkeypatch.setattr(tensorrt_build, "build_plan", lambda path, card, sizes, timings: b"plan 1")
    gpu(device_bytes=100)
    with pytest.raises(EngineError, match="the GPU is out of memory"):
        build_engine(binary_model, tmp_path / "engine", frames, backend="tensorrt", precision="fp32")
    assert not list(tmp_path.iterdir())
