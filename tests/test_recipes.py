"""Recipes: each is valid, changes values alone, leaves no trace of another, and is written whole or not at all."""

import difflib
import re
import subprocess
import sys
from collections.abc import Mapping

import pytest
from ruamel.yaml import YAML

from src import params
from src.errors import UserError
from src.recipes.apply import apply, check, rewritten
from src.recipes.catalogue import BASE, chain, names, read
from src.recipes.rewriting import FREE, rewrite
from src.records import flatten
from tests.import_graph import ROOT

RECIPES = ROOT / "recipes"
NAMES = names(RECIPES)
TUNING = "own-photographs"  # the one recipe beside the base that starts from the released weights
TEXT = (ROOT / "params.yaml").read_text(encoding="utf-8")

every_recipe = pytest.mark.parametrize("name", NAMES)


def tree_of(text):
    return YAML(typ="safe", pure=True).load(text)


def leaves(overlay, above=()):
    """Path -> value of each key that an overlay sets."""
    for key, value in overlay.items():
        path = (*above, key)
        if isinstance(value, Mapping) and ".".join(path) not in FREE:
            yield from leaves(value, path)
        else:
            yield path, value


def at(tree, path):
    for key in path:
        tree = tree[key]
    return tree


def without_values(text):
    """What must not change: each line's key and comment; of free mappings only that they are there."""
    lines = text.splitlines()
    for name in ("  sets:", "labels:"):
        start = next(i for i, line in enumerate(lines) if line.strip().startswith(name.strip()))
        depth = len(lines[start]) - len(lines[start].lstrip())
        end = next(
            i for i in range(start + 1, len(lines)) if not lines[i] or len(lines[i]) - len(lines[i].lstrip()) <= depth
        )
        del lines[start + 1 : end]
    return [re.sub(r"^(\s*[\w]+:) [^#]*?(\s+#|$)", r"\1\2", line) for line in lines]


def test_the_systems_of_the_field_are_there():
    family = {f"drivable-bdd100k-{net}" for net in ("fcn", "unet", "pspnet", "deeplabv3plus", "segformer")}
    others = {"deeplabv3-ade20k", "unet-skyfinder", "bisenetv2-cityscapes", "camvid-comparison", "scenes-alone", "demo"}
    assert set(NAMES) == family | others | {TUNING, "release-coarse", "release-middle", "release"}


@every_recipe
def test_it_is_valid_and_its_net_can_be_built(name):
    settings = check(rewritten(name, TEXT, RECIPES), name)
    for recipe in chain(name, RECIPES)[1:]:
        for path, value in leaves(recipe.params):
            if recipe.name == name:
                assert at(settings.model_dump(), path) == value


@every_recipe
def test_it_changes_values_and_nothing_else(name):
    changed = rewritten(name, TEXT, RECIPES)
    assert without_values(changed) == without_values(TEXT)
    before, after = flatten(tree_of(TEXT)), flatten(tree_of(changed))
    wanted = {".".join(path) for recipe in chain(name, RECIPES) for path, _ in leaves(recipe.params)}
    for key in before.keys() | after.keys():
        if before.get(key) != after.get(key):
            assert any(key == one or key.startswith(f"{one}.") for one in wanted)
    # No line is touched whose value stays.
    moved = [line for line in difflib.ndiff(TEXT.splitlines(), changed.splitlines()) if line.startswith("- ")]
    free = len(flatten(tree_of(TEXT)["labels"])) + len(flatten(tree_of(TEXT)["data"]["folder"]["sets"])) + 1
    assert len(moved) <= sum(before.get(key) != after.get(key) for key in before.keys() | after.keys()) + free


def test_the_demo_is_the_committed_file():
    assert rewritten(BASE, TEXT, RECIPES) == TEXT


@every_recipe
def test_the_demo_takes_it_back_to_the_letter(name):
    assert rewritten(BASE, rewritten(name, TEXT, RECIPES), RECIPES) == TEXT


@every_recipe
def test_it_leaves_no_trace_in_the_next(name):
    after = rewritten("unet-skyfinder", rewritten(name, TEXT, RECIPES), RECIPES)
    assert after == rewritten("unet-skyfinder", TEXT, RECIPES)


@pytest.mark.parametrize("name", [name for name in NAMES if name != BASE])
def test_it_states_only_what_differs_from_what_it_extends(name):
    *below, own = chain(name, RECIPES)
    text = TEXT
    for recipe in below:
        text = rewrite(text, recipe.params)
    base = {path for path, _ in leaves(read(BASE, RECIPES).params)}
    for path, value in leaves(own.params):
        # What a system starts from is said by each, whatever the defaults start from.
        assert at(tree_of(text), path) != value or path == ("train", "init"), ".".join(path)
        assert path in base, f"{'.'.join(path)}: name it in demo.yaml, or it outlives the recipe"


def test_the_default_judges_itself_on_scenes_that_its_initial_weights_have_not_seen():
    """It starts from the release, and held-out scenes of the release's seeds would be none."""
    passes = ("release-coarse", "release-middle", "release")
    seeds = [at(tree_of(rewritten(name, TEXT, RECIPES)), ("data", "seed")) for name in (BASE, *passes)]
    assert len(set(seeds)) == len(seeds)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in (BASE, TUNING)])
def test_it_starts_from_scratch_whatever_the_defaults_start_from(name):
    said = [dict(leaves(recipe.params)) for recipe in chain(name, RECIPES)[1:]]
    first, *later = [values["train", "init"] for values in said if ("train", "init") in values]
    assert first is None
    assert "release" not in later  # of another recipe's checkpoint, that is


