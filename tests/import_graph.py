"""The local modules that a module imports, directly or not, at its top or inside functions, read off the source."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCAL = ("src", "stages")


def local_modules(module: str) -> set[str]:
    """Files, relative to the project's root, that importing `module` needs: its own, its packages', theirs in turn."""
    found: set[str] = set()
    pending = [module]
    while pending:
        path = _path_of(pending.pop())
        if path is None or path.as_posix() in found:
            continue
        found.add(path.as_posix())
        pending += _imports(path)
    return found


@cache
def _path_of(module: str) -> Path | None:
    relative = Path(*module.split("."))
    for candidate in (relative.with_suffix(".py"), relative / "__init__.py"):
        if (ROOT / candidate).is_file():
            return candidate
    return None


@cache
def _imports(path: Path) -> list[str]:
    # Importing a.b.c runs a and a.b as well.
    parts = path.with_suffix("").parts
    names = [".".join(parts[:i]) for i in range(1, len(parts))]
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import; this project imports by full name"
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [name for name in names if name.split(".")[0] in LOCAL]
