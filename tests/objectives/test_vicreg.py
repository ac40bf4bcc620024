"""The variance and covariance terms, against their formulas written as sums."""

import pytest
import torch

from wm_core.objectives.vicreg import covariance, variance_hinge, vicreg


@pytest.fixture
def z():
    """Latents (batch, time, dim) that vary by different amounts, about different means, and hang together."""
    noise = torch.randn(7, 3, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    mixing = torch.tensor([[1.0, 0.5, 0, 0], [0, 0.3, 0, 0], [0, 0, 2.0, 0.4], [0, 0, 0, 0.1]], dtype=torch.float64)
    return noise @ mixing + torch.arange(12).view(3, 4)


def covariance_matrix(rows):
    """(n, dim) -> (dim, dim), entry by entry."""
    n, dim = rows.shape
    means = [sum(float(r[i]) for r in rows) / n for i in range(dim)]
    return [
        [sum((float(r[i]) - means[i]) * (float(r[j]) - means[j]) for r in rows) / (n - 1) for j in range(dim)]
        for i in range(dim)
    ]


def test_the_variance_term_is_the_mean_shortfall_of_the_deviations(z):
    """1/(T D) sum over t, d of max(0, 1 - sqrt(Var_n + eps)), for the default target of 1."""
    shortfalls = [max(0.0, 1 - (covariance_matrix(z[:, t])[d][d] + 1e-4) ** 0.5) for t in range(3) for d in range(4)]
    assert min(shortfalls) == 0 < max(shortfalls)  # both sides of the hinge
    assert float(variance_hinge(z)) == pytest.approx(sum(shortfalls) / 12, rel=1e-9)


def test_the_covariance_term_is_the_mean_square_over_pairs(z):
    """1/(T D (D - 1)) sum over t and i ≠ j of Cov_n(i, j)²."""
    squares = [covariance_matrix(z[:, t])[i][j] ** 2 for t in range(3) for i in range(4) for j in range(4) if i != j]
    assert float(covariance(z)) == pytest.approx(sum(squares) / (3 * 4 * 3), rel=1e-9)


def test_without_a_time_axis_the_batch_is_one_moment(z):
    for term in (variance_hinge, covariance):
        assert float(term(z[:, 0])) == pytest.approx(float(term(z[:, :1])))


def test_latents_that_vary_enough_cost_nothing():
    spread = 1.5 * torch.randn(512, 2, 4, generator=torch.Generator().manual_seed(0))
    assert variance_hinge(spread) == 0
    signs = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])  # uncorrelated exactly
    assert covariance(signs) == 0


def test_collapsed_latents_cost_nearly_one_and_have_a_slope():
    z = torch.full((32, 2, 4), 3.0, requires_grad=True)
    cost = variance_hinge(z)
    assert cost.item() == pytest.approx(1 - 1e-4**0.5)
    assert covariance(z) == 0  # which is why the covariance alone does not notice collapse
    cost.backward()
    assert z.grad.isfinite().all()


def test_more_spread_than_the_target_is_not_rewarded():
    noise = torch.randn(512, 4, generator=torch.Generator().manual_seed(0))
    assert variance_hinge(1.5 * noise, target=2.0) > 0.4
    assert variance_hinge(3 * noise, target=2.0) == 0


def test_following_the_slopes_spreads_latents_and_parts_them():
    z = torch.randn(64, 1, generator=torch.Generator().manual_seed(0)).expand(64, 3) * 0.3
    z = (z + 0.01 * torch.randn(64, 3, generator=torch.Generator().manual_seed(1))).requires_grad_()
    before = variance_hinge(z).item(), covariance(z / z.std(0)).item()
    for _ in range(200):
        (slope,) = torch.autograd.grad(variance_hinge(z) + covariance(z), z)
        z = (z - 2 * slope).detach().requires_grad_()
    assert variance_hinge(z).item() < 0.1 * before[0]
    assert covariance(z / z.std(0)).item() < 0.2 * before[1]


def test_two_views_cost_what_the_authors_code_computes(z):
    x, y = z[:, 0], z[:, 1]
    terms = vicreg(z[:, :2])

    def cov(rows):
        c = torch.cov(rows.T)
        return (c.square().sum() - c.diagonal().square().sum()) / rows.shape[1]

    std = [torch.relu(1 - (rows.var(0) + 1e-4).sqrt()).mean() for rows in (x, y)]
    torch.testing.assert_close(terms["agreement"], 25 * (x - y).square().mean())
    torch.testing.assert_close(terms["variance"], 25 * sum(std) / 2)
    torch.testing.assert_close(terms["covariance"], cov(x) + cov(y))


def test_with_three_views_every_pair_must_agree(z):
    pairs = [(z[:, i] - z[:, j]).square().mean() for i in range(3) for j in range(i)]
    torch.testing.assert_close(vicreg(z, (1.0, 0.0, 0.0))["agreement"], sum(pairs) / 3)
