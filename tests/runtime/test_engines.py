import functools
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest

from src.errors import EngineError
from src.model_card import BF16_AGREEMENT
from src.runtime import default_engine_folder, open_engine
from src.runtime.engines import library_versions, onnxruntime, openvino, openvino_cache, requests_for_video
from src.runtime.engines.base import Engine, EngineInfo, Masks, Options
from src.runtime.engines.build import build_engine
from src.runtime.engines.probe import PROBE_FILE, Probe
from src.runtime.engines.record import FALLBACK_FILE, RECORD_FILE, sha256
from tests.import_graph import ROOT
from tests.model_file import (
    HEIGHT,
    WIDTH,
    binary_card,
    write_binary_model,
    write_foreign_model,
    write_model_of_wrong_ports,
    write_variants,
)

REBUILD = "dvc repro -f -s build-engine"


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, HEIGHT, WIDTH, 3), np.uint8)


@pytest.fixture
def folder(binary_model, frames, tmp_path):
    build_engine(binary_model, tmp_path / "engine", frames, backend="openvino", precision="fp32")
    return tmp_path / "engine"


def sky_by_hand(frames: np.ndarray) -> np.ndarray:
    pixels = frames.astype(np.float32)
    rows = np.arange(HEIGHT, dtype=np.float32)[:, None]
    logits = 0.05 * (pixels[..., 2] - pixels[..., 0]) + 4 * (0.5 - rows / HEIGHT)
    return 1 / (1 + np.exp(-logits))


@pytest.mark.parametrize(
    ("backend", "flag", "agreement", "precision"),
    [
        ("openvino", "amx_bf16", 0.999, "bf16"),
        ("openvino", "amx_bf16", 0.99, "fp32"),
        ("openvino", "amx_bf16", None, "fp32"),
        ("openvino", "", 0.999, "fp32"),
        ("onnxruntime", "amx_bf16", 0.999, "fp32"),
    ],
)
def test_a_model_file_opens_in_bf16_where_its_card_says_that_this_keeps_the_labels(
    backend, flag, agreement, precision, frames, tmp_path, monkeypatch
):
    monkeypatch.setattr("src.hardware.bf16_flag", lambda: flag)
    measured = {} if agreement is None else {BF16_AGREEMENT: agreement}
    path = write_binary_model(tmp_path / "sky.onnx", binary_card(metrics=measured))
    with open_engine(path, backend=backend) as engine:
        assert engine.info.precision == precision
        engine.infer(frames[:1])
    with open_engine(path, backend=backend, precision="fp32") as engine:
        assert engine.info.precision == "fp32"


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
def test_engine_answers_a_batch_as_the_formula_says(backend, binary_model, frames):
    with open_engine(binary_model, backend=backend) as engine:
        masks = engine.infer(frames)
    assert engine.info.backend == backend
    assert engine.info.card == binary_card()
    assert masks.labels.dtype == masks.confidence.dtype == np.uint8
    assert masks.labels.shape == masks.confidence.shape == (5, HEIGHT, WIDTH)
    probability = sky_by_hand(frames)
    sure = np.abs(probability - 0.5) > 1e-4
    assert np.array_equal(masks.labels[sure], (probability >= 0.5)[sure])
    assert np.abs(masks.confidence - np.round(probability * 255)).max() <= 1


def test_backends_agree_on_binary_and_multi_class_models(binary_model, three_class_model, frames):
    for model in (binary_model, three_class_model):
        with open_engine(model, backend="openvino") as one, open_engine(model, backend="onnxruntime") as other:
            left, right = one.infer(frames), other.infer(frames)
        assert np.mean(left.labels == right.labels) > 0.999
        assert np.abs(left.confidence.astype(int) - right.confidence).max() <= 1
        assert set(np.unique(left.labels)) == set(range(len(one.info.card.classes)))


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
def test_futures_bring_each_frame_its_own_answer(backend, binary_model, frames):
    with open_engine(binary_model, backend=backend, requests=3) as engine:
        alone = [engine.infer(frame[None]).labels for frame in frames]
        futures = [engine.submit(frame[None]) for frame in np.concatenate([frames] * 8)]
        for index, future in enumerate(futures):
            assert np.array_equal(future.result(timeout=240).labels, alone[index % 5])


