"""Walls hold whatever the step, and shortest ways are shortest."""

import heapq
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from wm_core.worlds import planar, walker
from wm_core.worlds.walker import Walker, clear, until_wall

BOX = [(-1e3, -1e3, 4.5, 1e3), (59.5, -1e3, 1e3, 1e3), (-1e3, -1e3, 1e3, 4.5), (-1e3, 59.5, 1e3, 1e3)]
BLOCKS = [(20.0, -1e3, 23.0, 15.0), (20.0, 23.0, 23.0, 1e3), (35.0, 30.0, 45.0, 38.0), (45.0, 34.0, 52.0, 38.0)]
WALLS = torch.tensor([*BLOCKS, *BOX])


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def inside(points, walls=WALLS, by=1e-4):
    """Whether points are in a wall, deeper than rounding goes."""
    return ((points[..., None, :] > walls[:, :2] + by) & (points[..., None, :] < walls[:, 2:] - by)).all(-1).any(-1)


def free(n, seed=0):
    """n points that are in no wall."""
    points = 4.5 + 55 * torch.rand(2 * n, 2, generator=seeded(seed))
    return points[~inside(points, by=-0.01)][:n]


def shrunk(by=0.01):
    return WALLS + by * torch.tensor([1, 1, -1, -1])


# Whole numbers and the walls' own coordinates are what random numbers never hit: along a wall, into a corner, not at all.
STEPS = [0.0, 1e-12, 1.0, -1.0, 2.5, -2.5, 3.5, 15.5, -80.0, 1e3]
PLACES = [4.5, 4.501, 15.0, 20.0, 23.0, 23.001, 30.0, 34.0, 38.0, 45.0, 59.5]


def hold(start, steps):
    """No step from free places (n, 2) enters a wall or crosses one."""
    here = start[~inside(start, by=0)]
    walls, thinner = (each.expand(len(here), -1, -1) for each in (WALLS, shrunk()))
    for step in steps:
        there = planar.move(walls, here, step.expand_as(here))
        assert not inside(there).any()
        assert planar.sees(thinner, here, there).all()
        here = there


def test_no_step_from_a_face_or_a_corner_enters_a_wall_or_crosses_one():
    start, steps = (torch.cartesian_prod(some, some) for some in (torch.tensor(PLACES), torch.tensor(STEPS)))
    hold(start.repeat(len(steps), 1), [steps.repeat_interleave(len(start), 0)[~inside(start, by=0).repeat(len(steps))]])
    for k in range(0, len(steps), 9):
        hold(start, steps[[k, 7 * k % 100, 13 * k % 100, 31 * k % 100]])


number = some.sampled_from(STEPS) | some.floats(-80, 80, width=32)
place = some.sampled_from(PLACES) | some.floats(4.5, 59.5, width=32)


@settings(deadline=None, max_examples=40)
@given(
    start=some.lists(some.tuples(place, place), min_size=4, max_size=4),
    steps=some.lists(some.tuples(number, number), min_size=1, max_size=6),
)
def test_no_step_enters_a_wall_or_crosses_one(start, steps):
    hold(torch.tensor(start), torch.tensor(steps))


@pytest.mark.parametrize("scale", [1e-3, 0.3, 2.0, 30.0, 1e6])
def test_no_nudge_enters_a_wall_and_none_leads_out(scale):
    generator, here = seeded(1), free(300)
    walls = WALLS.expand(len(here), -1, -1)
    for _ in range(40):
        step = scale * torch.randn(len(here), 2, generator=generator)
        here = planar.move(walls, here, step, noise=3.0, generator=generator)
        assert not inside(here).any()
    assert (here > 4.5).all()
    assert (here < 59.5).all()


def test_a_dot_that_is_pressed_into_a_corner_stays_there():
    """Straight into it both walls are met at once; from inside one of them by rounding the next step would lead out."""
    start = torch.linspace(5, 8, 300)[:, None].expand(-1, 2)
    walls = WALLS.expand(300, -1, -1)
    for size in (0.7, 1 / 3):
        here = start
        for push in ([-20.0, -20.0], [0.0, -1.0], [-1.0, 0.0]):
            here = planar.move(walls, here, size * torch.tensor(push).expand_as(here))
            assert (here > 4.5).all()


def test_a_step_ends_where_the_wall_begins():
    start, step = torch.tensor([[10.0, 30.0]]), torch.tensor([[20.0, 4.0]])
    assert float(planar.first_hit(WALLS[None], start, step)) == pytest.approx(0.5)
    torch.testing.assert_close(planar.move(WALLS[None], start, step), torch.tensor([[20 - planar.GAP, 32.0]]))


def test_a_free_step_is_done_in_full():
    here = free(500)
    step = torch.randn(500, 2, generator=seeded(2))
    walls = WALLS.expand(500, -1, -1)
    seen = planar.sees(walls, here, here + step)
    assert 300 < seen.sum() < 500
    torch.testing.assert_close(planar.move(walls, here, step)[seen], (here + step)[seen])


