"""What the three graph networks promise, for any weights, and what they do not."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wm_core.artefacts import export_onnx
from wm_core.metrics.momentum import angular_momentum_error, momentum_error
from wm_core.nets.ensemble import EnsembleMLP
from wm_core.nets.size import parameters
from wm_core.physics.graph_network import (
    AntisymmetricGraph,
    CentralGraph,
    ExportedForces,
    PlainGraph,
    WithOutside,
    force_loss,
    untrained,
)
from wm_core.physics.particles import ParticleModel, System, film, fly
from wm_core.training import Shuffled, fit
from wm_core.worlds.particles import Bodies, Particles, angular_momentum, momentum

KINDS = ("plain", "answering", "antisymmetric", "central")
PAIRED = ("antisymmetric", "central")
few, fewer = (settings(max_examples=most, deadline=None) for most in (10, 4))
count, seed, precision = st.integers(2, 7), st.integers(0, 999), st.sampled_from([torch.float32, torch.float64])


def drawn(n, seed, dtype=torch.float64, members=2, batch=3, charges=True):
    """States and bodies, with masses over four orders of magnitude."""
    generator = torch.Generator().manual_seed(seed)
    x, bodies = Particles().start(batch, n, generator)
    mass = 10 ** (4 * torch.rand(batch, n, generator=generator, dtype=torch.float64) - 2)
    return x.to(dtype).expand(members, *x.shape), Bodies(mass.to(dtype), bodies.charge.to(dtype))


def network(kind, seed=0, dtype=torch.float64, strong=20.0, members=2):
    """One with forces of order 1, so that there is something to cancel."""
    model = untrained(kind, tuple(range(seed, seed + members)), width=16).to(dtype)
    with torch.no_grad():
        for part in (model.net, getattr(model, "answer", None)):
            if part is not None:
                part.weights[-1].mul_(strong)
    return model


def totals(model, x, bodies):
    """The net force, the net torque, and the size of what had to cancel in each."""
    q, force = x[..., :2], model.force(x[..., :2], bodies)
    both = torch.cat([q, force], -1)
    return momentum(both).norm(dim=-1), angular_momentum(both).abs(), force.norm(dim=-1).sum(-1)


class Known(EnsembleMLP):
    """A function in place of a network."""

    def __init__(self, answer):
        super().__init__((1, 1), (0,))
        self.answer = answer

    def forward(self, x):
        return self.answer(x)


def test_each_kind_does_with_its_answers_what_it_says():
    """Where it is known what the network says, the forces can be had by hand."""
    q = torch.tensor([[[0.0, 0.0], [3.0, 4.0]]])  # one member, two bodies, 5 apart
    bodies = Bodies(torch.tensor([2.0, 6.0]), torch.tensor([1.0, -1.0]))

    asked = Known(lambda e: e[..., :2] * (e[..., 3:4] + 10 * e[..., 6:]))  # the way; own mass, the other's charge
    assert PlainGraph(asked).force(q, bodies).tolist() == [[[-24.0, -32.0], [-48.0, -64.0]]]
    assert AntisymmetricGraph(asked).force(q, bodies).tolist() == [[[12.0, 16.0], [-12.0, -16.0]]]

    told = Known(lambda e: e[..., :1] + e[..., 1:2] + 10 * e[..., 4:])  # the distance; the same
    torch.testing.assert_close(CentralGraph(told).force(q, bodies), torch.tensor([[[5.4, 7.2], [-5.4, -7.2]]]))

    message = Known(lambda e: torch.cat([e[..., :2], torch.full_like(e[..., :1], 7.0)], -1))  # the way, and a 7
    answer = Known(lambda heard: torch.cat([heard[..., 2:3] * heard[..., 3:4], heard[..., 4:]], -1))  # 7 mass; charge
    assert PlainGraph(message, answer).force(q, bodies).tolist() == [[[17.0, 5.0], [39.0, -5.0]]]

    place = Known(
        lambda what: what[..., :2] * what[..., 2:3] + what[..., 3:]
    )  # where it is, times mass, and the charge
    walls = WithOutside(PlainGraph(asked), place)
    assert walls.outside(q, bodies).tolist() == [[[1.0, 1.0], [17.0, 23.0]]]
    assert walls.force(q, bodies).tolist() == [[[-23.0, -31.0], [-31.0, -41.0]]]
    gone = Bodies(torch.tensor([2.0, 0.0]), bodies.charge)
    assert walls.outside(q, gone).tolist() == [[[1.0, 1.0], [0.0, 0.0]]]


@pytest.mark.parametrize("kind", PAIRED)
@fewer
@given(count, seed, precision)
def test_paired_forces_sum_to_nothing(kind, n, seed, dtype):
    net, _, size = totals(network(kind, seed, dtype), *drawn(n, seed, dtype))
    assert (net <= 4 * n * torch.finfo(dtype).eps * (size + 1)).all()


@few
@given(count, seed, precision)
def test_central_forces_turn_nothing(n, seed, dtype):
    x, bodies = drawn(n, seed, dtype)
    _, torque, size = totals(network("central", seed, dtype), x, bodies)
    assert (torque <= 16 * n * torch.finfo(dtype).eps * (size + 1) * (1 + x[..., :2].abs().max())).all()


@pytest.mark.parametrize("kind", KINDS)
def test_and_what_is_not_promised_does_not_hold(kind):
    net, torque, size = totals(network(kind), *drawn(5, 0, batch=20))
    assert (net / size).mean() > 0.05 or kind in PAIRED
    assert torque.mean() > 0.1 or kind == "central"


@pytest.mark.parametrize("kind", PAIRED)
@fewer
@given(st.integers(2, 6), seed, st.integers(0, 2))
def test_momentum_stays_over_many_steps_for_any_weights(kind, n, seed, power):
    """To rounding, measured against all the momentum that there is on the way: arbitrary forces make bodies fast."""
    for dtype in (torch.float32, torch.float64):
        x, bodies = drawn(n, seed, dtype)
        with torch.no_grad():
            path = fly(System(network(kind, seed, dtype, strong=2.0**power), bodies), x, 0.05, 100)
        most = path[..., 2:].norm(dim=-1).sum(-1).amax(0)
        gone = (momentum(path.double()) - momentum(path[0].double())).norm(dim=-1).amax(0)
        assert (gone <= 8 * torch.finfo(dtype).eps * most).all()


@pytest.mark.parametrize("kind", KINDS)
@fewer
@given(count, seed)
def test_the_order_of_the_bodies_does_not_matter(kind, n, seed):
    model, (x, bodies) = network(kind, seed), drawn(n, seed)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    q = x[..., :2]
    mixed = model.force(q[..., order, :], Bodies(*(part[..., order] for part in bodies)))
    torch.testing.assert_close(mixed, model.force(q, bodies)[..., order, :])


@pytest.mark.parametrize("kind", KINDS)
@fewer
@given(count, seed, st.floats(-3, 3), st.floats(-3, 3))
def test_where_everything_is_does_not_matter(kind, n, seed, right, up):
    model, (x, bodies) = network(kind, seed), drawn(n, seed)
    q = x[..., :2]
    moved = model.force(q + torch.tensor([right, up], dtype=q.dtype), bodies)
    torch.testing.assert_close(moved, model.force(q, bodies), atol=1e-8, rtol=1e-6)


@few
@given(count, seed, st.floats(-3.1, 3.1))
def test_central_forces_turn_with_everything(n, seed, angle):
    model, (x, bodies) = network("central", seed), drawn(n, seed)
    q, a = x[..., :2], torch.tensor(angle, dtype=torch.float64)
    turn = torch.stack([torch.stack([a.cos(), -a.sin()]), torch.stack([a.sin(), a.cos()])])
    torch.testing.assert_close(model.force(q @ turn.T, bodies), model.force(q, bodies) @ turn.T, atol=1e-8, rtol=1e-6)
    other = network("antisymmetric", seed)
    assert (other.force(q @ turn.T, bodies) - other.force(q, bodies) @ turn.T).abs().max() > 1e-4 * abs(angle) - 1e-5


@pytest.mark.parametrize("kind", KINDS)
@fewer
@given(st.integers(2, 5), seed)
def test_a_body_of_mass_zero_is_not_there(kind, n, seed):
    model, (x, bodies) = network(kind, seed), drawn(n, seed)
    q = torch.nn.functional.pad(x[..., :2], (0, 0, 0, 2))
    padded = Bodies(*(torch.nn.functional.pad(part, (0, 2)) for part in bodies))
    force = model.force(q, padded)
    torch.testing.assert_close(force[..., :n, :], model.force(x[..., :2], bodies))
    assert force[..., n:, :].abs().max() == 0


def test_a_central_force_has_an_energy_and_an_antisymmetric_one_has_none():
    """A force is the slope of some energy where its own slopes form a symmetric matrix."""
    x, bodies = drawn(4, 1, members=1, batch=1)

    def lopsided(kind):
        model = network(kind, members=1)
        slopes = torch.func.jacrev(lambda q: model.force(q.view(1, 1, 4, 2), bodies).flatten())(x[..., :2].flatten())
        return float(((slopes - slopes.T).abs().max() / slopes.abs().max()).detach())

    assert lopsided("central") < 1e-12
    assert min(lopsided("antisymmetric"), lopsided("plain")) > 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_a_member_alone_is_that_member(kind):
    x, bodies = drawn(4, 0)
    model, q = network(kind), x[..., :2]
    force = model.force(q, bodies)
    for k in (0, 1):
        torch.testing.assert_close(model.member(k).force(q[:1], bodies)[0], force[k])
    assert (force[0] - force[1]).abs().max() > 0.1  # each seed its own


def test_they_are_of_one_size_and_begin_with_hardly_a_force():
    sizes = [parameters(untrained(kind)) for kind in KINDS]
    assert max(sizes) / min(sizes) < 1.05
    x, bodies = drawn(5, 3, members=1)
    assert all(untrained(kind).double().force(x[..., :2], bodies).abs().max() < 0.5 for kind in KINDS)


@pytest.mark.slow
def test_trained_on_a_film_they_keep_what_they_promise():
    world, h = Particles(), 0.05
    seen = film(world, 10, 4, torch.Generator().manual_seed(0), h=h, frames=20)
    data = [part[None] for part in (seen.q, seen.force, *seen.bodies)]
    x, bodies = world.start(6, 4, torch.Generator().manual_seed(1))
    for kind in ("plain", *PAIRED):
        model = untrained(kind, width=24)
        log = fit(
            model, lambda m, batch: force_loss(m, *batch), Shuffled(*data, size=50, dim=1), steps=120, learning_rate=0.03,
            optimiser=torch.optim.Adam, clip=None, precision="float32",
        )  # fmt: skip
        assert log.last("force", 10) < 0.3 * log.terms["force"][0]
        for dtype, bound in ((torch.float32, 1e-6), (torch.float64, 1e-13)):
            system = System(model.to(dtype), Bodies(*(part.to(dtype) for part in bodies)))
            with torch.no_grad():
                path = fly(system, x.to(dtype)[None], h, 1000).double()
            if kind == "plain":
                assert momentum_error(path).min() > 1e-3
            else:
                assert momentum_error(path).max() < bound
                assert (angular_momentum_error(path).max() < 1e-4) == (kind == "central")
        model.float()


def test_a_push_changes_what_they_imagine_by_force_times_time():
    x, bodies = drawn(3, 0, batch=1)
    model = ParticleModel(network("antisymmetric"), bodies, h=0.1)
    actions = torch.zeros(2, 1, 7, 6, dtype=torch.float64)
    actions[..., 2] = 0.5  # the second body, along x
    with torch.no_grad():
        path = model.decode(model.rollout(model.encode(x), actions))
    gained = momentum(path[..., -1, :, :]) - momentum(x)
    torch.testing.assert_close(gained, x.new_tensor([0.35, 0.0]).expand(2, 1, 2), atol=1e-13, rtol=0)


def test_from_outside_anything_may_come():
    x, bodies = drawn(4, 2)
    inside = network("antisymmetric")
    model = WithOutside(inside, EnsembleMLP((4, 8, 2), (0, 1)).double())
    q = x[..., :2]
    torch.testing.assert_close(model.force(q, bodies).sum(-2), model.outside(q, bodies).sum(-2))
    assert model.outside(q, bodies).abs().max() > 0.01


def test_the_loss_is_each_members_mean_squared_error():
    x, bodies = drawn(4, 0, batch=5)
    model, q = network("plain"), torch.stack([x[0, ..., :2], 2 * x[1, ..., :2]])  # each member sees a film of its own
    masses, charges = (part.expand(2, 5, 4) for part in bodies)
    loss = force_loss(model, q, torch.zeros_like(q), masses, charges)["force"]
    alone = [model.member(k).force(q[k : k + 1], bodies).square().mean() for k in (0, 1)]
    torch.testing.assert_close(loss, sum(alone))


@pytest.mark.parametrize("kind", KINDS)
def test_the_browser_gets_the_same_forces(kind):
    model, (x, bodies) = network(kind, dtype=torch.float32), drawn(6, 0, torch.float32, batch=1)
    q, mass, charge = x[0, 0, :, :2], bodies.mass[0].clone(), bodies.charge[0]
    mass[4:] = 0
    exported = ExportedForces(model, 1)
    torch.testing.assert_close(
        exported(q, mass, charge), model.force(x[..., :2], Bodies(mass[None], charge[None]))[1, 0]
    )
    kept = export_onnx(exported, {"q": q, "mass": mass, "charge": charge}, ["force"])
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(kept.onnx)
    (answer,) = session.run(None, {"q": q.numpy(), "mass": mass.numpy(), "charge": charge.numpy()})
    torch.testing.assert_close(torch.from_numpy(answer), exported(q, mass, charge).detach(), atol=1e-5, rtol=1e-5)


def test_they_work_inside_transforms():
    x, bodies = drawn(3, 0, members=1)
    model = network("central", members=1)
    one = lambda q, mass, charge: model.force(q[None, None], Bodies(mass[None], charge[None]))[0, 0]  # noqa: E731
    torch.testing.assert_close(torch.func.vmap(one)(x[0, :, :, :2], *bodies), model.force(x[..., :2], bodies)[0])


def test_what_does_not_fit_is_refused_by_name():
    x, bodies = drawn(4, 0)
    with pytest.raises(ValueError, match="q: got"):
        network("plain").force(x[..., :3, :2], bodies)
    with pytest.raises(ValueError, match="q: got"):
        network("plain").force(x[..., :3], bodies)
    with pytest.raises(ValueError, match="kind: got 'magic'"):
        untrained("magic")
    with pytest.raises(ValueError, match="two bodies in one place"):
        System(network("central"), bodies).force(0 * x[..., :2])


def test_no_class_is_left_without_its_promise():
    assert [type(network(kind)) for kind in KINDS] == [PlainGraph, PlainGraph, AntisymmetricGraph, CentralGraph]
