"""The recipes on disk: `recipes/<name>.yaml` with description, source, what it extends, and its params."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from src.errors import UserError

FOLDER = Path("recipes")
BASE = "demo"  # what every recipe extends in the end: the committed defaults
KEYS = {"description", "source", "extends", "params"}


@dataclass(frozen=True)
class Recipe:
    """Attributes:
    name: of its file.
    description: what it reproduces; the first line alone says it in short.
    source: where its figures are from.
    extends: the recipe below it, whose params it changes; None for the base.
    params: the overlay, with the numbers as they are written in the file.
    """

    name: str
    description: str
    source: str
    extends: str | None
    params: Mapping[str, Any]


def names(folder: Path) -> list[str]:
    """All recipes, sorted.

    Raises:
        UserError: there is none.
    """
    found = sorted(path.stem for path in folder.glob("*.yaml"))
    if not found:
        raise UserError(f"{folder}: no recipes here", fix="run from the project's root")
    return found


def path_of(name: str, folder: Path) -> Path:
    """Raises UserError for an unknown name, with those that there are."""
    if name not in names(folder):
        raise UserError(f"no recipe is called {name}", fix=f"choose one of: {', '.join(names(folder))}")
    return folder / f"{name}.yaml"


def read(name: str, folder: Path) -> Recipe:
    """Reads one recipe.

    Raises:
        UserError: unknown, not YAML, or not of a recipe's form.
    """
    from ruamel.yaml import YAML, YAMLError

    path = path_of(name, folder)
    try:
        tree = YAML().load(path.read_text(encoding="utf-8"))
    except YAMLError as error:
        raise UserError(f"{path}: not valid YAML", str(error), "correct it, or git checkout recipes") from error
    if not isinstance(tree, dict) or not {"description", "source", "params"} <= set(tree) <= KEYS:
        raise UserError(f"{path}: a recipe has description, source and params, and may have extends")
    extends = None if name == BASE else tree.get("extends", BASE)
    return Recipe(name, tree["description"].strip(), tree["source"].strip(), extends, tree["params"])


def chain(name: str, folder: Path) -> list[Recipe]:
    """The recipe with all below it, from the base up.

    Raises:
        UserError: one is missing, or they extend each other in a circle.
    """
    found: list[Recipe] = []
    below: str | None = name
    while below is not None:
        if any(recipe.name == below for recipe in found):
            raise UserError(f"recipe {name}: {below} extends itself", fix="correct extends in recipes/")
        found.append(read(below, folder))
        below = found[-1].extends
    return found[::-1]
