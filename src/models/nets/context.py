"""A look at the whole picture: attention between all places of an encoder's coarsest features.

A small encoder sees little more than a neighbourhood, which cannot tell a black sky from a black wall. The blocks are
those of TopFormer (Zhang et al. 2022, arXiv 2204.05525, 3.2): convolutions of 1x1 with batch norm in place of linear
layers, so that they train, export and quantise as the rest of the net does.
"""

import torch
from torch import nn

from src.models.nets.blocks import Residual, conv_norm, conv_norm_relu

CHANNELS, HEADS, KEY = 256, 8, 16  # inside; of one head's queries and keys


class EncoderWithContext(nn.Module):
    """An encoder of segmentation-models-pytorch whose coarsest features, its last, know of one another.

    Args:
        encoder: float [N, 3, H, W] -> features from fine to coarse.
        blocks: > 0; attention with what follows it, one after another.
    """

    def __init__(self, encoder: nn.Module, blocks: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.out_channels, self.output_stride = encoder.out_channels, encoder.output_stride
        self.context = global_context(encoder.out_channels[-1], blocks)

    def forward(self, frames: torch.Tensor) -> list[torch.Tensor]:
        *finer, coarsest = self.encoder(frames)
        return [*finer, self.context(coarsest)]


def global_context(channels: int, blocks: int) -> Residual:
    """float [N, `channels`, h, w] -> the same plus what `blocks` add, which is 0 until it is trained.

    Memory grows with the square of h x w: at 1/32 of the picture it is small, at 1/8 (PSPNet, DeepLabV3) it is not.
    """
    body = conv_norm_relu(channels, CHANNELS, 1)
    for _ in range(blocks):
        body.append(Residual(Attention(CHANNELS), CHANNELS, CHANNELS, 1))
        body.append(Residual(_feed_forward(CHANNELS), CHANNELS, CHANNELS, 1))
    last = conv_norm(CHANNELS, channels, 1)
    nn.init.zeros_(last[-1].weight)
    return Residual(body.extend(last), channels, channels, 1)


class Attention(nn.Module):
    """Multi-head attention (Vaswani et al. 2017, arXiv 1706.03762) between the places of float [N, C, h, w]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query, self.key = conv_norm(channels, HEADS * KEY, 1), conv_norm(channels, HEADS * KEY, 1)
        self.value = conv_norm(channels, channels, 1)
        self.project = nn.Sequential(nn.ReLU(), conv_norm(channels, channels, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = self.query, self.key, self.value
        query, key, value = (part(x).unflatten(1, (HEADS, -1)).flatten(3) for part in parts)
        # [N, heads, places, places]: how much each place takes of each.
        shares = ((query * KEY**-0.5).transpose(2, 3) @ key).softmax(dim=3)
        taken = value @ shares.transpose(2, 3)
        return self.project(taken.flatten(1, 2).unflatten(2, x.shape[2:]))


def _feed_forward(channels: int) -> nn.Sequential:
    """Twice the channels and back, with a depthwise 3x3 between, which tells where a place lies."""
    wide = 2 * channels
    layers = conv_norm(channels, wide, 1).extend(conv_norm_relu(wide, wide, 3, groups=wide))
    return layers.extend(conv_norm(wide, channels, 1))
