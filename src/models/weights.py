"""Weights of an encoder from a local file: `model.encoder_weights: path`."""

from pathlib import Path

import torch
from torch import nn

from src.errors import UserError

KEY = "model.encoder_weights"
WRAPPERS = ("state_dict", "model", "weights")  # what training scripts nest a state dict in
ENCODERS = ("encoder.encoder.", "encoder.", "backbone.")  # of a net with context, of another, of torchvision's
PREFIXES = ("module.", *ENCODERS, "network.", "model.")
CLASSIFIERS = ("fc", "classifier", "head", "last_linear")  # of an image classifier; an encoder has none


def load_encoder(encoder: nn.Module, path: Path) -> None:
    """Loads all weights of an encoder, in place.

    The file holds a state dict of the encoder as smp, timm or torchvision name it; an image classifier's last layer
    in it is ignored. No code in the file is run.

    Raises:
        UserError: no such file, unreadable, or tensors that are missing, left over or of another shape.
    """
    found = _stripped(_read(path))
    wanted = {_flat(key): (key, tensor) for key, tensor in encoder.state_dict().items()}
    offered = {_flat(key): tensor for key, tensor in found.items()}
    missing = [key for flat, (key, _) in wanted.items() if flat not in offered and "num_batches_tracked" not in key]
    extra = [key for key in found if _flat(key) not in wanted and key.split(".")[0] not in CLASSIFIERS]
    shapes = [
        f"{key}: {tuple(offered[flat].shape)} for {tuple(tensor.shape)}"
        for flat, (key, tensor) in wanted.items()
        if flat in offered and offered[flat].shape != tensor.shape
    ]
    faults = (("missing", missing), ("not of this encoder", extra), ("another shape", shapes))
    if problems := [f"{len(keys)} {name} ({', '.join(keys[:3])})" for name, keys in faults if keys]:
        raise UserError(
            f"{KEY}: {path} does not fit the encoder",
            "; ".join(problems),
            f"give weights of the net that model.encoder names, or set {KEY}: null",
        )
    encoder.load_state_dict({key: offered.get(flat, tensor) for flat, (key, tensor) in wanted.items()})


def unavailable(name: str, error: Exception) -> UserError:
    """The error for ImageNet weights that cannot be had."""
    return UserError(
        f"{KEY}: the ImageNet weights of '{name}' cannot be had",
        f"{type(error).__name__}: {str(error).strip() or 'no answer'}".splitlines()[0][:300],
        f"set {KEY}: null to train from scratch, or to the path of a .pth or .safetensors file with them, fetched where"
        " there is a network",
    )


def _read(path: Path) -> dict[str, torch.Tensor]:
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise UserError(f"{KEY}: {path}: no such file", fix="correct the path, or set it to null") from error
    except Exception as error:  # on a foreign file both readers trip over anything
        raise UserError(
            f"{KEY}: {path} cannot be read", f"{type(error).__name__}: {error}".splitlines()[0], "give a state dict"
        ) from error
    for name in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(name), dict):
            content = content[name]
    if not isinstance(content, dict) or not all(isinstance(value, torch.Tensor) for value in content.values()):
        raise UserError(f"{KEY}: {path} is not a state dict", fix="save the encoder's state_dict() and give that")
    return content


def _stripped(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Keys without the prefixes that all of them share with their wrapper; only the encoder's part of a whole net."""
    for prefix in PREFIXES:
        below = {key.removeprefix(prefix): tensor for key, tensor in state.items() if key.startswith(prefix)}
        if len(below) == len(state) or (below and prefix in ENCODERS):
            state = below
    return state


def _flat(key: str) -> str:
    """timm's feature nets call `stages.0` `stages_0`, and smp puts `model.` before them."""
    return key.removeprefix("model.").replace(".", "_")
