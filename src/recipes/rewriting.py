"""Changing values of a YAML file and nothing else: comments, order, spacing and the style of numbers stay.

The text is edited line by line, as a round trip through a YAML library moves comments and rewrites nulls. It covers
what params files are made of: block mappings, and scalars, lists and mappings on a key's own line.
"""

import re
from collections.abc import Iterator, Mapping
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from src.errors import UserError

# Mappings with names of the user's own: an overlay replaces them whole, where it adds to all others.
FREE = ("labels", "data.folder.sets", "train.class_weights")
LINE = re.compile(r"(?P<key>\s*[^\s#:][^:]*:)(?P<value>\s+[^\s#].*?)?(?P<comment>\s+#.*)?$")

Path = tuple[str, ...]


def rewrite(text: str, overlay: Mapping[str, Any]) -> str:
    """The text with an overlay's values.

    Raises:
        UserError: the text is laid out in a way that this cannot edit; the message names the key.
    """
    lines = text.splitlines()
    for path, value in list(_changes(YAML().load(text), overlay)):
        _set(lines, path, value)
    changed = "\n".join(lines) + "\n"
    for path, _ in _changes(YAML().load(changed), overlay):
        raise _cannot_edit(path)
    return changed


def _changes(tree: Mapping[str, Any], overlay: Mapping[str, Any], above: Path = ()) -> Iterator[tuple[Path, Any]]:
    """(path, new value) of every key, or free or one-line mapping, whose value differs."""
    for key, value in overlay.items():
        path, old = (*above, key), tree.get(key)
        if isinstance(value, Mapping) and isinstance(old, Mapping) and ".".join(path) not in FREE:
            if not old.fa.flow_style():
                yield from _changes(old, value, path)
                continue
            value = {**old, **value}
        if old != value or key not in tree:
            yield path, value


def _set(lines: list[str], path: Path, value: Any) -> None:
    at = _find(lines, path)
    end = _end(lines, at)
    parts = LINE.match(lines[at])
    key, comment = parts["key"], parts["comment"] or ""
    if ".".join(path) in FREE and end > at + 1:
        lines[at:end] = [key + comment, *_block(value, _indent(lines[at]) + 2, _Remarks(lines[at + 1 : end]))]
    else:
        lines[at:end] = [f"{key} {_on_one_line(value)}{comment}"]


def _find(lines: list[str], path: Path) -> int:
    """The line of a key."""
    start, end, indent = 0, len(lines), 0
    at = -1
    for key in path:
        opening = f"{' ' * indent}{key}:"
        at = next((i for i in range(start, end) if re.match(rf"{re.escape(opening)}(\s|$)", lines[i])), -1)
        if at < 0:
            raise _cannot_edit(path)
        start, end = at + 1, _end(lines, at)
        indent = _indent(next((line for line in lines[start:end] if not _is_bare(line)), ""))
    return at


def _end(lines: list[str], at: int) -> int:
    """One past the last line that belongs to the key at `at`; blank lines and comments after it belong to the next."""
    indent, end = _indent(lines[at]), at + 1
    for i in range(at + 1, len(lines)):
        if _is_bare(lines[i]):
            continue
        listed = lines[i].lstrip().startswith("- ") and _indent(lines[i]) == indent
        if _indent(lines[i]) <= indent and not listed:
            break
        end = i + 1
    return end


class _Remarks:
    """The comments of a block's lines, each given away once: to the key of the same name, or the first to the first."""

    def __init__(self, lines: list[str]) -> None:
        found = [LINE.match(line) for line in lines if not _is_bare(line)]
        self._first = (found[0]["comment"] or "") if found[0] else ""
        self._by_key: dict[str, str] = {}
        for parts in filter(None, found):
            self._by_key.setdefault(parts["key"].strip(" :"), parts["comment"] or "")

    def of(self, key: str) -> str:
        first, self._first = self._first, ""
        own = self._by_key.pop(key, "")
        return own or first


def _block(mapping: Mapping[str, Any], indent: int, remarks: _Remarks) -> Iterator[str]:
    for key, value in mapping.items():
        opening = f"{' ' * indent}{key}:"
        if isinstance(value, Mapping) and not value.fa.flow_style():
            yield opening + remarks.of(key)
            yield from _block(value, indent + 2, remarks)
        else:
            yield f"{opening} {_on_one_line(value)}{remarks.of(key)}"


def _on_one_line(value: Any) -> str:
    """A value in YAML's flow style, with numbers as they were written."""
    if isinstance(value, Mapping | list):
        value = CommentedMap(value) if isinstance(value, Mapping) else CommentedSeq(value)
        value.fa.set_flow_style()
    yaml, stream = YAML(), StringIO()
    yaml.width = 10_000
    yaml.representer.add_representer(type(None), lambda r, _: r.represent_scalar("tag:yaml.org,2002:null", "null"))
    yaml.dump({"value": value}, stream)
    return stream.getvalue().removeprefix("value:").strip()


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _is_bare(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _cannot_edit(path: Path) -> UserError:
    return UserError(
        f"{'.'.join(path)}: cannot be set in this params.yaml",
        "its line is missing or laid out in another way than the committed file's",
        "git checkout params.yaml, or set it by hand",
    )