def test_noise_comes_with_collisions_alone_and_has_the_size_that_is_asked_for():
    walls = WALLS.expand(4000, -1, -1)
    into, away = torch.tensor([[-2.0, 0.0]]), torch.tensor([[2.0, 0.0]])
    here = torch.tensor([[5.0, 40.0]]).expand(4000, -1)
    torch.testing.assert_close(planar.move(walls, here, away.expand(4000, -1), 0.5, seeded()), here + away)
    nudged = planar.move(walls, here, into.expand(4000, -1), 0.5, seeded())
    off = nudged[:, 0] > 4.51  # a nudge into the wall ends where it begins
    assert float(off.float().mean()) == pytest.approx(0.5, abs=0.05)
    assert float(nudged[off, 1].std()) == pytest.approx(0.5, rel=0.05)
    assert float(nudged[:, 1].mean()) == pytest.approx(40, abs=0.05)
    torch.testing.assert_close(
        planar.move(walls, here, into.expand(4000, -1), 0.5), planar.move(walls, here, into.expand(4000, -1))
    )


def test_a_point_in_a_wall_leaves_by_the_nearest_face():
    points = torch.tensor([[35.5, 34.0], [40.0, 30.2], [36.0, 37.5], [10.0, 10.0]])
    cleared = planar.clear(WALLS.expand(4, -1, -1), points)
    gap = planar.GAP
    torch.testing.assert_close(
        cleared, torch.tensor([[35 - gap, 34.0], [40.0, 30 - gap], [36.0, 38 + gap], [10.0, 10.0]])
    )


@pytest.mark.parametrize("scale", [0.5, 3.0, 40.0])
def test_long_walks_follow_the_same_rules_in_numpy(scale, monkeypatch):
    n = 400
    here, step = free(n), scale * torch.randn(n, 2, generator=seeded(3))
    walls = WALLS.expand(n, -1, -1)
    faces = Walker(walls).faces[0]
    stop, hit = until_wall(faces, here.T.numpy(), step.T.numpy())
    expected, met = planar.until_wall(walls, here, step)
    torch.testing.assert_close(torch.from_numpy(stop.T), expected, atol=2e-4, rtol=0)
    assert hit.tolist() == met.nonzero()[:, 0].tolist()
    assert len(hit) > 5
    anywhere = 60 * torch.rand(n, 2, generator=seeded(4))
    torch.testing.assert_close(torch.from_numpy(clear(faces, anywhere.T.numpy()).T), planar.clear(walls, anywhere))
    monkeypatch.setattr(walker, "MANY", 10)  # as very many dots are followed
    again, whom = until_wall(faces, here.T.numpy(), step.T.numpy())
    assert (again == stop).all()
    assert whom.tolist() == hit.tolist()
    nudge = torch.randn(n, 2, generator=seeded(5))
    moved = torch.from_numpy(Walker(walls).move(here.T.numpy(), step.T.numpy(), nudge.T.numpy()).T)
    after = torch.where(met[:, None], planar.until_wall(walls, expected, nudge)[0], expected)
    torch.testing.assert_close(moved, after, atol=5e-4, rtol=0)


# ---- shortest ways -----------------------------------------------------------------------------------------------------------
FINE = 2  # grid points a pixel


def fine_paths(there, spread=4):
    """The length of the shortest way to a goal from every free point of a fine grid: Dijkstra's algorithm, brute force.

    A step goes to any point at most ``spread`` away along each axis that is in sight, so lengths are right to a percent.
    """
    at = torch.arange(4.5 + 0.25, 59.5, 1 / FINE)
    grid = torch.stack(torch.meshgrid(at, at, indexing="ij"), -1)
    size, blocked = len(at), inside(grid, by=0)
    moves = [(i, j) for i in range(-spread, spread + 1) for j in range(-spread, spread + 1) if math.gcd(i, j) == 1]
    sight = {}
    for i, j in moves:
        end = grid + torch.tensor([i, j]) / FINE
        sight[i, j] = (
            planar.sees(WALLS.expand(size, size, -1, -1), grid, end) & ~inside(end, by=0) & ~blocked
        ).tolist()
    direct = planar.sees(WALLS.expand(size, size, -1, -1), grid, there.expand_as(grid)) & ~blocked
    near = direct & ((grid - there).norm(dim=-1) < 3)
    far = [[math.inf] * size for _ in range(size)]
    queue = [(float((grid[i, j] - there).norm()), int(i), int(j)) for i, j in near.nonzero()]
    heapq.heapify(queue)
    while queue:
        length, i, j = heapq.heappop(queue)
        if length >= far[i][j]:
            continue
        far[i][j] = length
        for (di, dj), seen in sight.items():
            if seen[i][j] and length + math.hypot(di, dj) / FINE < far[i + di][j + dj]:
                heapq.heappush(queue, (length + math.hypot(di, dj) / FINE, i + di, j + dj))
    return grid[~blocked], torch.tensor(far)[~blocked]


