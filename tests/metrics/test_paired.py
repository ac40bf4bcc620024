"""Rows of a comparison: which are meant, their share, and pairs of trials that belong together."""

import pytest

from wm_core.metrics.intervals import mcnemar, wilson
from wm_core.metrics.paired import chosen, pair, share

ROWS = [
    {"arm": "flat", "every": 4, "seed": 0, "at_end": "1100", "ever": "1110"},
    {"arm": "flat", "every": 4, "seed": 1, "at_end": "0000", "ever": "0000"},
    {"arm": "flat", "every": 16, "seed": 0, "at_end": "0001", "ever": "0001"},
    {"arm": "two", "every": 4, "seed": 1, "at_end": "1111", "ever": "1111"},
    {"arm": "two", "every": 4, "seed": 0, "at_end": "1011", "ever": "1111"},
    {"arm": "two", "every": 4, "seed": 2, "at_end": "0000", "ever": "0000"},
]


def test_rows_are_chosen_by_all_that_is_asked():
    assert chosen(ROWS, arm="flat", every=4) == ROWS[:2]
    assert chosen(ROWS, arm="none") == []


def test_a_share_is_of_all_trials():
    assert share(chosen(ROWS, arm="flat", every=4)) == wilson(2, 8)
    assert share(ROWS[:1], "ever") == wilson(3, 4)


def test_pairs_are_trials_of_the_same_seed_whatever_the_order_of_rows():
    found = pair(ROWS, {"arm": "flat"}, {"arm": "two"}, every=4)
    assert found == mcnemar([True] * 2 + [False] * 6, [True, False] + [True] * 6)
    assert found[:2] == (1, 6)
    assert pair(ROWS, {"arm": "two"}, {"arm": "flat"}, "ever", every=4)[:2] == (5, 0)


def test_what_is_not_clear_is_refused():
    with pytest.raises(ValueError, match="several rows of seed 0"):
        pair(ROWS, {"arm": "flat"}, {"arm": "two"})
    with pytest.raises(ValueError, match="no seed that both have"):
        pair(ROWS, {"arm": "flat"}, {"arm": "two"}, every=16)
    with pytest.raises(ValueError, match="trials"):
        share([])
