"""Flying by leapfrog, and the flight as a world model."""

import pytest
import torch

from wm_core.metrics.momentum import angular_momentum_error, momentum_error
from wm_core.physics.integrators import leapfrog, rk4, simulate
from wm_core.physics.particles import ParticleModel, System, carry, film, fly
from wm_core.worlds.particles import Bodies, Particles, momentum

WORLD = Particles()
X, BODIES = WORLD.start(4, 5, torch.Generator().manual_seed(0))
SYSTEM = System(WORLD, BODIES)


def test_flying_is_leapfrog():
    here, there = fly(SYSTEM, X, 0.05, 40, every=4), simulate(leapfrog, SYSTEM, X, 0.05, 40, every=4)
    torch.testing.assert_close(here, there, rtol=1e-12, atol=1e-12)
    plain = fly(SYSTEM, X, 0.05, 40, every=4, exact=False)
    torch.testing.assert_close(plain, there, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("law", ["springs", "gravity", "charges"])
def test_the_worlds_keep_what_they_should(law):
    world = Particles(law)
    x, bodies = world.start(4, 5, torch.Generator().manual_seed(1))
    path = fly(System(world, bodies), x, 0.0025, 1000)
    energy = world.energy(path, bodies)
    assert momentum_error(path).max() < 1e-13
    assert angular_momentum_error(path).max() < 1e-13
    assert ((energy - energy[0]).abs().amax(0) / energy[0].abs().clamp(min=1)).max() < 1e-3


def test_halving_the_step_quarters_the_error():
    truth = fly(SYSTEM, X, 0.05 / 16, 320)[-1]
    coarse, fine = ((fly(SYSTEM, X, 0.05 / k, 20 * k)[-1] - truth).norm() for k in (1, 2))
    assert 3.5 < coarse / fine < 4.5


def test_what_rounding_takes_is_given_back():
    """A million small steps in float32: plain addition stalls, and the carried one does not."""
    total, lost, stalled = torch.ones(1), torch.zeros(1), torch.ones(1)
    small = torch.full((1,), 3e-8)  # half of what the last place of 1 is worth
    for _ in range(1000):
        total, lost = carry(total, lost, small)
        stalled = stalled + small
    assert float(stalled) == 1.0
    assert float(total) - 1 == pytest.approx(3e-5, rel=0.01)


def test_places_too_get_back_what_rounding_takes():
    """One body that nothing acts on, so slow that plain addition in float32 leaves it where it is."""
    alone = Bodies(torch.ones(1), torch.ones(1))
    x = torch.tensor([[1.0, 1.0, 3e-7, 0.0]])
    reached, stalled = (fly(System(WORLD, alone), x, 0.1, 1000, exact=exact)[-1, 0, 0] for exact in (True, False))
    assert float(stalled) == 1.0
    assert float(reached) - 1 == pytest.approx(3e-5, rel=0.01)


def test_carrying_makes_float32_keep_momentum_better():
    x, bodies = X.float(), Bodies(*(part.float() for part in BODIES))
    system = System(WORLD, bodies)
    rough, kept = (momentum_error(fly(system, x, 0.05, 1000, exact=exact).double()) for exact in (False, True))
    assert kept.max() < 1e-6
    assert kept.max() < rough.max() / 3


def test_pushes_change_momentum_by_force_times_time():
    push = torch.randn(50, 4, 5, 2, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    change = momentum(fly(SYSTEM, X, 0.05, 50, push)).diff(dim=0)
    torch.testing.assert_close(change, 0.05 * push.sum(-2), atol=1e-13, rtol=0)


def test_the_world_as_a_world_model():
    model = ParticleModel(WORLD, BODIES, h=0.05)
    actions = torch.randn(4, 6, 10, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    z = model.encode(X)
    path = model.rollout(z, actions)
    assert (z.shape, path.shape) == ((4, 20), (4, 6, 20))
    for t in range(6):
        z = model.predict(z, actions[:, t])
        torch.testing.assert_close(path[:, t], z)
    assert torch.equal(model.decode(model.encode(X)), X)
    push = actions.unflatten(-1, (5, 2)).movedim(1, 0)
    torch.testing.assert_close(model.decode(path).movedim(1, 0), fly(SYSTEM, X, 0.05, 6, push)[1:])


def test_one_set_of_bodies_serves_any_number_of_plans():
    model = ParticleModel(WORLD, Bodies(BODIES.mass[0], BODIES.charge[0]), h=0.05)
    actions = torch.zeros(7, 3, 10, dtype=torch.float64)
    assert model.rollout(model.encode(X[:1]).expand(7, -1), actions).shape == (7, 3, 20)


def test_a_film_gives_the_force_that_takes_a_frame_to_the_next():
    seen = film(WORLD, 3, 5, torch.Generator().manual_seed(4), h=0.05, frames=10)
    assert seen.q.shape == seen.force.shape == (30, 5, 2)
    assert seen.bodies.mass.shape == (30, 5)
    true = WORLD.force(seen.q, seen.bodies)
    assert 0 < (seen.force - true).abs().max() < 0.02 * true.abs().max()  # a film of this rate, not the instant
    assert seen.force.sum(-2).abs().max() < 1e-4  # in float32


def test_a_film_is_of_nature_and_not_of_the_step():
    """What is learned is the force over a frame, and not the one at an instant: steps yet finer hardly change it."""
    seen, finer = (film(WORLD, 3, 5, torch.Generator().manual_seed(4), h=0.05, frames=10, fine=k) for k in (8, 64))
    instant = WORLD.force(seen.q, seen.bodies)
    off = (seen.force - instant).abs().max()
    assert off > 1e-3 * instant.abs().max()
    assert (seen.force - finer.force).abs().max() < 0.1 * off


def test_each_moment_of_a_film_has_its_own_bodies_and_the_whole_drifts_as_asked():
    resting, drifting = (
        film(WORLD, 3, 5, torch.Generator().manual_seed(4), h=0.05, frames=10, drift=v) for v in (0.0, 1.0)
    )
    _, bodies = WORLD.start(3, 5, torch.Generator().manual_seed(4))
    for part, at_start in zip(resting.bodies, bodies, strict=True):
        assert torch.equal(part.view(10, 3, 5), at_start.float().expand(10, 3, 5))
    for seen, drifts in ((resting, False), (drifting, True)):
        weighed = seen.bodies.mass[..., None] * seen.q
        centre = (weighed.sum(1) / seen.bodies.mass.sum(1)[:, None]).view(10, 3, 2)
        gone = (centre[-1] - centre[0]).norm(dim=-1)
        assert (gone > 0.05).all() if drifts else (gone < 1e-5).all()


def test_the_field_is_velocity_and_all_that_acts():
    push = torch.randn(4, 5, 2, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    q, p = X.chunk(2, -1)
    here, there = SYSTEM.field(X, push).chunk(2, -1)
    torch.testing.assert_close(here, p / BODIES.mass[..., None])
    torch.testing.assert_close(there, WORLD.force(q, BODIES) + push)


def test_a_body_of_mass_zero_stays_and_disturbs_nobody():
    more = torch.cat([X, X[:, :2].clone()], 1)  # even where another is
    more[:, 5:, 2:] = 0
    padded = Bodies(*(torch.nn.functional.pad(part, (0, 2)) for part in BODIES))
    path = fly(System(WORLD, padded), more, 0.05, 20)
    torch.testing.assert_close(path[..., :5, :], fly(SYSTEM, X, 0.05, 20))
    assert torch.equal(path[-1, :, 5:], more[:, 5:])


def test_friction_brakes_the_field_alone():
    slow = System(Particles(friction=0.3), BODIES)
    difference = SYSTEM.field(X) - slow.field(X)
    torch.testing.assert_close(difference[..., 2:], 0.3 * X[..., 2:])
    assert momentum_error(simulate(rk4, slow, X + 1.0, 0.05, 100)).min() > 0.1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda q: q[..., :4, :], "q: got shape"),
        (lambda q: q[..., 0], "q: got shape"),
        (lambda q: torch.cat([q, q[..., :1]], -1), "q: got shape"),
        (lambda q: q * torch.nan, "NaN"),
        (lambda q: q * 0, "two bodies in one place"),
    ],
)
def test_what_no_force_can_be_had_from_is_refused_by_name(change, says):
    with pytest.raises(ValueError, match=says):
        SYSTEM.force(change(X[..., :2]))


def test_one_place_for_two_bodies_is_refused_and_one_coordinate_is_not():
    q = X[..., :2].clone()
    q[0, 1, 0] = q[0, 0, 0]
    SYSTEM.force(q)
    q[0, 1, 1] = q[0, 0, 1]
    with pytest.raises(ValueError, match="two bodies in one place"):
        SYSTEM.force(q)
    two = System(WORLD, Bodies(torch.ones(2), torch.ones(2)))
    with pytest.raises(ValueError, match="two bodies in one place"):
        two.force(torch.ones(2, 2))


def test_pushes_and_steps_go_together():
    with pytest.raises(ValueError, match="steps: got 3 with every = 2"):
        fly(SYSTEM, X, 0.05, 3, every=2)
    for many in (2, 4):
        with pytest.raises(ValueError, match=f"pushes: {many}"):
            fly(SYSTEM, X, 0.05, 3, torch.zeros(many, 4, 5, 2, dtype=torch.float64))


def test_it_flies_inside_transforms_and_gradients_pass():
    one = lambda x, mass: fly(System(WORLD, Bodies(mass, mass)), x, 0.05, 3)[-1]  # noqa: E731
    torch.testing.assert_close(torch.func.vmap(one)(X, BODIES.mass), fly(SYSTEM, X, 0.05, 3)[-1])
    jacobian = torch.func.jacrev(lambda x: one(x, BODIES.mass[0]))(X[0])
    nudged = X[0].clone()
    nudged[2, 1] += 1e-6
    numeric = (one(nudged, BODIES.mass[0]) - one(X[0], BODIES.mass[0])) / 1e-6
    torch.testing.assert_close(jacobian[:, :, 2, 1], numeric, atol=1e-4, rtol=1e-4)