@pytest.mark.parametrize(
    ("threads", "requests", "at_work"), [(2, 1, 1), (2, 2, 2), (2, 3, 2), (2, 9, 2), (1, 3, 1), (16, 9, 8)]
)
def test_requests_share_the_threads_between_them(threads, requests, at_work):
    options = Options(threads, requests)
    assert options.at_work == at_work
    settings = onnxruntime._settings(options)
    # Each of those at work brings its own thread to the session's workers.
    assert settings["intra_op_num_threads"] - 1 + at_work == threads
    assert settings["allow_spinning"] == (requests == 1)


def test_onnx_runtime_computes_no_more_requests_at_a_time_than_its_threads_serve(binary_model, frames, monkeypatch):
    with open_engine(binary_model, backend="onnxruntime", threads=2, requests=3) as engine:
        session, lock = engine._session, threading.Lock()
        running, most = 0, 0

        class Counted:
            io_binding = session.io_binding

            def run_with_iobinding(self, binding) -> None:
                nonlocal running, most
                with lock:
                    running += 1
                    most = max(most, running)
                time.sleep(0.05)
                session.run_with_iobinding(binding)
                with lock:
                    running -= 1

        monkeypatch.setattr(engine, "_session", Counted())
        for future in [engine.submit(frames[:1]) for _ in range(9)]:
            future.result(timeout=240)
    assert most == 2


class SlowEngine(Engine):
    """Counts how many inferences run at once, and fails on a black frame."""

    def __init__(self, requests: int, tmp_path) -> None:
        super().__init__(EngineInfo("slow", "fp32", "none", binary_card(), "", tmp_path), requests)
        self.lock, self.running, self.most = threading.Lock(), 0, 0

    def _run(self, frames: np.ndarray) -> Masks:
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
        time.sleep(0.1)
        with self.lock:
            self.running -= 1
        if not frames.any():
            raise RuntimeError("black")
        return Masks(frames[..., 0], frames[..., 0])


def test_submit_blocks_beyond_the_requests_and_errors_arrive_through_the_future(frames, tmp_path):
    with SlowEngine(2, tmp_path) as engine:
        began = time.perf_counter()
        futures = [engine.submit(frames[:1]) for _ in range(6)]
        assert time.perf_counter() - began > 0.15, "the fifth had to wait for two rounds of two"
        failing = engine.submit(np.zeros_like(frames[:1]))
        with pytest.raises(EngineError, match="slow failed"):
            failing.result(timeout=240)
        futures.append(engine.submit(frames[:1]))
        assert all(future.result(timeout=240).labels.shape == (1, HEIGHT, WIDTH) for future in futures)
    assert engine.most == 2


def test_wrong_frames_and_a_closed_engine_are_refused(binary_model, frames):
    engine = open_engine(binary_model, backend="onnxruntime")
    for wrong in (frames.astype(np.float32), frames[0], frames[:, :10], frames[:0]):
        for call in (engine.infer, engine.submit):
            with pytest.raises(EngineError, match="frames"):
                call(wrong)
    engine.close()
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        engine.infer(frames)
    with pytest.raises(EngineError, match="closed"):
        engine.submit(frames)


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
def test_files_that_are_no_model_of_ours_are_refused(backend, binary_model, tmp_path):
    text = tmp_path / "text.onnx"
    text.write_text("this is not a model\n" * 50)
    truncated = tmp_path / "truncated.onnx"
    truncated.write_bytes(binary_model.read_bytes()[:900])
    empty = tmp_path / "empty.onnx"
    empty.touch()
    foreign = write_foreign_model(tmp_path / "foreign.onnx")
    wrong_ports = write_model_of_wrong_ports(tmp_path / "ports.onnx")
    wrong_size = write_binary_model(tmp_path / "size.onnx")
    content = wrong_size.read_bytes()
    wrong_size.write_bytes(content.replace(b'"height": 64', b'"height": 65'))
    no_utf8 = tmp_path / "name.onnx"
    no_utf8.write_bytes(content.replace(b"confidence", b"\xe9onfidence"))
    for path in (text, truncated, empty, foreign, wrong_ports, wrong_size, no_utf8, tmp_path / "missing.onnx"):
        with pytest.raises(EngineError) as caught:
            open_engine(path, backend=backend)
        assert str(path) in caught.value.what
        assert caught.value.fix


