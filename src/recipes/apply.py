"""A recipe into a params file: checked against params and zoo first, and written whole or not at all."""

from pathlib import Path

from src import params
from src.errors import UserError
from src.files import write_whole
from src.params import Params
from src.recipes.catalogue import chain
from src.recipes.rewriting import rewrite
from src.records import flatten


def apply(name: str, target: Path, folder: Path) -> int:
    """Rewrites a params file to a recipe's system.

    Args:
        name: of the recipe.
        target: the params file; only values change in it.
        folder: of the recipes.

    Returns:
        how many keys changed.

    Raises:
        UserError: no such recipe or file; or the result is not valid, or names a net that cannot be built.
    """
    try:
        text = target.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{target}: cannot be read", str(error), "run from the project's root") from error
    params.load(target)  # a file that is wrong already is said to be, before a recipe is blamed
    changed = rewritten(name, text, folder)
    if changed != text:
        check(changed, f"{target} with recipe {name}")
        write_whole(target, changed.encode())
    return _differences(text, changed)


def rewritten(name: str, text: str, folder: Path) -> str:
    """The text of a params file with a recipe and all below it."""
    for recipe in chain(name, folder):
        text = rewrite(text, recipe.params)
    return text


def check(text: str, origin: str) -> Params:
    """Holds a params text to its schema, and its model to the zoo.

    Raises:
        UserError: names the key, or the net that cannot be built.
    """
    from ruamel.yaml import YAML

    from src.models.zoo import build_network

    settings = params.parse(YAML(typ="safe", pure=True).load(text), origin)
    model = settings.model
    # Without pretrained weights: those are fetched, or not, where the net is trained.
    build_network(model.name, model.encoder, 1, decoder_channels=model.decoder_channels, context=model.context)
    return settings


def _differences(old: str, new: str) -> int:
    from ruamel.yaml import YAML

    before, after = (flatten(YAML(typ="safe", pure=True).load(text)) for text in (old, new))
    return sum(before.get(key, before) != after.get(key, after) for key in before.keys() | after.keys())
