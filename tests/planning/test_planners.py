"""What holds of every planner: it obeys the bound, is decided by its generator, and comes near the optimum where that is known."""

import inspect

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from wm_core.nets.dynamics import unroll
from wm_core.nets.mlp import mlp
from wm_core.planning.cem import CEM
from wm_core.planning.costs import squared_to_goal, to_goal
from wm_core.planning.gradient import GradientPlanner
from wm_core.planning.mppi import MPPI, EliteMPPI
from wm_core.planning.search import Planner, shifted, within, within_box

STEPS = 20


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def far(actions):
    """A bound that binds nothing."""
    return actions


class Adding:
    """A world in which actions add up."""

    def rollout(self, z, actions):
        return unroll(lambda at, a: at + a, z, actions)


class Integrator:
    """A mass on a line, pushed for two seconds: 20 pushes. It should end at 1, at rest, with little effort."""

    a = torch.tensor([[1.0, 0.1], [0.0, 1.0]], dtype=torch.float64)
    b = torch.tensor([[0.005], [0.1]], dtype=torch.float64)
    goal = torch.tensor([1.0, 0.0], dtype=torch.float64)

    def __init__(self, ends=20.0, effort=0.01):
        self.ends, self.effort = ends, effort

    def rollout(self, z, actions):
        path = []
        for push in actions.unbind(1):
            z = z @ self.a.to(z).T + push @ self.b.to(z).T
            path.append(z)
        return torch.stack(path, 1)

    def cost(self, path, actions):
        missed = (path[:, :, -1] - self.goal.to(path)).square().sum(-1)
        return self.ends * missed + self.effort * actions.square().sum((2, 3))

    def of(self, z, plan):
        """What plans (episodes, steps, 1) cost, in double precision."""
        z, plan = z.double(), plan.double()
        return self.cost(self.rollout(z, plan)[:, None], plan[:, None])[:, 0]

    def best(self, z):
        """The best plans, by Riccati's recursion on the distance from the goal, which rests."""
        p, gains = self.ends * torch.eye(2, dtype=torch.float64), []
        for _ in range(STEPS):
            effort = self.effort * torch.eye(1, dtype=torch.float64)
            gain = torch.linalg.solve(effort + self.b.T @ p @ self.b, self.b.T @ p @ self.a)
            p = self.a.T @ p @ (self.a - self.b @ gain)
            gains.append(gain)
        away, plan = z.double() - self.goal, []
        for gain in reversed(gains):
            plan.append(-away @ gain.T)
            away = away @ self.a.T + plan[-1] @ self.b.T
        return torch.stack(plan, 1)

    def over(self, planner, seed=0, z=None, start=None):
        """How many times the best cost a planner's plans cost, on average over episodes."""
        z = torch.zeros(3, 2) if z is None else z
        plan = planner.plan(self, z, self.cost, bound=far, generator=seeded(seed), start=start, action_dim=1)
        return float((self.of(z, plan) / self.of(z, self.best(z))).mean())


MASS = Integrator()

#: As many rollouts each: 1,000 by 30. A step of gradient costs about three.
LARGE = {
    "CEM": CEM(STEPS, 1000, 50, 30),
    "MPPI": MPPI(STEPS, 1000, 30),
    "elites": EliteMPPI(STEPS, 1000, 100, 30),
    "gradient": GradientPlanner(STEPS, 50, 200, rate=0.2),
}
SMALL = {
    "CEM": CEM(STEPS, 64, 8, 8),
    "MPPI": MPPI(STEPS, 64, 8),
    "elites": EliteMPPI(STEPS, 64, 12, 8),
    "gradient": GradientPlanner(STEPS, 4, 40),
}
each = pytest.mark.parametrize("name", LARGE)


def test_riccatis_plan_is_the_best_there_is():
    """Its cost has no slope."""
    z = torch.randn(4, 2, generator=seeded(1)).double()
    plan = MASS.best(z).requires_grad_()
    (slope,) = torch.autograd.grad(MASS.cost(MASS.rollout(z, plan)[:, None], plan[:, None]).sum(), plan)
    assert slope.abs().max() < 1e-9


