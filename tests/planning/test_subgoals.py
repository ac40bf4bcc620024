"""Planning on two levels: the first latent of the high plan is where the low level goes, and each look searches each level once."""

import pytest
import torch

from wm_core.planning.cem import CEM
from wm_core.planning.costs import squared_to_goal, to_goal
from wm_core.planning.drive import drive
from wm_core.planning.mppi import MPPI
from wm_core.planning.search import Planner, within
from wm_core.planning.subgoals import SubGoals


class Adding:
    """A world in which actions add up."""

    def rollout(self, z, actions):
        return z[:, None] + actions.cumsum(1)


class Noting:
    """A planner that notes what it is asked, and always gives the same plan."""

    def __init__(self, plan):
        self.asked, self.given = [], torch.tensor(plan)

    def plan(self, model, z, cost, *, bound, generator, start=None, action_dim=2, record=None):
        self.asked.append((model, z, cost, start, action_dim))
        return self.given.expand(len(z), -1, -1)


def levels(high=None, low=None, **more):
    high = CEM(3, 128, 12, 8, spread=3.0) if high is None else high
    low = MPPI(4, 128, 8) if low is None else low
    return SubGoals(high, low, Adding(), within(4.0), **more)


def go(planner, goal, steps=12, **more):
    goal = torch.tensor(goal)
    return drive(
        planner, Adding(), torch.zeros(len(goal), 2), [squared_to_goal(goal)], see=lambda at: at,
        step=lambda at, a: at + a, bound=within(1.0), generator=torch.Generator().manual_seed(0), steps=steps, **more,
    )  # fmt: skip


def test_it_is_a_planner_that_drive_runs_to_the_goal():
    assert isinstance(levels(), Planner)
    path = go(levels(), [[8.0, 6.0], [-3.0, 0.0]], 14)
    assert (path[:, -1] - torch.tensor([[8.0, 6.0], [-3.0, 0.0]])).norm(dim=-1).max() < 0.5


def test_the_low_level_is_sent_to_the_first_latent_of_the_high_plan():
    high, low = Noting([[[3.0, 0.0], [0.0, 3.0]]]), Noting([[[1.0, 0.0]]])
    planner, z = levels(high, low, macro_dim=2), torch.tensor([[1.0, 1.0], [2.0, 0.0]])
    model, final = Adding(), to_goal(z)
    planner.plan(model, z, final, bound=within(1.0), generator=torch.Generator(), action_dim=5)
    assert torch.equal(planner.subgoal, z + torch.tensor([3.0, 0.0]))
    assert high.asked[0][0] is planner.slow
    assert high.asked[0][2] is final
    assert high.asked[0][4] == 2
    assert low.asked[0][0] is model
    assert low.asked[0][4] == 5
    there = planner.subgoal[:, None, None]  # a path of one sample and one step, that ends in the sub-goal
    assert (low.asked[0][2](there, there) == 0).all()
    assert (low.asked[0][2](there + 1, there) > 0).all()


@pytest.mark.parametrize(("every", "searches"), [(1, 7), (3, 3), (7, 1)])
def test_the_high_level_searches_once_every_so_many_looks(every, searches):
    high, low = Noting([[[3.0, 0.0]]]), Noting([[[1.0, 0.0]]])
    go(levels(high, low, every=every), [[9.0, 0.0]], 7)
    assert (len(high.asked), len(low.asked)) == (searches, 7)


def test_a_new_episode_begins_with_a_new_high_search():
    high, low = Noting([[[3.0, 0.0]]]), Noting([[[1.0, 0.0]]])
    planner = levels(high, low, every=100)
    go(planner, [[9.0, 0.0]], 4)
    go(planner, [[9.0, 0.0]] * 3, 4)  # of another number of episodes, too
    assert [len(asked[1]) for asked in high.asked] == [1, 3]
    assert high.asked[1][3] is None


def test_a_macro_action_that_is_done_leaves_the_high_plan():
    high, low = Noting([[[3.0, 0.0], [0.0, 3.0]]]), Noting([[[1.0, 0.0]]])
    go(levels(high, low, every=1, lasts=2), [[9.0, 0.0]], 5)
    same, done = [[[3.0, 0.0], [0.0, 3.0]]], [[[0.0, 3.0], [0.0, 0.0]]]
    starts = [asked[3] for asked in high.asked]
    assert starts[0] is None
    for start, wanted in zip(starts[1:], (same, done, same, done), strict=True):
        assert torch.equal(start, torch.tensor(wanted))


def test_the_levels_may_see_differently():
    """The slow model knows half of what the low level sees, and the low level is told to match that half."""

    class Wide:
        def rollout(self, z, actions):
            return torch.cat([z[:, None, :2] + actions.cumsum(1), z[:, None, 2:].expand(-1, actions.shape[1], -1)], -1)

    planner = levels(
        lift=lambda z: z[:, :2], toward=lambda goal: lambda path, actions: squared_to_goal(goal)(path[..., :2], actions)
    )
    goal = torch.tensor([[5.0, 0.0]])
    path = drive(
        planner, Wide(), torch.zeros(1, 4), [squared_to_goal(goal)], see=lambda at: at, bound=within(1.0),
        step=lambda at, a: torch.cat([at[:, :2] + a, at[:, 2:]], -1), generator=torch.Generator().manual_seed(0), steps=8,
    )  # fmt: skip
    assert (path[0, -1, :2] - goal[0]).norm() < 0.5


@pytest.mark.parametrize("wrong", ["macro_dim", "every", "lasts"])
def test_a_count_below_one_is_refused(wrong):
    with pytest.raises(ValueError, match=f"{wrong}: got 0"):
        levels(**{wrong: 0})
