"""Driving: it gets there in a world that its model has wrong, does one action a look, and goes to its goals in turn."""

import pytest
import torch

from wm_core.nets.dynamics import unroll
from wm_core.planning.cem import CEM
from wm_core.planning.costs import to_goal
from wm_core.planning.drive import drive
from wm_core.planning.search import within


class Adding:
    """A model in which actions add up."""

    def rollout(self, z, actions):
        return unroll(lambda at, a: at + a, z, actions)


PLANNER = CEM(1, 64, 8, 6)  # longer plans need not take the straight way


def on_the_plane(goals, steps=12, slip=0.0, see=lambda at: at, planner=PLANNER):
    generator = torch.Generator().manual_seed(0)
    goals = torch.tensor(goals)
    return drive(
        planner,
        Adding(),
        torch.zeros(1, 2),
        [to_goal(goal[None]) for goal in goals],
        see=see,
        step=lambda at, a: at + a + torch.tensor([0.0, slip]),
        bound=within(1.0),
        generator=generator,
        steps=steps,
    )[0]


def test_it_looks_again_and_so_arrives_where_the_world_drifts_unforeseen():
    path = on_the_plane([[4.0, 3.0]], slip=0.3)
    assert path.shape == (13, 2)
    assert (path[-1] - torch.tensor([4.0, 3.3])).norm() < 0.2  # one step's drift off, not twelve


def test_each_goal_has_its_share_of_the_steps():
    path = on_the_plane([[3.0, 0.0], [3.0, 3.0], [0.0, 3.0]], steps=15)
    for k, goal in ((5, [3.0, 0.0]), (10, [3.0, 3.0]), (15, [0.0, 3.0])):
        assert (path[k] - torch.tensor(goal)).norm() < 0.3


def test_each_search_begins_with_the_rest_of_the_last_plan():
    asked = []

    class Noting(CEM):
        def plan(self, *args, start=None, **rest):
            asked.append(start)
            return torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])

    path = on_the_plane([[9.0, 9.0]], steps=2, planner=Noting(2, 4, 2, 1))
    assert asked[0] is None
    torch.testing.assert_close(asked[1], torch.tensor([[[0.0, 1.0], [0.0, 0.0]]]))
    torch.testing.assert_close(path[-1], torch.tensor([2.0, 0.0]))


@pytest.mark.parametrize("goals", [torch.zeros(0, 2).tolist(), [[1.0, 1.0]] * 3])
def test_a_share_of_nothing_is_refused(goals):
    with pytest.raises(ValueError, match="costs: got"):
        on_the_plane(goals, steps=2)
