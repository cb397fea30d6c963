"""The one step: accumulation, clipping, auxiliary heads, layout, the average, what is random in it."""

import copy
from functools import partial

import pytest
import torch
from lightning.fabric import Fabric
from torch import nn

from src.models.losses import SegmentationLoss
from src.models.zoo import Segmenter
from src.training.averaging import Average
from src.training.learner import Learner
from tests.prepared import loss_weights, train_options

STILL = {"optimizer": "sgd", "momentum": 0.0, "weight_decay": 0.0, "schedule": "constant", "warmup": 0.0, "lr": 1.0}


class Heads(nn.Module):
    """One main head and two auxiliary ones, a dropout before the first if asked for."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.main, self.first, self.second = (nn.Conv2d(3, 1, 1) for _ in range(3))
        self.dropout = nn.Dropout(dropout)

    def forward(self, pixels):
        main = self.main(self.dropout(pixels))
        return (main, self.first(pixels), self.second(pixels)) if self.training else main


def learner(network: nn.Module | None = None, **changes) -> Learner:
    torch.manual_seed(0)
    network = network or Heads()
    for parameter in network.parameters():
        nn.init.normal_(parameter)
    options = train_options(loss=loss_weights(cross_entropy=1.0).model_dump(), **(STILL | changes))
    fabric = Fabric(accelerator="cpu", devices=1, precision="32-true")
    return Learner(fabric, Segmenter(network, (0.5,) * 3, (0.2,) * 3), options, None, steps=10)


def batch(seed: int, images: int = 2):
    draw = torch.Generator().manual_seed(seed)
    frames = torch.randint(0, 256, (images, 8, 8, 3), generator=draw, dtype=torch.uint8)
    return frames, torch.randint(0, 2, (images, 8, 8), generator=draw)


def flat(made: Learner) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in made.segmenter.parameters()])


def test_the_loss_is_the_main_heads_and_a_share_of_each_auxiliary_ones():
    made = learner(auxiliary=0.25)
    frames, target = batch(1)
    heads = [SegmentationLoss(loss_weights(cross_entropy=1.0))(logits, target) for logits in made.segmenter(frames)]
    expected = heads[0] + 0.25 * (heads[1] + heads[2])
    assert made.step([(frames, target)]) == pytest.approx(expected.item())
    assert learner(auxiliary=0.0).step([(frames, target)]) == pytest.approx(heads[0].item())


def test_accumulated_batches_are_one_step_on_their_mean():
    one, two = learner(), learner()
    first, second = batch(1), batch(2)
    whole = tuple(torch.cat(parts) for parts in zip(first, second, strict=True))
    assert one.step([whole]) == pytest.approx(two.step([first, second]).item(), rel=1e-5)
    torch.testing.assert_close(flat(one), flat(two), atol=1e-6, rtol=1e-5)


def test_a_clipped_step_has_the_norm_at_most():
    free, clipped = learner(), learner(clip_norm=0.01)
    before = flat(clipped)
    for made in (free, clipped):
        made.step([batch(1)])
    assert (flat(free) - before).norm() > 0.02
    assert (flat(clipped) - before).norm() == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize(("channels_last", "layout"), [(True, torch.channels_last), (False, torch.contiguous_format)])
def test_weights_and_pixels_have_the_layout_asked_for(channels_last, layout):
    seen = []
    network = nn.Conv2d(3, 4, 3)
    network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    made = learner(nn.Sequential(network, nn.Conv2d(4, 1, 3), nn.ZeroPad2d(2)), channels_last=channels_last)
    made.step([batch(1)])
    [pixels] = seen
    assert pixels.is_contiguous(memory_format=layout)
    assert network.weight.is_contiguous(memory_format=layout)


def test_the_layout_does_not_change_the_step():
    made = [learner(channels_last=chosen) for chosen in (True, False)]
    for each in made:
        each.step([batch(1)])
    torch.testing.assert_close(flat(made[0]), flat(made[1]), atol=1e-6, rtol=1e-5)


def test_what_drops_out_depends_on_seed_and_step_alone():
    made = learner(Heads(dropout=0.5))
    made.step([batch(1)])
    state = copy.deepcopy(made.state())
    second = made.step([batch(2)])
    other = learner(Heads(dropout=0.5))
    torch.manual_seed(12345)
    other.restore(state)
    assert torch.equal(other.step([batch(2)]), second)
    assert torch.equal(flat(other), flat(made))
    assert learner(Heads(dropout=0.5), seed=2).step([batch(1)]) != learner(Heads(dropout=0.5)).step([batch(1)])


def test_the_average_warms_up_and_then_keeps_its_decay():
    network = nn.BatchNorm2d(1)
    average = Average(network, 0.5)
    nn.init.constant_(network.weight, 3.0)
    network.running_mean.fill_(10.0)
    network.num_batches_tracked.fill_(7)
    average.update(network, 0)  # of the old, 1 / 10
    assert average.network.weight.item() == pytest.approx(0.1 * 1 + 0.9 * 3)
    assert average.network.running_mean.item() == pytest.approx(9.0)
    assert average.network.num_batches_tracked == 7
    nn.init.constant_(network.weight, 0.0)
    average.update(network, 1000)  # of the old, the decay
    assert average.network.weight.item() == pytest.approx(1.4)
    assert not average.network.weight.requires_grad
    assert not average.network.training


def test_a_compiled_step_learns_the_same(monkeypatch):
    # Captured but not compiled, which would take a C++ compiler and half a minute.
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    plain, compiled = learner(), learner(compile=True)
    assert plain.step([batch(1)]) == pytest.approx(compiled.step([batch(1)]).item(), rel=1e-6)
    torch.testing.assert_close(flat(plain), flat(compiled))
    assert plain.state()["network"].keys() == compiled.state()["network"].keys()