def test_unknown_backends_and_precisions_name_the_choices(binary_model):
    with pytest.raises(EngineError, match="no backend 'tensorflow'") as caught:
        open_engine(binary_model, backend="tensorflow")
    assert "tensorrt, openvino, onnxruntime" in caught.value.fix
    with pytest.raises(EngineError, match="onnxruntime does not run in precision 'bf16'"):
        open_engine(binary_model, backend="onnxruntime", precision="bf16")


def test_without_openvino_a_model_file_opens_in_onnx_runtime_and_says_so(binary_model, monkeypatch, capsys):
    monkeypatch.setattr("src.runtime.engines.installed", lambda backend: backend != "openvino")
    with open_engine(binary_model) as engine:
        assert engine.info.backend == "onnxruntime"
    assert "falling back to onnxruntime" in capsys.readouterr().err
    with pytest.raises(EngineError, match="openvino is not installed"):
        open_engine(binary_model, backend="openvino")


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
@pytest.mark.parametrize("requests", [1, 2])
def test_an_engine_folder_answers_as_its_model_file(backend, requests, binary_model, frames, tmp_path):
    build_engine(binary_model, tmp_path / "engine", frames, backend=backend, precision="fp32")
    with (
        open_engine(tmp_path / "engine", requests=requests) as built,
        open_engine(binary_model, backend=backend) as wanted,
    ):
        assert (built.info.backend, built.info.precision) == (backend, "fp32")
        assert built.info.onnx_sha256 == wanted.info.onnx_sha256
        assert np.array_equal(built.infer(frames).labels, wanted.infer(frames).labels)


def change_record(folder, change) -> None:
    path = folder / RECORD_FILE
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda record: record["hardware"].update(model="Some Other CPU"), "another machine"),
        (lambda record: record["hardware"].update(flags=["amx_bf16"]), "another machine"),
        (lambda record: record.update(versions={"openvino": "2020.1"}), "another library version"),
        (lambda record: record["files"].update({"model.blob": "0" * 64}), "damaged"),
        (lambda record: record["files"].update({"gone.blob": "0" * 64}), "missing"),
        (lambda record: record["files"].update({"../model.blob": "0" * 64}), "damaged"),
        (lambda record: record.update(payload="../model.blob"), "damaged"),
        (lambda record: record["agreement"].update(limit="high"), "damaged"),
        (lambda record: record.update(format=99), "damaged"),
        (lambda record: record.pop("hardware"), "damaged"),
        (lambda record: record.update(versions=None), "damaged"),
        (lambda record: record["card"].pop("classes"), "model card is damaged"),
    ],
)
def test_an_engine_that_does_not_fit_is_refused_with_the_command_that_rebuilds_it(folder, change, said):
    change_record(folder, change)
    with pytest.raises(EngineError, match=said) as caught:
        open_engine(folder)
    if "card" not in said:
        assert REBUILD in caught.value.fix


def test_a_damaged_folder_is_refused(folder, tmp_path):
    payload = folder / "model.blob"
    payload.write_bytes(payload.read_bytes()[:-1])
    with pytest.raises(EngineError, match="damaged"):
        open_engine(folder)
    (folder / RECORD_FILE).write_text('{"format": 1, "backend"')
    with pytest.raises(EngineError, match="damaged"):
        open_engine(folder)
    (folder / RECORD_FILE).write_text("[]")
    with pytest.raises(EngineError, match="damaged"):
        open_engine(folder)
    (tmp_path / "bare").mkdir()
    with pytest.raises(EngineError, match="not an engine folder") as caught:
        open_engine(tmp_path / "bare")
    assert REBUILD in caught.value.fix


def test_a_folder_keeps_to_what_it_was_built_for(folder):
    with pytest.raises(EngineError, match="built for openvino fp32, not onnxruntime"):
        open_engine(folder, backend="onnxruntime")
    with pytest.raises(EngineError, match="not bf16"):
        open_engine(folder, precision="bf16")


def test_an_engine_of_another_model_is_refused(folder, binary_model, tmp_path):
    with open_engine(folder, model=binary_model):
        pass
    other = write_binary_model(tmp_path / "onnx" / "fp32.onnx", binary_card(name="retrained"))
    for model in (other, other.parent, str(other)):
        with pytest.raises(EngineError, match="built from another model") as caught:
            open_engine(folder, model=model)
        assert REBUILD in caught.value.fix


