"""Costs: along the path or at its end, and how the choice shows in a plan."""

import inspect

import pytest
import torch

from wm_core.planning.cem import CEM
from wm_core.planning.costs import along_path, squared_to_goal, to_goal
from wm_core.planning.search import within

PATH = torch.randn(2, 3, 4, 5, 6, generator=torch.Generator().manual_seed(0))  # latents of five by six numbers
GOAL = torch.randn(2, 5, 6, generator=torch.Generator().manual_seed(1))


def test_the_squared_distance_is_that_of_the_formula():
    """sum over t of |z_t - z_g|², written as loops."""
    for e in range(2):
        for s in range(3):
            each = [float(((PATH[e, s, t] - GOAL[e]) ** 2).sum()) for t in range(4)]
            for along, wanted in (("sum", sum(each)), ("mean", sum(each) / 4), ("last", each[-1])):
                got = squared_to_goal(GOAL, along)(PATH, torch.zeros(2, 3, 4, 2))[e, s]
                assert float(got) == pytest.approx(wanted, rel=1e-5)


def test_vjepas_cost_is_the_mean_absolute_difference_at_the_end():
    wanted = (PATH[:, :, -1] - GOAL[:, None]).abs().mean((2, 3))
    torch.testing.assert_close(to_goal(GOAL)(PATH, torch.zeros(2, 3, 4, 2)), wanted)


def test_at_the_end_only_the_last_latent_is_measured():
    asked = []

    def far(path):
        asked.append(path.shape[2])
        return path.flatten(3).sum(-1)

    along_path(far, "last")(PATH, torch.zeros(2, 3, 4, 2))
    assert asked == [1]


def test_a_sum_along_the_way_arrives_sooner_than_the_end_alone():
    """Eight steps for a way of three: judged by its end a plan may dawdle, judged along the way it may not."""

    class Adding:
        def rollout(self, z, actions):
            return z[:, None] + actions.cumsum(1)

    goal, near = torch.tensor([[3.0, 0.0]]), {}
    for along in ("sum", "last"):
        plan = CEM(8, 256, 24, 20).plan(
            Adding(), torch.zeros(1, 2), squared_to_goal(goal, along), bound=within(1.0),
            generator=torch.Generator().manual_seed(0),
        )  # fmt: skip
        near[along] = (Adding().rollout(torch.zeros(1, 2), plan)[0] - goal).norm(dim=-1)
    assert near["sum"][-1] < 0.2 and near["last"][-1] < 0.2  # noqa: PT018
    assert near["sum"][3] < 0.35 < near["last"][3]


def test_an_unknown_way_of_counting_is_refused():
    wrong = inspect.unwrap(along_path)  # as it is outside of the tests, where annotations are not enforced
    with pytest.raises(ValueError, match="along: got 'first'"):
        wrong(lambda path: path, "first")
