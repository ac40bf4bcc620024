"""Boxes: what is none, and what does not fit one, is refused in words that say what was wanted."""

import math

import pytest
import torch

from wm_core.physics.boxes import Box, check_faces, check_nodes
from wm_core.physics.leray import MatrixLeray, leray, leray_faces, solve_poisson
from wm_core.physics.operators import curl, slope_numbers
from wm_core.physics.smoke import advect


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Box((0, 4)), "cells"),
        (lambda: Box((4, 1)), "cells"),
        (lambda: Box((4,)), "two or three"),
        (lambda: Box((4, 4), 0.0), "size"),
        (lambda: Box((4, 4), math.nan), "size"),
        (lambda: Box((4, 4), (1.0, 1.0, 1.0)), "two or three"),
    ],
)
def test_boxes_that_are_none(make, words):
    with pytest.raises(ValueError, match=words):
        make()


ROUND, CLOSED = Box((4, 6)), Box((4, 6), periodic=False)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: leray(torch.zeros(2, 5, 7), ROUND), "repeats the first edge"),
        (lambda: leray(torch.zeros(2, 4, 6), CLOSED), "one fewer"),
        (lambda: leray(torch.zeros(4, 6), ROUND), "wanted float32 or float64"),
        (lambda: leray(torch.zeros(3, 4, 6), ROUND), "2, 4, 6"),
        (lambda: leray(torch.zeros(0), ROUND), "wanted float32 or float64"),
        (lambda: leray(torch.zeros(2, 4, 6, dtype=torch.bfloat16), ROUND), "bfloat16"),
        (lambda: leray(torch.zeros(0, 2, 4, 6), ROUND), "at least one"),
        (lambda: leray(torch.full((2, 4, 6), torch.nan), ROUND), "u: got 48 of 48"),
        (lambda: leray(torch.zeros(2, 4, 6, dtype=torch.int32), ROUND), "int32"),
        (lambda: leray(torch.ones(2, 5, 7), CLOSED), "through a wall along axis 0"),
        (lambda: check_nodes("u", (torch.zeros(4, 6), torch.zeros(4, 6)), ROUND), "wanted one tensor"),
        (lambda: leray(torch.zeros(2, 4, 6), ROUND, "upwind"), "scheme"),
        (lambda: check_faces("u", torch.zeros(2, 4, 6), ROUND), "a tuple of 2"),
        (lambda: leray_faces((torch.zeros(5, 6), torch.zeros(4, 7)), ROUND), r"faces\[0\].*one more along an axis"),
        (lambda: leray_faces((torch.zeros(4, 6), torch.zeros(4, 6)), CLOSED), r"faces\[0\]"),
        (lambda: leray_faces((torch.ones(5, 6), torch.zeros(4, 7)), CLOSED), "through a wall"),
        (lambda: check_faces("u", 4, ROUND), "got one int, wanted a tuple of 2"),
        (lambda: check_faces("u", ([1.0], [2.0]), ROUND), "a tuple of 2"),
        (lambda: solve_poisson(torch.zeros(5, 7), CLOSED), "source: got"),
        (lambda: solve_poisson(torch.full((4, 6), math.inf), ROUND), "source: got 24"),
        (lambda: slope_numbers(CLOSED, torch.zeros(1)), "wanted a periodic one"),
        (lambda: advect(torch.zeros(4, 6), torch.zeros(2, 4, 6), math.nan, ROUND), "dt: got nan"),
        (lambda: curl(torch.zeros(3, 2, 2, 2), Box((2, 2, 2))), "2; in space"),
        (lambda: advect(torch.zeros(4, 5), torch.zeros(2, 4, 6), 0.1, ROUND), "s: got"),
        (lambda: MatrixLeray(CLOSED), "flat periodic"),
    ],
)
def test_what_does_not_fit_the_box_is_refused_in_words(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_a_strong_wind_does_not_hide_a_weak_one_that_blows_through_a_wall():
    u = torch.zeros(2, 2, 5, 7)
    u[0, :, 2, 3], u[1] = 1e8, 1.0
    with pytest.raises(ValueError, match="through a wall"):
        leray(u, CLOSED)


def test_rounding_beside_a_strong_wind_is_no_flow_through_a_wall():
    along, across = torch.zeros(5, 6), torch.full((4, 7), 1e-9)
    along[2] = 1.0
    leray_faces((along, across), CLOSED)