def test_the_pipelines_own_engine_must_be_of_its_model_files(frames, tmp_path, monkeypatch):
    own = tmp_path / "models" / "engine"
    monkeypatch.setattr("src.runtime.engines.default_engine_folder", lambda: own)
    models = write_variants(own.parent / "onnx")
    build_engine(models, own, frames, backend="openvino", precision="int8")
    elsewhere = tmp_path / "copy"
    copytree(own, elsewhere)
    open_engine(own).close()
    write_binary_model(models / "int8.onnx", binary_card(name="retrained", precision="int8"))
    monkeypatch.chdir(own.parent)
    for path in (own, "engine"):
        with pytest.raises(EngineError, match="built from another model") as caught:
            open_engine(path)
        assert REBUILD in caught.value.fix
    open_engine(elsewhere).close()
    for file in models.iterdir():
        file.unlink()
    open_engine(own).close()


@pytest.mark.parametrize(
    ("threads", "requests", "streams"), [(2, 1, 1), (2, 2, 2), (2, 3, 2), (4, 3, 2), (4, 5, 4), (1, 3, 1)]
)
def test_openvino_has_a_stream_per_request_but_the_one_that_waits(threads, requests, streams, folder, frames):
    with open_engine(folder, threads=threads, requests=requests) as engine:
        assert engine.settings.get("NUM_STREAMS", 1) == streams  # OpenVINO takes fewer where there are fewer cores
        assert engine.compiled.get_property("NUM_STREAMS") <= streams
        futures = [engine.submit(frame[None]) for frame in frames]
        answers = np.concatenate([future.result(timeout=240).labels for future in futures])
        assert np.array_equal(answers, engine.infer(frames).labels)


@pytest.mark.parametrize(("threads", "requests"), [(1, 3), (2, 3), (4, 3), (8, 5), (16, 9), (64, 9)])
def test_a_video_keeps_one_request_waiting_beside_those_at_work(threads, requests):
    assert requests_for_video(threads) == requests


def test_a_graph_opens_in_its_own_precision(frames, tmp_path):
    models = write_variants(tmp_path / "onnx")
    with open_engine(models / "int8.onnx", backend="openvino") as engine:
        assert engine.info.precision == "int8"
        assert engine.settings["INFERENCE_PRECISION_HINT"] in ("bf16", "f32")
        engine.infer(frames)
    with pytest.raises(EngineError, match="its graph is int8, which does not run in fp32"):
        open_engine(models / "int8.onnx", precision="fp32")


def swap_probe_labels(folder) -> None:
    probe = Probe.load(folder)
    Probe(probe.frame, 1 - probe.labels).save(folder)
    change_record(folder, lambda record: record["files"].update({PROBE_FILE: sha256(folder / PROBE_FILE)}))


def test_the_probe_is_a_frame_with_both_labels(folder):
    probe = Probe.load(folder)
    assert probe.frame.shape == (1, HEIGHT, WIDTH, 3)
    assert set(np.unique(probe.labels)) == {0, 1}


def test_an_engine_that_fails_its_probe_is_refused(folder):
    swap_probe_labels(folder)
    with pytest.raises(EngineError, match=r"of its probe's pixels, the limit is 98\.00%") as caught:
        open_engine(folder)
    assert REBUILD in caught.value.fix


def test_openvino_falls_back_to_fp32_with_a_warning_when_its_probe_fails(frames, tmp_path, monkeypatch, capsys):
    models, folder = write_variants(tmp_path / "onnx"), tmp_path / "engine"
    build_engine(models, folder, frames, backend="openvino", precision="int8")
    measured = Probe.agreement
    monkeypatch.setattr(
        Probe, "agreement", lambda probe, engine: 0.5 if engine.info.precision == "int8" else measured(probe, engine)
    )
    with open_engine(folder) as engine:
        assert (engine.info.backend, engine.info.precision) == ("openvino", "fp32")
        assert engine.settings["INFERENCE_PRECISION_HINT"] == "f32"
        assert engine.infer(frames).labels.any()
    warning = capsys.readouterr().err
    assert "warning" in warning
    assert "playing in fp32 instead" in warning
    assert REBUILD in warning
    swap_probe_labels(folder)
    with pytest.raises(EngineError, match="of its probe's pixels"):
        open_engine(folder)
    (folder / FALLBACK_FILE).write_bytes(b"cut short")
    with pytest.raises(EngineError, match="damaged"):
        open_engine(folder)


