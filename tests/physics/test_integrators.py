"""Integrators: their orders, what is symplectic and what is not, and what that does to energy."""

import math
from dataclasses import dataclass
from functools import cache

import pytest
import torch

from wm_core.metrics.energy import worst_energy_error
from wm_core.physics.integrators import (
    INTEGRATORS,
    explicit_euler,
    implicit_midpoint,
    leapfrog,
    rk4,
    simulate,
    symplectic_defect,
    symplectic_euler,
    yoshida4,
)
from wm_core.worlds.oscillators import Bead, Pendulum, Spring

UNIT = Spring(mass=1.0, stiffness=1.0)  # the unit oscillator, H = (q² + p²) / 2
STATES = torch.randn(50, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
START = torch.tensor([[torch.pi / 4, 0.0]], dtype=torch.float64)


def q_and_p(q, p):
    return torch.tensor([[q, p]], dtype=torch.float64)


@dataclass
class Stamps:
    """A time axis in disguise: dq/dt = p and dp/dt = 6 q, so that a force tells at which q it was read."""

    def velocity(self, p):
        return p

    def force(self, q):
        return 6 * q

    def field(self, x):
        q, p = x.chunk(2, -1)
        return torch.cat([p, 6 * q], -1)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (explicit_euler, (1 + 0.5 * 2, 2 + 0.5 * 6)),
        (symplectic_euler, (1 + 0.5 * 5, 2 + 0.5 * 6)),
        (leapfrog, (1 + 0.5 * 3.5, 3.5 + 0.25 * 6 * 2.75)),
    ],
)
def test_one_step_by_hand(step, expected):
    torch.testing.assert_close(step(Stamps(), q_and_p(1.0, 2.0), 0.5), q_and_p(*expected))


def test_rk4_of_a_linear_field_is_the_exponentials_series_to_fourth_order():
    h, turn = 0.3, torch.tensor([[0.0, 1.0], [-1.0, 0.0]], dtype=torch.float64)
    powers = [torch.linalg.matrix_power(h * turn, k) / factorial for k, factorial in enumerate((1, 1, 2, 6, 24))]
    torch.testing.assert_close(rk4(UNIT, STATES, h), STATES @ sum(powers).T)


def test_yoshidas_step_is_three_leapfrogs_of_his_lengths():
    outer = 0.2 / (2 - 2 ** (1 / 3))
    x = STATES
    for h in (outer, 0.2 - 2 * outer, outer):
        x = leapfrog(Pendulum(), x, h)
    torch.testing.assert_close(yoshida4(Pendulum(), STATES, 0.2), x)
    assert 2 * outer**3 + (0.2 - 2 * outer) ** 3 == pytest.approx(0, abs=1e-15)  # so that the third-order errors cancel


@cache
def after_a_second(step, system, steps):
    return simulate(step, system, START, 1 / steps, steps, every=steps)[-1]


def measured_order(step, system, coarse, fine):
    """By how much the logarithm of the state's error after a second falls with that of the step."""
    truth = after_a_second(rk4, system, 200)
    errors = [(after_a_second(step, system, steps) - truth).norm() for steps in (coarse, fine)]
    return float((errors[0] / errors[1]).log2() / math.log2(fine / coarse))


@pytest.mark.parametrize(
    ("name", "order"),
    [("explicit Euler", 1), ("symplectic Euler", 1), ("leapfrog", 2), ("Yoshida 4", 4), ("Runge-Kutta 4", 4)],
)
def test_the_order_of_convergence(name, order):
    counts = (100, 200) if order == 1 else (20, 40)
    assert measured_order(INTEGRATORS[name], Pendulum(), *counts) == pytest.approx(order, abs=0.1)


def test_the_implicit_midpoint_is_of_order_two():
    assert measured_order(implicit_midpoint, Bead(), 20, 40) == pytest.approx(2, abs=0.1)


