"""A slow copy moves by what its decay says."""

import torch
from torch import nn

from wm_core.nets.ema import ema_decay, slow_copy, update_ema


def test_a_copy_starts_equal_and_no_gradient_reaches_it():
    net = nn.Linear(3, 2)
    copy = slow_copy(net)
    assert copy.weight.equal(net.weight)
    assert copy.weight is not net.weight
    assert not any(weight.requires_grad for weight in copy.parameters())


def test_an_update_goes_one_minus_decay_of_the_way():
    net = nn.Linear(3, 2)
    copy = slow_copy(net)
    before = copy.weight.clone()
    with torch.no_grad():
        net.weight += 1
    update_ema(copy, net, 0.9)
    torch.testing.assert_close(copy.weight, before + 0.1)


def test_after_many_updates_the_distance_has_shrunk_by_the_power_of_the_decay():
    net = nn.Linear(3, 2)
    copy = slow_copy(net)
    with torch.no_grad():
        net.bias += 1
    for _ in range(50):
        update_ema(copy, net, 0.95)
    torch.testing.assert_close(net.bias - copy.bias, torch.full((2,), 0.95**50), atol=1e-5, rtol=1e-3)


def test_buffers_are_copied():
    net = nn.BatchNorm1d(2)
    copy = slow_copy(net)
    net(torch.randn(8, 2) + 5)
    update_ema(copy, net, 0.9)
    assert copy.running_mean.equal(net.running_mean)


def test_the_decay_goes_in_a_straight_line():
    assert [ema_decay(share, 0.9, 1.0) for share in (0.0, 0.5, 1.0)] == [0.9, 0.95, 1.0]
