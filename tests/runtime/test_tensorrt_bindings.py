"""Everything of TensorRT and CUDA that the code touches exists in real bindings of 10.x and 11.x."""

import ast
import re

import pytest

from tests.import_graph import ROOT
from tests.runtime import gpu_fakes
from tests.runtime.tensorrt_wheels import VERSIONS, inspect_bindings

SOURCES = [ROOT / "src/runtime/engines" / name for name in ("tensorrt.py", "tensorrt_build.py")]
FAKES = {gpu_fakes.FakeContext: "IExecutionContext", gpu_fakes.FakeEngine: "ICudaEngine"}


@pytest.fixture(scope="module")
def bindings(tmp_path_factory, binary_model) -> dict[str, dict]:
    """By version; wheels stay in .work, so that a second run needs no registry."""
    return {version: inspect_bindings(version, binary_model, ROOT / ".work") for version in VERSIONS}


def attribute_chains() -> set[tuple[str, ...]]:
    """("BuilderFlag", "TF32") for every `trt.BuilderFlag.TF32`, in code and in annotations."""
    chains = set()
    for source in SOURCES:
        for found in re.finditer(r"\btrt((?:\.\w+)+)", source.read_text(encoding="utf-8")):
            chains.add(tuple(found[1].strip(".").split(".")))
    return chains


def attribute_names() -> set[str]:
    """Every name after a dot in the code, of whatever object."""
    trees = [ast.parse(source.read_text(encoding="utf-8")) for source in SOURCES]
    return {node.attr for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def public(cls: type) -> set[str]:
    return {name for name in dir(cls) if not name.startswith("_")}


def test_every_name_of_the_module_exists_in_both(bindings):
    chains = attribute_chains()
    assert {("Runtime",), ("MemoryPoolType", "WORKSPACE"), ("TensorIOMode", "INPUT")} <= chains
    for version, found in bindings.items():
        for chain in chains:
            owner = ""
            for name in chain:
                assert name in found["surface"][owner], f"trt.{'.'.join(chain)} is not in {version}"
                owner = name


def test_the_fakes_offer_nothing_that_the_real_classes_lack(bindings):
    for version, found in bindings.items():
        for fake, real in FAKES.items():
            missing = public(fake) - set(found["surface"][real])
            assert not missing, f"{real} of {version} has no {missing}"
        assert "deserialize_cuda_engine" in found["surface"]["Runtime"]
        assert "ERROR" in found["surface"]["Logger"]


def test_nothing_that_11_removed_is_used(bindings):
    old, new = ({name for names in bindings[v]["surface"].values() for name in names} for v in VERSIONS)
    removed = old - new
    assert {"FP16", "EXPLICIT_BATCH", "int8_calibrator"} <= removed
    assert not attribute_names() & removed


@pytest.mark.parametrize("version", VERSIONS)
def test_polygraphy_builds_a_strongly_typed_network_with_a_profile_per_batch_size(bindings, version):
    built = bindings[version]["built"]
    assert built["plan"] == "plan"
    assert built["strongly_typed"]
    assert [[shape[0] for shape in profile] for profile in built["shapes"]] == [[1, 1, 1], [4, 4, 4]]
    assert built["profiles_added"] == 2
    assert "TF32" in built["cleared"]
    assert not {"FP16", "INT8", "BF16", "TF32"} & set(built["set"])
    assert built["pools"] == {"WORKSPACE": 1 << 30}
    assert built["timings"] == "measured", "what the builder measured is kept"
    assert built["begun_from"][0] == ""
    assert "measured" in built["begun_from"][1:], "and the next build begins from it"


def test_every_cuda_call_exists():
    runtime = pytest.importorskip("cuda.bindings.runtime")
    source = (ROOT / "src/runtime/engines/cuda.py").read_text(encoding="utf-8")
    used = set(re.findall(r"cudart(?:\(\))?((?:\.cuda\w+)+)", source))
    assert ".cudaGraphLaunch" in used
    for chain in used:
        value = runtime
        for name in chain.strip(".").split("."):
            value = getattr(value, name)
    fakes = {name for name in vars(gpu_fakes.FakeCudart) if name.startswith("cuda")}
    assert all(hasattr(runtime, name) for name in fakes)
