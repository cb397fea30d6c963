"""The weights of a whole segmenter in a file: a checkpoint of this project, or safetensors that name their net.

In safetensors, matrices and kernels are float16; vectors (biases, norms and their statistics) stay as they are: they
are small, and a variance may lie beyond half's range. The metadata entry `skyseg` is the `NetworkSpec` as JSON.
"""

import json
from dataclasses import asdict
from pathlib import Path

import torch

from src.errors import UserError
from src.model_card import KEY
from src.models.zoo import NetworkSpec, Segmenter, read_checkpoint


def write_safetensors(path: Path, model: Segmenter, spec: NetworkSpec) -> None:
    """Writes weights and spec; the folder must be there.

    Raises:
        UserError: a weight is beyond what float16 holds.
    """
    from safetensors.torch import save_file

    state = {name: _stored(name, tensor) for name, tensor in model.network.state_dict().items()}
    save_file(state, path, {KEY: json.dumps(asdict(spec), sort_keys=True)})
    path.chmod(0o644)  # safetensors makes it readable to its owner alone


def _stored(name: str, tensor: torch.Tensor) -> torch.Tensor:
    if tensor.ndim < 2 or not tensor.is_floating_point():
        return tensor.detach().clone()  # apart from its neighbours: safetensors refuses shared memory
    half = tensor.detach().to(torch.float16).contiguous()
    if not half.isfinite().all():
        raise UserError(f"{name}: has weights beyond float16's range of 65504", fix="train with more weight decay")
    return half


def read_weights(path: Path) -> tuple[NetworkSpec, dict[str, torch.Tensor]]:
    """The spec and the weights of the network, floats as float32; no code from the file is run.

    Args:
        path: a .ckpt, or anything else as safetensors.

    Raises:
        UserError: no such file, unreadable, or not of this project.
    """
    if path.suffix == ".ckpt":
        spec, weights = read_checkpoint(path)
    else:
        spec, weights = _read_safetensors(path)
    return spec, {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in weights.items()}


def _read_safetensors(path: Path) -> tuple[NetworkSpec, dict[str, torch.Tensor]]:
    from safetensors import safe_open

    try:
        with safe_open(path, framework="pt") as file:
            spec = NetworkSpec.from_dict(json.loads((file.metadata() or {})[KEY]))
            return spec, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, it is no mapping
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file", fix="correct the path") from error
    except Exception as error:  # on a foreign file the reader trips over anything
        raise UserError(
            f"{path}: not weights of a segmenter of this project",
            f"{type(error).__name__}: {error}".splitlines()[0],
            "give a copy of a models/checkpoint.ckpt or a file that python -m src.release wrote",
        ) from error
