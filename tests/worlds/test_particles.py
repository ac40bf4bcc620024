"""Bodies that pull each other: the energy's slope is the force, and what acts from inside sums to nothing."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wm_core.worlds.particles import Bodies, Particles, angular_momentum, momentum, paired, pairs

LAWS = ("springs", "gravity", "charges")
few = settings(max_examples=12, deadline=None)


def drawn(n, seed=0, batch=3, law="springs", **options):
    world = Particles(law, **options)
    x, bodies = world.start(batch, n, torch.Generator().manual_seed(seed))
    return world, x, bodies


@few
@given(st.sampled_from(LAWS), st.integers(2, 7), st.integers(0, 99), st.sampled_from([None, 0.5]))
def test_the_force_is_the_energys_slope_downhill(law, n, seed, box):
    world, x, bodies = drawn(n, seed, law=law, box=box)
    q = x[..., :2].clone().requires_grad_()
    slope = torch.autograd.grad(world.energy(torch.cat([q, x[..., 2:]], -1), bodies).sum(), q)[0]
    torch.testing.assert_close(world.force(q, bodies), -slope)


@few
@given(st.sampled_from(LAWS), st.integers(2, 9), st.integers(0, 99), st.sampled_from([torch.float32, torch.float64]))
def test_inside_forces_sum_to_nothing_and_turn_nothing(law, n, seed, dtype):
    world, x, bodies = drawn(n, seed, law=law)
    x, bodies = x.to(dtype), Bodies(*(part.to(dtype) for part in bodies))
    force = world.inside(x[..., :2], bodies)
    scale = force.abs().sum((-1, -2)).max() + 1
    assert momentum(torch.cat([x[..., :2], force], -1)).abs().max() <= 8 * torch.finfo(dtype).eps * scale
    assert angular_momentum(torch.cat([x[..., :2], force], -1)).abs().max() <= 32 * torch.finfo(dtype).eps * scale


def test_a_spring_of_two_pulls_by_how_far_it_is_stretched():
    bodies = Bodies(torch.ones(2), torch.zeros(2))
    force = Particles(strength=3.0, rest=1.0, softening=0.0).force(torch.tensor([[0.0, 0.0], [2.5, 0.0]]), bodies)
    torch.testing.assert_close(force, torch.tensor([[4.5, 0.0], [-4.5, 0.0]]))


def test_gravity_pulls_with_both_masses_and_like_charges_repel():
    q = torch.tensor([[0.0, 0.0], [2.0, 0.0]])
    pull = Particles("gravity", softening=0.0).force(q, Bodies(torch.tensor([2.0, 3.0]), torch.zeros(2)))
    assert pull[0].tolist() == pytest.approx([6 / 4, 0.0])
    for sign in (1.0, -1.0):
        push = Particles("charges", softening=0.0).force(q, Bodies(torch.ones(2), torch.tensor([1.0, sign])))
        assert push[0].tolist() == pytest.approx([-sign / 4, 0.0])


def test_walls_push_back_only_what_is_outside():
    world = Particles(box=1.0, wall=10.0)
    q = torch.tensor([[0.9, -0.3], [1.5, -1.1]])
    force = world.outside(q, Bodies(torch.ones(2), torch.zeros(2)))
    torch.testing.assert_close(force, torch.tensor([[0.0, 0.0], [-5.0, 1.0]]))


@few
@given(st.sampled_from(LAWS), st.integers(0, 99))
def test_a_body_of_mass_zero_is_not_there(law, seed):
    world, x, bodies = drawn(4, seed, law=law)
    more = torch.cat([x, torch.zeros(3, 2, 4)], 1)  # two that are not there, in one place
    padded = Bodies(*(torch.nn.functional.pad(part, (0, 2)) for part in bodies))
    force = world.force(more[..., :2], padded)
    torch.testing.assert_close(force[:, :4], world.force(x[..., :2], bodies))
    assert force[:, 4:].abs().max() == 0
    torch.testing.assert_close(world.energy(more, padded), world.energy(x, bodies))


def test_a_start_is_at_rest_as_a_whole_and_repeats():
    _, x, bodies = drawn(6, seed=5, batch=40)
    middle = (bodies.mass[..., None] * x[..., :2]).sum(1)
    assert middle.abs().max() < 1e-14
    assert momentum(x).abs().max() < 1e-14
    i, j = pairs(6)
    assert (x[:, i, :2] - x[:, j, :2]).norm(dim=-1).min() >= 0.3
    assert ((bodies.mass >= 0.5) & (bodies.mass <= 2)).all()
    again = drawn(6, seed=5, batch=40)[1]
    assert torch.equal(x, again)
    assert not torch.equal(x, drawn(6, seed=6, batch=40)[1])


def test_paired_counts_each_pull_with_both_signs():
    pulls = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 3.0]])  # 0-1, 0-2, 1-2
    assert paired(pulls, 3).tolist() == [[1, 2], [2, 3], [-3, -5]]


def test_angular_momentum_of_a_turning_body():
    assert float(angular_momentum(torch.tensor([[2.0, 0.0, 0.0, 3.0], [0.0, 1.0, 1.0, 0.0]]))) == 5.0


def test_the_force_works_inside_transforms():
    world, x, bodies = drawn(3)
    q = x[..., :2]
    one = lambda place, mass, charge: world.force(place, Bodies(mass, charge))  # noqa: E731
    torch.testing.assert_close(torch.func.vmap(one)(q, *bodies), world.force(q, bodies))
    slope = torch.func.jacrev(lambda place: world.force(place, Bodies(bodies.mass[0], bodies.charge[0])))(q[0])
    torch.testing.assert_close(slope, slope.permute(2, 3, 0, 1))  # a force with an energy has a symmetric slope


@pytest.mark.parametrize("places", [(3, 3), (2, 2)])
def test_what_does_not_fit_is_refused_by_name(places):
    with pytest.raises(ValueError, match="q: got places"):
        Particles().force(torch.zeros(places), Bodies(torch.ones(3), torch.zeros(3)))


def test_a_law_that_is_none_is_refused():
    with pytest.raises(ValueError, match="law: got 'magic'"):
        Particles("magic")


def test_softening_leaves_no_encounter_infinitely_violent():
    near = torch.tensor([[0.0, 0.0], [1e-6, 0.0]])
    force = Particles("gravity", softening=0.5).force(near, Bodies(torch.ones(2), torch.zeros(2)))
    assert 0 < float(force.abs().max()) < 1e-4
