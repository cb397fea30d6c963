"""Counts against those that the papers print."""

import pytest
import torch

from src.models.complexity import complexity
from src.models.zoo import NetworkSpec
from tests.models.test_zoo import SKY


@pytest.mark.parametrize(
    ("name", "millions", "gmac"),
    # Parameters, and GMAC at 2048x1024: DDRNet's table IV, PIDNet's table 5; the plain U-Net by its figure 1.
    [("ddrnet", 5.7, 36.3), ("pidnet", 7.6, 47.6), ("unet", 31.0, None)],
)
def test_the_nets_are_as_large_as_published(name, millions, gmac):
    model = NetworkSpec(name, None, None, SKY, 256, 512, (0.5,) * 3, (0.2,) * 3, ()).build()
    found = complexity(model, 256, 512)
    assert found.parameters / 1e6 == pytest.approx(millions, rel=0.01)
    if gmac:
        assert found.macs / 1e9 * 16 == pytest.approx(gmac, rel=0.02)


def test_a_convolution_is_counted_by_hand():
    class One(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = torch.nn.Conv2d(3, 4, 3, padding=1)
            self.network.auxiliary_head = torch.nn.Conv2d(3, 1, 1)

        def forward(self, frames):
            return self.network(frames.permute(0, 3, 1, 2).float())

    found = complexity(One(), 8, 16)
    assert (found.parameters, found.macs) == (3 * 4 * 9 + 4, 8 * 16 * 3 * 4 * 9)