@pytest.mark.slow
def test_the_shortest_way_is_as_long_as_a_search_on_a_fine_grid_finds():
    there = free(1)
    here, found = fine_paths(there[0])
    assert len(here) > 9000
    length = planar.path_length(WALLS[None], planar.corners(WALLS[None, :4]), here[None], there)[0]
    assert (length <= found + 0.05).all()  # none is shorter than the shortest
    assert (length >= 0.985 * found - 0.1).all()  # and the grid's is nearly that


def test_the_way_round_a_corner_is_known_by_heart():
    here, there = torch.tensor([[[10.0, 10.0], [10.0, 19.0], [30.0, 50.0]]]), torch.tensor([[30.0, 10.0]])
    length = planar.path_length(WALLS[None], planar.corners(WALLS[None, :4]), here, there)[0]
    around = math.hypot(10, 5) + 3 + math.hypot(7, 5)
    assert length.tolist() == pytest.approx([around, math.hypot(13, 4) + math.hypot(7, 5), 40], abs=0.01)


CROSSING = torch.tensor([[20.0, 4.5, 23.0, 40.0], [10.0, 20.0, 40.0, 23.0], [*BOX[0]], [*BOX[1]], [*BOX[2]], [*BOX[3]]])


def test_no_way_bends_at_a_corner_inside_another_wall(monkeypatch):
    """Two walls that cross, whose ends lie in each other or in the outer wall: from inside everything is seen, and nobody sees in."""
    asked = []
    straight = planar._straight
    monkeypatch.setattr(planar, "_straight", lambda walls, a, b: asked.append(b.shape) or straight(walls, a, b))
    there, here = torch.tensor([[30.0, 30.0]]), torch.tensor([[[12.0, 12.0], [50.0, 12.0], [12.0, 30.0]]])
    ways = planar.path_lengths_to(CROSSING[None], planar.corners(CROSSING[None, :2]), there)
    length = ways(here)
    assert asked[-1][2] == 7  # the goal, and of eight corners those two not that lie in the upper outer wall
    off = planar.GAP
    left = math.hypot(12 - 10 + off, 12 - 20 + off) + 3 + 2 * off  # round the left arm, then under the lower one
    down = math.hypot(20 - 10, 40 - 23) + 3 + math.hypot(30 - 23, 40 - 30)
    assert length[0].tolist() == pytest.approx(
        [left + down, math.hypot(50 - 40, 23 - 12) + math.hypot(10, 7), math.hypot(8, 10) + 3 + math.hypot(7, 10)],
        abs=0.05,
    )


def test_places_imagined_inside_a_wall_are_moved_out_before_their_way_is_measured():
    there, bends = torch.tensor([[30.0, 40.0]]), planar.corners(WALLS[None, :4])
    inside = torch.tensor([[[20.4, 40.0], [22.9, 40.0], [40.0, 70.0]]])
    free = torch.tensor([[[10.0, 40.0], [21.5, 19.0]]])
    cleared = planar.clear(WALLS.expand(1, 3, -1, -1), inside)
    got = planar.path_length(WALLS[None], bends, inside, there, imagined=True)
    torch.testing.assert_close(got, planar.path_length(WALLS[None], bends, cleared, there))
    assert float(got[0, 0]) == pytest.approx(17 + 3 + math.hypot(7, 17), abs=0.01)  # by the door
    assert float(got[0, 1]) == pytest.approx(7, abs=0.01)
    assert planar.path_length(WALLS[None], bends, inside, there)[0, 0] < 10  # as if there were no wall
    for imagined in (True, False):  # places that are free, and those in a doorway, stay where they are
        lengths = planar.path_length(WALLS[None], bends, free, there, imagined)
        torch.testing.assert_close(lengths, planar.path_length(WALLS[None], bends, free, there))


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("length", [0.0, 0.5, 2.0, 1e18])
def test_a_step_is_shortened_to_the_reach_and_has_a_slope(axes, length):
    way = torch.nn.functional.normalize(torch.tensor([3.0, -4.0, 12.0][:axes]), dim=0)
    step = (length * way).requires_grad_()
    short = planar.shortened(step, 1.0)
    torch.testing.assert_close(short, min(length, 1.0) * way)
    short.sum().backward()
    assert step.grad.isfinite().all()


def test_a_place_that_is_walled_in_is_infinitely_far():
    cell = torch.tensor([[[20.0, 20, 30, 21], [20, 29, 30, 30], [20, 20, 21, 30], [29, 20, 30, 30]]])
    length = planar.path_length(
        cell, planar.corners(cell), torch.tensor([[[25.0, 25.0], [40.0, 40.0]]]), torch.tensor([[26.0, 26.0]])
    )
    assert float(length[0, 0]) == pytest.approx(math.sqrt(2))
    assert length[0, 1].isinf()
