"""What an interrupted run leaves behind, and who may go on with it.

A folder per fingerprint below `.work/train`: `last.ckpt`, the state of the last epoch's end or of the last
`checkpoint_every`, and `best-<epoch>.ckpt`, the weights of the best epoch, which the state refers to.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from src.data.shards import manifest_text
from src.errors import UserError
from src.files import digest
from src.models.zoo import write_torch
from src.params import Model, Train
from src.training.progress import Progress

FORMAT = 1  # of the state: raised when it changes, so that no run goes on from what it cannot read


def fingerprint(
    prepared: Path, model: Model, options: Train, init: Path | None = None, machine: Sequence[str | int] = ()
) -> str:
    """Of everything the run depends on: params, initial weights, and the shards by name, size and manifest.

    Args:
        init: the file of the whole segmenter's initial weights, if there is one.
        machine: what `auto` became here: another number of devices has other batches.

    Raises:
        UserError: there are no shards.
    """
    shards = [(p.relative_to(prepared).as_posix(), p.stat().st_size) for p in sorted(prepared.rglob("*.*"))]
    manifest = manifest_text(prepared)
    weights = (Path(model.encoder_weights) if model.encoder_weights else None, init)
    content = [digest(path, "md5") if path and path.is_file() else None for path in weights]
    params = [section.model_dump(mode="json") for section in (model, options)]
    state = [FORMAT, *params, shards, manifest, content, *machine]
    return hashlib.sha256(json.dumps(state).encode()).hexdigest()[:16]


class Store:
    """The folder of one run; every file in it is complete or absent, whenever the run is killed.

    Args:
        folder: made when something is saved.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._last = folder / "last.ckpt"

    def load(self) -> tuple[Progress, dict[str, Any]] | None:
        """What `save` was given last, tensors on the processor, or None.

        Raises:
            UserError: it cannot be read.
        """
        if not self._last.is_file():
            return None
        state = self._read(self._last)
        return Progress(**state["progress"]), state["learner"]

    def save(self, progress: Progress, learner: dict[str, Any]) -> None:
        write_torch(self._last, {"progress": asdict(progress), "learner": learner})
        for other in set(self.folder.glob("best-*.ckpt")) - {self._best(progress.best_epoch)}:
            other.unlink()

    def save_best(self, epoch: int, weights: dict[str, torch.Tensor]) -> None:
        """Keeps an epoch's weights; those before it stay until `save` has noted it."""
        write_torch(self._best(epoch), weights)

    def load_best(self, epoch: int) -> dict[str, torch.Tensor]:
        return self._read(self._best(epoch))

    def _best(self, epoch: int | None) -> Path:
        return self.folder / f"best-{epoch}.ckpt"

    def _read(self, path: Path) -> Any:
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # on a damaged file the unpickler trips over anything
            raise UserError(
                f"{path}: the interrupted run's state cannot be read",
                f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}",
                f"delete {self.folder}; the training then starts anew",
            ) from error
