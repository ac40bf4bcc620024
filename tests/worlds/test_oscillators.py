"""Oscillators: the field follows from the energy, and keeps it."""

import pytest
import torch

from wm_core.worlds.oscillators import Bead, Pendulum, Separable, Spring

STATES = torch.randn(64, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
SYSTEMS = [
    Spring(),
    Pendulum(),
    Bead(),
    Spring(mass=2.0, stiffness=0.7),
    Pendulum(mass=1.5, weight=9.8),
    Bead(gravity=9.8),
]
every_system = pytest.mark.parametrize("system", SYSTEMS, ids=repr)


def slopes(function, x):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(function(x).sum(), x)[0].unbind(-1)


@every_system
def test_the_field_is_the_energys_slopes_turned_by_a_quarter(system):
    slope_q, slope_p = slopes(system.energy, STATES)
    torch.testing.assert_close(system.field(STATES), torch.stack([slope_p, -slope_q], -1))


@every_system
def test_energy_does_not_change_along_the_field(system):
    slope_q, slope_p = slopes(system.energy, STATES)
    dq, dp = system.field(STATES).unbind(-1)
    assert (slope_q * dq + slope_p * dp).abs().max() < 1e-12


@pytest.mark.parametrize("system", [Spring(friction=0.3), Pendulum(mass=2.0, friction=0.3)], ids=repr)
def test_friction_takes_energy_at_its_rate(system):
    slope_q, slope_p = slopes(system.energy, STATES)
    dq, dp = system.field(STATES).unbind(-1)
    torch.testing.assert_close(slope_q * dq + slope_p * dp, -0.3 * STATES[:, 1].square() / system.mass)


@pytest.mark.parametrize("system", [Spring(), Pendulum(friction=0.1)], ids=repr)
def test_a_force_adds_to_the_change_of_momentum_only(system):
    u = torch.linspace(-1, 1, 64, dtype=torch.float64)[:, None]
    torch.testing.assert_close(system.field(STATES, u) - system.field(STATES), torch.cat([0 * u, u], -1))


def test_the_defaults_are_greydanus_spring_and_pendulum():
    q, p = STATES.unbind(-1)
    torch.testing.assert_close(Spring().energy(STATES), p**2 + q**2)
    torch.testing.assert_close(Pendulum().energy(STATES), p**2 + 3 * (1 - torch.cos(q)))


def test_a_bead_told_in_velocity_is_the_same_bead():
    bead = Bead()
    torch.testing.assert_close(bead.in_momentum(bead.in_velocity(STATES)), STATES)
    torch.testing.assert_close(bead.in_velocity(STATES)[:, 1], bead.field(STATES)[:, 0])  # dq/dt is what it says


def test_a_bead_moves_alike_in_both_coordinates():
    """The chain rule: the velocity v(q, p) changes by its slopes times the changes of q and p."""
    bead = Bead()
    slope_q, slope_p = slopes(lambda x: bead.in_velocity(x)[:, 1], STATES)
    dq, dp = bead.field(STATES).unbind(-1)
    expected = torch.stack([dq, slope_q * dq + slope_p * dp], -1)
    torch.testing.assert_close(bead.velocity_field(bead.in_velocity(STATES)), expected)


def test_a_beads_energy_is_its_motions_and_its_heights():
    x, v = STATES.unbind(-1)
    speed_squared = v**2 + (x * v) ** 2  # along y = x²/2, dy/dt = x dx/dt
    energy = Bead(gravity=3.0).energy(Bead().in_momentum(STATES))
    torch.testing.assert_close(energy, speed_squared / 2 + 3.0 * x**2 / 2)


def test_a_system_without_a_potential_says_so():
    with pytest.raises(NotImplementedError):
        Separable().energy(STATES)
