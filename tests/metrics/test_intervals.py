"""The spread over seeds, the interval of a success rate, and whether two rates differ."""

import pytest

from wm_core.metrics.intervals import mcnemar, mean_and_range, wilson


def test_mean_least_and_greatest():
    assert mean_and_range([3.0, 1.0, 8.0]) == (4.0, 1.0, 8.0)


def test_one_seed_has_no_spread():
    assert mean_and_range([2.0]) == (2.0, 2.0, 2.0)


def test_no_seed_is_refused():
    with pytest.raises(ValueError, match="values: got none"):
        mean_and_range([])


@pytest.mark.parametrize("trials", [1, 20, 50, 1000])
def test_the_ends_of_a_wilson_interval_are_where_the_score_test_turns(trials):
    """At each end p, the observed share is 1.96 standard errors *of p* away; that is what defines the interval."""
    for successes in {0, 1, trials // 3, trials}:
        share, low, high = wilson(successes, trials)
        assert 0 <= low <= share <= high <= 1
        for end in (low, high):
            assert abs(share - end) == pytest.approx(1.96 * (end * (1 - end) / trials) ** 0.5, abs=1e-9)


def test_none_of_fifty_is_not_never():
    assert wilson(0, 50)[2] == pytest.approx(0.0713, abs=1e-4)
    assert wilson(50, 50)[1] == pytest.approx(1 - 0.0713, abs=1e-4)


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (3, 2), (-1, 2)])
def test_more_successes_than_trials_are_refused(successes, trials):
    with pytest.raises(ValueError, match="successes"):
        wilson(successes, trials)


@pytest.mark.parametrize(("one", "other"), [(0, 0), (0, 5), (5, 0), (3, 9), (10, 10), (22, 8), (400, 380)])
def test_mcnemar_is_the_exact_binomial_test_on_the_trials_that_differ(one, other):
    from scipy.stats import binomtest

    first = [True] * one + [False] * other + [True] * 7 + [False] * 4
    second = [False] * one + [True] * other + [True] * 7 + [False] * 4
    expected = binomtest(one, one + other).pvalue if one + other else 1.0
    assert mcnemar(first, second) == (one, other, pytest.approx(expected, rel=1e-9))


def test_mcnemar_asks_for_the_same_trials():
    with pytest.raises(ValueError, match="second: got 1 trials beside 2"):
        mcnemar([True, False], [True])
