"""Every maze has one way between any two cells, and shortest ways follow it."""

import pytest
import torch

from wm_core.worlds.mazes import Mazes


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def passages(world, closed):
    """The pairs of neighbouring cells without a wall between them."""
    cell = [(i, j) for j in range(world.cells) for i in range(world.cells)]
    pairs = [
        (a, b)
        for d in ((1, 0), (0, 1))
        for a, (i, j) in enumerate(cell)
        for b, c in enumerate(cell)
        if c == (i + d[0], j + d[1])
    ]
    return [pair for k, pair in enumerate(pairs) if k not in set(closed)]


def hops(world, closed, start):
    """How many passages lead from a cell to each other one."""
    far, front = {start: 0}, [start]
    while front:
        a = front.pop(0)
        for pair in passages(world, closed):
            if a in pair and (b := sum(pair) - a) not in far:
                far[b] = far[a] + 1
                front.append(b)
    return far


@pytest.mark.parametrize("cells", [2, 4, 5])
def test_all_cells_are_joined_and_there_is_no_ring(cells):
    world = Mazes(cells=cells)
    for closed in world.layouts(20, seeded()).closed.tolist():
        assert len(passages(world, closed)) == cells**2 - 1
        assert len(hops(world, closed, 0)) == cells**2


def test_the_shortest_way_follows_the_cells():
    """Not shorter than through the middles of passages with every corner cut, nor longer than through the middles of cells."""
    world = Mazes()
    layout = world.layouts(12, seeded())
    cells = world._cells()
    length = world.path_length(layout, cells.expand(12, -1, -1), cells[0].expand(12, -1))
    for n, closed in enumerate(layout.closed.tolist()):
        for cell, count in hops(world, closed, 0).items():
            assert length[n, cell] <= count * world.pitch + 0.01
            assert length[n, cell] >= count * (world.pitch - world.thick) / 2**0.5 - world.pitch


def test_a_dot_goes_through_open_passages_and_stops_at_closed_ones():
    world = Mazes()
    layout = world.layouts(40, seeded())
    start = world._cells()[5].expand(40, -1)
    path = world.walk(layout, start, torch.tensor([2.0, 0.0]).expand(40, 7, 2))
    room = world.room(layout, path[:, -1:])[:, 0]
    closed = (layout.closed == 4).any(1)  # the wall between cells 5 and 6: the second of the second row of three
    assert 5 < closed.sum() < 35
    assert ((room == 5) == closed).all()


def test_a_fixed_maze_is_that_of_its_seed_and_other_mazes_differ():
    first, second = Mazes(fixed=True, seed=1).layouts(3, seeded()), Mazes(fixed=True, seed=2).layouts(3, seeded())
    assert (first.closed == first.closed[0]).all()
    assert not torch.equal(first.closed, second.closed)
    drawn = Mazes().layouts(200, seeded()).closed
    assert len(drawn.unique(dim=0)) > 190
