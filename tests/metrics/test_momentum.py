"""Momentum along a path: against forces whose effect is known."""

import pytest
import torch

from wm_core.metrics.momentum import angular_momentum_error, momentum_error


def path_of(p, q=None):
    """A path of bodies with these momenta (time, n, 2), at these places."""
    q = torch.zeros_like(p) if q is None else q
    return torch.cat([q, p], -1)


def test_a_constant_force_takes_force_times_time():
    time = torch.arange(11, dtype=torch.float64) * 0.5
    p = torch.tensor([[3.0, 4.0], [-3.0, -4.0]]).double().repeat(11, 1, 1)  # in all 0, each 5
    p[:, 0, 0] += 0.8 * time  # a force of 0.8 along x for 5 s
    assert float(momentum_error(path_of(p))) == pytest.approx(0.8 * 5 / 10)


def test_it_is_the_worst_moment_that_counts():
    p = torch.zeros(3, 1, 2)
    p[:, 0, 0] = torch.tensor([2.0, 5.0, 2.0])
    assert float(momentum_error(path_of(p))) == 1.5


def test_bodies_that_push_each_other_keep_momentum():
    time = torch.linspace(0, 1, 5)[:, None]
    push = torch.stack([time.sin(), time.cos()], -1)
    assert float(momentum_error(path_of(torch.cat([1 + push, 1 - push], 1)))) < 1e-6


def test_a_constant_torque_takes_torque_times_time():
    time = torch.arange(6, dtype=torch.float64)
    q, p = torch.zeros(6, 1, 2).double(), torch.zeros(6, 1, 2).double()
    q[:, 0, 0], p[:, 0, 1] = 2.0, 1.0 + 0.3 * time  # at (2, 0), pushed along y
    assert float(angular_momentum_error(path_of(p, q))) == pytest.approx(0.3 * 5 / 1.0)


def test_what_turns_one_way_and_the_other_is_counted_for_both():
    """At first 2 · 1 one way round and 3 · 1 the other, 5 in all; then 3 more of the other."""
    q = torch.tensor([[2.0, 0.0], [0.0, 3.0]]).expand(2, 2, 2)
    p = torch.tensor([[[0.0, 1.0], [1.0, 0.0]], [[0.0, 1.0], [2.0, 0.0]]])
    assert float(angular_momentum_error(path_of(p, q))) == pytest.approx(3 / 5)


def test_a_force_towards_the_origin_has_no_torque():
    angle = torch.linspace(0, 6, 50, dtype=torch.float64)[:, None]
    q = torch.stack([angle.cos(), angle.sin()], -1)
    p = torch.stack([-angle.sin(), angle.cos()], -1)
    assert float(angular_momentum_error(path_of(p, q))) < 1e-14
    assert float(momentum_error(path_of(p, q))) > 1


def test_each_path_of_a_batch_has_its_own():
    p = torch.ones(2, 3, 1, 2)
    p[1, 1] *= 2
    assert momentum_error(path_of(p)).tolist() == [0.0, 1.0, 0.0]


@pytest.mark.parametrize("error", [momentum_error, angular_momentum_error])
def test_bodies_at_rest_leave_nothing_to_compare_with(error):
    with pytest.raises(ValueError, match="without momentum"):
        error(torch.zeros(3, 2, 4))
    path = torch.ones(3, 2, 2, 4)
    path[:, 1] = 0  # one of two paths
    with pytest.raises(ValueError, match="without momentum"):
        error(path)


def test_a_path_that_is_no_number_is_no_small_error():
    p = torch.ones(3, 1, 2)
    p[1] = torch.nan
    assert momentum_error(path_of(p)).isnan()
