"""What the scenes show: one set of names in the library, in its registries, in the params and in params.yaml."""

from dataclasses import asdict

import numpy as np
import pytest
from ruamel.yaml import YAML

from src.data.synthesis import SceneOptions
from src.data.synthesis.options import FOREGROUND, LENS, NO_SKY, PLACES, SKIES, pick
from src.data.synthesis.sky import KINDS
from src.params import synthetic
from tests.import_graph import ROOT

TABLES = {"skies": SKIES, "places": PLACES, "no_sky": NO_SKY, "foreground": FOREGROUND, "lens": LENS}


def test_params_yaml_repeats_the_librarys_defaults():
    tree = YAML(typ="safe", pure=True).load((ROOT / "params.yaml").read_text(encoding="utf-8"))["data"]["synthetic"]
    assert {name: tree[name] for name in asdict(SceneOptions())} == asdict(SceneOptions())


def test_params_know_the_names_that_the_library_knows():
    fields = synthetic.Synthetic.model_fields
    for name, table in TABLES.items():
        assert list(fields[name].annotation.model_fields) == list(table)


def test_every_named_sky_has_its_painter():
    assert list(KINDS) == list(SKIES)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"no_sky_share": 1.5}, "no_sky_share is 1.5"),
        ({"max_roll": 61.0}, "max_roll is 61.0"),
        ({"skies": {"cler": 1.0}}, "skies: 'cler' is none of clear, haze"),
        ({"skies": {"clear": 0.0}}, "skies: at least one weight"),
        ({"places": {"street": -1.0}}, "places: street is -1.0"),
        ({"no_sky": {"room": float("nan")}}, "no_sky: room is nan"),
        ({"foreground": {"wires": 1.1}}, "foreground: wires is 1.1, but it must be 0 or more and at most 1"),
        ({"lens": {"blur": 0.1}}, "lens: 'blur' is none of distortion"),
    ],
)
def test_an_option_out_of_range_is_refused_by_name(wrong, says):
    with pytest.raises(ValueError, match=says):
        SceneOptions(**wrong)


def test_a_name_left_out_counts_as_zero():
    options = SceneOptions(skies={"night": 2}, lens={})
    assert options.skies["night"] == 2 and sum(options.skies.values()) == 2
    assert set(options.lens) == set(LENS) and not any(options.lens.values())


def test_weights_are_relative_to_one_another():
    rng = np.random.default_rng(0)
    drawn = [pick(rng, {"often": 30.0, "never": 0.0, "seldom": 10.0}) for _ in range(400)]
    assert drawn.count("never") == 0
    assert 0.65 < drawn.count("often") / 400 < 0.85
