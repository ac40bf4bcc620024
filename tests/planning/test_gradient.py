"""Planning by gradient: it finds the least, keeps the best that it met, and says where there is no slope to follow."""

import pytest
import torch

from wm_core.planning.gradient import GradientPlanner
from wm_core.planning.search import within


class Adding:
    """A world in which actions add up."""

    def rollout(self, z, actions):
        return z[:, None] + actions.cumsum(1)


def plan(planner, cost, bound=lambda actions: actions, episodes=2, **more):
    generator = torch.Generator().manual_seed(0)
    return planner.plan(Adding(), torch.zeros(episodes, 2), cost, bound=bound, generator=generator, **more)


def test_it_finds_the_least_of_a_bowl_and_on_a_bound_its_nearest_point():
    goal = torch.tensor([2.0, 1.0])
    cost = lambda path, actions: (actions - goal).square().sum((2, 3))  # noqa: E731
    free = plan(GradientPlanner(2, 4, 200), cost)
    torch.testing.assert_close(free, goal.expand(2, 2, 2), atol=1e-2, rtol=0)
    bounded = plan(GradientPlanner(2, 4, 200), cost, bound=within(1.0))
    torch.testing.assert_close(bounded, (goal / goal.norm()).expand(2, 2, 2), atol=1e-2, rtol=0)


def test_the_best_plan_that_it_met_is_the_one_it_gives():
    """A cost so wild that steps make plans worse."""
    rounds = []
    wild = lambda path, actions: (20 * actions).sin().sum((2, 3))  # noqa: E731
    got = plan(GradientPlanner(3, 4, 30, rate=0.5), wild, record=rounds)
    assert len(rounds) == 31  # the plans behind the last step are looked at too
    met = torch.stack([round.costs for round in rounds])  # (rounds, episodes, samples)
    torch.testing.assert_close(wild(None, got[:, None])[:, 0], met.amin((0, 2)))
    assert (met[-1].amin(1) > met.amin((0, 2))).any()


def test_several_starts_find_the_deeper_of_two_valleys():
    two = lambda path, actions: ((actions - 1).square() * (actions + 1).square() + 0.3 * actions).sum((2, 3))  # noqa: E731
    start = torch.full((2, 1, 2), 0.9)
    stuck = plan(GradientPlanner(1, 1, 100), two, start=start)
    free = plan(GradientPlanner(1, 32, 100, spread=2.0), two, start=start)
    assert (stuck > 0).all()
    assert (free < 0).all()


def test_a_slope_that_is_no_number_is_not_followed():
    rooted = lambda path, actions: actions.square().sum((2, 3)).sqrt()  # noqa: E731
    assert plan(GradientPlanner(2, 1, 20), rooted).isfinite().all()  # at its start, 0, the slope is 0 / 0


def test_a_cost_without_a_slope_is_refused():
    with pytest.raises(ValueError, match="cost: got one without a gradient"):
        plan(GradientPlanner(), lambda path, actions: actions.detach().sum((2, 3)))
