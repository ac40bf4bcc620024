"""Stochastic latents: their samples, their slopes, and their divergence against PyTorch's own."""

import pytest
import torch
from torch import distributions as D

from wm_core.nets.stochastic import Categorical, Gaussian, stack


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def gaussian(seed, *batch, dim=4):
    return Gaussian.read(torch.randn(*batch, 2 * dim, generator=generator(seed), dtype=torch.float64))


def categorical(seed, *batch, groups=3, classes=5, uniform=0.01):
    return Categorical.read(
        torch.randn(*batch, groups, classes, generator=generator(seed), dtype=torch.float64), uniform
    )


def test_the_gaussian_divergence_is_the_closed_form_and_torchs():
    q, p = gaussian(0, 6, 2), gaussian(1, 6, 2)
    closed = (p.std / q.std).log() + (q.std**2 + (q.mean - p.mean) ** 2) / (2 * p.std**2) - 0.5
    torchs = D.kl_divergence(D.Normal(*q), D.Normal(*p)).sum(-1)
    torch.testing.assert_close(q.kl(p), closed.sum(-1), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(q.kl(p), torchs, rtol=1e-9, atol=1e-12)


def test_the_categorical_divergence_is_torchs_summed_over_groups():
    q, p = categorical(0, 6, 2), categorical(1, 6, 2)
    torchs = D.kl_divergence(D.Categorical(logits=q.log_probs), D.Categorical(logits=p.log_probs))
    assert torchs.shape == (6, 2, 3)
    torch.testing.assert_close(q.kl(p), torchs.sum(-1), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("make", [gaussian, categorical])
def test_a_belief_diverges_from_any_other_and_not_from_itself(make):
    q, p = make(0, 7), make(1, 7)
    assert (q.kl(p) > 0).all()
    assert q.kl(q).abs().max() < 1e-12


def test_no_deviation_is_below_the_least():
    assert Gaussian.read(torch.full((2, 8), -50.0)).std.min() == pytest.approx(0.1)
    assert Gaussian.read(torch.full((2, 8), -50.0), least=0.3).std.min() == pytest.approx(0.3)


def test_half_precision_ends_at_a_belief():
    half = torch.randn(2, 3, 8, generator=generator()).bfloat16()
    assert Gaussian.read(half).mean.dtype == Gaussian.read(half).std.dtype == torch.float32
    assert Categorical.read(half).log_probs.dtype == torch.float32
    torch.testing.assert_close(Categorical.read(half).log_probs.exp().sum(-1), torch.ones(2, 3))


def test_one_percent_of_every_choice_is_even():
    sure = torch.tensor([[[100.0, 0.0, 0.0, 0.0]]])
    torch.testing.assert_close(
        Categorical.read(sure).log_probs.exp(), torch.tensor([[[0.9925, 0.0025, 0.0025, 0.0025]]])
    )
    other = Categorical.read(sure.flip(-1))
    assert Categorical.read(sure).kl(other).isfinite().all()
    assert Categorical.read(sure, uniform=0.0).log_probs.exp().amax() == 1


def test_gaussian_samples_have_the_mean_and_the_deviation():
    belief = Gaussian(torch.tensor([2.0, -1.0]).expand(20000, 2), torch.tensor([0.5, 3.0]).expand(20000, 2))
    drawn = belief.sample(generator())
    torch.testing.assert_close(drawn.mean(0), belief.mean[0], rtol=0, atol=0.07)
    torch.testing.assert_close(drawn.std(0), belief.std[0], rtol=0.03, atol=0)


def test_a_gaussian_samples_slopes_are_one_and_the_noise():
    mean, std = torch.zeros(1, 3, requires_grad=True), torch.ones(1, 3, requires_grad=True)
    drawn = Gaussian(mean, std).sample(generator())
    drawn.sum().backward()
    assert (mean.grad == 1).all()
    torch.testing.assert_close(std.grad, drawn.detach())


def test_categorical_samples_are_one_hot_and_as_frequent_as_they_are_likely():
    belief = categorical(0, 1)
    many = Categorical(belief.log_probs.expand(20000, -1, -1))
    drawn = many.sample(generator()).view(20000, 3, 5)
    torch.testing.assert_close(drawn.sum(-1), torch.ones(20000, 3, dtype=torch.float64))
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    torch.testing.assert_close(drawn.mean(0), belief.log_probs[0].exp(), rtol=0, atol=0.02)


def test_a_categorical_samples_slope_is_that_of_the_probabilities():
    """Straight-through: whatever weighs the one-hot numbers is felt as if it weighed the probabilities."""
    logits = torch.randn(2, 3, 5, generator=generator(), requires_grad=True)
    weights = torch.randn(2, 15, generator=generator(1))
    (through,) = torch.autograd.grad((Categorical.read(logits).sample(generator(2)) * weights).sum(), logits)
    (direct,) = torch.autograd.grad((Categorical.read(logits).log_probs.exp().flatten(1) * weights).sum(), logits)
    torch.testing.assert_close(through, direct)
    assert direct.abs().min() > 0


def test_the_mode_is_the_likeliest():
    belief = categorical(0, 4)
    assert torch.equal(belief.mode().view(4, 3, 5).argmax(-1), belief.log_probs.argmax(-1))
    assert torch.equal(gaussian(0, 4).mode(), gaussian(0, 4).mean)


@pytest.mark.parametrize("make", [gaussian, categorical])
def test_the_same_generator_draws_the_same(make):
    assert torch.equal(make(0, 4).sample(generator(3)), make(0, 4).sample(generator(3)))
    assert not torch.equal(make(0, 4).sample(generator(3)), make(0, 4).sample(generator(4)))


def test_beliefs_of_many_moments_stack_to_one():
    moments = [gaussian(seed, 2) for seed in range(3)]
    assert stack(moments).mean.shape == (2, 3, 4)
    assert torch.equal(stack(moments).std[:, 1], moments[1].std)
    assert stack([categorical(seed, 2) for seed in range(3)]).log_probs.shape == (2, 3, 3, 5)
