"""Which input sizes a built network takes."""

import torch
from torch import nn

# By step, a height and a width that are multiples of it and of no higher power of two.
_SIZES = {1: (129, 131), 2: (130, 134), 4: (132, 140), 8: (136, 152), 16: (144, 176), 32: (160, 96), 64: (192, 64)}


def size_multiple(network: nn.Module) -> int:
    """The least power of two whose multiples `network` takes as height and width and answers at; measured.

    Args:
        network: float [N, 3, H, W] -> float [N, C, H, W]; left in evaluation mode.

    Raises:
        ValueError: no multiple of up to 64 is taken.
    """
    network.eval()
    for step, (height, width) in _SIZES.items():
        try:
            with torch.inference_mode():
                answered = network(torch.zeros(1, 3, height, width)).shape[2:]
        except RuntimeError:
            continue
        if answered == (height, width):
            return step
    raise ValueError("takes no multiple of 64")
