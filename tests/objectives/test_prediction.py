"""Prediction errors, against their formulas written as sums."""

import pytest
import torch

from wm_core.objectives.prediction import feature_prediction, latent_prediction, layer_normed, pixel_prediction

NOISE = torch.Generator().manual_seed(0)


def test_the_latent_error_is_the_mean_square_over_all_numbers():
    """1/(N T D) sum over n, t, d of (imagined - actual)²."""
    imagined, actual = torch.randn(2, 3, 4, generator=NOISE), torch.randn(2, 3, 4, generator=NOISE)
    squares = [(i - a) ** 2 for i, a in zip(imagined.flatten().tolist(), actual.flatten().tolist(), strict=True)]
    assert float(latent_prediction(imagined, actual)) == pytest.approx(sum(squares) / (2 * 3 * 4))


def test_gradients_flow_into_what_was_imagined_and_into_what_it_is_compared_with():
    imagined, actual = (torch.randn(2, 3, generator=NOISE, requires_grad=True) for _ in range(2))
    latent_prediction(imagined, actual).backward()
    assert imagined.grad.any()
    assert torch.equal(imagined.grad, -actual.grad)


def test_without_motion_weight_the_pixel_error_is_the_mean_square():
    drawn, frames = torch.rand(2, 3, 4, 5, generator=NOISE), torch.rand(2, 3, 4, 5, generator=NOISE)
    assert float(pixel_prediction(drawn, frames)) == pytest.approx(float(((drawn - frames) ** 2).sum() / 120))


def test_a_pixel_weighs_more_by_how_far_it_is_from_its_mean_over_the_clip():
    frames = torch.zeros(1, 2, 1, 2)
    frames[0, 1, 0, 0] = 1.0  # one pixel moves between 0 and 1, and is 0.5 from its mean at both moments
    still, moving = torch.zeros_like(frames), torch.zeros_like(frames)
    still[0, 0, 0, 1] = moving[0, 0, 0, 0] = 0.1
    assert float(pixel_prediction(frames + still, frames, 20.0)) == pytest.approx(0.01 / 4)
    assert float(pixel_prediction(frames + moving, frames, 20.0)) == pytest.approx(0.01 * (1 + 20 * 0.5) / 4)


def test_layer_norming_brings_every_token_to_mean_0_and_spread_1():
    features = 3 * torch.randn(5, 7, 64) + 2
    normed = layer_normed(features)
    torch.testing.assert_close(normed.mean(-1), torch.zeros(5, 7), atol=1e-5, rtol=0)
    torch.testing.assert_close(normed.std(-1, correction=0), torch.ones(5, 7), atol=1e-3, rtol=0)


@pytest.mark.parametrize(("kind", "best"), [("l1", -1.0), ("l2", -0.4)])
def test_on_two_outcomes_l1_wants_the_likelier_and_l2_the_mean(kind, best):
    outcomes = torch.where(torch.arange(1000) < 700, -1.0, 1.0)[:, None]  # -1 seven times in ten
    guesses = torch.linspace(-1.5, 1.5, 301)
    losses = [feature_prediction(guess.expand_as(outcomes), outcomes, kind) for guess in guesses]
    assert guesses[torch.stack(losses).argmin()].item() == pytest.approx(best, abs=0.011)


def test_smooth_l1_is_half_the_square_below_one_and_straight_beyond():
    zero = torch.zeros(1)
    assert feature_prediction(zero, zero + 0.5, "smooth_l1") == 0.125
    assert feature_prediction(zero, zero + 3, "smooth_l1") == 2.5


@pytest.mark.parametrize("kind", ["l1", "l2", "smooth_l1"])
def test_each_numbers_own_error_has_the_same_mean(kind):
    predicted, target = torch.randn(2, 3, 4), torch.randn(2, 3, 4)
    each = feature_prediction(predicted, target, kind, reduction="none")
    assert each.shape == (2, 3, 4)
    assert torch.equal(each.mean(), feature_prediction(predicted, target, kind))
    far = target.clone()
    far[0, 0, 0] += 9
    assert (feature_prediction(predicted, far, kind, reduction="none") != each).sum() == 1
