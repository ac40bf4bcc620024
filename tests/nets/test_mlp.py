"""Fully connected networks: widths and activations are where they should be."""

import pytest
import torch
from torch import nn

from wm_core.nets.mlp import mlp


def test_activations_stand_between_layers_and_not_after_the_last():
    layers = list(mlp(3, 8, 5, 2, activation=nn.Tanh))
    assert [type(layer) for layer in layers] == [nn.Linear, nn.Tanh, nn.Linear, nn.Tanh, nn.Linear]
    assert [(layer.in_features, layer.out_features) for layer in layers[::2]] == [(3, 8), (8, 5), (5, 2)]


def test_two_widths_are_one_linear_layer():
    net = mlp(3, 2)
    x = torch.randn(4, 3)
    torch.testing.assert_close(net(x), x @ net[0].weight.T + net[0].bias)


@pytest.mark.parametrize("widths", [(), (3,)])
def test_too_few_widths_are_refused(widths):
    with pytest.raises(ValueError, match="widths: got"):
        mlp(*widths)