def test_openvino_falls_back_to_fp32_where_it_fails_altogether(frames, tmp_path, monkeypatch, capsys):
    models, folder = write_variants(tmp_path / "onnx"), tmp_path / "engine"
    build_engine(models, folder, frames, backend="openvino", precision="int8")
    run = openvino.OpenVINOEngine._run

    def fails_in_int8(engine, given):
        if engine.info.precision == "int8":
            raise RuntimeError("illegal primitive")
        return run(engine, given)

    monkeypatch.setattr(openvino.OpenVINOEngine, "_run", fails_in_int8)
    with open_engine(folder) as engine:
        assert engine.info.precision == "fp32"
    said = "int8 fails on its probe (illegal primitive): playing in fp32 instead"
    assert said in capsys.readouterr().err


@pytest.fixture
def opened(frames, tmp_path, monkeypatch):
    """Opens a model file with the cache tmp_path/cache; gives (labels of `frames`, whether it was compiled anew)."""
    kept = []
    monkeypatch.setattr(openvino, "keep", lambda file, blob: kept.append(file) or openvino_cache.keep(file, blob))

    def opened(model, **options):
        kept.clear()
        with open_engine(model, backend="openvino", cache=tmp_path / "cache", **options) as engine:
            return engine.infer(frames).labels, bool(kept)

    return opened


def test_openvino_keeps_compiled_models_where_asked(binary_model, opened, tmp_path):
    labels, compiled = opened(binary_model)
    assert compiled
    assert len(list((tmp_path / "cache").iterdir())) == 1
    again, compiled = opened(binary_model)
    assert not compiled
    assert np.array_equal(again, labels)


@pytest.mark.parametrize("damage", [lambda whole: whole[:-64] + bytes(64), lambda whole: whole[:1000], lambda _: b""])
def test_a_damaged_compiled_model_is_made_anew(binary_model, opened, damage, tmp_path):
    labels, _ = opened(binary_model)
    (blob,) = (tmp_path / "cache").iterdir()
    blob.write_bytes(damage(blob.read_bytes()))
    again, compiled = opened(binary_model)
    assert compiled
    assert np.array_equal(again, labels)
    assert not opened(binary_model)[1]


def test_a_compiled_model_of_another_openvino_is_made_anew(binary_model, opened, tmp_path):
    opened(binary_model)
    (blob,) = (tmp_path / "cache").iterdir()
    openvino_cache.keep(blob, b"whole, but nothing that this OpenVINO reads")
    assert opened(binary_model)[1]
    assert not opened(binary_model)[1]


def test_what_was_compiled_otherwise_or_of_another_file_is_not_taken(binary_model, opened, tmp_path):
    other = write_binary_model(tmp_path / "other.onnx", binary_card(name="other"))
    for options in ({}, {"threads": 1}, {"requests": 2}):
        for model in (binary_model, other):
            assert opened(model, **options)[1]
            assert not opened(model, **options)[1]
    assert len(list((tmp_path / "cache").iterdir())) == 6


def test_the_oldest_compiled_models_go(tmp_path):
    for number in range(openvino_cache.KEPT + 2):
        file = openvino_cache.kept_file(tmp_path, {"number": number})
        openvino_cache.keep(file, bytes([number]))
        os.utime(file, (number, number))
    left = [openvino_cache.kept(openvino_cache.kept_file(tmp_path, {"number": number})) for number in range(3)]
    assert left == [None, None, b"\x02"]


@pytest.mark.parametrize("fault", [PermissionError(13, "no"), FileNotFoundError(2, "gone"), OSError(28, "full")])
def test_a_cache_that_fails_keeps_nothing_and_the_model_plays(binary_model, opened, fault, monkeypatch, tmp_path):
    def fails(*_):
        raise fault

    monkeypatch.setattr(Path, "read_bytes", fails)
    monkeypatch.setattr(openvino_cache, "write_whole", fails)
    assert opened(binary_model)[1]
    assert not (tmp_path / "cache").exists()


def test_threads_and_requests_are_at_least_one(binary_model):
    for given in ({"threads": 0}, {"threads": -1}, {"requests": -1}):
        with pytest.raises(EngineError, match="is too few"):
            open_engine(binary_model, **given)


def test_onnx_runtime_opens_in_a_folder_whose_name_is_no_utf8(frames, tmp_path):
    folder = tmp_path / "sky\udcff"
    folder.mkdir()
    model = write_binary_model(tmp_path / "sky.onnx").rename(folder / "sky.onnx")
    build_engine(model, folder / "engine", frames, backend="onnxruntime", precision="fp32")
    with open_engine(folder / "engine") as engine:
        assert engine.infer(frames).labels.any()


