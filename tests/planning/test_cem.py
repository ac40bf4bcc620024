"""The cross-entropy method: it finds the least of a bowl, keeps to its bound, and treats each episode as if it were alone."""

import torch

from wm_core.nets.dynamics import unroll
from wm_core.planning.cem import CEM
from wm_core.planning.costs import to_goal
from wm_core.planning.search import within


class Adding:
    """A world in which actions add up, and a count of how often it was asked."""

    def __init__(self):
        self.asked = 0

    def rollout(self, z, actions):
        self.asked += len(z)
        return unroll(lambda at, a: at + a, z, actions)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def far(actions):
    """A bound that binds nothing."""
    return actions


def test_it_finds_the_least_of_a_quadratic():
    """Two actions; the least of |a0 - p|² + |a1 - q|² + a0·a1 / 2 is the solution of a linear system."""
    p, q = torch.tensor([1.0, -0.5]), torch.tensor([-0.3, 0.8])

    def cost(path, actions):
        a0, a1 = actions[:, :, 0], actions[:, :, 1]
        return (a0 - p).square().sum(-1) + (a1 - q).square().sum(-1) + 0.5 * (a0 * a1).sum(-1)

    system = torch.tensor([[2.0, 0.5], [0.5, 2.0]])
    least = torch.linalg.solve(system, 2 * torch.stack([p, q]))
    search = CEM(horizon=2, samples=256, elites=16, iterations=30, floor=0.0, momentum=0.0)
    plan = search.plan(Adding(), torch.zeros(3, 2), cost, bound=far, generator=seeded())
    torch.testing.assert_close(plan, least.expand(3, 2, 2), atol=2e-2, rtol=0)


def test_the_last_imagined_latent_comes_to_the_goal_and_each_episode_has_its_own():
    start, goal = torch.randn(5, 2, generator=seeded(1)), torch.randn(5, 2, generator=seeded(2))
    search = CEM(horizon=4, iterations=12, floor=0.0)
    plan = search.plan(Adding(), start, to_goal(goal), bound=far, generator=seeded())
    torch.testing.assert_close(start + plan.sum(1), goal, atol=0.1, rtol=0)


def test_where_the_goal_is_out_of_reach_it_goes_straight_for_it():
    plan = CEM(horizon=3, iterations=10).plan(
        Adding(), torch.zeros(1, 2), to_goal(torch.tensor([[30.0, 0.0]])), bound=within(1.0), generator=seeded()
    )
    torch.testing.assert_close(plan, torch.tensor([[[1.0, 0.0]] * 3]), atol=0.15, rtol=0)


def test_each_round_is_drawn_around_the_elites_of_the_one_before():
    rounds = []
    search = CEM(horizon=2, samples=64, elites=5, iterations=3, floor=0.2, momentum=0.25, momentum_std=0.5, spread=0.7)
    plan = search.plan(
        Adding(), torch.zeros(1, 2), to_goal(torch.ones(1, 2)), bound=far, generator=seeded(), record=rounds
    )
    assert torch.equal(rounds[0].mean, torch.zeros(1, 2, 2))
    assert torch.equal(rounds[0].std, torch.full((1, 2, 2), 0.7))
    following = [*((r.mean, r.std) for r in rounds[1:]), (plan, None)]
    for made, (mean, std) in zip(rounds, following, strict=True):
        elites = made.actions[0, made.costs[0].argsort()[:5]]
        torch.testing.assert_close(mean[0], 0.25 * made.mean[0] + 0.75 * elites.mean(0))
        if std is not None:
            expected = 0.5 * made.std[0] + 0.5 * elites.std(0, correction=0)
            torch.testing.assert_close(std[0], expected.clamp_min(0.2))


def test_the_same_generator_gives_the_same_plan_and_a_warm_start_is_tried_first():
    goal, start = torch.ones(2, 2), torch.randn(2, 4, 2, generator=seeded(5))
    rounds = []
    first, again = (
        CEM().plan(
            Adding(), torch.zeros(2, 2), to_goal(goal), bound=far, generator=seeded(), start=start, record=rounds
        )
        for _ in range(2)
    )
    assert torch.equal(first, again)
    assert torch.equal(rounds[0].actions[:, 0], start)


def test_latents_of_any_shape_are_planned_with():
    class Maps:
        def rollout(self, z, actions):
            return z[:, None] + actions.cumsum(1)[:, :, None]

    plan = CEM(iterations=12, floor=0.0).plan(
        Maps(), torch.zeros(2, 7, 2), to_goal(torch.ones(2, 7, 2)), bound=far, generator=seeded()
    )
    torch.testing.assert_close(plan.sum(1), torch.ones(2, 2), atol=0.1, rtol=0)


def test_the_model_is_asked_for_samples_times_iterations_rollouts():
    world = Adding()
    CEM(samples=32, elites=4, iterations=3).plan(
        world, torch.zeros(5, 2), to_goal(torch.ones(5, 2)), bound=far, generator=seeded()
    )
    assert world.asked == 5 * 32 * 3
