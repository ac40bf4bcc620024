"""Hamiltonian networks: the motion follows from the energy's slopes, and keeps the energy."""

import pytest
import torch

from wm_core.nets.ensemble import EnsembleMLP
from wm_core.nets.mlp import mlp
from wm_core.physics.hamiltonian import ExportedField, HamiltonianNetwork, PlainField, field_loss

SEEDS = (0, 1, 2)


def hamiltonian(seeds=SEEDS, widths=(2, 16, 16, 1), **options):
    return HamiltonianNetwork(EnsembleMLP(widths, seeds), **options).double()


def plain(seeds=SEEDS, widths=(2, 16, 16, 2)):
    return PlainField(EnsembleMLP(widths, seeds)).double()


@pytest.fixture
def draw():
    generator = torch.Generator().manual_seed(0)
    return lambda *shape: torch.randn(*shape, generator=generator, dtype=torch.float64)


def slopes(model, x):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(model.energy(x).sum(), x)[0].chunk(2, -1)


def test_the_field_is_the_energys_slopes_turned_by_a_quarter(draw):
    model, x = hamiltonian(), draw(3, 7, 2)
    slope_q, slope_p = slopes(model, x)
    torch.testing.assert_close(model.field(x), torch.cat([slope_p, -slope_q], -1))


def test_the_learned_energy_does_not_change_along_the_field(draw):
    model, x = hamiltonian(), draw(3, 7, 2)
    rate = (torch.cat(slopes(model, x), -1) * model.field(x)).sum(-1)
    assert rate.abs().max() < 1e-15
    assert model.field(x).abs().min() > 0


def test_without_autograd_the_field_is_the_same(draw):
    model, x = hamiltonian(damped=True), draw(3, 7, 2)
    with torch.no_grad():
        without = model.field(x)
    assert not without.requires_grad
    torch.testing.assert_close(without, model.field(x))


def test_two_bodies_have_two_positions_and_two_momenta(draw):
    model, x = hamiltonian(widths=(4, 16, 1)), draw(3, 7, 4)
    slope_q, slope_p = slopes(model, x)
    assert slope_q.shape == (3, 7, 2)
    torch.testing.assert_close(model.field(x), torch.cat([slope_p, -slope_q], -1))


@pytest.mark.parametrize("options", [{}, {"damped": True}])
def test_any_network_can_be_the_energy(draw, options):
    model, x = HamiltonianNetwork(mlp(2, 16, 1, activation=torch.nn.Tanh), **options).double(), draw(7, 2)
    slope_q, slope_p = slopes(model, x)
    friction = model.friction if options else 0
    expected = torch.cat([slope_p, -slope_q - friction * slope_p], -1)
    torch.testing.assert_close(model.field(x), expected)
    with torch.no_grad():
        torch.testing.assert_close(model.field(x), expected.detach())
    assert model.field(x[0]).shape == (2,)


def test_friction_is_positive_and_takes_energy_at_its_rate(draw):
    model, x = hamiltonian(damped=True), draw(3, 7, 2)
    model.raw_friction.data = draw(3, 1, 1) * 5
    assert (model.friction > 0).all()
    slope_q, slope_p = slopes(model, x)
    rate = (torch.cat([slope_q, slope_p], -1) * model.field(x)).sum(-1, keepdim=True)
    torch.testing.assert_close(rate, -model.friction * slope_p.square())


def test_a_force_enters_with_the_members_gain_and_does_work(draw):
    model, x, u = hamiltonian(driven=True), draw(3, 7, 2), draw(3, 7, 1)
    torch.testing.assert_close(model.field(x, u), model.field(x))  # nothing is known of forces at first
    model.gain.data = draw(3, 1, 1)
    torch.testing.assert_close(model.field(x, u) - model.field(x), torch.cat([0 * u, model.gain * u], -1))
    slope_q, slope_p = slopes(model, x)
    power = (torch.cat([slope_q, slope_p], -1) * model.field(x, u)).sum(-1, keepdim=True)
    torch.testing.assert_close(power, model.gain * u * slope_p)  # force times velocity


def test_only_what_was_asked_for_is_learned():
    assert {name for name, _ in hamiltonian().named_parameters() if "net" not in name} == set()
    assert {name for name, _ in hamiltonian(damped=True).named_parameters() if "net" not in name} == {"raw_friction"}
    assert {name for name, _ in hamiltonian(driven=True).named_parameters() if "net" not in name} == {"gain"}


@pytest.mark.parametrize("make", [hamiltonian, plain])
def test_a_member_of_a_batch_moves_as_it_would_alone(draw, make):
    together, x = make(), draw(3, 7, 2)
    for index in SEEDS:
        alone = make(seeds=(index,))
        torch.testing.assert_close(together.field(x)[index : index + 1], alone.field(x[index : index + 1]))


def test_a_plain_field_is_its_networks_answer_to_state_and_force(draw):
    x, u = draw(3, 7, 2), draw(3, 7, 1)
    model = plain()
    torch.testing.assert_close(model.field(x), model.net(x))
    driven = plain(widths=(3, 16, 2))
    torch.testing.assert_close(driven.field(x, u), driven.net(torch.cat([x, u], -1)))


@pytest.mark.parametrize("make", [hamiltonian, plain])
def test_the_loss_is_the_mean_square_over_samples_and_components_summed_over_members(draw, make):
    """For one member that is 1/N sum of ½ ‖J ∇H - dx/dt‖², a state having two numbers."""
    model, x, dx = make(), draw(3, 7, 2), draw(3, 7, 2)
    expected = sum(0.5 * (model.field(x)[m, n] - dx[m, n]).square().sum() / 7 for m in range(3) for n in range(7))
    loss = field_loss(model, x, dx)
    assert list(loss) == ["field"]
    torch.testing.assert_close(loss["field"], expected)


def test_the_loss_of_a_network_alone_is_the_mean_square(draw):
    model, x, dx = PlainField(mlp(2, 8, 2)).double(), draw(7, 2), draw(7, 2)
    torch.testing.assert_close(field_loss(model, x, dx)["field"], (model.field(x) - dx).square().sum() / 14)


def test_the_loss_of_a_driven_network_knows_the_force(draw):
    model, x, u = hamiltonian(driven=True), draw(3, 7, 2), draw(3, 7, 1)
    model.gain.data += 0.7
    assert field_loss(model, x, model.field(x, u).detach(), u)["field"] < 1e-30
    assert field_loss(model, x, model.field(x, u).detach())["field"] > 1e-3


def test_training_reaches_every_weight_through_the_slopes(draw):
    model, x, dx, u = hamiltonian(damped=True, driven=True), draw(3, 7, 2), draw(3, 7, 2), draw(3, 7, 1)
    field_loss(model, x, dx, u)["field"].backward()
    assert all(p.grad is not None and p.grad.flatten(1).any(1).all() for p in model.parameters())


@pytest.mark.parametrize("make", [hamiltonian, plain])
def test_an_exported_field_is_the_members(draw, make):
    model, x = make(), draw(1, 2)
    everywhere = model.field(x.expand(3, 1, 2))
    for index in SEEDS:
        with torch.no_grad():
            exported = ExportedField(model, index)(x)
        torch.testing.assert_close(exported, everywhere[index].detach())


@pytest.mark.parametrize("options", [{"damped": True}, {"driven": True}])
def test_a_field_that_would_lose_a_term_is_not_exported(options):
    with pytest.raises(ValueError, match="model: got a damped or driven network"):
        ExportedField(hamiltonian(**options))
