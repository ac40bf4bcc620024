"""The readings of a trajectory say what happened in it, each in its own way."""

import math

import pytest
import torch

from wm_core.metrics.navigation import read_trajectories
from wm_core.worlds.moving_walls import SlidingDoor
from wm_core.worlds.rooms import ARRIVED
from wm_core.worlds.two_rooms import Layout, TwoRooms
from wm_core.worlds.two_rooms_trials import draw_trials

WORLD = TwoRooms(fixed=True)
GOAL = torch.tensor([50.0, 30.0])


def layouts(n):
    return Layout(torch.full((n,), 32.0), torch.full((n,), 10.0))


def read(*paths, goal=GOAL, world=WORLD):
    paths = torch.tensor(paths, dtype=torch.float32)
    return read_trajectories(world, layouts(len(paths)), paths, goal.expand(len(paths), -1))


def test_near_at_the_end_near_at_some_time_and_on_the_spot_are_three_things():
    there_and_off = [[40.0, 30.0], [46.0, 30.0], [49.0, 30.0], [40.0, 30.0]]
    near_at_end = [[40.0, 30.0], [42.0, 30.0], [44.0, 30.0], [46.0, 30.0]]
    never = [[40.0, 30.0], [41.0, 30.0], [45.0, 30.0], [41.0, 30.0]]
    found = read(there_and_off, near_at_end, never)
    assert found.at_end.tolist() == [False, True, False]
    assert found.ever.tolist() == [True, True, False]
    assert found.hit.tolist() == [True, False, False]
    assert found.error.tolist() == [0.5, 8.0, 40.5]  # at the hit, at the end, at the end
    assert found.steps[:2].tolist() == [1, 3]
    assert found.steps[2].isnan()
    assert found.detour[2].isnan()
    assert found.closest.tolist() == [[49, 30], [46, 30], [45, 30]]
    assert found.final.tolist() == [[40, 30], [46, 30], [41, 30]]
    just = read([[40.0, 30.0], [50.0, 31.412], [50.0, 40.0]])
    assert just.hit.item()
    assert float(just.error) == pytest.approx(1.412**2 / 2, abs=1e-4)  # and so below 1
    assert not read([[40.0, 30.0], [50.0, 31.416], [50.0, 40.0]]).hit.item()


def test_the_room_counts_and_not_the_distance():
    found = read([[10.0, 30.0], [29.0, 30.0]], [[10.0, 30.0], [56.0, 58.0]])
    assert found.crossed.tolist() == [False, True]


def test_a_shortest_way_is_no_detour_and_a_back_and_forth_is_one():
    line = [[20.0 + 2 * k, 30.0] for k in range(6)]
    there = [*line[:3], *line[:2][::-1], *line[1:]]  # 14 px to where it is near, and 4 to go
    goal = torch.tensor([30.0, 30.0])
    world = TwoRooms()
    layout = Layout(torch.tensor([44.0]), torch.tensor([10.0]))

    def detour(path):
        return float(read_trajectories(world, layout, torch.tensor([path]), goal[None]).detour)

    assert detour(line) == pytest.approx(1, abs=1e-5)
    back = [[20.0, 30.0], [10.0, 30.0], [20.0, 30.0], [30.0, 30.0]]
    assert detour(back) == pytest.approx(3, abs=1e-5)
    assert detour(there) == pytest.approx(1.8, abs=1e-5)


@pytest.mark.parametrize("world", [WORLD, TwoRooms()], ids=["fixed", "random"])
def test_no_detour_is_below_one_and_who_stands_still_reads_the_start(world):
    trials = draw_trials(world, 60, 0)
    generator = torch.Generator().manual_seed(1)
    way = (trials.goal - trials.start)[:, None] / 30 + torch.randn(60, 80, 2, generator=generator)
    found = read_trajectories(
        world, trials.layout, world.walk(trials.layout, trials.start, way, generator), trials.goal
    )
    assert 0 < found.ever.sum() < 60
    assert (found.detour[found.ever] >= 1 - 1e-4).all()
    still = read_trajectories(world, trials.layout, trials.start[:, None].expand(-1, 201, -1), trials.goal)
    torch.testing.assert_close(still.error, (trials.goal - trials.start).square().mean(-1))
    assert not (still.crossed | still.ever).any()


def test_nobody_arrives_from_the_wrong_side_of_a_wall():
    trials = draw_trials(TwoRooms(), 2000, 0)
    wall = trials.layout.wall_x + 1.5 * (1 - 2 * TwoRooms().room(trials.layout, trials.goal[:, None])[:, 0])
    assert ((trials.goal[:, 0] - wall).abs() > ARRIVED).all()


def test_a_state_with_a_phase_is_read_by_its_place():
    world = SlidingDoor(fixed=True)
    paths, goals = torch.tensor([[[40.0, 30.0, 0.9], [49.5, 30.0, 0.0]]]), torch.tensor([[50.0, 30.0, 0.4]])
    found = read_trajectories(world, layouts(1), paths, goals)
    assert found.error.tolist() == [0.125]
    assert found.final.tolist() == [[49.5, 30.0]]


def test_the_summary_has_shares_intervals_and_means_and_trials_are_told_one_by_one():
    found = read([[40.0, 30.0], [48.0, 30.0]], [[40.0, 30.0], [41.0, 30.0]])
    told = found.summary()
    assert told["count"] == 2
    assert told["at_end"] == 0.5
    assert told["at_end_interval"][0] < 0.2
    assert told["error"] == pytest.approx((2 + 81 / 2) / 2)
    assert told["steps"] == 1
    assert found.trials() == [
        {"final": [48.0, 30.0], "closest": [48.0, 30.0], "steps": 1},
        {"final": [41.0, 30.0], "closest": [41.0, 30.0], "steps": None},
    ]
    nobody = read([[40.0, 30.0], [41.0, 30.0]]).summary()
    assert nobody["steps"] is None
    assert nobody["detour"] is None


def test_a_lost_dot_is_refused():
    with pytest.raises(ValueError, match="paths: got a position that is not finite"):
        read([[40.0, 30.0], [math.nan, 30.0]])
