"""The plain U-Net of 2015."""

import torch
from torch import nn

WIDTHS = (64, 128, 256, 512, 1024)


class PlainUNet(nn.Module):
    """U-Net as published (Ronneberger, Fischer, Brox, MICCAI 2015, arXiv 1505.04597, figure 1): 31.0 million
    parameters, no norm layers, no pretrained encoder.

    As in the paper: two 3x3 convolutions with ReLU per level, 2x2 max-pooling with twice the channels, 2x2
    up-convolutions with half of them, concatenated skips, drop-out at the end of the contracting path, He's
    initialisation (section 3). One difference: convolutions are padded, so that the mask has the photograph's size
    where the paper's lost 92 pixels on every side and tiled.

    Args:
        logits: output channels.
    """

    def __init__(self, logits: int) -> None:
        super().__init__()
        self.down = nn.ModuleList([_double(a, b) for a, b in zip((3, *WIDTHS[:-1]), WIDTHS, strict=True)])
        self.drop = nn.Dropout(0.5)
        wide_to_narrow = list(zip(WIDTHS[:0:-1], WIDTHS[-2::-1], strict=True))
        self.up = nn.ModuleList([nn.ConvTranspose2d(wide, narrow, 2, 2) for wide, narrow in wide_to_narrow])
        self.merge = nn.ModuleList([_double(wide, narrow) for wide, narrow in wide_to_narrow])
        self.head = nn.Conv2d(WIDTHS[0], logits, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skips: list[torch.Tensor] = []
        for level, double in enumerate(self.down):
            x = double(nn.functional.max_pool2d(x, 2) if level else x)
            # "At the end of the contracting path": the two deepest levels.
            x = self.drop(x) if level >= len(self.down) - 2 else x
            skips.append(x)
        skips.pop()
        for up, merge in zip(self.up, self.merge, strict=True):
            x = merge(torch.cat([skips.pop(), up(x)], dim=1))
        return self.head(x)


def _double(inputs: int, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for source in (inputs, outputs):
        layers += [nn.Conv2d(source, outputs, 3, padding=1), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)
