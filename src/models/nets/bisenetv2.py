"""BiSeNetV2: a wide shallow branch for detail, a narrow deep one for meaning."""

import torch
from torch import nn

from src.models.nets.blocks import Logits, answer, conv_norm, conv_norm_relu, resized

EXPANSION = 6  # of the gather-and-expand layers
HEAD, AUXILIARY_HEAD = 1024, 128  # channels inside the heads


class BiSeNetV2(nn.Module):
    """Yu et al., "BiSeNet V2", IJCV 2021, arXiv 2004.02147: table 1 for the branches, figure 4 for stem and context
    embedding, figure 5 for gather-and-expand, figure 6 for the guided aggregation, figure 7 for the heads.

    In training four auxiliary heads answer from the semantic branch at 1/4, 1/8, 1/16 and 1/32 (the paper's booster
    training). They are left out of an exported model. Trained from scratch, as in the paper.

    Args:
        logits: output channels.
    """

    def __init__(self, logits: int) -> None:
        super().__init__()
        self.detail = nn.Sequential(
            conv_norm_relu(3, 64, stride=2), conv_norm_relu(64, 64),
            conv_norm_relu(64, 64, stride=2), conv_norm_relu(64, 64), conv_norm_relu(64, 64),
            conv_norm_relu(64, 128, stride=2), conv_norm_relu(128, 128), conv_norm_relu(128, 128),
        )  # fmt: skip
        self.semantic = nn.ModuleList([
            _Stem(16),
            nn.Sequential(_GatherExpandDown(16, 32), _GatherExpand(32)),
            nn.Sequential(_GatherExpandDown(32, 64), _GatherExpand(64)),
            nn.Sequential(_GatherExpandDown(64, 128), *(_GatherExpand(128) for _ in range(3))),
        ])  # fmt: skip
        self.context = _ContextEmbedding(128)
        self.aggregation = _GuidedAggregation(128)
        self.head = _head(128, HEAD, logits)
        self.auxiliary_heads = nn.ModuleList([_head(width, AUXILIARY_HEAD, logits) for width in (16, 32, 64, 128)])

    def forward(self, frames: torch.Tensor) -> Logits:
        x, stages = frames, []
        for stage in self.semantic:
            x = stage(x)
            stages.append(x)
        logits = self.head(self.aggregation(self.detail(frames), self.context(x)))
        heads = zip(self.auxiliary_heads, stages, strict=True) if self.training else ()
        return answer(self, frames, logits, [head(stage) for head, stage in heads])


def _head(inputs: int, middle: int, logits: int) -> nn.Sequential:
    return conv_norm_relu(inputs, middle).append(nn.Conv2d(middle, logits, 1))


def _depthwise(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return conv_norm(inputs, outputs, 3, stride, groups=inputs)


class _Stem(nn.Module):
    """RGB -> `width` channels at 1/4, by convolution and by max-pooling side by side."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = conv_norm_relu(3, width, stride=2)
        self.left = conv_norm_relu(width, width // 2, 1).extend(conv_norm_relu(width // 2, width, stride=2))
        self.right = nn.MaxPool2d(3, 2, 1)
        self.fuse = conv_norm_relu(2 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        return self.fuse(torch.cat([self.left(x), self.right(x)], dim=1))


class _GatherExpand(nn.Module):
    """3x3 to gather, depthwise to expand, 1x1 to project; added to the input (figure 5b)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        wide = EXPANSION * width
        self.body = conv_norm_relu(width, width).extend(_depthwise(width, wide)).extend(conv_norm(wide, width, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x + self.body(x)).relu()


class _GatherExpandDown(nn.Module):
    """The same with stride 2: two depthwise convolutions, and a depthwise-separable shortcut (figure 5c)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        wide = EXPANSION * inputs
        expand = _depthwise(inputs, wide, 2).extend(_depthwise(wide, wide))
        self.body = conv_norm_relu(inputs, inputs).extend(expand).extend(conv_norm(wide, outputs, 1))
        self.shortcut = _depthwise(inputs, inputs, 2).extend(conv_norm(inputs, outputs, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (self.shortcut(x) + self.body(x)).relu()


class _ContextEmbedding(nn.Module):
    """The global mean, added everywhere (figure 4b)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        mean = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(width))
        self.mean = mean.extend(conv_norm_relu(width, width, 1))
        self.fuse = conv_norm_relu(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fuse(x + self.mean(x))


class _GuidedAggregation(nn.Module):
    """Each branch gates the other at its own scale (figure 6): detail [N, C, h, w], semantic [N, C, h/4, w/4]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.detail_keep = _depthwise(width, width).append(nn.Conv2d(width, width, 1, bias=False))
        self.detail_down = conv_norm(width, width, stride=2).append(nn.AvgPool2d(3, 2, 1))
        self.semantic_up = conv_norm(width, width)
        self.semantic_keep = _depthwise(width, width).append(nn.Conv2d(width, width, 1, bias=False))
        self.fuse = conv_norm(width, width)

    def forward(self, detail: torch.Tensor, semantic: torch.Tensor) -> torch.Tensor:
        size = detail.shape[2:]
        fine = self.detail_keep(detail) * resized(self.semantic_up(semantic), size).sigmoid()
        coarse = self.detail_down(detail) * self.semantic_keep(semantic).sigmoid()
        return self.fuse(fine + resized(coarse, size))