@each
def test_with_a_thousand_samples_and_thirty_rounds_it_is_within_five_percent_of_the_best(name):
    """From the goal's far side, too, and moving."""
    z = torch.tensor([[0.0, 0.0], [2.0, -0.5], [-0.5, 0.5]])
    assert 1 - 1e-6 <= MASS.over(LARGE[name], z=z) < 1.05


@each
def test_with_more_samples_and_rounds_it_comes_nearer(name):
    small, large = (sum(MASS.over(planners[name], seed) for seed in range(2)) for planners in (SMALL, LARGE))
    assert large - 2 < 0.3 * (small - 2)


def test_random_plans_are_far_off_and_a_small_budget_gets_most_of_the_way():
    """5,120 plans each: at random the best is four times as dear as it could be."""
    plans = torch.randn(1, 5120, STEPS, 1, generator=seeded())
    path = MASS.rollout(torch.zeros(5120, 2), plans[0])[None]
    best = float(MASS.of(torch.zeros(1, 2), MASS.best(torch.zeros(1, 2))))
    assert float(MASS.cost(path, plans).min()) > 4 * best
    for seed in range(3):
        assert MASS.over(CEM(STEPS, 256, 25, 20), seed) < 1.25
        assert MASS.over(MPPI(STEPS, 256, 20), seed) < 1.6


@pytest.mark.parametrize(
    "of", [lambda k: CEM(STEPS, 256, 25, k), lambda k: MPPI(STEPS, 256, k), lambda k: EliteMPPI(STEPS, 256, 32, k)]
)
def test_a_warm_start_saves_a_third_of_the_rounds(of):
    """How many until the next plan is within a quarter of the best: from the rest of the last plan, and from nothing."""
    mass, z = Integrator(10.0, 0.02), torch.zeros(3, 2)
    plan = of(20).plan(mass, z, mass.cost, bound=far, generator=seeded(), action_dim=1)
    z = mass.rollout(z, plan[:, :1])[:, 0]
    needed = [
        next(k for k in range(1, 40) if mass.over(of(k), z=z, start=start) < 1.25) for start in (shifted(plan), None)
    ]
    assert needed[0] <= 0.7 * needed[1]


ALL = (CEM(3, 16, 4, 3), MPPI(3, 16, 3), EliteMPPI(3, 16, 4, 3), EliteMPPI(3, 16, 4, 3, one_elite=True),
       GradientPlanner(3, 4, 5))  # fmt: skip
every = pytest.mark.parametrize("planner", ALL, ids=lambda planner: type(planner).__name__)


@every
@settings(deadline=None, max_examples=25)
@given(
    reach=some.floats(1e-3, 1e3),
    spread=some.floats(1e-3, 1e3),
    smooth=some.floats(0, 0.99),
    momentum=some.floats(0, 1),
    floor=some.floats(0, 100),
    boxed=some.booleans(),
    seed=some.integers(0, 99),
)
def test_no_action_that_is_tried_or_returned_passes_the_bound(planner, reach, boxed, seed, **drawn):
    search = type(planner)(**vars(planner) | {name: value for name, value in drawn.items() if name in vars(planner)})
    bound = within_box(reach) if boxed else within(reach)
    size = (lambda a: a.abs().amax(-1)) if boxed else (lambda a: a.norm(dim=-1))
    rounds, start = [], 1e4 * torch.randn(2, 3, 2, generator=seeded(seed))
    cost = squared_to_goal(torch.full((2, 2), 1e5))
    plan = search.plan(
        Adding(), torch.zeros(2, 2), cost, bound=bound, generator=seeded(seed), start=start, record=rounds
    )
    assert plan.shape == (2, 3, 2)
    assert len(rounds) == planner.iterations + isinstance(planner, GradientPlanner)  # which rates its last plans, too
    for actions in (plan, *(r.actions for r in rounds), *(r.mean for r in rounds)):
        assert (size(actions) <= reach * (1 + 1e-5)).all()


@every
def test_each_episode_comes_to_its_own_goal(planner):
    start, goal = torch.randn(5, 2, generator=seeded(1)), torch.randn(5, 2, generator=seeded(2))
    larger = type(planner)(**{**vars(planner), "samples": 128, "iterations": 40})
    plan = larger.plan(Adding(), start, squared_to_goal(goal, "last"), bound=far, generator=seeded())
    torch.testing.assert_close(start + plan.sum(1), goal, atol=0.15, rtol=0)


