"""Small files that are committed or compared: metrics, tables, and where a state came from."""

import csv
import io
import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from src.files import write_whole

METRICS = Path("metrics")
DECIMALS = 6  # enough for any figure here, short enough for `git diff` to be read


def write_metrics(stage: str, figures: Mapping[str, Any], folder: Path = METRICS) -> None:
    """Writes `<folder>/<stage>.json`, every key below the stage's name: `dvc metrics show` merges equal keys."""
    write_json({stage: figures}, folder / f"{stage}.json")


def write_json(tree: Any, path: Path) -> None:
    """Writes JSON with rounded floats; the file is complete or as it was before."""
    write_whole(path, (json.dumps(_rounded(tree), indent=2, ensure_ascii=False) + "\n").encode())


def write_table(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Writes rows of equal keys as CSV; the file is complete or as it was before."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(_rounded(row) for row in rows)
    write_whole(path, text.getvalue().encode())


def read_metrics(folder: Path = METRICS) -> dict[str, Any]:
    """All stages' metrics of a folder, merged: {stage: figures}."""
    merged: dict[str, Any] = {}
    for path in sorted(folder.glob("*.json")):
        merged |= json.loads(path.read_text(encoding="utf-8"))
    return merged


def flatten(tree: Any, prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, keys joined by dots; anything else is a leaf."""
    if not isinstance(tree, Mapping):
        return {prefix: tree}
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= flatten(value, f"{prefix}.{key}" if prefix else str(key))
    return flat


def git_revision(root: Path) -> str:
    """The commit, with "+changes" where tracked code or params differ from it; "" outside a repository.

    What the pipeline itself rewrites (metrics, dvc.lock) does not count as a change.
    """
    git = ["git", "-C", str(root)]
    head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    if head.returncode:
        return ""
    written = (":!metrics", ":!dvc.lock")
    status = [*git, "status", "--porcelain", "--untracked-files=no", "--", ".", *written]
    changed = subprocess.run(status, capture_output=True, text=True, check=False).stdout.strip()
    return head.stdout.strip() + ("+changes" if changed else "")


def lock_md5s(lock: Path, read_by: str | None = None) -> dict[str, str]:
    """md5 by path of every cached output in a dvc.lock, or of what a stage read when it last ran; empty without any."""
    from ruamel.yaml import YAML

    if not lock.is_file():
        return {}
    stages = (YAML(typ="safe", pure=True).load(lock.read_text(encoding="utf-8")) or {}).get("stages", {})
    chosen = stages.values() if read_by is None else [stages.get(read_by, {})]
    files = (file for stage in chosen for file in stage.get("outs" if read_by is None else "deps", ()))
    return {file["path"]: file["md5"] for file in files if "md5" in file}


def _rounded(tree: Any) -> Any:
    if isinstance(tree, float):
        return round(tree, DECIMALS)
    if isinstance(tree, Mapping):
        return {key: _rounded(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_rounded(value) for value in tree]
    return tree
