"""Known systems by name, each an overlay of params.yaml.

    python -m src.recipes list                # all of them, a line each
    python -m src.recipes show NAME           # what one changes, and where its figures are from
    python -m src.recipes apply NAME          # change params.yaml; then: git diff params.yaml, dvc repro

`apply` sets whatever any recipe may set: what NAME leaves out goes back to the default, so earlier recipes leave no
trace. Keys that no recipe knows, and all comments, stay as they are.
"""

import argparse
from pathlib import Path

from src.errors import user_errors
from src.recipes.apply import apply
from src.recipes.catalogue import FOLDER, names, path_of, read


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m src.recipes", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="all recipes, a line each")
    for command, says in (("show", "a recipe's file"), ("apply", "change params.yaml to a recipe's system")):
        commands.add_parser(command, help=says).add_argument("name", metavar="NAME")
    chosen = parser.parse_args()
    match chosen.command:
        case "list":
            found = names(FOLDER)
            width = max(map(len, found))
            for name in found:
                print(f"{name:{width}}  {read(name, FOLDER).description.splitlines()[0]}")
        case "show":
            print(path_of(chosen.name, FOLDER).read_text(encoding="utf-8"), end="")
        case "apply":
            changed = apply(chosen.name, Path("params.yaml"), FOLDER)
            print(f"params.yaml: {changed} values changed; see git diff params.yaml, then dvc repro", flush=True)


if __name__ == "__main__":
    with user_errors():
        main()
