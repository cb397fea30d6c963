"""The input sizes that params accept for a net are those that it takes."""

import pytest
import torch

from src.models.sizes import size_multiple
from src.params import Model
from tests.models.test_every_net import every_net, made


@every_net
def test_what_params_accept_is_what_the_net_takes(name, encoder, context):
    model = {"name": name, "encoder": encoder, "encoder_weights": None, "decoder_channels": None, "context": context}
    declared = Model.model_validate(model | {"normalisation": "imagenet"}).size_multiple
    measured = size_multiple(made(name, encoder, context)[1].network)
    assert declared % measured == 0
    assert declared == max(measured, 8)


def test_a_net_that_takes_nothing_is_told():
    with pytest.raises(ValueError, match="no multiple"):
        size_multiple(torch.nn.AvgPool2d(2))
