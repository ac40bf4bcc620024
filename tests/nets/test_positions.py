"""Every place has a vector of its own, and rotations share a head out among the axes."""

import pytest
import torch

from wm_core.nets.positions import coordinates, rotary_angles, sincos_positions


@pytest.mark.parametrize("grid", [(6, 6), (4, 5, 6)])
def test_no_two_places_look_alike(grid):
    places = sincos_positions(grid, 48)
    distance = torch.cdist(places, places) + 10 * torch.eye(len(places))
    assert distance.min() > 0.3


def test_places_one_step_apart_differ_alike_everywhere():
    places = sincos_positions((8, 8), 32).view(8, 8, 32)
    steps = (places[:, 1:] - places[:, :-1]).norm(dim=-1)
    assert steps.std() / steps.mean() < 1e-5


def test_coordinates_run_along_the_last_axis_first():
    assert coordinates((2, 3)).tolist() == [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]


def test_what_the_axes_cannot_share_stays_still():
    turns = rotary_angles((2, 3, 4), 16)  # eight pairs for three axes
    assert turns.shape == (24, 8, 2)
    assert (turns[:, 6:, 0] == 1).all()
    assert (turns[:, 6:, 1] == 0).all()
    assert (turns[-1, :6, 0] != 1).all()


def test_too_narrow_a_vector_is_refused():
    with pytest.raises(ValueError, match="dim: got 3 for 2 axes"):
        sincos_positions((4, 4), 3)
    with pytest.raises(ValueError, match="head_dim: got 15"):
        rotary_angles((4, 4), 15)
