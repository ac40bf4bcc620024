"""Selective decoding: one decoding a change, none for noise, and nothing from the future."""

import pytest
import torch
import torch.nn.functional as F

from wm_core.jepa.selective_decoding import (
    calmest,
    last_decoded,
    local_variance,
    running_mean,
    told_truly,
    uniformly,
    when_moved,
    when_settled,
)


def stream(events=(10, 25, 40), time=60, noise=0.0, batch=(), seed=0):
    """Embeddings that jump to an orthogonal direction at each event."""
    segment = torch.zeros(time, dtype=torch.long)
    for event in events:
        segment[event:] += 1
    z = F.one_hot(segment, 16).float().expand(*batch, -1, -1)
    return z + noise * torch.randn(z.shape, generator=torch.Generator().manual_seed(seed))


def frames(decoded):
    return decoded.nonzero()[:, -1].tolist()


def test_each_change_is_decoded_once_at_once():
    assert frames(when_moved(stream(), 0.5)) == [0, 10, 25, 40]
    assert frames(when_moved(stream(events=()), 0.5)) == [0]


def test_noise_below_the_threshold_is_not_decoded_and_a_running_mean_bears_more_of_it():
    loud = stream(noise=0.2)
    assert len(frames(when_moved(loud, 0.35))) > 8
    assert frames(when_moved(loud, 0.35, window=5)) != []
    assert len(frames(when_moved(loud, 0.35, window=5))) < len(frames(when_moved(loud, 0.35)))
    assert frames(when_moved(stream(noise=0.02), 0.35)) == [0, 10, 25, 40]


def test_slow_drift_is_decoded_when_it_has_gone_far_enough_from_what_was_said():
    """Neighbours differ by 2°, below any threshold here; 45° from the last decoding takes 23 frames."""
    angle = torch.deg2rad(2.0 * torch.arange(60))
    z = torch.stack([angle.cos(), angle.sin()], -1)
    assert frames(when_moved(z, 1 - float(torch.tensor(torch.pi / 4).cos()))) == [0, 23, 46]


def test_the_running_mean_is_that_of_the_last_unit_vectors():
    z = torch.randn(3, 12, 5)
    unit = F.normalize(z, dim=-1)
    for window in (1, 4, 20):
        by_hand = torch.stack([unit[:, max(0, t - window + 1) : t + 1].mean(1) for t in range(12)], 1)
        torch.testing.assert_close(running_mean(z, window), by_hand, atol=1e-6, rtol=1e-5)


def test_local_variance_is_the_mean_squared_distance_to_the_running_mean():
    z = torch.randn(12, 5)
    unit = F.normalize(z, dim=-1)
    last = unit[5:9]
    expected = (last - last.mean(0)).square().sum(-1).mean()
    torch.testing.assert_close(local_variance(z, 4)[8], expected)
    assert local_variance(stream(events=()), 4).max() < 1e-5


def test_what_has_settled_is_decoded_once_when_the_window_holds_nothing_else():
    assert frames(when_settled(stream(), 0.05, window=4)) == [0, 13, 28, 43]


@pytest.mark.parametrize("rule", [when_moved, when_settled])
def test_no_rule_looks_ahead(rule):
    z, other = stream(noise=0.2), stream(noise=0.2)
    other[30:] = torch.randn(30, 16)
    assert torch.equal(rule(z, 0.2, 3)[:30], rule(other, 0.2, 3)[:30])


@pytest.mark.parametrize("rule", [when_moved, when_settled])
def test_many_streams_are_decoded_as_each_alone(rule):
    z = stream(noise=0.2, batch=(2, 3))
    together = rule(z, 0.3, 3)
    assert together.shape == (2, 3, 60)
    alone = torch.stack([rule(each, 0.3, 3) for each in z.flatten(0, 1)])
    assert torch.equal(together.flatten(0, 1), alone)
    assert together[..., 0].all()


@pytest.mark.parametrize("rule", [when_moved, when_settled])
def test_a_higher_threshold_than_any_change_decodes_the_first_frame_only(rule):
    assert frames(rule(stream(noise=0.1), 2.1, 4)) == [0]


def test_uniform_decoding_begins_at_once_and_is_even():
    assert frames(uniformly(60, 6)) == [0, 10, 20, 30, 40, 50]
    for count in (1, 7, 23, 60):
        at = frames(uniformly(60, count))
        assert len(at) == count
        assert at[0] == 0
        assert {b - a for a, b in zip(at, [*at[1:], 60], strict=True)} <= {60 // count, -(-60 // count)}


def test_words_stand_until_the_next_are_decoded():
    decoded = torch.tensor([[1, 0, 0, 1, 0], [1, 1, 0, 0, 1]], dtype=torch.bool)
    assert last_decoded(decoded).tolist() == [[0, 0, 0, 3, 3], [0, 1, 1, 1, 4]]


def test_what_was_said_last_is_true_until_something_else_is():
    true = torch.tensor([[4, 4, 7, 7, 7], [1, 2, 2, 1, 1]])
    decoded = torch.tensor([[1, 0, 0, 1, 0], [1, 0, 0, 0, 0]], dtype=torch.bool)
    assert told_truly(true, true, decoded) == pytest.approx((4 + 3) / 10)
    misheard = true.clone()
    misheard[0, 3] = 9  # said at frames 3 and 4
    assert told_truly(misheard, true, decoded) == pytest.approx((2 + 3) / 10)
    assert told_truly(true, true, torch.ones_like(decoded)) == 1


def test_the_calmest_threshold_is_the_greatest_that_misses_next_to_nothing():
    z = stream(noise=0.02)
    true = (torch.arange(60)[:, None] >= torch.tensor([10, 25, 40])).sum(1)
    thresholds = [0.001, 0.2, 0.5, 0.8, 1.2]
    assert calmest(z, true, true, thresholds) == 0.8  # jumps are to right angles: 1 - cosine is about 1
    assert calmest(z, true, true, thresholds, slack=1.0) == 1.2
    assert calmest(z, true, true, thresholds[:2]) == 0.2


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="window: got 0"):
        running_mean(torch.ones(3, 2), 0)
    with pytest.raises(ValueError, match="count: got 7 of 6 frames"):
        uniformly(6, 7)
    with pytest.raises(ValueError, match="first frame is not decoded"):
        last_decoded(torch.tensor([False, True]))
