"""The prediction horizon: first passage."""

import math

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
