"""The expectile loss, against expectiles found by hand."""

import pytest
import torch

from wm_core.objectives.expectile import expectile_loss

X = torch.randn(400, generator=torch.Generator().manual_seed(0), dtype=torch.float64).exp()  # lopsided


def expectile_of(x, tau):
    """The m at which τ E[max(0, x - m)] = (1 - τ) E[max(0, m - x)], by bisection."""
    low, high = float(x.min()), float(x.max())
    for _ in range(80):
        m = (low + high) / 2
        up, down = (x - m).relu().mean(), (m - x).relu().mean()
        low, high = (m, high) if tau * up > (1 - tau) * down else (low, m)
    return m


@pytest.mark.parametrize("tau", [0.1, 0.5, 0.7, 0.9, 0.99])
def test_its_minimum_is_the_expectile(tau):
    m = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    descent = torch.optim.LBFGS(
        [m], max_iter=100, line_search_fn="strong_wolfe", tolerance_grad=1e-12, tolerance_change=1e-14
    )

    def closure():
        descent.zero_grad()
        loss = expectile_loss(X - m, tau).mean()
        loss.backward()
        return loss

    descent.step(closure)
    assert float(m.detach()) == pytest.approx(expectile_of(X, tau), abs=1e-5)


def test_the_half_expectile_is_the_mean_and_the_last_is_near_the_greatest():
    assert expectile_of(X, 0.5) == pytest.approx(float(X.mean()), abs=1e-9)
    assert float(X.mean()) < expectile_of(X, 0.9) < expectile_of(X, 0.999) < float(X.max())


def test_errors_above_count_tau_and_errors_below_the_rest():
    got = expectile_loss(torch.tensor([2.0, -2.0, 0.0]), 0.9)
    torch.testing.assert_close(got, torch.tensor([3.6, 0.4, 0.0]))


@pytest.mark.parametrize("tau", [0.0, 1.0, -0.1])
def test_an_expectile_lies_between_zero_and_one(tau):
    with pytest.raises(ValueError, match=r"expectile: got .*, wanted a number between 0 and 1"):
        expectile_loss(X, tau)
