"""The spread over seeds."""

import pytest

from wm_core.metrics.intervals import mean_and_range


def test_mean_least_and_greatest():
    assert mean_and_range([3.0, 1.0, 8.0]) == (4.0, 1.0, 8.0)


def test_one_seed_has_no_spread():
    assert mean_and_range([2.0]) == (2.0, 2.0, 2.0)


def test_no_seed_is_refused():
    with pytest.raises(ValueError, match="values: got none"):
        mean_and_range([])
