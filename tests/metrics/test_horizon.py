"""The prediction horizon: first passage."""

import math

import pytest
import torch

from wm_core.metrics.horizon import prediction_horizon


def test_the_first_passage_counts_and_not_the_last():
    error = torch.tensor([[0.0, 0.1, 0.9, 0.1, 0.9, 0.0]])
    assert prediction_horizon(error, 0.5).tolist() == [2]


def test_each_episode_has_its_own():
    error = torch.tensor([[0.9, 0.0, 0.0], [0.0, 0.0, 0.9], [0.0, 0.1, 0.2]])
    assert prediction_horizon(error, 0.5).tolist() == [0, 2, 3]  # the last never reaches it


def test_reaching_is_enough():
    assert prediction_horizon(torch.tensor([[0.0, 0.5]]), 0.5).tolist() == [1]


def test_an_error_that_is_no_number_ends_the_horizon():
    assert prediction_horizon(torch.tensor([[0.0, 0.1, math.nan, math.nan]]), 0.5).tolist() == [2]
    assert prediction_horizon(torch.tensor([[0.0, math.inf, 0.0]]), 0.5).tolist() == [1]


def test_of_two_clocks_out_of_step_the_first_passage_comes_within_a_quarter_period_and_the_last_at_the_end():
    """Two unit oscillators, half a period apart: they meet twice a period, and the error is 2 |sin t|."""
    per_period = 400
    time = torch.arange(10 * per_period + per_period // 4 + 1) * (2 * math.pi / per_period)
    error = 2 * time.sin().abs()
    first = int(prediction_horizon(error[None], 1.0))
    assert first < per_period / 4
    assert first == pytest.approx(per_period / 12, abs=1)  # 2 sin t = 1 at t = π/6
    within = (error[:-1] < 1.0).nonzero()
    assert int(within.max()) > 9.9 * per_period  # what "the last moment at which it was right" would say
