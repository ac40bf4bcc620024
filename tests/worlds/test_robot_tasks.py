"""Tasks on the robot's table can be done, and standing still does not do them."""

import pytest
import torch

from wm_core.worlds.robot import RobotTable
from wm_core.worlds.robot_tasks import errands, reaching

WORLD = RobotTable()


def apart(a, b):
    return (a - b).norm(dim=-1)


def on_the_table(states):
    robot, puck = states[..., :2], states[..., 2:]
    inside = [(at >= r - 1e-4) & (at <= WORLD.size - r + 1e-4) for at, r in ((robot, WORLD.robot), (puck, WORLD.puck))]
    return all(part.all() for part in inside) and (apart(robot, puck) > WORLD.robot + WORLD.puck - 1e-3).all()


@pytest.mark.parametrize("make", [reaching, errands])
def test_every_state_is_possible_and_a_seed_repeats(make):
    once, again = (make(WORLD, 40, torch.Generator().manual_seed(1)) for _ in range(2))
    assert on_the_table(once.start)
    assert on_the_table(once.goals)
    assert once.start.shape == (40, 4)
    assert once.wallpaper.shape == (40, 24, 24)
    for a, b in zip(once, again, strict=True):
        assert torch.equal(a, b)


def test_to_reach_the_robot_must_go_and_the_puck_may_stay():
    task = reaching(WORLD, 60, torch.Generator().manual_seed(2), far=7.0)
    assert task.goals.shape == (60, 1, 4)
    assert (apart(task.start[:, :2], task.goals[:, 0, :2]) > 7).all()
    assert torch.equal(task.start[:, 2:], task.goals[:, 0, 2:])


def test_an_errand_starts_behind_the_puck_and_six_pushes_do_it():
    task = errands(WORLD, 60, torch.Generator().manual_seed(3))
    behind, half, done = task.goals.unbind(1)
    assert torch.equal(behind[:, 2:], task.start[:, 2:])
    assert (apart(behind[:, :2], task.start[:, :2]) > 5).all()
    way = behind[:, 2:] - behind[:, :2]
    pushes = (way / way.norm(dim=-1, keepdim=True))[:, None].expand(-1, 6, -1)
    path = WORLD.walk(behind, pushes)
    torch.testing.assert_close(path[:, 3], half)
    torch.testing.assert_close(path[:, 6], done)
    assert (apart(done[:, 2:], task.start[:, 2:]) > 5.5).all()


def test_a_table_without_room_for_the_errand_is_named():
    with pytest.raises(ValueError, match="count"):
        errands(RobotTable(size=12), 20, torch.Generator().manual_seed(0), far=9)
