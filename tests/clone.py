"""A clone of the working tree in a folder of its own, at toy size, for tests that run real commands in it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from ruamel.yaml import YAML

from tests.import_graph import ROOT

# What makes the default pipeline small: seconds instead of minutes.
TOY = {
    "data.synthetic.scenes": 24,
    "data.synthetic.width": 96,
    "data.synthetic.height": 64,
    "filter.min_side": 32,
    "preprocess.height": 64,
    "preprocess.width": 64,
    "model.decoder_channels": [16, 16, 8, 8, 8],
    "train.epochs": 1,
    "train.batch_size": 4,
    "train.workers": 0,
    "evaluate.pictures": 2,
    "benchmark.frames": 10,
    "benchmark.runs": 10,
    "benchmark.warmup": 1,
}


class Clone:
    """A repository, and commands run in it as a user would."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of_working_tree(cls, path: Path) -> "Clone":
        """A fresh repository with the working tree's files, tracked or about to be, and without any state."""
        listed = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        names = subprocess.run(listed, capture_output=True, check=True).stdout.decode().split("\0")
        for name in filter(None, names):
            if (ROOT / name).is_file():
                (path / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, path / name)
        made = cls(path)
        for name in ("dvc.lock", "metrics"):  # of the full-size state; a stage writes its own
            target = path / name
            shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)
        made.git("init")
        made.commit("the project")
        return made

    def copy(self, path: Path) -> "Clone":
        """All of it, caches and engine included, for a test that changes things."""
        shutil.copytree(self.path, path, symlinks=True)
        return type(self)(path)

    def set_params(self, **changes) -> None:
        """Sets keys of params.yaml by their dotted paths, comments kept."""
        yaml = YAML()
        tree = yaml.load(self.path / "params.yaml")
        for key, value in changes.items():
            *sections, last = key.split(".")
            at = tree
            for section in sections:
                at = at[section]
            at[last] = value
        yaml.dump(tree, self.path / "params.yaml")

    def run(self, command: str, *, code: int = 0, **environment: str) -> str:
        """What a shell command prints, both streams; asserts its exit code."""
        here = Path(sys.executable).parent
        settings = os.environ | {"PATH": f"{here}{os.pathsep}{os.environ['PATH']}", **environment}
        done = subprocess.run(
            command,
            shell=True,
            cwd=self.path,
            env=settings,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert done.returncode == code, f"$ {command}\n{done.stdout[-6000:]}"
        return done.stdout

    def git(self, *arguments: str) -> None:
        identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        subprocess.run(["git", *identity, *arguments], cwd=self.path, check=True, capture_output=True)

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-m", message)
