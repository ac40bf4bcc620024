"""A planet's three invariants, and the ellipses it starts on."""

import math

import torch

from wm_core.physics.integrators import simulate, yoshida4
from wm_core.worlds.kepler import Kepler

SUN = Kepler()


def test_energy_spin_and_direction_are_kept():
    x = SUN.starts(20, torch.Generator().manual_seed(0))
    path = simulate(yoshida4, SUN, x, 0.01, 1000, every=10)
    assert (SUN.energy(path) - SUN.energy(x)).abs().max() < 1e-6
    assert (SUN.spin(path) - SUN.spin(x)).abs().max() < 1e-12
    assert (SUN.nearest(path) - SUN.nearest(x)).abs().max() < 1e-4


def test_a_year_is_as_long_as_kepler_says():
    x = SUN.starts(1, torch.Generator().manual_seed(1), half=(0.9, 0.9))
    year = 2 * math.pi * 0.9**1.5
    end = simulate(yoshida4, SUN, x, year / 2000, 2000)[-1]
    assert (end - x).abs().max() < 1e-6


def test_starts_lie_where_they_were_asked_for():
    x = SUN.starts(200, torch.Generator().manual_seed(2), eccentric=(0.2, 0.5), half=(0.8, 1.2))
    e, a = SUN.nearest(x).norm(dim=-1), -1 / (2 * SUN.energy(x))
    assert e.min() >= 0.2
    assert e.max() <= 0.5
    assert a.min() >= 0.8
    assert a.max() <= 1.2
    q, p = x.chunk(2, -1)
    assert (q * p).sum(-1).abs().max() < 1e-12  # nearest to the sun
    torch.testing.assert_close(SUN.nearest(x) / e[:, None], q / q.norm(dim=-1, keepdim=True))


def test_the_force_is_the_energys_slope():
    x = SUN.starts(10, torch.Generator().manual_seed(3)).requires_grad_()
    slope = torch.autograd.grad(SUN.energy(x).sum(), x)[0]
    torch.testing.assert_close(SUN.field(x), torch.cat([slope[:, 2:], -slope[:, :2]], -1))
