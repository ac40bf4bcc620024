"""Projection on invariants: exact, differentiable, usable anywhere, and honest where it cannot work."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wm_core.physics.integrators import simulate, yoshida4
from wm_core.physics.invariants import Kept, newton, project, slopes, values
from wm_core.worlds.kepler import Kepler
from wm_core.worlds.oscillators import Pendulum

PENDULUM, KEPLER = Pendulum(mass=1.0, weight=9.8), Kepler()
BOTH = [KEPLER.energy, KEPLER.spin]
few = settings(deadline=None, max_examples=12)
seeds = st.integers(0, 2**31)


def planets(count, seed, noise=0.01, dtype=torch.float64):
    """Planets, and the same a little beside where they are."""
    generator = torch.Generator().manual_seed(seed)
    x = KEPLER.starts(count, generator).to(dtype)
    return x, x + noise * torch.randn(x.shape, generator=generator, dtype=dtype)


@few
@given(seeds, st.sampled_from([0.001, 0.003, 0.01]))
def test_two_invariants_are_met_in_six_iterations(seed, noise):
    x, beside = planets(50, seed, noise)
    found = project(beside, BOTH, values(BOTH, x))
    assert found.iterations <= 6
    assert found.done.all()
    assert (values(BOTH, found.x) - values(BOTH, x)).abs().max() <= 1e-12


@few
@given(seeds)
def test_float32_reaches_what_it_can(seed):
    x, beside = planets(50, seed, dtype=torch.float32)
    found = project(beside, BOTH, values(BOTH, x))
    assert found.x.dtype == torch.float32
    assert found.done.all()
    assert (values(BOTH, found.x) - values(BOTH, x)).abs().max() <= 1e-5


@few
@given(seeds)
def test_projecting_twice_is_projecting_once(seed):
    x, beside = planets(20, seed)
    once = project(beside, BOTH, values(BOTH, x)).x
    twice = project(once, BOTH, values(BOTH, x))
    assert twice.iterations == 0
    torch.testing.assert_close(twice.x, once, atol=1e-11, rtol=0)


def test_a_noisy_swing_comes_nearer_to_the_true_one():
    start = torch.tensor([torch.pi / 4, 0.0], dtype=torch.float64)
    path = simulate(yoshida4, PENDULUM, start, 0.01, 1000)
    noisy = path + 0.05 * torch.randn(path.shape, generator=torch.Generator().manual_seed(0), dtype=path.dtype)
    energy = PENDULUM.energy(start)
    found = project(noisy, [PENDULUM.energy], energy[None])
    assert (PENDULUM.energy(noisy) - energy).abs().max() > 0.9
    assert found.done.all()
    assert found.iterations <= 6
    assert (PENDULUM.energy(found.x) - energy).abs().max() <= 1e-12
    off = lambda x: float((x - path).square().mean().sqrt())  # noqa: E731
    assert off(found.x) == pytest.approx(off(noisy) / 2**0.5, rel=0.05)  # of two directions of noise one is left


@pytest.mark.parametrize("invariants", [[KEPLER.energy], BOTH])
@pytest.mark.parametrize("order", [1, 2])
def test_the_derivative_is_that_of_the_solution(invariants, order):
    x, beside = planets(3, 1)
    c = values(invariants, x)

    def solve(x, c):
        return project(x, invariants, c, order=order).x

    inputs = (beside.requires_grad_(), c.requires_grad_())
    assert torch.autograd.gradcheck(solve, inputs)
    if order == 2:
        assert torch.autograd.gradgradcheck(solve, inputs)


def test_inside_transforms():
    x, beside = planets(4, 2)
    c = values(BOTH, x)

    def solve(x, c):
        return project(x, BOTH, c, order=2).x

    one_by_one = torch.stack([solve(*pair) for pair in zip(beside, c, strict=True)])
    torch.testing.assert_close(torch.func.vmap(solve)(beside, c), one_by_one, atol=1e-12, rtol=0)
    backward = torch.func.vmap(torch.func.jacrev(solve))(beside, c)
    torch.testing.assert_close(torch.func.vmap(torch.func.jacfwd(solve))(beside, c), backward)
    leaf = beside.clone().requires_grad_()
    by_hand = torch.autograd.functional.jacobian(lambda x: solve(x, c), leaf)[range(4), :, range(4)]
    torch.testing.assert_close(backward, by_hand)
    wanted = torch.autograd.functional.hessian(lambda x: solve(x, c[0])[0], beside[0])
    torch.testing.assert_close(torch.func.hessian(solve)(beside[0], c[0])[0], wanted)


def test_values_and_slopes_are_those_of_the_invariants():
    x, _ = planets(5, 7)
    q, p = x.chunk(2, -1)
    found, along = slopes(BOTH, x)
    torch.testing.assert_close(found, torch.stack([KEPLER.energy(x), KEPLER.spin(x)], -1))
    torch.testing.assert_close(values(BOTH, x), found)
    torch.testing.assert_close(along[:, 0], torch.cat([-KEPLER.force(q), p], -1))
    torch.testing.assert_close(along[:, 1], torch.stack([p[:, 1], -p[:, 0], -q[:, 1], q[:, 0]], -1))


def test_the_multipliers_say_how_far_along_each_slope():
    x, beside = planets(5, 8)
    found = project(beside, BOTH, values(BOTH, x))
    along = slopes(BOTH, beside)[1]
    torch.testing.assert_close(found.x, beside + (found.multipliers[..., None] * along).sum(-2), atol=1e-14, rtol=0)
    more = project(x, [KEPLER.spin], values([KEPLER.spin], x) + 0.01)
    assert (more.multipliers > 0).all()


def test_a_state_that_is_left_out_of_a_newton_step_has_no_multiplier():
    x, beside = planets(2, 9)
    found, along = slopes(BOTH, beside)
    lam = newton(torch.ones(2, 2, dtype=x.dtype), found, along, along, values(BOTH, x), torch.tensor([True, False]))
    assert torch.equal(lam[1], torch.zeros(2, dtype=x.dtype))
    assert (lam[0] != 0).all()


def test_the_tolerance_is_what_was_asked_for_and_a_share_of_large_values():
    x, beside = planets(20, 10)
    with torch.no_grad():  # with gradients a further step makes it better than was asked for
        loose, tight = (project(beside, BOTH, values(BOTH, x), tolerance=share) for share in (1e-4, 1e-12))
    assert loose.done.all()
    assert loose.iterations < tight.iterations
    assert 1e-12 < (values(BOTH, loose.x) - values(BOTH, x)).abs().max() <= 1e-4
    assert not project(beside, BOTH, values(BOTH, x), tolerance=0.0).done.all()
    large = [lambda x: 1e6 * KEPLER.energy(x)]  # its last digit is larger than 1e-12
    assert project(beside, large, values(large, x)).done.all()


def test_one_invariant_that_is_right_does_not_make_up_for_one_that_is_not():
    x, _ = planets(20, 11)
    c = values(BOTH, x) + torch.tensor([0.0, 1e-3], dtype=x.dtype)
    found = project(x, BOTH, c)
    assert found.iterations > 0
    assert found.done.all()
    assert (values(BOTH, found.x) - c).abs().max() <= 1e-12
    assert not project(x, BOTH, c, iterations=1).done.any()


def test_how_short_a_slope_may_be_is_asked_for():
    slow = torch.tensor([[1e-4, 0.0]], dtype=torch.float64)  # its slope is as long as 1e-3
    c = PENDULUM.energy(slow)[:, None] * 1.01
    assert project(slow, [PENDULUM.energy], c, tolerance=1e-14).done.all()
    assert not project(slow, [PENDULUM.energy], c, tolerance=1e-14, flat=1e-2).done.any()
    both = [PENDULUM.energy, lambda x: x[..., 1]]  # one slope is long enough, the other is not
    assert not project(slow, both, values(both, slow) + 1e-6, flat=2e-3).done.any()


@pytest.mark.parametrize(("angle", "done"), [(1e-4, True), (3e-7, False)])
def test_slopes_that_are_as_good_as_parallel_give_no_direction(angle, done):
    nearly = [lambda x: x[..., 0], lambda x: x[..., 0] + angle * x[..., 1]]
    x = torch.ones(1, 2, dtype=torch.float64)
    found = project(x, nearly, values(nearly, x) + torch.tensor([0.0, 1e-5], dtype=x.dtype))
    assert bool(found.done) == done
    wanted = 1e-5 / angle if done else 0.0
    torch.testing.assert_close(found.x - x, torch.tensor([[0.0, wanted]], dtype=x.dtype), atol=1e-6, rtol=0)


@pytest.mark.parametrize(("dtype", "off", "reached"), [(torch.float64, 5e-11, 1e-12), (torch.float32, 1e-4, 1e-5)])
def test_what_is_nearly_right_is_put_right_in_the_precision_of_the_state(dtype, off, reached):
    x, _ = planets(20, 14, dtype=dtype)
    c = values(BOTH, x.double()) + off
    with torch.no_grad():
        found = project(x, BOTH, c)
    assert found.x.dtype == found.multipliers.dtype == dtype
    assert found.done.all()
    assert found.iterations > 0
    assert (values(BOTH, found.x) - c.to(dtype)).abs().max() <= reached


def test_slopes_of_any_length_can_be_independent():
    x, beside = planets(5, 12)
    tiny = [lambda x: 1e-4 * KEPLER.energy(x), lambda x: 1e-4 * KEPLER.spin(x)]
    assert project(beside, tiny, values(tiny, x), tolerance=1e-15).done.all()


def test_no_change_of_the_state_along_the_level_is_lost():
    """The projection's Jacobian takes nothing from directions along the level, at a state that is on it."""
    x, _ = planets(5, 3)
    jacobian = torch.func.vmap(torch.func.jacrev(lambda x, c: project(x, BOTH, c).x))(x, values(BOTH, x))
    _, normal = slopes(BOTH, x)
    assert (jacobian @ normal.mT).abs().max() < 1e-10  # across: gone
    assert (jacobian @ jacobian - jacobian).abs().max() < 1e-10  # along: kept


