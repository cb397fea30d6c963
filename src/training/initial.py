"""The weights that a run starts from: `train.init`."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from src.errors import UserError
from src.models.weight_file import read_weights
from src.models.zoo import NetworkSpec, Segmenter

KEY, RELEASE = "train.init", "release"


@dataclass(frozen=True)
class Start:
    """How a run starts.

    Attributes:
        spec: of the network to build. Normalisation is part of a trained segmenter, so it comes with the weights; and
            so does the data that they have learnt from, with its terms.
        weights: of the network; None to start from scratch.
        note: a line for people; "" where params alone say it.
    """

    spec: NetworkSpec
    weights: dict[str, torch.Tensor] | None = None
    note: str = ""

    def build(self, encoder_weights: str | None) -> Segmenter:
        """The segmenter; `encoder_weights` are only looked at if it starts from scratch."""
        if self.weights is None:
            return self.spec.build(encoder_weights)
        segmenter = self.spec.build()
        segmenter.network.load_state_dict(self.weights)
        return segmenter


def init_file(init: str | None, released: Path) -> Path | None:
    """The file that `train.init` names, which need not be there; None for none."""
    if init is None:
        return None
    return released if init == RELEASE else Path(init)


def find_start(init: str | None, released: Path, wanted: NetworkSpec) -> Start:
    """What `train.init` means for a network.

    The released weights are there for whoever can use them: a net or classes that they are not of start from scratch
    and say so, which keeps recipes, comparisons and `-S model.name=...` working. A file that was named is meant.

    Args:
        init: release, null or a path; see `src.models.weight_file.read_weights`.
        released: the released weights.
        wanted: the network that params ask for; its input size may be any.

    Raises:
        UserError: the file is missing or unreadable; or it was named by its path and does not fit.
    """
    path = init_file(init, released)
    if path is None:
        return Start(wanted)
    if not path.is_file():
        fix = "git checkout models/release, or" if init == RELEASE else "correct the path, or"
        raise UserError(f"{KEY}: {path}: no such file", fix=f"{fix} set {KEY}: null to start from scratch")
    found, weights = read_weights(path)
    mismatch = _mismatch(found, weights, wanted)
    if not mismatch:
        data = (*wanted.training_data, *_inherited(found, wanted))
        spec = replace(wanted, mean=found.mean, std=found.std, training_data=data)
        return Start(spec, weights, f"starting from {path}")
    if init == RELEASE:
        return Start(wanted, note=f"{KEY}: starting from scratch, the released weights are of another net: {mismatch}")
    raise UserError(
        f"{KEY}: {path} does not fit the network",
        mismatch,
        f"change the model to the weights' (they are of {found.title}), or set {KEY}: null to start from scratch",
    )


def _inherited(found: NetworkSpec, wanted: NetworkSpec) -> list[dict[str, Any]]:
    """The sources that the weights have seen and this run does not name, or names under other terms."""
    named = {(one.get("source"), one.get("licence")) for one in wanted.training_data}
    return [one for one in found.training_data if (one.get("source"), one.get("licence")) not in named]


def _mismatch(found: NetworkSpec, weights: dict[str, torch.Tensor], wanted: NetworkSpec) -> str:
    """The first difference that keeps the weights from fitting, or ""."""
    facts = {
        "model.name": (wanted.name, found.name),
        "model.encoder": (wanted.encoder, found.encoder),
        "labels": tuple([info.name for info in spec.classes[1:]] for spec in (wanted, found)),
    }
    for key, (ours, theirs) in facts.items():
        if ours != theirs:
            return f"{key} is {_said(ours)}, that of the weights {_said(theirs)}"
    shapes = {name: tuple(tensor.shape) for name, tensor in wanted.build().network.state_dict().items()}
    for name in (*shapes, *(weights.keys() - shapes.keys())):
        theirs = tuple(weights[name].shape) if name in weights else None
        if shapes.get(name) != theirs:
            if wanted.context != found.context:
                return f"model.context is {wanted.context}, that of the weights {found.context}"
            if wanted.decoder_channels != found.decoder_channels:
                channels = (_said(spec.decoder_channels) for spec in (wanted, found))
                return "model.decoder_channels is {}, that of the weights {}".format(*channels)
            return f"{name} is {shapes.get(name, 'missing')}, that of the weights {theirs or 'missing'}"
    return ""


def _said(value: object) -> str:
    return "null" if value is None else str(value)
