"""Attention over the coarsest features: what it adds, and what it leaves as it was."""

import pytest
import torch

from src.models.complexity import complexity
from src.models.nets.context import EncoderWithContext, global_context
from src.models.weight_file import read_weights, write_safetensors
from tests.models.test_zoo import spec


def frames(height=64, width=96):
    return torch.randint(0, 255, (2, height, width, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def woken(network):
    """With a last norm as after some training: at first it lets nothing through."""
    torch.nn.init.ones_(network.encoder.context.body[-1].weight)
    return network


def test_a_new_one_adds_nothing():
    torch.manual_seed(0)
    without, having = spec().build(), spec(context=2).build()
    found = having.network.load_state_dict(
        {name.replace("encoder.", "encoder.encoder.", 1): one for name, one in without.network.state_dict().items()},
        strict=False,
    )
    assert not found.unexpected_keys
    assert found.missing_keys
    assert all(name.startswith("encoder.context.") for name in found.missing_keys)
    with torch.inference_mode():
        assert torch.allclose(without.eval()(frames()), having.eval()(frames()), atol=1e-4)


@pytest.mark.parametrize("place", [(0, 0), (11, 8)], ids=["first", "last"])
def test_every_place_sees_every_other(place):
    torch.manual_seed(0)
    context = global_context(32, blocks=1).eval()
    torch.nn.init.ones_(context.body[-1].weight)
    features = torch.randn(1, 32, 12, 9, requires_grad=True)
    context(features)[0, :, place[0], place[1]].square().sum().backward()
    assert (features.grad.abs().sum(dim=1) > 0).all()


def test_a_place_knows_where_it_lies():
    """The same features everywhere are answered otherwise at a border than in the middle."""
    torch.manual_seed(0)
    context = global_context(32, blocks=1).eval()
    torch.nn.init.ones_(context.body[-1].weight)
    answer = context(torch.ones(1, 32, 5, 5))
    assert not torch.allclose(answer[..., 0, 2], answer[..., 2, 2])


def test_it_takes_any_size_and_does_not_mix_pictures():
    network = woken(spec(context=1).build().network).eval()
    assert isinstance(network.encoder, EncoderWithContext)
    pictures = torch.randn(2, 3, 96, 64)
    with torch.inference_mode():
        both = network(pictures)
        assert torch.allclose(both[1:], network(pictures[1:]), atol=1e-5)
        assert network(torch.randn(1, 3, 64, 160)).shape == (1, 1, 64, 160)


def test_what_it_costs_the_default_net():
    channels = (64, 48, 32, 16, 8)
    without, having = (
        complexity(spec("unet", "tu-resnet10t", channels, context=blocks).build(), 288, 384) for blocks in (0, 2)
    )
    assert having.parameters - without.parameters == pytest.approx(1.2e6, rel=0.01)
    assert having.macs / without.macs == pytest.approx(1.04, abs=0.005)


def test_its_weights_are_kept_with_their_number_of_blocks(tmp_path):
    one = spec(context=3)
    write_safetensors(tmp_path / "w.safetensors", one.build(), one)
    found, weights = read_weights(tmp_path / "w.safetensors")
    assert found == one
    assert found.title == "unet-tu-mobilenetv4_conv_small-context3"
    assert {name.split(".")[3] for name in weights if name.startswith("encoder.context.body.")} > {"3", "8"}