def test_the_implicit_midpoint_solves_its_equation():
    new = implicit_midpoint(Bead(), STATES, 0.05, iterations=30)
    torch.testing.assert_close(new, STATES + 0.05 * Bead().field((STATES + new) / 2), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("step", [symplectic_euler, leapfrog, yoshida4])
def test_symplectic_steps_have_no_defect(step):
    assert symplectic_defect(step, Pendulum(), STATES, 0.1).max() <= 1e-12


@pytest.mark.parametrize(("step", "least"), [(explicit_euler, 1e-3), (rk4, 1e-9)])
def test_other_steps_have_one(step, least):
    assert symplectic_defect(step, Pendulum(), STATES, 0.1).max() > least


def test_the_implicit_midpoint_is_symplectic_where_the_energy_does_not_split():
    near = STATES.clamp(-1, 1)
    converged = lambda system, x, h: implicit_midpoint(system, x, h, iterations=40)  # noqa: E731
    assert symplectic_defect(converged, Bead(), near, 0.1).max() <= 1e-12
    assert symplectic_defect(rk4, Bead(), near, 0.1).max() > 1e-9


def test_a_line_that_reads_the_old_momentum_is_explicit_euler_in_disguise():
    def impostor(system, x, h):
        q, p = x.chunk(2, -1)
        dq, dp = system.velocity(p), system.force(q)
        return torch.cat([q + h * dq, p + h * dp], -1)

    torch.testing.assert_close(impostor(Pendulum(), STATES, 0.1), explicit_euler(Pendulum(), STATES, 0.1))
    assert symplectic_defect(impostor, Pendulum(), STATES, 0.1).max() > 1e-3


def test_the_defect_of_a_map_whose_jacobian_is_known():
    """Of a linear map M of the plane, MᵀΩM = det(M) Ω."""
    stretch = lambda system, x, h: x * torch.tensor([2.0, 1.5], dtype=x.dtype)  # noqa: E731
    torch.testing.assert_close(
        symplectic_defect(stretch, UNIT, STATES, 0.1), torch.full((50,), 2.0, dtype=torch.float64)
    )


def test_two_degrees_of_freedom_are_positions_first():
    """A swap of the two bodies is symplectic; a swap of one body's position and momentum alone changes a sign."""
    x = torch.randn(4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    assert symplectic_defect(lambda s, x, h: x[..., [1, 0, 3, 2]], UNIT, x, 0.1).max() == 0
    assert symplectic_defect(lambda s, x, h: x[..., [2, 1, 0, 3]], UNIT, x, 0.1).min() == 2


@pytest.mark.parametrize("step", [leapfrog, yoshida4, implicit_midpoint])
def test_a_reversible_step_comes_back(step):
    there = step(Pendulum(), STATES, 0.1)
    torch.testing.assert_close(step(Pendulum(), there, -0.1), STATES, rtol=1e-9, atol=1e-9)


def test_symplectic_euler_does_not_come_back():
    back = symplectic_euler(Pendulum(), symplectic_euler(Pendulum(), STATES, 0.1), -0.1)
    assert (back - STATES).abs().max() > 1e-3


def test_explicit_euler_raises_a_unit_oscillators_energy_by_one_plus_h_squared():
    energy = UNIT.energy(simulate(explicit_euler, UNIT, STATES, 0.1, 5))
    torch.testing.assert_close(energy[1:] / energy[:-1], torch.full((5, 50), 1.01, dtype=torch.float64))


def test_a_symplectic_steps_energy_error_stays_where_explicit_eulers_grows():
    def worst(step, seconds):
        return float(
            worst_energy_error(Pendulum().energy(simulate(step, Pendulum(), START, 0.05, round(seconds / 0.05))))
        )

    assert worst(leapfrog, 50) < 1.01 * worst(leapfrog, 10) < 0.02
    assert worst(explicit_euler, 50) > 3 * worst(explicit_euler, 10) > 0.5


def test_a_path_starts_at_the_start_and_keeps_every_few_steps():
    whole, thinned = (simulate(leapfrog, Pendulum(), STATES, 0.1, 6, every=k) for k in (1, 3))
    assert whole.shape == (7, 50, 2)
    assert torch.equal(whole[0], STATES)
    assert torch.equal(thinned, whole[::3])
    torch.testing.assert_close(whole[4], leapfrog(Pendulum(), whole[3], 0.1))


def test_steps_that_every_does_not_divide_are_refused():
    with pytest.raises(ValueError, match="steps: got 7, wanted a multiple of every = 3"):
        simulate(leapfrog, Pendulum(), STATES, 0.1, 7, every=3)
