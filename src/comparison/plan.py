"""Which experiments a comparison is made of, and the commands that run them."""

import re
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from src.errors import UserError
from src.params import Params, parse

# The options of a source, or of a stage, that hold a path; `data.<source>.root` for every source that has one.
ROOTS = ("folder", "ade20k", "cityscapes", "bdd100k", "camvid")


@dataclass(frozen=True)
class Experiment:
    """One model of a comparison.

    Attributes:
        name: of the DVC experiment.
        model: as the user wrote it, `name` or `name/encoder`.
        settings: `key=value` of params.yaml, for `dvc exp run -S`.
    """

    name: str
    model: str
    settings: tuple[str, ...]

    def command(self, how: str) -> list[str]:
        """`dvc exp run` in the way `how`: --temp or --queue."""
        changes = [word for setting in self.settings for word in ("-S", setting)]
        return ["dvc", "exp", "run", how, "--name", self.name, *changes]


def plan(
    models: Sequence[str], settings: Sequence[str], tree: dict[str, Any], prefix: str, project: Path
) -> list[Experiment]:
    """An experiment per model, all with the same settings beside the model's own, in the order of `models`.

    Relative paths are made absolute, for an experiment runs in a copy of the project elsewhere.

    Args:
        models: `name` or `name/encoder`.
        settings: `key=value` for all of them; they win over the model's own.
        tree: of params.yaml, unchecked.
        prefix: of the experiments' names.
        project: the folder that relative paths of params.yaml start from.

    Raises:
        UserError: a model given twice, a setting that is no `key=value`, or params that are refused, so that no
            model trains for an hour before another's misspelling is found.
    """
    experiments = []
    for model in models:
        chosen = (*own_settings(model, tree), *settings)
        checked = parse(_applied(tree, chosen), f"params.yaml with {model}")
        name = re.sub(r"[^A-Za-z0-9_]+", "-", f"{prefix}-{model}")
        experiments.append(Experiment(name, model, (*chosen, *_anchors(checked, project))))
    names = [experiment.name for experiment in experiments]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UserError(f"--models: two of them would make the experiment {twice}", fix="name each model once")
    return experiments


def own_settings(model: str, tree: dict[str, Any]) -> list[str]:
    """What `name` or `name/encoder` sets. Channels and context belong to the net of params.yaml; others take their own
    and none.

    All start from scratch: the released weights would fit one of them alone.
    """
    net, _, encoder = model.partition("/")
    settings = [f"model.name={net}", f"model.encoder={encoder or 'null'}", "train.init=null"]
    if encoder and net == tree["model"]["name"]:
        return settings
    return [*settings, "model.decoder_channels=null", "model.context=0"]


def _applied(tree: dict[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """A copy of the tree with `key=value` set; values are read as YAML, as DVC reads them."""
    from ruamel.yaml import YAML, YAMLError

    changed = deepcopy(tree)
    for setting in settings:
        key, equals, text = setting.partition("=")
        *sections, last = key.split(".")
        try:
            at = changed
            for section in sections:
                at = at[section]
            if not equals or last not in at:
                raise KeyError(f"{last} is no key there")
            at[last] = YAML(typ="safe", pure=True).load(text)
        except (KeyError, TypeError, YAMLError) as error:
            raise UserError(
                f"-S {setting}: not key=value with a key of params.yaml", str(error), "for instance -S train.epochs=6"
            ) from error
    return changed


def _anchors(checked: Params, project: Path) -> Iterator[str]:
    """Settings that make the relative paths which an experiment will read absolute."""
    paths: dict[str, str | None] = {
        f"data.{source}.root": getattr(checked.data, source).root for source in ROOTS if source in checked.data.sources
    }
    photos = checked.data.folder.root
    if not (project / photos).resolve().is_relative_to(project.resolve()):
        paths["data.folder.root"] = photos  # DVC watches it whatever the sources; one in the project is in the copy too
    paths["benchmark.video"] = checked.benchmark.video
    for key, weights in (("model.encoder_weights", checked.model.encoder_weights), ("train.init", checked.train.init)):
        paths[key] = weights if weights and (project / weights).is_file() else None
    for key, path in paths.items():
        if path is not None and not Path(path).is_absolute():
            yield f"{key}={(project / path).resolve()}"
