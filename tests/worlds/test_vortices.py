"""The stirred water: an exact solution, the order of its steps, and what it keeps."""

import math

import pytest
import torch

from wm_core.physics.boxes import Box
from wm_core.physics.operators import divergence, kinetic_energy
from wm_core.worlds.vortices import Vortices


def taylor_green(n):
    x = torch.arange(n, dtype=torch.float64) * 2 * math.pi / n
    x, y = x[:, None], x[None]
    return torch.stack([torch.sin(2 * x) * torch.cos(2 * y), -torch.cos(2 * x) * torch.sin(2 * y)])


def test_the_taylor_green_vortex_dies_at_its_exact_rate():
    world = Vortices(16, viscosity=0.05, h=0.02)
    end = world.step(taylor_green(16), 50)
    torch.testing.assert_close(end, taylor_green(16) * math.exp(-0.05 * 8 * 1.0), atol=1e-9, rtol=0)


def test_steps_are_of_fourth_order():
    u = Vortices(32).starts(2, torch.Generator().manual_seed(0), waves=2.0)
    fine = Vortices(32, h=0.4 / 256).step(u, 256)
    errors = [float((Vortices(32, h=0.4 / k).step(u, k) - fine).abs().max()) for k in (8, 16)]
    assert math.log2(errors[0] / errors[1]) == pytest.approx(4, abs=0.3)


@pytest.mark.parametrize("n", [16, 32])
def test_it_has_no_sources_and_without_viscosity_keeps_its_energy(n):
    world, box = Vortices(n, viscosity=0.0, h=0.01), Box((n, n))
    u = world.starts(3, torch.Generator().manual_seed(1), waves=2.0)
    assert u.shape == (3, 2, n, n)
    torch.testing.assert_close(kinetic_energy(u, box), torch.full((3,), 0.5, dtype=torch.float64))
    film = world.film(u, 5, 5)
    assert film.shape == (5, 3, 2, n, n)
    assert divergence(film.flatten(0, 1), box).abs().max() < 1e-12
    if n == 32:  # on the coarser grid waves that the step leaves out hold some of it
        assert (kinetic_energy(film.flatten(0, 1), box) - 0.5).abs().max() < 1e-3


def test_it_answers_in_the_precision_that_it_was_asked_in():
    world = Vortices(16)
    u = world.starts(1, torch.Generator().manual_seed(2))
    assert world.step(u.float()).dtype == torch.float32
    torch.testing.assert_close(world.step(u.float()).double(), world.step(u), atol=1e-6, rtol=1e-5)
