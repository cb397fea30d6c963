"""The folder `shared` beside the repository: real data and tools that some tests use where they are there."""

import subprocess
from pathlib import Path

from tests.import_graph import ROOT


def shared(path: str) -> Path:
    """A path below `shared`, which lies beside the checkout or, of a worktree elsewhere, beside the repository."""
    git = ["git", "-C", str(ROOT), "rev-parse", "--path-format=absolute", "--git-common-dir"]
    found = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    beside = [ROOT.parent, *([Path(found).parent.parent] if found else [])]
    return next((folder for folder in beside if (folder / "shared").is_dir()), ROOT.parent) / "shared" / path
