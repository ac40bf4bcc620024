"""The exact solutions solve their equations, and say what they say at the start and at the walls."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wm_core.worlds.flows import Burgers, CarriedWave, Kovasznay, TaylorGreen

few = settings(deadline=None, max_examples=8)


def derivatives(f, points):
    """Of each output, slopes (n, out, d) and curvatures (n, out, d), by autograd."""
    points = points.clone().requires_grad_()
    value, firsts, seconds = f(points), [], []
    for c in range(value.shape[-1]):
        slope = torch.autograd.grad(value[:, c].sum(), points, create_graph=True)[0]
        columns = [
            torch.autograd.grad(slope[:, i].sum(), points, retain_graph=True)[0][:, i] for i in range(points.shape[1])
        ]
        firsts.append(slope)
        seconds.append(torch.stack(columns, -1))
    return value.detach(), torch.stack(firsts, 1).detach(), torch.stack(seconds, 1).detach()


def flow_residual(value, first, second, axes, viscosity, moving):
    u, v = value[:, :1], value[:, 1:2]
    x, y = axes
    carried = u * first[:, :2, x] + v * first[:, :2, y]
    pressure = torch.stack([first[:, 2, x], first[:, 2, y]], -1)
    momentum = carried + pressure - viscosity * (second[:, :2, x] + second[:, :2, y])
    return (momentum + first[:, :2, 0] if moving else momentum), first[:, 0, x] + first[:, 1, y]


@few
@given(viscosity=st.floats(0.005, 1.0), seed=st.integers(0, 99))
def test_the_vortex_obeys_navier_and_stokes(viscosity, seed):
    points = 3 * torch.rand(30, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    momentum, mass = flow_residual(*derivatives(TaylorGreen(viscosity), points), (1, 2), viscosity, True)
    assert momentum.abs().max() < 1e-12
    assert mass.abs().max() < 1e-12


def test_the_vortex_has_the_energy_that_it_says():
    world, t = TaylorGreen(0.3), 0.7
    line = torch.arange(32, dtype=torch.float64) / 32 * 2 * math.pi
    flow = world(torch.cartesian_prod(torch.tensor([t], dtype=torch.float64), line, line))
    torch.testing.assert_close(
        0.5 * flow[:, :2].square().sum(1).mean(), world.energy(torch.tensor(t, dtype=torch.float64))
    )


def test_kovasznays_wake_obeys_steady_navier_and_stokes():
    points = torch.rand(30, 2, dtype=torch.float64)
    world = Kovasznay(20.0)
    momentum, mass = flow_residual(*derivatives(world, points), (0, 1), 1 / 20, False)
    assert momentum.abs().max() < 1e-12
    assert mass.abs().max() < 1e-12


@pytest.mark.parametrize("viscosity", [0.1 / math.pi, 0.02])
def test_burgers_wave_obeys_burgers_equation(viscosity):
    world = Burgers(viscosity)
    points = torch.rand(40, 2, dtype=torch.float64) * torch.tensor([0.9, 1.8]) + torch.tensor([0.05, -0.9])
    value, first, second = derivatives(world, points)
    residual = first[:, 0, 0] + value[:, 0] * first[:, 0, 1] - viscosity * second[:, 0, 1]
    assert residual.abs().max() < 1e-6


def test_burgers_wave_starts_as_a_sine_and_is_zero_at_the_walls():
    world, x = Burgers(), torch.linspace(-1, 1, 41, dtype=torch.float64)
    start = world(torch.stack([torch.zeros_like(x), x], -1))[:, 0]
    torch.testing.assert_close(start, -torch.sin(math.pi * x), atol=1e-4, rtol=0)
    walls = world(torch.tensor([[0.3, -1.0], [0.9, 1.0]], dtype=torch.float64))
    assert walls.abs().max() < 1e-10


def test_the_carried_wave_is_carried():
    points = torch.rand(9, 2, dtype=torch.float64)
    _, first, _ = derivatives(CarriedWave(20.0), points)
    assert (first[:, 0, 0] + 20 * first[:, 0, 1]).abs().max() < 1e-12
