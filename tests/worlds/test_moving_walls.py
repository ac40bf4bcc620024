"""Walls that move say so in the state and in the picture, and what they meet they push."""

import pytest
import torch

from wm_core.worlds.moving_walls import Patrol, SlidingDoor, Track
from wm_core.worlds.two_rooms import Layout, TwoRooms

DOOR, PATROL = SlidingDoor(fixed=True), Patrol(fixed=True)
LAYOUT = Layout(torch.tensor([32.0]), torch.tensor([20.0]))
STILL = torch.zeros(1, 40, 2)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("world", [DOOR, PATROL], ids=["door", "patrol"])
def test_the_phase_runs_through_a_period_whatever_is_done_and_the_mark_with_it(world):
    layout = world.layouts(1, seeded())
    path = world.walk(layout, torch.tensor([[10.0, 55.0, 0.0]]), STILL)
    torch.testing.assert_close(path[0, :40, 2], torch.arange(40) / 40)
    away = (path[0, 40, 2] + 0.5) % 1 - 0.5  # after a period, but for rounding, 0 or all but 1
    assert abs(float(away)) < 1e-5
    mark = world.draw(layout, path[:, :40])[0, :, 1, 1]
    found = (mark * torch.arange(65)).sum(-1) / mark.sum(-1)
    torch.testing.assert_close(found, 4 + 56 * path[0, :40, 2], atol=0.05, rtol=0)


def test_the_picture_tells_a_door_that_opens_from_one_that_closes():
    frames = DOOR.draw(LAYOUT, torch.tensor([[[10.0, 50.0, 0.375], [10.0, 50.0, 0.875]]]))[0, :, 1]
    torch.testing.assert_close(frames[0, 5:], frames[1, 5:])
    assert (frames[0, 1] - frames[1, 1]).abs().max() > 0.9


@pytest.mark.parametrize(("phase", "passes"), [(0.0, True), (0.2, True), (0.5, False), (0.7, False)])
def test_the_door_lets_through_while_it_is_open(phase, passes):
    actions = torch.tensor([[[2.0, 0.0]]]).expand(1, 3, 2)
    end = DOOR.walk(LAYOUT, torch.tensor([[29.0, 22.0, phase]]), actions)[0, -1]
    assert (float(end[0]) > 33.5) == passes


def test_an_open_door_is_that_of_two_rooms():
    states = torch.tensor([[[31.0, 20.0, 0.0], [31.0, 20.0, 0.2]]])
    with_mark = DOOR.draw(LAYOUT, states)[0]
    plain = TwoRooms().draw(LAYOUT, states[..., :2])[0]
    torch.testing.assert_close(with_mark[:, 0], plain[:, 0])
    torch.testing.assert_close(
        with_mark[:, 1, 17:], plain[:, 1, 17:]
    )  # below the panel's edge, which is half a pixel grey


def test_a_closing_door_pushes_down_or_out_and_crushes_nobody():
    y = torch.linspace(16.1, 23.9, 60)
    layout = Layout(torch.full((60,), 32.0), torch.full((60,), 20.0))
    start = torch.stack(
        [torch.linspace(30.6, 33.4, 60)[torch.randperm(60, generator=seeded())], y, torch.full((60,), 0.2)], -1
    )
    path = DOOR.walk(layout, start, torch.zeros(60, 16, 2))
    assert ((path[:, -1, 0] < 30.5) | (path[:, -1, 0] > 33.5)).all()
    assert (path.diff(dim=1)[..., :2].norm(dim=-1) < 2).all()
    assert (path[..., 1] < 24).all()


def test_the_block_goes_there_and_back_and_pushes_what_is_in_its_way():
    layout = Track(torch.tensor([32.0]))
    x = PATROL.moving(layout, torch.arange(41)[None] / 40)[0, :, 0, 0]
    assert (x[:21].diff() > 1).all()
    assert (x[20:].diff() < -1).all()
    assert float(x[0]) == pytest.approx(10.5)
    path = PATROL.walk(layout, torch.tensor([[30.0, 32.0, 0.0]]), STILL[:, :20])[0]
    assert float(path[-1, 0]) == pytest.approx(53.5, abs=0.01)  # the block's right face at the end of its way
    assert (path[:, 1] == 32).all()


def test_walls_that_move_are_no_part_of_the_shortest_way():
    layout = PATROL.layouts(1, seeded())
    way = PATROL.path_length(layout, torch.tensor([[[10.0, 32.0, 0.3]]]), torch.tensor([[50.0, 32.0, 0.0]]))
    assert float(way) == pytest.approx(40)
    here, there = torch.tensor([[[10.0, 50.0, 0.5]]]), torch.tensor([[50.0, 50.0, 0.0]])
    plain = TwoRooms().path_length(LAYOUT, here[..., :2], there[..., :2])
    torch.testing.assert_close(DOOR.path_length(LAYOUT, here, there), plain)
