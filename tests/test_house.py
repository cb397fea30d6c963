"""The house's own rules: floors, module sizes, and a dvc.yaml that names everything a stage depends on."""

import ast

import pytest
from ruamel.yaml import YAML

from src.params import Params
from tests.import_graph import ROOT, local_modules

PIPELINE = YAML(typ="safe", pure=True).load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
STAGES = PIPELINE["stages"]
ORDER = ["download", "filter-sky", "preprocess", "train", "evaluate", "export-onnx", "build-engine", "benchmark"]

# From the ground up; a module may import from its own floor and below.
FLOORS = (
    ("errors", "files", "params", "model_card", "labels", "hardware", "records", "sizes"),
    ("models", "data", "runtime", "tracking"),
    ("training", "evaluation", "export", "benchmark", "release"),
    ("infer", "demo", "recipes", "comparison"),
)


def module_of(stage):
    return STAGES[stage]["cmd"].split()[-1]


def test_the_pipeline_has_its_eight_stages():
    assert list(STAGES) == ORDER


@pytest.mark.parametrize("stage", ORDER)
def test_deps_are_exactly_the_local_modules_a_stage_imports(stage):
    listed = {dep for dep in STAGES[stage]["deps"] if dep.endswith(".py")}
    needed = local_modules(module_of(stage))
    lines = "\n".join(f"      - {path}" for path in sorted(needed))
    assert listed == needed, f"the code deps of {stage} in dvc.yaml should be:\n{lines}"


@pytest.mark.parametrize("stage", ORDER)
def test_params_that_a_stage_reads_are_its_dependencies(stage):
    """Every `settings.x` and `params.load().x` in a stage's main is listed, tracking apart (it changes no output)."""
    tree = ast.parse((ROOT / "stages" / f"{stage.replace('-', '_')}.py").read_text(encoding="utf-8"))
    read = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and (getattr(node.value, "id", "") == "settings" or isinstance(node.value, ast.Call))
        and node.attr in Params.model_fields
    }
    listed = {key.split(".")[0] for key in STAGES[stage]["params"]}
    assert read - {"tracking"} == listed


@pytest.mark.parametrize("stage", ORDER)
def test_metrics_are_committed_and_not_cached(stage):
    [metric] = STAGES[stage]["metrics"]
    assert metric == {f"metrics/{stage.replace('-', '_')}.json": {"cache": False}}


def test_training_depends_on_the_released_weights_once_they_are_there():
    weights = "models/release/skyseg.safetensors"
    assert (weights in STAGES["train"]["deps"]) == (ROOT / weights).is_file()


def test_the_engine_belongs_to_one_machine():
    assert STAGES["build-engine"]["outs"] == [{"models/engine": {"cache": False}}]


def sources():
    return sorted(path.relative_to(ROOT) for folder in ("src", "stages") for path in (ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("path", sources(), ids=str)
def test_modules_are_short(path):
    lines = (ROOT / path).read_text(encoding="utf-8").count("\n")
    assert lines <= (60 if path.parts[0] == "stages" else 300)


@pytest.mark.parametrize("path", [p for p in sources() if p.parts[0] == "src" and len(p.parts) > 1], ids=str)
def test_imports_never_go_up_a_floor(path):
    height = {room: level for level, floor in enumerate(FLOORS) for room in floor}
    room = path.parts[1].removesuffix(".py")
    if room == "__init__":
        return
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        names = [node.module] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            assert not name.startswith("stages"), f"{path} imports {name}"
            if name.startswith("src."):
                assert height[name.split(".")[1]] <= height[room], f"{path} imports {name}"
