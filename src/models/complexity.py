"""How large a network is and how much it computes."""

from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from src.models.zoo import Segmenter


@dataclass(frozen=True)
class Complexity:
    """Attributes:
    parameters: of what an exported model holds, so without auxiliary heads.
    macs: multiplications with addition for one frame, of convolutions and matrix products.
    """

    parameters: int
    macs: int


def complexity(segmenter: Segmenter, height: int, width: int) -> Complexity:
    """Counts both for one frame of `height` x `width`; leaves the network in evaluation mode."""
    named = segmenter.network.named_parameters()
    parameters = sum(one.numel() for name, one in named if not name.startswith("auxiliary"))
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        segmenter.eval()(torch.zeros(1, height, width, 3, dtype=torch.uint8))
    return Complexity(parameters, counter.get_total_flops() // 2)
