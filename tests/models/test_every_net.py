"""Every net of the zoo: learns a step, answers as agreed, and leaves as a model file with the same masks."""

from typing import get_args

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from src.export import Images, Plan, export
from src.models.zoo import load_checkpoint, save_checkpoint
from src.params.model import OWN_ENCODER, NetName
from tests.models.test_zoo import SKY, THREE, spec

ENCODERS = {"segformer": "mit_b0"}  # the others: the smallest of residual nets
NETS = [
    *((name, None if name in OWN_ENCODER else ENCODERS.get(name, "tu-resnet10t"), 0) for name in get_args(NetName)),
    ("unet", None, 0),
    ("unet", "tu-resnet10t", 1),
]
AUXILIARY = {"fcn": 1, "bisenetv2": 4, "ddrnet": 1, "pidnet": 1}
SIZE, BATCH = 64, 2

every_net = pytest.mark.parametrize(("name", "encoder", "context"), NETS, ids=lambda value: str(value))


def made(name, encoder, context, classes=THREE):
    torch.manual_seed(0)
    one = spec(name, encoder, None, classes, SIZE, context)
    model = one.build()
    if context:  # a new one adds nothing
        torch.nn.init.ones_(model.network.encoder.context.body[-1].weight)
    return one, model


def batch():
    """Frames whose lower part is dark, and where."""
    generator = torch.Generator().manual_seed(0)
    frames = torch.randint(100, 255, (BATCH, SIZE, SIZE, 3), dtype=torch.uint8, generator=generator)
    target = torch.zeros(BATCH, SIZE, SIZE, dtype=torch.int64)
    target[:, SIZE // 2 :] = 1
    frames[:, SIZE // 2 :] //= 8
    return frames, target


@every_net
def test_it_learns_with_all_of_its_weights(name, encoder, context):
    _, model = made(name, encoder, context)
    frames, target = batch()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-4)
    losses = []
    for _ in range(4):
        answer = model.train()(frames)
        answers = answer if isinstance(answer, tuple) else (answer,)
        assert len(answers) == 1 + AUXILIARY.get(name, 0)
        assert all(one.shape == (BATCH, 3, SIZE, SIZE) for one in answers)
        loss = sum(F.cross_entropy(one, target) for one in answers)
        optimiser.zero_grad()
        loss.backward()
        # A weight without gradient would never be trained, and several processes would wait for it.
        without = [key for key, one in model.named_parameters() if one.grad is None or not one.grad.isfinite().all()]
        assert without == []
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


@every_net
@pytest.mark.parametrize("classes", [SKY, THREE], ids=["binary", "three"])
def test_it_answers_one_tensor_in_evaluation(name, encoder, context, classes):
    one, model = made(name, encoder, context, classes)
    with torch.inference_mode():
        logits = model.eval()(batch()[0])
    assert logits.shape == (BATCH, one.logits, SIZE, SIZE)


@every_net
def test_its_model_file_has_the_checkpoints_masks(name, encoder, context, tmp_path):
    one, model = made(name, encoder, context)
    with torch.no_grad():
        model.train()(batch()[0])  # so that the running statistics of the norms are not those of a new net
    save_checkpoint(tmp_path / "c.ckpt", model, one)
    loaded, again = load_checkpoint(tmp_path / "c.ckpt")
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 255, (8, SIZE, SIZE, 3), np.uint8)
    masks = rng.integers(0, 3, (8, SIZE, SIZE)).astype(np.uint8)
    plan = Plan(variants=("fp32",))
    verdict = export(loaded, again.card(0.5), Images(frames, masks, frames), tmp_path, plan)["fp32"]
    assert verdict.figures["max_difference"] <= 0.02
    assert (tmp_path / "fp32.onnx").is_file()
