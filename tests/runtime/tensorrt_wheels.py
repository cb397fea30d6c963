"""TensorRT's Python bindings without TensorRT: two published wheels, imported over empty libraries made on the spot.

The bindings look their libraries' functions up only when they are called, so classes and names can be checked anywhere.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from tests.import_graph import ROOT

PACKAGE = "tensorrt-cu13-bindings"
VERSIONS = ("10.16.1.11", "11.4.0.106")
LIBRARIES = ("nvinfer", "nvinfer_plugin", "nvonnxparser")
FUNCTIONS = (
    "createInferBuilder_INTERNAL", "createInferRefitter_INTERNAL", "createInferRuntime_INTERNAL",
    "createNvOnnxParserRefitter_INTERNAL", "createNvOnnxParser_INTERNAL", "getBuilderPluginRegistry",
    "getNvOnnxParserVersion", "getPluginRegistry", "initLibNvInferPlugins",
)  # fmt: skip
TIMEOUT_S = 300


def inspect_bindings(version: str, model: Path, work: Path) -> dict:
    """What `tests.runtime.tensorrt_check` says of a version; skips the test where it cannot be had.

    Args:
        version: one of `VERSIONS`.
        model: an ONNX model file of ours.
        work: a folder that outlives the test run, to keep wheels and stubs in.
    """
    wheel = work / f"tensorrt-{version}"
    work.mkdir(parents=True, exist_ok=True)
    with FileLock(work / "tensorrt.lock"):
        if not (wheel / "complete").is_file():
            _install(version, wheel)
        stubs = _make_stubs(version.split(".")[0], wheel)
    command = [sys.executable, "-m", "tests.runtime.tensorrt_check", wheel, *stubs, model]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def _install(version: str, wheel: Path) -> None:
    install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", sys.executable, "--no-deps"]
    _run_or_skip([*install, "--target", str(wheel), f"{PACKAGE}=={version}"], f"{PACKAGE} {version} cannot be had")
    (wheel / "complete").touch()


def _make_stubs(major: str, folder: Path) -> list[Path]:
    source = folder / "stubs.c"
    source.write_text("".join(f"void *{name}(void) {{ return 0; }}\n" for name in FUNCTIONS))
    stubs = []
    for library in LIBRARIES:
        stub = folder / f"lib{library}.so.{major}"
        if not stub.is_file():
            compile_it = ["gcc", "-shared", "-fPIC", f"-Wl,-soname,{stub.name}", "-o", f"{stub}.part", str(source)]
            _run_or_skip(compile_it, "no gcc for the stub libraries")
            Path(f"{stub}.part").rename(stub)
        stubs.append(stub)
    return stubs


def _run_or_skip(command: list[str], reason: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"{reason}: {type(error).__name__}")
    if done.returncode:
        pytest.skip(f"{reason}: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
