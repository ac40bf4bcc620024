"""Two levels as a planner, and how much each planner imagines for a step of the world."""

import pytest
import torch

from wm_core.planning.cem import CEM
from wm_core.planning.costs import squared_to_goal
from wm_core.planning.drive import drive
from wm_core.planning.levels import Held, SlowAlone, imagined_transitions, two_levels
from wm_core.planning.mppi import MPPI
from wm_core.planning.search import Planner, within


class Counting:
    """A world in which actions add up, and a slow level of it whose latent is the position times 10; it counts its predictions."""

    every, macro_dim = 4, 2

    def __init__(self, scale=1.0):
        self.scale, self.predictions = scale, 0

    def rollout(self, z, actions):
        self.predictions += len(z) * actions.shape[1]
        return z[:, None] + self.scale * actions.cumsum(1)

    def encode(self, z):
        return 10 * z

    def bound(self, macros):
        return within(2.0)(macros)


def go(planner, model, goal, steps=12, every=1):
    return drive(
        planner, model, torch.zeros(len(goal), 2), [squared_to_goal(10 * goal)], see=lambda at: at, bound=within(1.0),
        step=lambda at, a: at + a, generator=torch.Generator().manual_seed(0), steps=steps, every=every,
    )  # fmt: skip


def test_sub_goals_are_latents_of_the_upper_level_and_within_its_bound():
    above, goal = Counting(scale=20.0), torch.tensor([[8.0, 6.0], [-3.0, 0.0]])
    planner = two_levels(above, CEM(3, 128, 12, 8), MPPI(4, 128, 8))
    assert isinstance(planner, Planner)
    path = go(planner, Counting(), goal)
    assert (path[:, -1] - goal).norm(dim=-1).max() < 0.5
    go(planner, Counting(), torch.tensor([[50.0, 0.0]]), steps=1)
    assert planner.subgoal[0, 0].norm() == pytest.approx(
        40.0, rel=0.02
    )  # two standardised units from 0, each 20 of its numbers


class Noting:
    """A planner that notes where it is told to begin and what its plans are to cost, and always gives the same plan."""

    def __init__(self, plan):
        self.starts, self.costs, self.given, self.horizon = [], [], torch.tensor(plan), len(plan[0])

    def plan(self, model, z, cost, *, start=None, **rest):
        self.starts.append(start)
        self.costs.append(cost)
        return self.given.expand(len(z), -1, -1)


