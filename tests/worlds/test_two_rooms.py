"""Two Rooms has its wall, its door and its step where the published worlds have them."""

import math

import pytest
import torch

from wm_core.worlds.two_rooms import Layout, TwoRooms

WORLD = TwoRooms()
FIXED = TwoRooms(fixed=True)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def one(wall_x=32.0, door_y=10.0):
    return Layout(torch.tensor([wall_x]), torch.tensor([door_y]))


def test_layouts_are_one_or_fill_their_range():
    wall_x, door_y = FIXED.layouts(5, seeded())
    assert wall_x.tolist() == [32] * 5
    assert door_y.tolist() == [10] * 5
    wall_x, door_y = WORLD.layouts(5000, seeded())
    assert set(wall_x.tolist()) == set(range(20, 45))
    assert set(door_y.tolist()) == set(range(10, 55))


def test_the_picture_has_a_wall_three_pixels_wide_a_door_nine_high_and_borders_at_4_and_60():
    image = WORLD.draw_walls(one(30.0, 20.0))[0]
    expected = torch.zeros(65, 65)
    expected[4:61, [4, 60]] = expected[[4, 60], 4:61] = expected[4:61, 29:32] = 1
    expected[16:25, 29:32] = 0  # rows 16 to 24: half-height 4 and the middle
    assert torch.equal(image, expected)


def test_a_door_at_the_edge_leaves_the_border_whole():
    image = WORLD.draw_walls(one(32.0, 54.0))[0]
    assert (image[60, 4:61] == 1).all()
    assert (image[50:59, 31:34] == 0).all()
    assert (image[59, 31:34] == 1).all()


def test_the_dot_is_a_bump_of_deviation_1_3_that_is_as_high_as_1():
    frame = WORLD.draw(one(), torch.tensor([[[20.0, 41.0]]]))[0, 0, 0]
    assert divmod(int(frame.argmax()), 65) == (41, 20)
    assert frame.max() == 1
    assert float(frame[41, 23]) == pytest.approx(math.exp(-0.5 * (3 / 1.3) ** 2))
    assert float(frame[44, 24]) == pytest.approx(math.exp(-0.5 * (5 / 1.3) ** 2))


@pytest.mark.parametrize("angle", [0.0, 0.7, 2.0, 4.4])
@pytest.mark.parametrize("length", [0.5, 2.45, 2.46, 30.0, 1e18])
def test_a_step_longer_than_the_reach_is_shortened_and_keeps_its_direction(angle, length):
    way = torch.tensor([[math.cos(angle), math.sin(angle)]])
    here = torch.tensor([[15.0, 40.0]])
    done = WORLD.step(one(), here, length * way) - here
    torch.testing.assert_close(done, min(length, 2.45) * way, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("x", "push"), [(28.0, 1.0), (36.0, -1.0)])
def test_the_door_can_be_passed_both_ways_and_the_wall_cannot(x, push):
    actions = torch.tensor([[push, 0.0]]).expand(1, 10, 2)
    through = FIXED.walk(one(), torch.tensor([[x, 10.0]]), actions, seeded())[0, -1]
    torch.testing.assert_close(through, torch.tensor([x + 10 * push, 10.0]))
    stopped = FIXED.walk(one(), torch.tensor([[x, 40.0]]), actions)[0, -1]
    assert float(stopped[0]) == pytest.approx(32 - 1.5 * push, abs=0.01)


def test_no_noise_takes_a_dot_through_a_wall_without_a_door():
    closed = TwoRooms(door=-1.0)
    layout = closed.layouts(300, seeded())
    start = closed.anywhere(layout, seeded(1), torch.zeros(300))
    right = torch.tensor([1.0, 0.1]) * 2 + torch.randn(300, 150, 2, generator=seeded(2))
    path = closed.walk(layout, start, right, seeded(3))
    assert (closed.room(layout, path) == 0).all()
    assert ((path[..., 0] - layout.wall_x[:, None]).amax(1) > -1.6).all()  # and all were at the wall


def test_the_way_to_the_other_room_leads_through_the_door():
    here, there = torch.tensor([[[20.0, 10.0], [20.0, 40.0], [40.0, 20.0]]]), torch.tensor([[44.0, 40.0]])
    length = FIXED.path_length(one(), here, there)[0].tolist()
    corner = math.hypot(44 - 33.5, 40 - 14)
    assert length[0] == pytest.approx(math.hypot(33.5 - 20, 4) + corner, abs=0.01)
    assert length[1] == pytest.approx(math.hypot(30.5 - 20, 40 - 14) + 3 + corner, abs=0.01)
    assert length[2] == pytest.approx(math.hypot(4, 20), abs=1e-4)


def test_about_the_share_that_is_told_goes_through_the_door():
    """Steered walks nearly all; of the others as many as find it by chance."""
    layout = FIXED.layouts(1500, seeded())
    crossed = []
    for through in (0.0, 0.35):
        rooms = FIXED.room(layout, TwoRooms(fixed=True, through=through).wander(layout, 91, seeded(1))[1])
        crossed.append(float((rooms != rooms[:, :1]).any(1).float().mean()))
    assert crossed[0] < 0.1
    assert crossed[1] == pytest.approx(crossed[0] + 0.35 * (1 - crossed[0]), abs=0.06)
