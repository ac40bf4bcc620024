"""What planners share: bounds, what is left of a plan, noise that keeps its direction, and how many samples count."""

import pytest
import torch

from wm_core.planning.search import effective_samples, scattered, shifted, smoothing, within, within_box


def test_a_bound_leaves_alone_what_obeys_it():
    actions = torch.tensor([[0.3, 0.4], [0.0, 0.0], [3.0, 4.0]])
    torch.testing.assert_close(within(1.0)(actions), torch.tensor([[0.3, 0.4], [0.0, 0.0], [0.6, 0.8]]))
    torch.testing.assert_close(within_box(1.0)(actions), torch.tensor([[0.3, 0.4], [0.0, 0.0], [1.0, 1.0]]))


@pytest.mark.parametrize(("make", "name"), [(within, "reach"), (within_box, "limit")])
def test_a_bound_must_be_positive(make, name):
    with pytest.raises(ValueError, match=name):
        make(0.0)


def test_the_rest_of_a_plan_begins_with_what_was_not_done():
    plan = torch.arange(6.0).reshape(1, 3, 2)
    assert torch.equal(shifted(plan), torch.tensor([[[2.0, 3.0], [4.0, 5.0], [0.0, 0.0]]]))
    assert torch.equal(shifted(plan, 2), torch.tensor([[[4.0, 5.0], [0.0, 0.0], [0.0, 0.0]]]))
    assert torch.equal(shifted(plan, 3), torch.zeros(1, 3, 2))


@pytest.mark.parametrize("smooth", [0.0, 0.5, 0.9])
def test_smooth_noise_has_the_variance_and_the_correlation_that_were_asked_for(smooth):
    """By the matrix that makes it, L Lᵀ = smooth^|t - s|, and in what is drawn."""
    t = torch.arange(7)
    wanted = smooth ** (t[:, None] - t).abs().float()
    matrix = smoothing(7, smooth)
    torch.testing.assert_close(matrix @ matrix.T, wanted, atol=1e-5, rtol=0)
    drawn = scattered(torch.ones(1, 7, 2), 0.5, 20_000, torch.Generator().manual_seed(0), smooth)
    off = 2 * (drawn[0] - 1)  # (samples, 7, 2)
    torch.testing.assert_close(off[..., 0].T @ off[..., 1] / 20_000, torch.zeros(7, 7), atol=0.05, rtol=0)
    torch.testing.assert_close(off[..., 0].T @ off[..., 0] / 20_000, wanted, atol=0.05, rtol=0)


def test_as_many_samples_count_as_share_the_weight():
    weights = torch.tensor([[0.25, 0.25, 0.25, 0.25], [0.5, 0.5, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]])
    torch.testing.assert_close(effective_samples(weights), torch.tensor([4.0, 2.0, 1.0]))
