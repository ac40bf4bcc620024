"""The slow signal: stationary, as slow as it says, under noise that nothing predicts."""

import pytest
import torch

from wm_core.worlds.slow_signal import SlowSignal


def draw(world, n=40_000, seed=0):
    return world.pairs(n, torch.Generator().manual_seed(seed))


def r2(x, y):
    """The share of y that the best linear map from x explains."""
    x = torch.cat([x, torch.ones(len(x), 1)], 1).double()
    rest = y - x @ torch.linalg.lstsq(x, y.double()).solution
    return float(1 - rest.square().sum() / (y - y.mean(0)).square().sum())


def test_shapes():
    pairs = draw(SlowSignal(), 10)
    assert [part.shape for part in pairs] == [(10, 24), (10, 24), (10, 4)]


def test_the_signal_has_variance_one_at_both_moments_and_is_remembered():
    world = SlowSignal(noise=0, observed=4, loudness=0.0)
    world.spread, world.turn = torch.eye(4), torch.eye(4)  # observed is tanh of the signal
    pairs = draw(world)
    first, second = (torch.atanh(part.double().clamp(-1 + 1e-9, 1 - 1e-9)) for part in pairs[:2])
    for moment in (first, second):
        torch.testing.assert_close(torch.cov(moment.T), torch.eye(4).double(), atol=0.05, rtol=0)
    correlation = (first * second).mean(0) / (first.std(0) * second.std(0))
    torch.testing.assert_close(correlation, torch.full((4,), 0.95).double(), atol=0.01, rtol=0)


def test_noise_is_most_of_what_is_seen_and_a_label_would_find_the_signal():
    pairs = draw(SlowSignal())
    assert r2(pairs.before, pairs.signal) > 0.9
    assert r2(pairs.signal, pairs.before) < 0.3  # the signal explains little of what is seen
    assert 0.8 < float(pairs.before.std()) < 1.3


def test_the_noise_of_one_moment_tells_nothing_of_the_next():
    still = SlowSignal(memory=0.0)
    pairs = draw(still, 4000)
    assert r2(pairs.before, pairs.after) < 0.02


def test_a_world_is_its_seed_and_a_draw_its_generator():
    one, same, other = SlowSignal(seed=3), SlowSignal(seed=3), SlowSignal(seed=4)
    assert torch.equal(draw(one, 5).before, draw(same, 5).before)
    assert not torch.allclose(draw(one, 5).before, draw(other, 5).before)
    assert not torch.allclose(draw(one, 5, 0).before, draw(one, 5, 1).before)


def test_more_numbers_than_are_observed_are_refused():
    with pytest.raises(ValueError, match="observed: got 10, wanted at least 16"):
        SlowSignal(observed=10)