def test_where_there_is_no_direction_the_state_stays_and_says_so():
    at_rest = torch.zeros(1, 2, dtype=torch.float64)
    found = project(at_rest, [PENDULUM.energy], torch.ones(1, dtype=torch.float64))
    assert not found.done.any()
    assert torch.equal(found.x, at_rest)
    circle = torch.tensor([[1.0, 0, 0, 1], [1.0, 0, 0, 1.2]], dtype=torch.float64)
    found = project(circle, BOTH, values(BOTH, circle) + 1e-3)
    assert found.done.tolist() == [False, True]
    assert torch.equal(found.x[0], circle[0])


def test_what_has_no_direction_but_the_right_value_is_done():
    at_rest = torch.zeros(1, 2, dtype=torch.float64, requires_grad=True)
    found = project(at_rest, [PENDULUM.energy], torch.zeros(1, dtype=torch.float64))
    assert found.done.all()
    assert found.iterations == 0
    found.x.sum().backward()
    assert torch.equal(at_rest.grad, torch.ones_like(at_rest))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_stays_has_a_derivative_too(dtype):
    at_rest = torch.zeros(3, 2, dtype=dtype, requires_grad=True)
    project(at_rest, [PENDULUM.energy], torch.ones(1, dtype=dtype)).x.sum().backward()
    assert torch.equal(at_rest.grad, torch.ones_like(at_rest))


