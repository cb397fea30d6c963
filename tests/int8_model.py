"""A small int8 model file, made as export-onnx makes them: of a network's fp32 graph, calibrated on frames."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

from src.export.graph import to_onnx, with_card
from src.export.int8 import to_int8
from src.models.nets.context import Attention
from src.models.portable import PortableModel
from tests.export.conftest import CARD, segmenter_of


class Net(nn.Module):
    """What a U-Net with context is made of: pooled and brought up again, concatenated, added, with and without a ReLU
    before; attention where it is coarsest."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.deep = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1)
        self.attention = Attention(16)
        self.signed, self.head = nn.Conv2d(32, 16, 3, padding=1), nn.Conv2d(16, 1, 1)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        fine = torch.relu(self.stem(frames))
        coarse = torch.relu(self.deep(nn.functional.max_pool2d(fine, 2)))
        seen = self.attention(nn.functional.avg_pool2d(coarse, 4))
        coarse = torch.relu(coarse + nn.functional.interpolate(seen, scale_factor=4.0, mode="nearest"))
        both = torch.cat([fine, nn.functional.interpolate(coarse, scale_factor=2.0, mode="nearest")], 1)
        return self.head(torch.relu(self.signed(both) + fine))


def write_int8_model(path: Path, frames: np.ndarray) -> Path:
    """An untrained net to which half of the frames' pixels are sky; every other frame calibrates it."""
    torch.manual_seed(0)
    segmenter = segmenter_of(Net())
    with torch.inference_mode():
        segmenter.network[-1].head.bias -= segmenter(torch.from_numpy(frames)).median()
    card = replace(CARD, height=frames.shape[1], width=frames.shape[2], precision="int8")
    fp32 = to_onnx(PortableModel(segmenter, card.threshold).eval(), card)
    onnx.save(with_card(to_int8(fp32, frames[::2]), card), path)
    return path
