"""How large a network is and how much it computes."""

from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from src.models.zoo import Segmenter


@dataclass(frozen=True)
class Complexity:
    """Attributes:
    parameters: of the layers that take part in an answer, so of what an exported model holds: without auxiliary heads
        and without stages of an encoder that its decoder leaves out (PSPNet uses three of five).
    macs: multiplications with addition for one frame, of convolutions and matrix products.
    """

    parameters: int
    macs: int


def complexity(segmenter: Segmenter, height: int, width: int) -> Complexity:
    """Counts both for one frame of `height` x `width`; leaves the network in evaluation mode."""
    used: set[torch.nn.Parameter] = set()
    hooks = [
        module.register_forward_hook(lambda one, *_: used.update(one.parameters(recurse=False)))
        for module in segmenter.modules()
    ]
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        segmenter.eval()(torch.zeros(1, height, width, 3, dtype=torch.uint8))
    for hook in hooks:
        hook.remove()
    return Complexity(sum(one.numel() for one in used), counter.get_total_flops() // 2)