def test_openvino_has_one_core_however_many_ask_first(monkeypatch):
    made = []

    @functools.cache
    def core():
        time.sleep(0.05)
        made.append(object())
        return made[-1]

    monkeypatch.setattr(openvino, "_core", core)
    threads = [threading.Thread(target=openvino.shared_core) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def test_onnx_runtime_on_the_gpu_does_not_fall_back_silently(binary_model, monkeypatch):
    """The wheel here is without CUDA: asked for it all the same, the session runs on the processor."""
    monkeypatch.setattr(onnxruntime, "on_gpu", lambda: True)
    monkeypatch.setattr("src.runtime.engines.cuda.gpu", lambda: {"gpu": "Fake GPU", "compute_capability": "9.0"})
    with pytest.raises(EngineError, match="fell back from CUDAExecutionProvider to CPUExecutionProvider") as caught:
        open_engine(binary_model, backend="onnxruntime")
    assert "docs/deploy.md" in caught.value.fix


class FullEngine(Engine):
    def _run(self, frames: np.ndarray) -> Masks:
        raise RuntimeError("CUDA failure 2: out of memory ; GPU=0 ; hostname=x")


def test_a_lack_of_memory_says_what_to_do(frames, tmp_path):
    info = EngineInfo("onnxruntime", "fp32", "none", binary_card(), "", tmp_path)
    with FullEngine(info, 1) as engine, pytest.raises(EngineError, match="out of memory") as caught:
        engine.infer(frames)
    assert "smaller batches" in caught.value.fix


def test_the_default_folder_does_not_follow_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = default_engine_folder()
    assert folder.parts[-2:] == ("models", "engine")
    assert (folder.parents[1] / "src" / "infer.py").is_file()


def test_library_versions_name_the_library():
    assert set(library_versions("openvino")) == {"openvino"}
    assert set(library_versions("onnxruntime")) == {"onnxruntime"}


FIRST_TOGETHER = """
import sys
import numpy as np
from src.runtime import open_engine
sys.setswitchinterval(1e-6)
with open_engine(sys.argv[1], backend="openvino", requests=4) as engine:
    card = engine.info.card
    futures = [engine.submit(np.zeros((1, card.height, card.width, 3), np.uint8)) for _ in range(16)]
    print(sum(future.result().labels.shape[0] for future in futures))
"""


def test_requests_that_come_first_together_do_not_wait_for_each_other(binary_model):
    """OpenVINO's bindings look numpy up on first use, where two threads could block each other for ever."""
    for _ in range(3):
        command = [sys.executable, "-c", FIRST_TOGETHER, str(binary_model)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
        assert done.stdout.split() == ["16"], done.stderr


AFTERWARDS = """
import gc, signal, sys, threading
from src.runtime import open_engine
signal.signal(signal.SIGINT, signal.default_int_handler)
held = [open_engine(sys.argv[1], backend="openvino")]
held[0].close()
last = threading.Thread(target=lambda: (held.clear(), gc.collect()))
last.start()
last.join()
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("heard")
"""


def test_ctrl_c_is_heard_after_another_thread_let_the_last_openvino_engine_go(binary_model):
    # In a process of its own: where the processor has AMX, the failure is a SIGSEGV.
    command = [sys.executable, "-c", AFTERWARDS, binary_model]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert (done.returncode, done.stdout) == (0, "heard\n"), done.stderr


def test_closing_waits_for_an_inference_of_another_thread(binary_model, frames):
    engine = open_engine(binary_model, backend="onnxruntime")
    run, began, goes_on, closed = engine._run, threading.Event(), threading.Event(), threading.Event()

    def slow(given):
        began.set()
        assert goes_on.wait(60)
        assert not closed.is_set()
        return run(given)

    engine._run = slow
    answers = []
    infers = threading.Thread(target=lambda: answers.append(engine.infer(frames)))
    closes = threading.Thread(target=lambda: (engine.close(), closed.set()))
    infers.start()
    assert began.wait(60)
    closes.start()
    assert not closed.wait(0.2)
    goes_on.set()
    infers.join(60)
    closes.join(60)
    assert closed.is_set()
    assert len(answers) == 1