@every_recipe
def test_it_says_what_it_is_and_where_its_figures_are_from(name):
    recipe = read(name, RECIPES)
    assert 10 < len(recipe.description.splitlines()[0]) <= 120
    assert recipe.source


# --- rewriting -------------------------------------------------------------------------------------------------------

SMALL = """\
# Head
a: # section
  rate: 5.0e-3 # keep me
  none: null # and me
  many: [1, 2] # list
  pair: {x: 1, y: 2} # map

  nested:
    last: yes # no boolean

labels: # of your own
  sky: [sky] # say more

tail: 1
"""


def overlay(text):
    return YAML().load(text)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ("a: {rate: 8.0e-4}", "  rate: 8.0e-4 # keep me"),
        ("a: {none: 3}", "  none: 3 # and me"),
        ("a: {rate: null}", "  rate: null # keep me"),
        ("a: {many: [4]}", "  many: [4] # list"),
        ("a: {many: null}", "  many: null # list"),
        ("a: {pair: {y: 5}}", "  pair: {x: 1, y: 5} # map"),
        ("a: {nested: {last: a b}}", "    last: a b # no boolean"),
        ("a: {none: {deep: [1]}}", "  none: {deep: [1]} # and me"),
        ("tail: '8'", "tail: '8'"),
    ],
)
def test_one_value_changes_one_line(change, line):
    changed = rewrite(SMALL, overlay(change))
    assert [new for old, new in zip(SMALL.splitlines(), changed.splitlines(), strict=True) if old != new] == [line]


def test_equal_values_change_no_line_even_if_written_in_another_way():
    assert rewrite(SMALL, overlay("a: {rate: 0.005, many: [1, 2]}")) == SMALL


def test_a_mapping_of_free_names_is_replaced_with_its_comment():
    changed = rewrite(SMALL, overlay("labels: {direct: [direct], other: [a, b]}"))
    assert "labels: # of your own\n  direct: [direct] # say more\n  other: [a, b]\n\ntail" in changed
    assert rewrite(changed, overlay("labels: {sky: [sky]}")) == SMALL


def test_a_list_over_several_lines_becomes_one():
    text = "a:\n  many: # list\n  - 1\n  - 2\n\n  # of the next\n  b: 1\n"
    assert rewrite(text, overlay("a: {many: [3]}")) == "a:\n  many: [3] # list\n\n  # of the next\n  b: 1\n"


@pytest.mark.parametrize("text", ["b: 1\n", "a:\n  'rate': 1\n"])
def test_what_cannot_be_edited_is_named_and_not_guessed(text):
    with pytest.raises(UserError, match=r"a(\.rate)?: cannot be set"):
        rewrite(text, overlay("a: {rate: 2}"))


# --- apply -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_apply_writes_what_git_then_shows(target):
    count = apply("drivable-bdd100k-segformer", target, RECIPES)
    settings = params.load(target)
    assert (settings.model.name, settings.model.encoder, settings.train.lr) == ("segformer", "mit_b3", 3e-4)
    assert list(settings.labels) == ["direct", "alternative"]
    assert count > 20
    assert apply("drivable-bdd100k-segformer", target, RECIPES) == 0


def write_recipe(folder, **changes):
    folder.mkdir()
    (folder / "demo.yaml").write_text((RECIPES / "demo.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    fields = {"description": "of a test", "source": "none", "params": {}} | changes
    with (folder / "mine.yaml").open("w", encoding="utf-8") as file:
        YAML().dump(fields, file)
    return folder


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"params": {"train": {"lr": -1.0}}}, "train.lr"),
        ({"params": {"train": {"rate": 1.0}}}, "train.rate: cannot be set"),
        ({"params": {"model": {"encoder": "resnet19"}}}, "encoder 'resnet19'"),
        ({"params": {"model": {"name": "bisenetv2"}}}, "model: encoder: bisenetv2 has its own"),
        ({"params": {"preprocess": {"width": 36}}}, "preprocess.width"),
        ({"extends": "mine"}, "extends itself"),
        ({"extends": "yours"}, "no recipe is called yours"),
        ({"parms": {}}, "a recipe has description, source and params"),
    ],
)
def test_a_recipe_that_is_wrong_is_not_written(target, tmp_path, changes, says):
    folder = write_recipe(tmp_path / "recipes", **changes)
    with pytest.raises(UserError) as caught:
        apply("mine", target, folder)
    assert says in str(caught.value)
    assert target.read_text(encoding="utf-8") == TEXT
    assert sorted(path.name for path in tmp_path.iterdir()) == ["params.yaml", "recipes"]


def test_params_that_are_wrong_already_are_not_blamed_on_the_recipe(target):
    target.write_text(re.sub(r"(?m)^  lr: \S+", "  lr: -1", TEXT), encoding="utf-8")
    with pytest.raises(UserError, match=r"params\.yaml: train\.lr"):
        apply("demo", target, RECIPES)


def command(*arguments, code=0):
    done = subprocess.run(
        [sys.executable, "-m", "src.recipes", *arguments], cwd=ROOT, text=True, capture_output=True, timeout=300
    )
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def test_list_and_show_tell_and_change_nothing():
    listed = command("list")
    assert [line.split()[0] for line in listed.splitlines()] == NAMES
    assert command("show", "release") == (RECIPES / "release.yaml").read_text(encoding="utf-8")
    assert "no recipe is called relaese" in command("show", "relaese", code=2)
    assert (ROOT / "params.yaml").read_text(encoding="utf-8") == TEXT
