"""DDRNet-23-slim: two resolutions side by side that exchange what they see."""

import torch
from torch import nn

from src.models.nets.blocks import (
    Logits,
    answer,
    basic_blocks,
    bottleneck,
    conv_norm,
    conv_norm_relu,
    dual_head,
    residual_stem,
    resized,
)
from src.models.nets.pyramid import DeepAggregation

WIDTH, POOLING, HEAD = 32, 128, 64  # channels: at 1/4, of each pyramid scale, inside the heads


class DDRNet(nn.Module):
    """Hong et al., "Deep Dual-resolution Networks", arXiv 2101.06085, section III: DDRNet-23-slim, its bilateral fusion
    and its DAPPM. 5.7 million parameters and 36.3 GMAC at 2048x1024, as the paper has it.

    In training one auxiliary head answers from the high-resolution branch after its first fusion (the paper's deep
    supervision). Trained from scratch here; the paper starts from ImageNet.

    Args:
        logits: output channels.
    """

    def __init__(self, logits: int) -> None:
        super().__init__()
        w = WIDTH
        self.stem = residual_stem(w)
        self.low = nn.ModuleList([basic_blocks(2 * w, 4 * w, 2, 2), basic_blocks(4 * w, 8 * w, 2, 2)])
        self.high = nn.ModuleList([basic_blocks(2 * w, 2 * w, 2), basic_blocks(2 * w, 2 * w, 2)])
        self.high_to_low = nn.ModuleList([
            conv_norm(2 * w, 4 * w, stride=2),
            conv_norm_relu(2 * w, 4 * w, stride=2).extend(conv_norm(4 * w, 8 * w, stride=2)),
        ])  # fmt: skip
        self.low_to_high = nn.ModuleList([conv_norm(4 * w, 2 * w, 1), conv_norm(8 * w, 2 * w, 1)])
        self.low_last = bottleneck(8 * w, 8 * w, 2)
        self.high_last = bottleneck(2 * w, 2 * w)
        self.context = DeepAggregation(16 * w, POOLING, 4 * w)
        self.head = dual_head(4 * w, HEAD, logits)
        self.auxiliary_head = dual_head(2 * w, HEAD, logits)

    def forward(self, frames: torch.Tensor) -> Logits:
        low = high = self.stem(frames)
        size = high.shape[2:]
        fused = []
        stages = zip(self.low, self.high, self.high_to_low, self.low_to_high, strict=True)
        for deepen, keep, to_low, to_high in stages:
            low, high = deepen(torch.relu(low)), keep(torch.relu(high))
            low, high = (
                low + to_low(torch.relu(high)),
                high + resized(to_high(torch.relu(low)), size),
            )
            fused.append(high)
        context = self.context(self.low_last(torch.relu(low)))
        logits = self.head(self.high_last(torch.relu(high)) + resized(context, size))
        return answer(self, frames, logits, [self.auxiliary_head(fused[0])] if self.training else [])
