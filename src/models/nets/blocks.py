"""What the networks share: convolutions with their norm, residual blocks, heads, and the form of their answer."""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

Logits = torch.Tensor | tuple[torch.Tensor, ...]


def conv_norm(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution without bias, padded to keep the size / `stride`, then batch norm."""
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs))


def conv_norm_relu(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return conv_norm(inputs, outputs, kernel, stride, groups).append(nn.ReLU(inplace=True))


def norm_relu_conv(inputs: int, outputs: int, kernel: int = 1, groups: int = 1) -> nn.Sequential:
    """The same parts in the order of He et al. 2016 (arXiv 1603.05027): norm and ReLU before the convolution."""
    convolution = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=False)
    return nn.Sequential(nn.BatchNorm2d(inputs), nn.ReLU(inplace=True), convolution)


class Residual(nn.Module):
    """The input plus what `body` makes of it; no ReLU after the sum, which is the caller's to place.

    The input passes through a 1x1 convolution with its norm where size or channels change (He et al. 2016,
    arXiv 1512.03385, option B).
    """

    def __init__(self, body: nn.Module, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = body
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else conv_norm(inputs, outputs, 1, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(x) + self.shortcut(x)


def basic_block(inputs: int, outputs: int, stride: int = 1) -> Residual:
    """Two 3x3 convolutions (arXiv 1512.03385, figure 5 left)."""
    body = conv_norm_relu(inputs, outputs, 3, stride).extend(conv_norm(outputs, outputs))
    return Residual(body, inputs, outputs, stride)


def bottleneck(inputs: int, middle: int, stride: int = 1) -> Residual:
    """1x1, 3x3, 1x1 to twice `middle` channels, as DDRNet and PIDNet have it (ResNet expands to four times)."""
    outputs = 2 * middle
    body = conv_norm_relu(inputs, middle, 1).extend(conv_norm_relu(middle, middle, 3, stride))
    return Residual(body.extend(conv_norm(middle, outputs, 1)), inputs, outputs, stride)


def basic_blocks(inputs: int, outputs: int, count: int, stride: int = 1) -> nn.Sequential:
    """`count` basic blocks with a ReLU between them; the sum of the last is left as it is."""
    layers: list[nn.Module] = [basic_block(inputs, outputs, stride)]
    for _ in range(count - 1):
        layers += [nn.ReLU(inplace=True), basic_block(outputs, outputs)]
    return nn.Sequential(*layers)


def residual_stem(width: int) -> nn.Sequential:
    """How DDRNet and PIDNet begin, before their branches part: RGB -> 2 x `width` channels at 1/8."""
    quarter = conv_norm_relu(3, width, 3, 2).extend(conv_norm_relu(width, width, 3, 2))
    blocks = basic_blocks(width, width, 2), nn.ReLU(), basic_blocks(width, 2 * width, 2, 2), nn.ReLU()
    return quarter.extend(blocks)


def dual_head(inputs: int, middle: int, logits: int) -> nn.Sequential:
    """Norm, ReLU, 3x3 to `middle` channels, norm, ReLU, 1x1 to the logits: the heads of DDRNet and PIDNet."""
    head = norm_relu_conv(inputs, middle, 3).extend((nn.BatchNorm2d(middle), nn.ReLU(inplace=True)))
    return head.append(nn.Conv2d(middle, logits, 1))


def resized(x: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
    """`x` float [N, C, h, w] bilinearly at `size` (H, W)."""
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=False)


def answer(network: nn.Module, frames: torch.Tensor, logits: torch.Tensor, auxiliary: Sequence[torch.Tensor]) -> Logits:
    """The network's answer at the size of `frames` [N, 3, H, W]: the logits; in training (logits, *auxiliary)."""
    size = frames.shape[2:]
    main = resized(logits, size)
    return (main, *(resized(one, size) for one in auxiliary)) if network.training else main
