"""Residuals are those of the equations, and the terms of the loss do what the chapter says of them."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from wm_core.nets.ensemble import EnsembleMLP
from wm_core.nets.mlp import mlp
from wm_core.physics import pinn
from wm_core.physics.flow import Flow
from wm_core.physics.taylor import Sin
from wm_core.physics.vortex import SIDE, ExportedVortex, VortexProblem
from wm_core.worlds.flows import TaylorGreen
from wm_core.worlds.oscillators import Pendulum

few = settings(deadline=None, max_examples=8)


def tanh_net(d: int, out: int, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return mlp(d, 6, 6, out, activation=nn.Tanh).double()


def slope(y, x, i):
    return torch.autograd.grad(y.sum(), x, create_graph=True)[0][:, i]


@few
@given(seed=st.integers(0, 99), viscosity=st.floats(0.001, 2.0))
def test_residuals_are_those_of_autograd(seed, viscosity):
    net, points = tanh_net(3, 3, seed), torch.randn(7, 3, dtype=torch.float64).requires_grad_()
    u, v, p = net(points).unbind(1)
    wanted = []
    for q, axis in ((u, 1), (v, 2)):
        bent = sum(slope(slope(q, points, i), points, i) for i in (1, 2))
        wanted.append(
            slope(q, points, 0)
            + u * slope(q, points, 1)
            + v * slope(q, points, 2)
            + slope(p, points, axis)
            - viscosity * bent
        )
    momentum, mass = pinn.navier_stokes(net, points.detach(), viscosity)
    torch.testing.assert_close(momentum, torch.stack(wanted, 1), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(mass, slope(u, points, 1) + slope(v, points, 2), rtol=1e-10, atol=1e-10)


@few
@given(seed=st.integers(0, 99), viscosity=st.floats(0.001, 2.0))
def test_the_residual_of_burgers_is_that_of_autograd(seed, viscosity):
    net, points = tanh_net(2, 1, seed), torch.randn(7, 2, dtype=torch.float64).requires_grad_()
    u = net(points)[:, 0]
    u_x = slope(u, points, 1)
    wanted = slope(u, points, 0) + u * u_x - viscosity * slope(u_x, points, 1)
    found = pinn.burgers(net, points.detach(), viscosity)
    torch.testing.assert_close(found[:, 0], wanted, rtol=1e-10, atol=1e-10)


def test_networks_side_by_side_miss_burgers_equation_as_each_does_alone():
    nets = EnsembleMLP((2, 6, 6, 1), range(3)).double()
    points = torch.randn(7, 2, dtype=torch.float64)
    found = pinn.burgers(nets, points.expand(3, -1, -1), 0.1)
    alone = torch.cat([pinn.burgers(nets.member(i), points[None], 0.1) for i in range(3)])
    torch.testing.assert_close(found, alone, rtol=1e-10, atol=1e-10)


@few
@given(seed=st.integers(0, 99), viscosity=st.floats(0.001, 2.0))
def test_a_steady_flow_misses_what_the_same_flow_misses_at_any_moment(seed, viscosity):
    steady, points = tanh_net(2, 3, seed), torch.randn(7, 3, dtype=torch.float64)
    blind = nn.Linear(3, 2, bias=False).double()  # to time
    blind.weight.data = torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]).double()
    wanted = pinn.navier_stokes(nn.Sequential(blind, steady), points, viscosity)
    for got, want in zip(pinn.kovasznay(steady, points[:, 1:], viscosity), wanted, strict=True):
        torch.testing.assert_close(got, want, rtol=1e-10, atol=1e-10)


def test_a_residual_with_components_counts_by_its_squared_length():
    assert pinn.mean_square(torch.tensor([[3.0, 4.0], [0.0, 1.0]])) == 13
    assert pinn.mean_square(torch.tensor([1.0, 3.0])) == 5


def test_a_sine_wave_that_is_carried_leaves_nothing_over():
    net = nn.Sequential(nn.Linear(2, 1), Sin()).double()
    net[0].weight.data, net[0].bias.data = torch.tensor([[-20.0, 1.0]]).double(), torch.zeros(1).double()
    points = torch.rand(9, 2, dtype=torch.float64)
    assert pinn.advection(net, points, 20.0).abs().max() < 1e-12
    assert pinn.advection(net, points, 10.0).abs().max() > 1


def test_the_true_flow_has_no_error_at_its_own_viscosity_and_to_the_end():
    problem = VortexProblem(low=0.02, high=0.2, duration=3.0)
    assert max(problem.errors(TaylorGreen(0.07), viscosity=0.07)) < 1e-6
    assert min(problem.errors(TaylorGreen(0.02), viscosity=0.07)) > 0.1

    def stops(points):
        return TaylorGreen(0.07)(torch.cat([points[:, :1].clamp_max(1.0), points[:, 1:]], -1))

    assert min(problem.errors(stops, viscosity=0.07)) > 0.1

    def pressed(points):  # by a number that differs from moment to moment
        return TaylorGreen(0.07)(points) + points[:, :1] * torch.tensor([0.0, 0.0, 5.0])

    assert max(problem.errors(pressed, viscosity=0.07)) < 1e-5


def test_still_water_obeys_the_law_and_misses_the_start():
    problem = VortexProblem()
    net = problem.network()
    for weight in net.parameters():
        nn.init.zeros_(weight)
    terms = problem.terms(net, problem.draw(50, torch.Generator()), problem.draw(50, torch.Generator(), t=0.0))
    assert terms["momentum"] == terms["mass"] == 0
    assert terms["initial"] > 0.1
    heavy = problem.terms(
        net, *(problem.draw(50, torch.Generator().manual_seed(1), t=0.0) for _ in range(2)), weight=20.0
    )
    light = problem.terms(net, *(problem.draw(50, torch.Generator().manual_seed(1), t=0.0) for _ in range(2)))
    torch.testing.assert_close(heavy["initial"], 20 * light["initial"])


def test_one_network_for_all_viscosities_knows_which_is_meant():
    problem = VortexProblem(low=0.02, high=0.2, duration=3.0)
    points = problem.draw(500, torch.Generator().manual_seed(0))
    nu = problem.viscosity(points)
    assert nu.shape == (500, 1)
    assert 0.02 <= nu.min() < 0.03 < 0.15 < nu.max() <= 0.2
    points[:, 3] = problem.scaled(0.07)
    torch.testing.assert_close(problem.viscosity(points), torch.full((500, 1), 0.07))
    net = problem.network().double()
    here = points.double()
    for side in (torch.tensor([0.0, SIDE, 0.0, 0.0]), torch.tensor([0.0, 0.0, SIDE, 0.0])):
        torch.testing.assert_close(net(here + side), net(here), rtol=1e-6, atol=1e-6)
        assert not torch.allclose(net(here + side / 2), net(here), atol=1e-3)
    flow, residual = ExportedVortex(problem.network(), problem)(points)
    assert flow.shape == (500, 3)
    assert residual.shape == (500,)
    assert (residual >= 0).all()


def test_pressure_is_scored_up_to_a_number_of_each_moment():
    problem = VortexProblem()

    def off(points):
        return TaylorGreen(0.1)(points) + torch.tensor([0.0, 0.0, 1.0]) * torch.cos(5 * points[:, :1])

    velocity, pressure = problem.errors(off)
    assert velocity == 0
    assert pressure < 1e-5


def test_the_vortex_network_repeats():
    net = VortexProblem().network()
    points = torch.rand(9, 3)
    torch.testing.assert_close(net(points + torch.tensor([0.0, SIDE, -SIDE])), net(points), atol=1e-5, rtol=0)


@few
@given(losses=st.lists(st.floats(0, 3), min_size=1, max_size=9), tolerance=st.floats(0, 10))
def test_causal_weights_begin_at_one_and_never_rise(losses, tolerance):
    given, losses = losses, torch.tensor(losses, dtype=torch.float64).requires_grad_()
    weights = pinn.causal_weights(losses, tolerance)
    assert weights[0] == 1
    assert (weights.diff() <= 1e-12).all()
    assert not weights.requires_grad
    torch.testing.assert_close(
        weights, torch.exp(-tolerance * torch.tensor([float(sum(given[:i])) for i in range(len(losses))]).double())
    )


def test_lbfgs_solves_what_it_is_made_for():
    net = nn.Linear(3, 1).double()
    x = torch.randn(40, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    y = x @ torch.tensor([[1.0], [-2.0], [100.0]], dtype=torch.float64)
    seen = pinn.lbfgs(net, lambda: (net(x) - y).square().mean(), 40)
    assert seen[-1] < 1e-12 < seen[0]


def test_gradient_norms_are_each_terms_own():
    net = nn.Linear(1, 1, bias=False)
    norms = pinn.gradient_norms({"a": 3 * net.weight.sum(), "b": -4 * net.weight.sum()}, net)
    assert norms == {"a": 3.0, "b": 4.0}


@few
@given(seed=st.integers(0, 99), friction=st.floats(0, 1), push=st.floats(0, 2))
def test_the_books_of_a_pushed_and_rubbed_pendulum_balance(seed, friction, push):
    world, h, g = Pendulum(friction=friction), 0.01, torch.Generator().manual_seed(seed)
    state = 4 * torch.rand(8, 2, generator=g, dtype=torch.float64) - 2
    u = push * (2 * torch.rand(8, 1, generator=g, dtype=torch.float64) - 1)
    after = Flow(world, h).predict(state, u)
    path = torch.stack([state, after], 1)
    work = u * path[..., 0].diff(dim=1)
    rubbed = h * friction / world.mass * path[..., 1].square().mean(1, keepdim=True)
    assert pinn.balanced_energy(world.energy(path), work, rubbed) < 1e-8


def test_a_constant_keeps_its_energy_whatever_moves():
    assert (
        pinn.kept_energy(torch.arange(5.0)[:, None].expand(5, 9)) == 0
    )  # each of five trajectories has its own constant
    assert pinn.kept_energy(2 * torch.arange(9.0).expand(5, 9)) == 4


def test_books_with_a_move_missing_are_refused():
    with pytest.raises(ValueError, match="work and losses: got 3 and 4 moves, wanted 4"):
        pinn.balanced_energy(torch.zeros(2, 5), torch.zeros(2, 3), torch.zeros(2, 4))
