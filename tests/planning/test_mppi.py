"""MPPI: its weights, its two limits, and the control cost that the paper promises."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from wm_core.planning.mppi import MPPI, EliteMPPI, soft_weights, whitened
from wm_core.planning.search import smoothing, within


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def far(actions):
    """A bound that binds nothing."""
    return actions


class Adding:
    """A world in which actions add up."""

    def rollout(self, z, actions):
        return z[:, None] + actions.cumsum(1)


def bowl(path, actions):
    """Least where all actions are 1."""
    return (actions - 1).square().sum((2, 3))


def search(planner, cost=bowl, bound=far, seed=0, episodes=2):
    rounds = []
    plan = planner.plan(Adding(), torch.zeros(episodes, 2), cost, bound=bound, generator=seeded(seed), record=rounds)
    return plan, rounds


@settings(deadline=None, max_examples=50)
@given(constant=some.floats(-1e3, 1e3), temperature=some.floats(0.01, 100), seed=some.integers(0, 99))
def test_weights_do_not_change_when_a_constant_is_added_to_all_costs(constant, temperature, seed):
    costs = torch.randn(3, 20, generator=seeded(seed), dtype=torch.float64)
    weights = soft_weights(costs, temperature)
    torch.testing.assert_close(weights.sum(-1), torch.ones(3, dtype=torch.float64))
    torch.testing.assert_close(soft_weights(costs + constant, temperature), weights, rtol=1e-8, atol=1e-12)


def test_weights_are_those_of_the_formula():
    costs = torch.tensor([[1.0, 2.0, 4.0]])
    raw = torch.tensor([1.0, torch.e**-0.5, torch.e**-1.5])
    torch.testing.assert_close(soft_weights(costs, 2.0)[0], raw / raw.sum())


def test_weights_that_are_large_or_no_numbers_do_no_harm():
    costs = torch.tensor([[1e30, 2e30, torch.inf, torch.nan], [torch.inf] * 4])
    assert torch.equal(soft_weights(costs, 1.0), torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.25] * 4]))


@pytest.mark.parametrize("scaled", [True, False])
def test_without_temperature_the_best_sample_is_taken(scaled):
    plan, (round,) = search(MPPI(3, 64, 1, temperature=1e-6, scaled=scaled))
    best = round.actions[torch.arange(2), round.costs.argmin(1)]
    torch.testing.assert_close(plan, best)
    torch.testing.assert_close(round.effective, torch.ones(2))


@pytest.mark.parametrize("scaled", [True, False])
def test_with_boundless_temperature_all_samples_count_alike(scaled):
    plan, (round,) = search(MPPI(3, 64, 1, temperature=1e6, scaled=scaled))
    torch.testing.assert_close(plan, round.actions.mean(1), atol=1e-4, rtol=0)
    torch.testing.assert_close(round.effective, torch.full((2,), 64.0), rtol=1e-3, atol=0)


def test_scaled_a_search_is_the_same_whatever_the_unit_of_the_cost():
    plans = [search(MPPI(3, 64, 5), cost=lambda p, a, u=unit: u * bowl(p, a))[0] for unit in (1e-3, 1.0, 1e3)]
    torch.testing.assert_close(plans[0], plans[1], atol=1e-4, rtol=0)
    torch.testing.assert_close(plans[2], plans[1], atol=1e-4, rtol=0)
    fixed = [search(MPPI(3, 64, 5, scaled=False), cost=lambda p, a, u=unit: u * bowl(p, a))[0] for unit in (1e-3, 1.0)]
    assert (fixed[0] - fixed[1]).abs().max() > 0.1


def test_each_round_is_less_spread_and_begins_where_the_last_one_ended():
    plan, rounds = search(MPPI(3, 64, 4, spread=2.0, shrink=0.5))
    for k, round in enumerate(rounds):
        assert torch.equal(round.std, torch.full((2, 3, 2), 2 * 0.5**k))
        following = rounds[k + 1].mean if k < 3 else plan
        moved = (round.weights[..., None, None] * (round.actions - round.mean[:, None])).sum(1)
        torch.testing.assert_close(following, round.mean + moved)


def test_what_is_learned_is_what_was_done_and_not_what_was_wished():
    """The bound cuts what is drawn down to 0.1; were the drawn noise averaged, the first step would pass it."""
    plan, (round,) = search(MPPI(3, 64, 1, temperature=1e6), bound=lambda a: a.clamp(0.05, 0.1))
    assert round.actions.max() <= 0.1 + 1e-6
    torch.testing.assert_close(plan, round.actions.mean(1).clamp(0.05, 0.1), atol=1e-4, rtol=0)


@pytest.mark.parametrize("smooth", [0.0, 0.6])
def test_with_its_control_cost_it_minimises_what_the_paper_says(smooth):
    """The cost is |a - 1|². With a constant λ and Σ the fixed point is the least of |a - 1|² + λ/2 aᵀ Σ⁻¹ a, a linear system."""
    horizon, spread, heat = 3, 0.8, 2.0
    matrix = smoothing(horizon, smooth).double()
    inverse = torch.linalg.inv(spread**2 * matrix @ matrix.T)
    wanted = torch.linalg.solve(2 * torch.eye(horizon).double() + heat * inverse, 2 * torch.ones(horizon).double())
    common = dict(shrink=1.0, temperature=heat, scaled=False, smooth=smooth, spread=spread)
    paper = MPPI(horizon, 4000, 40, control=1.0, **common)
    plans = torch.stack([search(paper, seed=seed)[0].mean((0, 2)) for seed in range(2)]).mean(0)
    torch.testing.assert_close(plans.double(), wanted, atol=0.03, rtol=0)
    assert (wanted - 1).abs().min() > 0.2  # without the control cost it would be 1
    free, _ = search(MPPI(horizon, 4000, 40, control=0.0, **common))
    torch.testing.assert_close(free, torch.ones(2, horizon, 2), atol=0.1, rtol=0)


def test_whitening_undoes_what_smoothing_does():
    noise = torch.randn(4, 6, 2, generator=seeded())
    smooth = torch.einsum("ts,bsd->btd", smoothing(6, 0.7), noise)
    torch.testing.assert_close(whitened(smooth, 0.7), noise, atol=1e-5, rtol=1e-5)


# ---- the variant with elites ---------------------------------------------------------------------------------------------------
def test_elites_count_by_their_cost_and_mean_and_deviation_are_fitted_to_them():
    planner = EliteMPPI(3, 64, 8, 3, floor=0.1, temperature=0.7, scaled=False, momentum=0.25)
    plan, rounds = search(planner)
    for k, round in enumerate(rounds):
        order = round.costs[0].argsort()[:8]
        raw = torch.exp(-(round.costs[0, order] - round.costs[0].min()) / 0.7)
        weights, elites = raw / raw.sum(), round.actions[0, order]
        torch.testing.assert_close(round.weights[0, order], weights)
        assert (round.weights[0] > 0).sum() <= 8
        fitted = (weights[:, None, None] * elites).sum(0)
        std = (weights[:, None, None] * (elites - fitted).square()).sum(0).sqrt().clamp_min(0.1)
        torch.testing.assert_close((rounds[k + 1].mean if k < 2 else plan)[0], 0.25 * round.mean[0] + 0.75 * fitted)
        if k < 2:
            torch.testing.assert_close(rounds[k + 1].std[0], std)


def test_one_elite_is_drawn_by_its_weight():
    """Two actions in one number of a plan, of which the cheaper should come about e times as often as the other."""

    def cost(path, actions):
        return (actions[:, :, 0, 0] > 0).float()

    planner = EliteMPPI(1, 400, 400, 1, temperature=1.0, scaled=False, one_elite=True)
    plan, (round,) = search(planner, cost, episodes=1000)
    assert (plan[:, None] == round.actions).all((2, 3)).any(1).all()  # it is one of those that were tried
    assert float((plan[:, 0, 0] > 0).float().mean()) == pytest.approx(1 / (1 + torch.e), abs=0.05)


@pytest.mark.parametrize("kind", [MPPI, EliteMPPI])
def test_a_temperature_must_be_positive(kind):
    with pytest.raises(ValueError, match="temperature: got 0"):
        kind(temperature=0.0)


def test_the_bound_may_be_a_ball():
    plan, _ = search(MPPI(3, 256, 20), bound=within(1.0))
    torch.testing.assert_close(plan, torch.full((2, 3, 2), 0.5**0.5), atol=0.05, rtol=0)
