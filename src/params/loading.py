"""Reading a params file, and saying what is wrong with it."""

import difflib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from src.errors import UserError
from src.params.data import FolderSet
from src.params.sections import Params


def load(path: Path = Path("params.yaml")) -> Params:
    """Reads and checks a params file, in the YAML dialect that DVC reads (1.2: `1e-3` is a number).

    Raises:
        UserError: the file is missing or not YAML, or any key is unknown, missing, of the wrong type or out of
            range; every such key is named with its path and what it accepts.
    """
    from ruamel.yaml import YAML, YAMLError

    try:
        tree = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read", str(error), "run from the project's root") from error
    except YAMLError as error:
        raise UserError(f"{path}: not valid YAML", str(error), "undo the last edit: git diff params.yaml") from error
    return parse(tree, str(path))


def parse(tree: Any, origin: str) -> Params:
    """Checks a params tree; see `load`."""
    try:
        return Params.model_validate(tree)
    except ValidationError as error:
        problems = list(dict.fromkeys(_describe(problem) for problem in error.errors()))
        raise UserError(f"{origin}: " + "\n       ".join(problems), fix=f"edit {origin}") from None


def _describe(problem: dict[str, Any]) -> str:
    """One line: the key's path, what is wrong with its value, and what it accepts."""
    # Union members appear in the location under pydantic's names for them; a key never looks like that.
    location = [str(part) for part in problem["loc"] if not _is_union_member(str(part))]
    path = ".".join(location) or "(top level)"
    if problem["type"] == "extra_forbidden":
        known = list(_section(location[:-1]))
        close = difflib.get_close_matches(location[-1], known, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        return f"{path}: unknown key; {hint}known here: {', '.join(known)}"
    if problem["type"] == "missing":
        return f"{path}: missing"
    message = problem["msg"].removeprefix("Value error, ").replace("Input should", "should")
    # Of keys that contradict each other the message tells the values; a whole section after it would bury them.
    return f"{path}: {message}" + ("" if isinstance(problem["input"], dict) else f", not {problem['input']!r}")


def _is_union_member(part: str) -> bool:
    return "[" in part or part in {"int", "float", "str", "constrained-int", "constrained-float"}


def _section(location: list[str]) -> dict[str, Any]:
    """The fields of the section at `location`."""
    fields = Params.model_fields
    for part in location:
        annotation = fields[part].annotation if part in fields else FolderSet  # the only sections under free names
        fields = getattr(annotation, "model_fields", {})
        if not fields:  # the mapping of free names itself
            fields = FolderSet.model_fields
    return fields
