"""Walks that share their walls: which layout each is in, and that pictures drawn in parts are the same pictures."""

import pytest
import torch

from wm_core.jepa.value import Mix, sample_goals
from wm_core.worlds.grouped import grouped_walks, seen_along
from wm_core.worlds.two_rooms import TwoRooms


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_walks_of_one_group_share_a_layout_and_others_mostly_do_not():
    walks = grouped_walks(TwoRooms(), 20, 3, 5, generator())
    assert walks.positions.shape == (60, 6, 2)
    assert walks.actions.shape == (60, 5, 2)
    assert walks.group.tolist() == [k for k in range(20) for _ in range(3)]
    for part in walks.layout:
        assert (part.view(20, 3) == part.view(20, 3)[:, :1]).all()
        assert len(part.unique()) > 8


def test_walks_of_one_group_differ_and_the_seed_decides_them():
    walks = grouped_walks(TwoRooms(), 4, 3, 5, generator())
    assert torch.equal(walks.positions, grouped_walks(TwoRooms(), 4, 3, 5, generator()).positions)
    starts = walks.positions[:, 0].view(4, 3, 2)
    assert (starts[:, 0] != starts[:, 1]).any(-1).all()


def test_goals_of_a_group_can_be_reached():
    """Every goal that is drawn for a walk was seen between the walls of that walk."""
    walks = grouped_walks(TwoRooms(), 30, 4, 5, generator())
    marked = torch.stack(walks.layout, -1)[:, None].expand(-1, 6, -1)
    goals = sample_goals(marked, 500, generator(), Mix(0.0, 0.0, 1.0), group=walks.group)
    assert torch.equal(goals.z, goals.goal)
    assert not torch.equal(goals.z, sample_goals(marked, 500, generator(), Mix(0.0, 0.0, 1.0)).goal)


def test_pictures_in_parts_are_the_pictures_at_once():
    world = TwoRooms()
    walks = grouped_walks(world, 3, 3, 4, generator())
    weights = torch.randn(2 * 65 * 65, 3, generator=generator()) / 65

    def encode(frames):
        return frames.flatten(2) @ weights

    whole = encode(world.draw(walks.layout, walks.positions))
    torch.testing.assert_close(seen_along(encode, world, walks.layout, walks.positions, at_once=4), whole)


@pytest.mark.parametrize("counts", [(0, 3), (3, 0)])
def test_no_walk_is_refused(counts):
    with pytest.raises(ValueError, match=r"(layouts|each): got 0, wanted at least 1"):
        grouped_walks(TwoRooms(), *counts, 5, generator())
