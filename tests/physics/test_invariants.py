"""Projection on invariants: exact, differentiable, usable anywhere, and honest where it cannot work."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wm_core.physics.integrators import simulate, yoshida4
from wm_core.physics.invariants import TOLERANCE, Kept, project, slopes, values
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
    assert (values(BOTH, found.x) - values(BOTH, x)).abs().max() <= TOLERANCE[torch.float32]


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
    found = project(x, [PENDULUM.energy], torch.tensor([-1.0], dtype=torch.float64))
    assert not found.done.any()
    assert torch.equal(found.x, x)


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
    worked = model.predict(x, c=values(BOTH, x) + 0.01)
    torch.testing.assert_close(values(BOTH, worked), values(BOTH, x) + 0.01)


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
