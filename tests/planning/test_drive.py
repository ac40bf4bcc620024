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


def on_the_plane(goals, steps=12, slip=0.0, see=lambda at: at, planner=PLANNER, **more):
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
        **more,
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


def test_it_looks_once_for_every_few_actions_and_does_them_all():
    """Seven steps, three to a look: looks at 0, 3 and 6. Each is one encoding, and the next search begins with what was not done."""
    looks, starts = [], []

    class Fixed:
        def plan(self, model, z, cost, *, start=None, **_):
            starts.append(start)
            return torch.tensor([[[1.0, 0.0], [0.0, 1.0], [0.5, 0.0], [0.0, 0.25]]])

    def see(at):
        looks.append(at)
        return at

    path = on_the_plane([[9.0, 9.0]], steps=7, planner=Fixed(), see=see, every=3)
    assert path.shape == (8, 2)
    assert len(looks) == 3
    done = [[1.0, 0.0], [0.0, 1.0], [0.5, 0.0]]
    torch.testing.assert_close(path.diff(dim=0), torch.tensor([*done, *done, done[0]]))
    torch.testing.assert_close(starts[1], torch.tensor([[[0.0, 0.25], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]]))


@pytest.mark.parametrize("every", [0, 3])
def test_no_more_actions_are_done_than_a_plan_has(every):
    with pytest.raises(ValueError, match=f"every: got {every}"):
        on_the_plane([[9.0, 9.0]], planner=CEM(2, 16, 4, 1), every=every)


def test_what_was_imagined_can_be_held_against_what_came():
    """The world drifts by 0.3 a step, which the model does not know: j steps ahead it is wrong by 0.3 j."""
    looks = []
    path = on_the_plane([[4.0, 3.0]], slip=0.3, planner=CEM(3, 32, 4, 3), record=looks, every=2)
    assert [look.at for look in looks] == [0, 2, 4, 6, 8, 10]
    for look in looks:
        assert torch.equal(look.z[0], path[look.at])
        assert look.imagined.shape == (1, 3, 2)
        for ahead in (1, 2):  # the third action of a plan is not done
            off = path[look.at + ahead] - look.imagined[0, ahead - 1]
            torch.testing.assert_close(off, torch.tensor([0.0, 0.3 * ahead]))
