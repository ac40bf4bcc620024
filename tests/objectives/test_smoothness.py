"""Time-smoothness and temporal variance, against their formulas written as sums."""

import pytest
import torch

from wm_core.objectives.smoothness import temporal_variance_hinge, time_smoothness


@pytest.fixture
def z():
    return torch.randn(5, 4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_smoothness_is_the_mean_square_of_all_changes(z):
    squares = [(z[b, t + 1, d] - z[b, t, d]) ** 2 for b in range(5) for t in range(3) for d in range(3)]
    assert float(time_smoothness(z)) == pytest.approx(float(sum(squares)) / (5 * 3 * 3), rel=1e-12)


def test_a_walk_that_stands_still_is_smooth_and_has_no_variance(z):
    still = z[:, :1].expand(-1, 4, -1)
    assert time_smoothness(still) == 0
    assert float(temporal_variance_hinge(still)) == pytest.approx(1 - 1e-4**0.5)


def test_the_hinge_is_the_mean_shortfall_along_each_walk(z):
    shortfalls = []
    for b in range(5):
        for d in range(3):
            mean = sum(float(z[b, t, d]) for t in range(4)) / 4
            variance = sum((float(z[b, t, d]) - mean) ** 2 for t in range(4)) / 3
            shortfalls.append(max(0.0, 1 - (variance + 1e-4) ** 0.5))
    assert min(shortfalls) == 0 < max(shortfalls)
    assert float(temporal_variance_hinge(z)) == pytest.approx(sum(shortfalls) / 15, rel=1e-9)


def test_walks_that_differ_but_stand_still_are_not_enough(z):
    """The variance over the batch is large, and the hinge along time does not see it."""
    far_apart = 100 * z[:, :1].expand(-1, 4, -1)
    assert far_apart[:, 0].std(0).min() > 10
    assert float(temporal_variance_hinge(far_apart)) == pytest.approx(1 - 1e-4**0.5)


def test_moving_enough_costs_nothing_more():
    steps = torch.tensor([-2.0, 2.0, -2.0, 2.0])[None, :, None].expand(2, 4, 3)
    assert temporal_variance_hinge(steps) == 0
    assert temporal_variance_hinge(steps, target=3.0) > 0.5