@every
def test_its_generator_decides_everything_and_nothing_else_is_drawn_from(planner):
    def plan(seed):
        return planner.plan(Adding(), torch.zeros(2, 2), to_goal(torch.ones(2, 2)), bound=far, generator=seeded(seed))

    before = torch.get_rng_state()
    first, again, other = plan(0), plan(0), plan(1)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)


@every
def test_in_double_precision_it_tries_the_same_plans(planner):
    plans = [
        planner.plan(Adding(), z, squared_to_goal(torch.ones_like(z)), bound=within(1.0), generator=seeded())
        for z in (torch.zeros(2, 2), torch.zeros(2, 2).double())
    ]
    assert [plan.dtype for plan in plans] == [torch.float32, torch.float64]
    torch.testing.assert_close(plans[0].double(), plans[1], atol=1e-3, rtol=0)


@every
def test_a_network_is_neither_changed_nor_left_with_gradients(planner):
    net = mlp(5, 8, 3)
    before = [w.detach().clone() for w in net.parameters()]

    class Learned:
        def rollout(self, z, actions):
            return unroll(lambda at, a: at + net(torch.cat([at, a], -1)), z, actions)

    with torch.no_grad():  # as in `drive`
        plan = planner.plan(
            Learned(), torch.zeros(2, 3), squared_to_goal(torch.ones(2, 3)), bound=within(1.0), generator=seeded()
        )
    assert not plan.requires_grad
    assert all(w.grad is None and torch.equal(w, old) for w, old in zip(net.parameters(), before, strict=True))


@every
def test_the_start_is_shared_by_the_samples_of_an_episode_and_not_copied(planner):
    class Looking(Adding):
        def rollout(self, z, actions):
            assert z.untyped_storage().nbytes() == 4 * 1000
            return z[:, None, :2] + actions.cumsum(1)

    planner.plan(Looking(), torch.zeros(1, 1000), to_goal(torch.ones(1, 2)), bound=far, generator=seeded())


@every
def test_a_start_of_another_length_is_refused(planner):
    with pytest.raises(ValueError, match="start: got"):
        planner.plan(
            Adding(), torch.zeros(2, 2), to_goal(torch.ones(2, 2)), bound=far, generator=seeded(),
            start=torch.zeros(2, 4, 2),
        )  # fmt: skip


@every
def test_a_plan_whose_cost_is_no_number_is_never_taken(planner):
    """Half of the plans, those that begin to the left, have a cost of nan or infinity."""

    def cost(path, actions):
        left = actions[:, :, 0, 0] < 0
        bad = torch.where(actions[:, :, 0, 1] < 0, torch.nan, torch.inf)
        return torch.where(left, bad, (path[:, :, -1] - 1).square().sum(-1))

    larger = type(planner)(**{**vars(planner), "samples": 64})
    plan = larger.plan(Adding(), torch.zeros(2, 2), cost, bound=within(1.0), generator=seeded())
    assert plan.isfinite().all()
    assert (plan[:, 0, 0] > 0).all()


@pytest.mark.parametrize("samples", [64, 256])
def test_by_default_neither_few_nor_most_samples_of_mppi_count(samples):
    rounds = []
    MPPI(STEPS, samples, 1).plan(
        MASS, torch.zeros(20, 2), MASS.cost, bound=far, generator=seeded(), action_dim=1, record=rounds
    )
    assert 5 < rounds[0].effective.median() < samples / 2


@every
def test_it_is_a_planner(planner):
    wanted, got = (list(inspect.signature(kind.plan).parameters) for kind in (Planner, type(planner)))
    assert got == wanted


WRONG = [{"horizon": 0}, {"samples": 0}, {"iterations": 0}]


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        *((kind, wrong) for kind in (CEM, MPPI, EliteMPPI, GradientPlanner) for wrong in WRONG),
        (CEM, {"elites": 129}),
        (EliteMPPI, {"elites": 129}),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(kind, wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        kind(**wrong)
