"""PIDNet-S: a branch for detail, one for context and one for edges that says which of the two to trust."""

import torch
from torch import nn

from src.models.nets.blocks import (
    Logits,
    answer,
    basic_block,
    basic_blocks,
    bottleneck,
    conv_norm,
    dual_head,
    residual_stem,
    resized,
)
from src.models.nets.pyramid import ParallelAggregation

WIDTH, POOLING, HEAD = 32, 96, 128  # channels: at 1/4, of each pyramid scale, inside the heads


class PIDNet(nn.Module):
    """Xu, Xiong, Bhattacharyya, "PIDNet", CVPR 2023, arXiv 2206.02066: PIDNet-S with its Pag, PAPPM and Light-Bag.
    7.6 million parameters and 47.2 GMAC at 2048x1024, where the paper has 7.6 and 47.6.

    In training one auxiliary head answers from the detail branch (P) after its first fusion. The paper's boundary head
    on the edge branch (D), which needs edge labels, is left out: that branch learns from the main loss alone. Trained
    from scratch here; the paper starts from ImageNet.

    Args:
        logits: output channels; 1 for a binary task.
    """

    def __init__(self, logits: int) -> None:
        super().__init__()
        w = WIDTH
        self.stem = residual_stem(w)
        self.context = nn.ModuleList([
            basic_blocks(2 * w, 4 * w, 3, 2),
            basic_blocks(4 * w, 8 * w, 3, 2),
            nn.Sequential(bottleneck(8 * w, 8 * w, 2), nn.ReLU(), bottleneck(16 * w, 8 * w)),
        ])  # fmt: skip
        self.detail = nn.ModuleList([
            basic_blocks(2 * w, 2 * w, 2),
            basic_blocks(2 * w, 2 * w, 2),
            bottleneck(2 * w, 2 * w),
        ])  # fmt: skip
        self.edges = nn.ModuleList([basic_block(2 * w, w), bottleneck(w, w), bottleneck(2 * w, 2 * w)])
        self.guides = nn.ModuleList([_PixelAttention(2 * w, 4 * w, w), _PixelAttention(2 * w, 8 * w, w)])
        self.to_edges = nn.ModuleList([conv_norm(4 * w, w), conv_norm(8 * w, 2 * w)])
        self.pyramid = ParallelAggregation(16 * w, POOLING, 4 * w)
        self.fusion = _BoundaryGuided(4 * w)
        self.head = dual_head(4 * w, HEAD, logits)
        self.auxiliary_head = dual_head(2 * w, HEAD, logits)

    def forward(self, frames: torch.Tensor) -> Logits:
        context = detail = edges = self.stem(frames)
        size = detail.shape[2:]
        fused = []
        for level, (guide, to_edges) in enumerate(zip(self.guides, self.to_edges, strict=True)):
            detail, edges = self.detail[level](torch.relu(detail)), self.edges[level](torch.relu(edges))
            context = torch.relu(self.context[level](context))
            detail = guide(detail, context)
            edges = edges + resized(to_edges(context), size)
            fused.append(detail)
        detail, edges = self.detail[-1](torch.relu(detail)), self.edges[-1](torch.relu(edges))
        context = resized(self.pyramid(self.context[-1](context)), size)
        logits = self.head(self.fusion(detail, context, edges))
        return answer(self, frames, logits, [self.auxiliary_head(fused[0])] if self.training else [])


class _PixelAttention(nn.Module):
    """Pag: per pixel, as much of the context as it agrees with the detail (pixel-attention-guided fusion).

    Args:
        detail, context: channels of the two.
        middle: channels in which they are compared.
    """

    def __init__(self, detail: int, context: int, middle: int) -> None:
        super().__init__()
        self.compress = conv_norm(context, detail, 1)
        self.query, self.key = conv_norm(detail, middle, 1), conv_norm(detail, middle, 1)

    def forward(self, detail: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        size = detail.shape[2:]
        context = self.compress(context)
        agreement = (self.query(detail) * resized(self.key(context), size)).sum(dim=1, keepdim=True).sigmoid()
        return (1 - agreement) * detail + agreement * resized(context, size)


class _BoundaryGuided(nn.Module):
    """Light-Bag: detail counts at edges, context elsewhere (the light form of boundary-attention-guided fusion)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.detail, self.context = conv_norm(width, width, 1), conv_norm(width, width, 1)

    def forward(self, detail: torch.Tensor, context: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
        edge = edges.sigmoid()
        return self.detail((1 - edge) * context + detail) + self.context(context + edge * detail)