def test_an_energy_that_no_state_has_is_not_pretended():
    x = torch.tensor([[0.3, 0.2]], dtype=torch.float64)
    for grad in (True, False):
        with torch.set_grad_enabled(grad):
            found = project(x, [PENDULUM.energy], torch.tensor([-1.0], dtype=torch.float64))
        assert not found.done.any()
        assert torch.equal(found.x, x)
        assert torch.equal(found.multipliers, torch.zeros(1, 1, dtype=torch.float64))


def test_a_wrong_value_is_met_as_exactly_as_a_right_one():
    x, beside = planets(10, 4)
    wrong = values(BOTH, x) * 0.98
    found = project(beside, BOTH, wrong)
    assert found.done.all()
    assert (values(BOTH, found.x) - wrong).abs().max() < 1e-12


def test_a_learned_energy_gets_its_gradients():
    energy = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)).double()
    x, beside = planets(6, 5)
    learned = [lambda x: energy(x)[..., 0]]
    weight = energy[0].weight

    def loss():
        return project(beside, learned, values(learned, x)).x.square().sum()

    loss().backward()
    slope, eps = weight.grad[2, 1].item(), 1e-6
    with torch.no_grad():
        weight[2, 1] += eps
        up = loss().item()
        weight[2, 1] -= 2 * eps
        down = loss().item()
    assert slope == pytest.approx((up - down) / (2 * eps), rel=1e-5)