@pytest.mark.parametrize(
    ("steps", "done"), [(1, [0, 0, 0, 1, 0]), (3, [0, 1, 1, 1, 0]), (4, [1] * 5), (8, [2] * 5), (40, [3] * 5)]
)
def test_a_high_plan_ages_by_the_steps_of_the_world_that_were_done(steps, done):
    """A macro-action stands for four steps; what was done of the plan's three is gone at the next look."""
    high, low = Noting([[[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]]]), Noting([[[0.1, 0.0]] * 40])
    low.horizon = 12  # as far as it is told where to be
    go(two_levels(Counting(), high, low, steps=steps), Counting(), torch.tensor([[9.0, 0.0]]), 6 * steps, steps)
    left = [[1.0, 2.0, 3.0], [2.0, 3.0, 0.0], [3.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    assert high.starts[0] is None
    assert [start[0, :, 0].tolist() for start in high.starts[1:]] == [left[gone] for gone in done]


@pytest.mark.parametrize("along", ["mean", "last"])
def test_every_stretch_of_the_low_plan_has_a_sub_goal_of_its_own(along):
    """Told 1 to the right, then 1 down: the path that is there at every step of both stretches costs nothing."""
    high, low = Noting([[[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]]), Noting([[[0.1, 0.0]] * 10])
    planner = two_levels(Counting(scale=10.0), high, low, along=along)
    go(planner, Counting(), torch.tensor([[9.0, 0.0]]), 1)
    assert planner.subgoal.tolist() == [[[10.0, 0.0], [10.0, 10.0], [10.0, 10.0]]]
    path = torch.cat([torch.tensor([[1.0, 0.0]]).expand(4, 2), torch.tensor([[1.0, 1.0]]).expand(6, 2)])
    paths = torch.stack([path, path.roll(1, 0), path + torch.eye(10)[9, :, None]])[None]
    cost = low.costs[0](paths, paths)[0]
    assert cost[0] == 0
    late, elsewhere = (cost[1:] > 0).tolist()
    assert elsewhere
    assert late == (along == "mean")


def test_a_high_level_that_looks_less_far_than_the_low_one_is_refused():
    with pytest.raises(ValueError, match="high: got 2 macro-actions, wanted 3 or more for 9 actions"):
        two_levels(Counting(), CEM(2), CEM(9))


@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize("looks", [1, 2])
def test_what_is_said_to_be_imagined_is_imagined(every, looks):
    above, below = Counting(), Counting()
    planner = two_levels(above, CEM(3, 16, 4, 5), MPPI(4, 8, 2), steps=every, looks=looks)
    go(planner, below, torch.tensor([[8.0, 6.0]]), steps=12, every=every)
    searches = 12 / every / looks
    said = imagined_transitions(planner, below, every)
    assert (
        said * 12 == below.predictions + above.predictions - 2 * searches
    )  # each high search also follows its own plan, twice


def test_a_model_that_counts_its_own_predictions_is_asked():
    class Twofold(Counting):
        def transitions(self, horizon):
            return 2 * horizon

    assert imagined_transitions(CEM(10, 20, 4, 3), every=5) == 120
    assert imagined_transitions(CEM(10, 20, 4, 3), Twofold(), 5) == 240


def test_a_look_less_than_every_step_is_refused():
    with pytest.raises(ValueError, match="every: got 0"):
        imagined_transitions(CEM(), every=0)


# ---- a slow clock made of a fast one -------------------------------------------------------------------------------------------
def test_a_held_action_leads_where_its_repetition_does():
    macros = torch.tensor([[[1.0, 0.0], [0.0, -0.5]], [[0.2, 0.1], [3.0, 4.0]]])
    ticks = Held(Counting(), 1.0, 5).rollout(torch.zeros(2, 2), macros)
    torch.testing.assert_close(ticks, 5 * macros.cumsum(1))


def test_no_macro_action_is_longer_than_an_action_may_be():
    assert Held(Counting(), 1.0, 5).bound(torch.tensor([3.0, 4.0])).norm() == pytest.approx(1.0)


@pytest.mark.parametrize("every", [3, 4])
def test_a_slow_clock_alone_gets_there_and_holds_each_action_for_a_tick(every):
    goal, world = torch.tensor([[8.0, 0.0], [0.0, -6.0]]), Counting()
    planner = SlowAlone(CEM(3, 128, 12, 8), Held(world, 1.0, 4))
    assert isinstance(planner, Planner)
    plan = planner.plan(
        world,
        torch.zeros(2, 2),
        squared_to_goal(10 * goal),
        bound=within(1.0),
        generator=torch.Generator().manual_seed(0),
    )
    assert plan.shape == (2, 12, 2)
    assert torch.equal(plan[:, :4], plan[:, :1].expand(-1, 4, -1))
    path = drive(
        planner, world, torch.zeros(2, 2), [squared_to_goal(goal)], see=lambda at: at, bound=within(1.0),
        step=lambda at, a: at + a, generator=torch.Generator().manual_seed(0), steps=24, every=every,
    )  # fmt: skip
    assert (path[:, -1] - goal).norm(dim=-1).max() < 0.6


def test_a_tick_of_a_slow_clock_alone_counts_once():
    planner = SlowAlone(CEM(3, 16, 4, 5), Held(Counting(), 1.0, 4))
    assert imagined_transitions(planner, every=6) == 3 * 16 * 5 / 6
