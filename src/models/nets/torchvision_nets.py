"""FCN and LR-ASPP, built from torchvision's parts."""

import torch
from torch import nn

from src.models.nets.blocks import Logits, answer


class FCN(nn.Module):
    """FCN over ResNet-50 at output stride 8 (Long, Shelhamer, Darrell, CVPR 2015, arXiv 1411.4038), as torchvision
    builds it, with its auxiliary head on the third stage.

    Args:
        logits: output channels.
        pretrained: fetch ImageNet's weights of the encoder.
    """

    def __init__(self, logits: int, *, pretrained: bool) -> None:
        from torchvision.models import ResNet50_Weights
        from torchvision.models.segmentation import fcn_resnet50

        super().__init__()
        weights = ResNet50_Weights.IMAGENET1K_V1 if pretrained else None
        made = fcn_resnet50(weights_backbone=weights, num_classes=logits, aux_loss=True, progress=False)
        self.encoder, self.head, self.auxiliary_head = made.backbone, made.classifier, made.aux_classifier

    def forward(self, frames: torch.Tensor) -> Logits:
        features = self.encoder(frames)
        auxiliary = [self.auxiliary_head(features["aux"])] if self.training else []
        return answer(self, frames, self.head(features["out"]), auxiliary)


class LRASPP(nn.Module):
    """LR-ASPP over MobileNetV3-Large (Howard et al., ICCV 2019, arXiv 1905.02244, section 6.4), as torchvision builds
    it; arguments as for `FCN`."""

    def __init__(self, logits: int, *, pretrained: bool) -> None:
        from torchvision.models import MobileNet_V3_Large_Weights
        from torchvision.models.segmentation import lraspp_mobilenet_v3_large

        super().__init__()
        weights = MobileNet_V3_Large_Weights.IMAGENET1K_V1 if pretrained else None
        made = lraspp_mobilenet_v3_large(weights_backbone=weights, num_classes=logits, progress=False)
        self.encoder, self.head = made.backbone, made.classifier
        if not pretrained:
            # torchvision's 0.01 is for ImageNet's hundreds of thousands of steps: after a few hundred, evaluation
            # would still normalise by statistics that are mostly those of an untrained net.
            for norm in self.modules():
                if isinstance(norm, nn.BatchNorm2d):
                    norm.momentum = 0.1

    def forward(self, frames: torch.Tensor) -> Logits:
        return answer(self, frames, self.head(self.encoder(frames)), [])
