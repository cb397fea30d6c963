"""The model as every runtime sees it: uint8 frames in, uint8 labels and confidence out."""

import torch
from torch import nn

from src.models.zoo import Segmenter, probabilities


class PortableModel(nn.Module):
    """A `Segmenter` with its decision inside, as the model file holds it (DESIGN.md section 4).

    Args:
        segmenter: frames -> logits.
        threshold: probability from which a pixel is of class 1, for one logit channel; unused for more.
    """

    def __init__(self, segmenter: Segmenter, threshold: float) -> None:
        super().__init__()
        self.segmenter, self.threshold = segmenter, threshold

    def forward(self, frames: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """uint8 [N, H, W, 3] RGB -> labels uint8 [N, H, W], confidence uint8 [N, H, W].

        Confidence is the probability of class 1 (one logit channel) or of the winning class, x 255 and rounded.
        """
        chance = probabilities(self.segmenter(frames).float())
        if chance.shape[1] == 1:
            winner = chance[:, 0]
            labels = (winner >= self.threshold).to(torch.float32)
        else:
            winner = chance.amax(dim=1)
            labels = chance.argmax(dim=1).to(torch.float32)
        # Both outputs leave through a Cast from float, the only way to uint8 that TensorRT has; the cast truncates.
        return labels.to(torch.uint8), (winner * 255 + 0.5).to(torch.uint8)
