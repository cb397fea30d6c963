"""A network small enough to be exported in a second or two, and smooth frames that it tells apart."""

from dataclasses import dataclass

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from src.export import Images, to_onnx
from src.model_card import ModelCard
from src.models.portable import PortableModel
from src.models.zoo import Segmenter
from tests.models.test_zoo import SKY

SIZE = 32
CARD = ModelCard("tiny", SKY, SIZE, SIZE)


@dataclass(frozen=True)
class Tiny:
    """A segmenter, its fp32 graph, and images whose masks are its own labels."""

    segmenter: Segmenter
    fp32: onnx.ModelProto
    images: Images


def segmenter_of(*layers: nn.Module) -> Segmenter:
    return Segmenter(nn.Sequential(*layers), (0.5,) * 3, (0.2,) * 3).eval()


@pytest.fixture(scope="session")
def tiny() -> Tiny:
    torch.manual_seed(0)
    segmenter = segmenter_of(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 1, 1),
    )
    generator = np.random.default_rng(0)
    corners = torch.from_numpy(generator.uniform(0, 255, (12, 3, 2, 2)))
    smooth = nn.functional.interpolate(corners, (SIZE, SIZE), mode="bilinear").permute(0, 2, 3, 1)
    frames = smooth.round().to(torch.uint8).numpy()
    with torch.inference_mode():
        logits = segmenter(torch.from_numpy(frames))
        segmenter.network[-1].bias -= logits.median()  # half of the pixels are sky
        labels = PortableModel(segmenter, 0.5)(torch.from_numpy(frames))[0].numpy()
    fp32 = to_onnx(PortableModel(segmenter, 0.5).eval(), CARD)
    return Tiny(segmenter, fp32, Images(frames[::2], labels[::2], frames[1::2]))


def nodes(model: onnx.ModelProto, kind: str) -> list[onnx.NodeProto]:
    return [node for node in model.graph.node if node.op_type == kind]


def arrays(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
