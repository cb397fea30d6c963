"""Weights with their spec in one file: small, exact where it matters, refused where they are not ours."""

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from src.errors import UserError
from src.models.weight_file import read_weights, write_safetensors
from src.models.zoo import load_checkpoint, save_checkpoint
from tests.models.test_zoo import spec


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(3)
    return spec().build().to(memory_format=torch.channels_last)


def test_kernels_are_halved_and_everything_else_is_exact(net, tmp_path):
    write_safetensors(tmp_path / "w.safetensors", net, spec())
    found, weights = read_weights(tmp_path / "w.safetensors")
    assert found == spec()
    state = net.network.state_dict()
    assert weights.keys() == state.keys()
    for name, tensor in state.items():
        assert weights[name].dtype == tensor.dtype
        assert torch.equal(weights[name], tensor.half().float() if tensor.ndim > 1 else tensor), name
    with safe_open(tmp_path / "w.safetensors", framework="pt") as file:
        assert file.get_tensor("encoder.model.conv_stem.weight").dtype == torch.float16
    save_checkpoint(tmp_path / "c.ckpt", net, spec())
    assert (tmp_path / "w.safetensors").stat().st_size < 0.6 * (tmp_path / "c.ckpt").stat().st_size


def test_a_checkpoint_is_read_as_it_is(net, tmp_path):
    save_checkpoint(tmp_path / "c.ckpt", net, spec())
    found, weights = read_weights(tmp_path / "c.ckpt")
    loaded, again = load_checkpoint(tmp_path / "c.ckpt")
    assert found == again
    assert all(torch.equal(weights[name], tensor) for name, tensor in loaded.network.state_dict().items())


def test_weights_beyond_half_are_refused(tmp_path):
    net = spec().build()
    with torch.no_grad():
        net.network.encoder.model.conv_stem.weight[0, 0, 0, 0] = 1e6
    with pytest.raises(UserError, match=r"conv_stem\.weight: has weights beyond"):
        write_safetensors(tmp_path / "w.safetensors", net, spec())
    assert not (tmp_path / "w.safetensors").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "no such file"),
        (b"text", "not weights of a segmenter of this project"),
        ({}, "KeyError"),
        ({"skyseg": "{"}, "JSONDecodeError"),
        ({"skyseg": json.dumps({"name": "unet"})}, "KeyError"),
    ],
)
def test_what_is_not_ours_is_refused(tmp_path, content, says):
    path = tmp_path / "w.safetensors"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        save_file({"w": torch.zeros(1)}, path, content)
    with pytest.raises(UserError, match=r"w\.safetensors") as caught:
        read_weights(path)
    assert says in str(caught.value)
