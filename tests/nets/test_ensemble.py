"""An ensemble: each member is a network of its own, and its written-out gradient is autograd's."""

import pytest
import torch
from torch import nn

from wm_core.nets.ensemble import EnsembleMLP


@pytest.fixture
def ensemble():
    return EnsembleMLP((2, 8, 6, 1), seeds=(0, 1, 2))


@pytest.fixture
def x():
    return torch.randn(3, 5, 2, generator=torch.Generator().manual_seed(0))


def standalone(ensemble, index):
    """The same network out of PyTorch's own layers."""
    layers = []
    for i, weight in enumerate(ensemble.weights):
        last = i == len(ensemble.weights) - 1
        linear = nn.Linear(weight.shape[2], weight.shape[1], bias=not last)
        linear.weight.data = weight.data[index]
        if not last:
            linear.bias.data = ensemble.biases[i].data[index, 0]
        layers += [linear] if last else [linear, nn.Tanh()]
    return nn.Sequential(*layers)


def test_each_member_answers_as_a_network_alone(ensemble, x):
    answers = ensemble(x)
    assert answers.shape == (3, 5, 1)
    for index in range(ensemble.members):
        torch.testing.assert_close(answers[index], standalone(ensemble, index)(x[index]))


def test_a_member_taken_out_answers_alike_and_shares_nothing(ensemble, x):
    one = ensemble.member(1)
    assert one.members == 1
    before = one(x[1:2])
    torch.testing.assert_close(before, ensemble(x)[1:2])
    with torch.no_grad():
        for p in ensemble.parameters():
            p.zero_()
    assert torch.equal(one(x[1:2]), before)


def test_a_member_keeps_the_ensembles_precision(ensemble, x):
    assert ensemble.double().member(0)(x[:1].double()).dtype == torch.float64


def test_the_written_gradient_is_autograds(ensemble, x):
    ensemble, x = ensemble.double(), x.double().requires_grad_()
    (expected,) = torch.autograd.grad(ensemble(x).sum(), x)
    torch.testing.assert_close(ensemble.gradient(x), expected, rtol=1e-12, atol=1e-12)


def test_members_do_not_touch_each_other(ensemble, x):
    ensemble(x)[1].square().sum().backward()
    for p in ensemble.parameters():
        assert not p.grad[[0, 2]].any()
        assert p.grad[1].any()


def test_a_member_depends_on_its_own_seed_only():
    alone, among = EnsembleMLP((2, 8, 1), seeds=(7,)), EnsembleMLP((2, 8, 1), seeds=(3, 7))
    for a, b in zip(alone.parameters(), among.parameters(), strict=True):
        assert torch.equal(a[0], b[1])
        assert not torch.equal(b[0], b[1])


def test_weights_start_orthogonal_and_biases_within_their_bound():
    ensemble = EnsembleMLP((2, 8, 6, 1), seeds=(0, 1))
    wide = ensemble.weights[1]  # (members, 6, 8)
    torch.testing.assert_close(wide @ wide.mT, torch.eye(6).expand(2, 6, 6), atol=1e-5, rtol=0)
    assert len(ensemble.biases) == 2  # none on the last layer
    for bias, inputs in zip(ensemble.biases, (2, 8), strict=True):
        assert 0.5 * inputs**-0.5 < bias.abs().max() <= inputs**-0.5
