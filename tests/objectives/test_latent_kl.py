"""The balanced KL: what it is worth, whom it moves and how much, and where it lets go."""

import pytest
import torch

from wm_core.nets.stochastic import Categorical, Gaussian
from wm_core.objectives.latent_kl import balanced_kl


def numbers(seed, *shape, size=1.0):
    generator = torch.Generator().manual_seed(seed)
    return (size * torch.randn(*shape, generator=generator, dtype=torch.float64)).requires_grad_()


def pair(kind, size=3.0):
    """Numbers from which a posterior and a prior are read, and how to read them: (batch, time, ...)."""
    shape, read = ((4, 3, 8), Gaussian.read) if kind == "gaussian" else ((4, 3, 3, 5), Categorical.read)
    return numbers(0, *shape, size=size), numbers(1, *shape, size=size), read


def slopes(kind, size=3.0, **settings):
    q, p, read = pair(kind, size)
    return torch.autograd.grad(sum(balanced_kl(read(q), read(p), **settings).values()), (q, p))


def plain_slopes(kind, size=3.0):
    q, p, read = pair(kind, size)
    return torch.autograd.grad(read(q).kl(read(p)).mean(), (q, p))


@pytest.mark.parametrize("kind", ["gaussian", "categorical"])
def test_the_prior_feels_the_whole_divergence_and_the_posterior_a_tenth(kind):
    q, p, read = pair(kind)
    assert read(q).kl(read(p)).min() > 1  # every moment is above the free bits
    for got, plain, share in zip(slopes(kind), plain_slopes(kind), (0.1, 1.0), strict=True):
        torch.testing.assert_close(got, share * plain, rtol=1e-6, atol=1e-12)
        assert plain.abs().max() > 1e-3


@pytest.mark.parametrize("kind", ["gaussian", "categorical"])
def test_below_one_nat_nobody_moves(kind):
    q, p, read = pair(kind, size=0.1)
    assert 0 < read(q).kl(read(p)).max() < 1
    assert all((slope == 0).all() for slope in slopes(kind, size=0.1))
    assert all((slope != 0).any() for slope in slopes(kind, size=0.1, free=0.0))


def test_the_free_bits_are_of_the_sum_and_of_each_moment():
    """Three groups of 0.6 nats each are 1.8 nats: above. A moment with one of them alone is below, and only it is let go."""
    p = torch.zeros(1, 2, 3, 2, dtype=torch.float64, requires_grad=True)
    q = torch.zeros(1, 2, 3, 2, dtype=torch.float64)
    q[0, 0, :, 0] = 4.0
    q[0, 1, 0, 0] = 4.0
    posterior, prior = Categorical.read(q), Categorical.read(p)
    kl = posterior.kl(prior).detach()
    assert kl[0, 0] > 1 > kl[0, 1]
    (slope,) = torch.autograd.grad(balanced_kl(posterior, prior)["dynamics"], p)
    assert (slope[0, 0, :, 0] < 0).all()
    assert (slope[0, 1] == 0).all()
    terms = balanced_kl(posterior, prior)
    assert terms["dynamics"].item() == pytest.approx((kl[0, 0].item() + 1) / 2)
    assert terms["representation"].item() == pytest.approx(0.1 * (kl[0, 0].item() + 1) / 2)


def test_a_coin_is_less_than_one_nat_and_its_prior_is_not_learned():
    """The trap of free bits: with nothing else to tell, a fair coin's 0.69 nats have no slope."""
    heads = Categorical.read(torch.tensor([[[[9.0, 0.0]]]]))
    wrong = torch.tensor([[[[0.5, 0.0]]]], requires_grad=True)
    assert heads.kl(Categorical.read(wrong)) < 1
    (slope,) = torch.autograd.grad(balanced_kl(heads, Categorical.read(wrong))["dynamics"], wrong)
    assert (slope == 0).all()


def test_dreamer_v2s_balance_adds_up_to_the_plain_divergence():
    q, p, read = pair("categorical")
    terms = balanced_kl(read(q), read(p), dynamics=0.8, representation=0.2, free=0.0)
    torch.testing.assert_close(sum(terms.values()), read(q).kl(read(p)).mean())
    (to_q, to_p), (plain_q, plain_p) = (
        slopes("categorical", dynamics=0.8, representation=0.2),
        plain_slopes("categorical"),
    )
    torch.testing.assert_close(to_q, 0.2 * plain_q)
    torch.testing.assert_close(to_p, 0.8 * plain_p)


def test_a_negative_allowance_is_refused():
    q, p, read = pair("gaussian")
    with pytest.raises(ValueError, match=r"free: got -1.0, wanted at least 0"):
        balanced_kl(read(q), read(p), free=-1.0)