def test_a_world_model_that_keeps_what_it_should():
    torch.manual_seed(0)
    net = torch.nn.Linear(4, 4, bias=False).double()
    with torch.no_grad():
        net.weight.mul_(0.02).add_(torch.eye(4))  # a step that goes a little astray
    model = Kept(net, BOTH)
    x, _ = planets(7, 6)
    path = model.rollout(model.encode(x), torch.zeros(7, 40, 0))
    assert path.shape == (7, 40, 4)
    assert (values(BOTH, path) - values(BOTH, x)[:, None]).abs().max() < 1e-11
    c = values(BOTH, x) + 0.01
    torch.testing.assert_close(values(BOTH, model.predict(x, c=c)), c)
    torch.testing.assert_close(values(BOTH, model.rollout(x, torch.zeros(7, 3, 0), c)), c[:, None].expand(7, 3, 2))


def test_a_world_model_with_actions_is_told_them_and_its_options():
    class Pushed(torch.nn.Module):
        def predict(self, z, a):
            return z + torch.cat([torch.zeros_like(a), a], -1)

    x, _ = planets(7, 13)
    a = 0.01 * torch.randn(7, 3, 2, generator=torch.Generator().manual_seed(0), dtype=x.dtype)
    model = Kept(Pushed(), BOTH)
    assert torch.equal(model.encode(x), x)
    wanted = project(Pushed().predict(x, a[:, 0]), BOTH, values(BOTH, x)).x
    assert torch.equal(model.predict(x, a[:, 0]), wanted)
    path = model.rollout(x, a)
    assert torch.equal(path[:, 0], wanted)  # the start is no part of it
    assert torch.equal(path[:, 1], model.predict(wanted, a[:, 1], values(BOTH, x)))
    loose = Kept(Pushed(), BOTH, tolerance=1.0)
    with torch.no_grad():
        assert torch.equal(loose.predict(x, a[:, 0]), Pushed().predict(x, a[:, 0]))  # near enough as it is


def test_a_rollout_stays_on_the_first_level_after_a_step_that_could_not_be_projected():
    class Halts(torch.nn.Module):
        def predict(self, z, a):
            return a  # goes where it is told

    start, rest = torch.tensor([[0.5, 0.0]], dtype=torch.float64), torch.zeros(1, 2, dtype=torch.float64)
    path = Kept(Halts(), [PENDULUM.energy]).rollout(start, torch.stack([rest, 1.02 * start], -2))
    assert torch.equal(path[:, 0], rest)
    torch.testing.assert_close(PENDULUM.energy(path[:, 1]), PENDULUM.energy(start))


@pytest.mark.parametrize(
    ("x", "c", "options", "words"),
    [
        (torch.ones(2, 4), torch.ones(3), {}, "c: got shape"),
        (torch.ones(2, 4), torch.tensor(1.0), {}, "c: got shape"),
        (torch.ones(2, 4), torch.ones(3, 2), {}, "broadcasts to"),
        (torch.ones(4), torch.ones(3, 2), {}, "broadcasts to"),
        (torch.ones(2, 4), torch.full((2,), torch.nan), {}, "c: got 2 of 2"),
        (torch.full((2, 4), torch.inf), torch.ones(2), {}, "x: got 8 of 8"),
        (torch.ones(2, 4, dtype=torch.int64), torch.ones(2), {}, "wanted float32"),
        (torch.ones(0, 4), torch.ones(2), {}, "at least one number"),
        (torch.ones(2, 4), torch.ones(2), {"iterations": 0}, "iterations"),
        (torch.ones(2, 4), torch.ones(2), {"order": 3}, "order"),
    ],
)
def test_what_cannot_be_projected_is_refused_in_words(x, c, options, words):
    with pytest.raises(ValueError, match=words):
        project(x, BOTH, c, **options)


def test_an_invariant_that_is_none_is_named():
    x = torch.ones(2, 4)
    for call in (lambda f: project(x, f, torch.ones(2)), lambda f: values(f, x)):
        with pytest.raises(ValueError, match=r"invariants\[1\]: got values \(2, 4\)"):
            call([KEPLER.energy, lambda x: x.square()])
