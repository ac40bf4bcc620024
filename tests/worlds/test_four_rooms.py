"""Four rooms: a door in each arm of the cross, and two of them to the room across the corner."""

import math

import pytest
import torch

from wm_core.worlds.four_rooms import FourRooms, Layout

WORLD = FourRooms()


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_doors_are_within_their_arms():
    cross, doors = WORLD.layouts(3000, seeded())
    up, down, left, right = doors.unbind(-1)
    x, y = cross.unbind(-1)
    for first, second, wall in ((up, down, y), (left, right, x)):
        assert (first - 4 >= 4.5).all()
        assert (first + 4 <= wall - 1.5).all()
        assert (second - 4 >= wall + 1.5).all()
        assert (second + 4 <= 59.5).all()
    assert set(up.tolist()) >= set(range(10, 30))


def test_each_door_joins_its_two_rooms():
    layout = FourRooms(fixed=True).layouts(4, seeded())
    middle = torch.tensor([[32.0, 18.0], [32.0, 46.0], [18.0, 32.0], [46.0, 32.0]])
    way = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    path = WORLD.walk(layout, middle - 5 * way, (way[:, None]).expand(4, 10, 2))
    torch.testing.assert_close(path[:, -1], middle + 5 * way)
    assert WORLD.room(layout, path)[:, [0, -1]].tolist() == [[0, 1], [2, 3], [0, 2], [1, 3]]


def test_across_the_corner_the_shorter_of_two_ways_is_taken():
    """Through the upper door, at 21..29, and the right one, at 36..44, past that one's upper left corner."""
    layout = Layout(torch.tensor([[32.0, 32.0]]), torch.tensor([[25.0, 54.0, 10.0, 40.0]]))
    length = WORLD.path_length(layout, torch.tensor([[[20.0, 20.0]]]), torch.tensor([[50.0, 50.0]]))
    assert float(length) == pytest.approx(math.hypot(36 - 20, 30.5 - 20) + math.hypot(50 - 36, 50 - 30.5), abs=0.01)
