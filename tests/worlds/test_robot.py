"""The robot's table: nobody leaves, nothing overlaps, the puck moves only when it is met, and seeds repeat."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from wm_core.worlds.robot import RobotTable, shorten

TABLE = RobotTable()
TOUCH = TABLE.robot + TABLE.puck


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def gap(states):
    """How far apart the discs' rims are."""
    return (states[..., :2] - states[..., 2:]).norm(dim=-1) - TOUCH


@settings(deadline=None, max_examples=60)
@given(
    seed=some.integers(0, 10_000),
    reach=some.floats(0.1, 4.0),
    size=some.integers(16, 48),
    actions=some.lists(some.tuples(some.floats(-50, 50), some.floats(-50, 50)), min_size=1, max_size=12),
)
def test_nobody_leaves_the_table_and_nothing_overlaps(seed, reach, size, actions):
    table = RobotTable(size=size, reach=reach)
    path = table.walk(table.anywhere(8, seeded(seed)), torch.tensor([actions]).expand(8, -1, -1))
    assert gap(path).min() > -2e-3
    for part, radius in ((path[..., :2], table.robot), (path[..., 2:], table.puck)):
        assert part.min() >= radius
        assert part.max() <= size - radius


def test_the_hand_that_wanders_keeps_to_the_same():
    states = TABLE.episodes(256, 30, seeded(0)).states
    assert gap(states).min() > -2e-3
    assert states.min() >= TABLE.robot
    assert states.max() <= TABLE.size - TABLE.robot


def test_the_puck_moves_only_on_contact_and_then_away_from_the_robot():
    states = TABLE.episodes(512, 20, seeded(1)).states
    before, after = states[:, :-1], states[:, 1:]
    moved = (after[..., 2:] - before[..., 2:]).norm(dim=-1) > 0
    met = gap(before) < TABLE.reach  # nearer than one step
    assert 0.1 < moved.float().mean() < 0.6
    assert not (moved & ~met).any()
    assert gap(after)[moved].max() < TABLE.reach  # and the robot is still by it


def test_a_push_through_the_middle_moves_both_alike():
    start = torch.tensor([[8.0, 12.0, 8.0 + TOUCH, 12.0]])
    torch.testing.assert_close(
        TABLE.step(start, torch.tensor([[1.5, 0.0]])), start + torch.tensor([1.5, 0.0, 1.5, 0.0]), atol=1e-5, rtol=0
    )


def test_a_push_off_the_middle_turns_the_puck_aside():
    start = torch.tensor([[8.0, 12.0, 8.0 + TOUCH - 0.3, 13.5]])
    after = TABLE.step(start, torch.tensor([[2.0, 0.0]]))
    assert after[0, 3] > 13.6
    assert after[0, 2] > start[0, 2]


def test_a_puck_at_the_wall_stops_the_robot():
    wall = TABLE.size - TABLE.puck
    start = torch.tensor([[wall - TOUCH, 12.0, wall, 12.0]])
    torch.testing.assert_close(TABLE.step(start, torch.tensor([[2.0, 0.0]])), start)


def test_an_action_is_shortened_to_the_reach_and_moves_the_robot_by_it():
    start = torch.tensor([[12.0, 12.0, 4.0, 4.0]])
    after = TABLE.step(start, torch.tensor([[30.0, 40.0]]))
    torch.testing.assert_close(after - start, torch.tensor([[1.2, 1.6, 0.0, 0.0]]), atol=1e-5, rtol=0)
    small = torch.tensor([[0.3, -0.4]])
    assert torch.equal(shorten(small, 2.0), small)
    assert torch.equal(shorten(torch.zeros(1, 2), 2.0), torch.zeros(1, 2))


def test_the_same_seed_gives_the_same_episodes_and_another_does_not():
    first, again, other = (TABLE.episodes(4, 6, seeded(seed)) for seed in (3, 3, 4))
    assert all(map(torch.equal, first, again))
    assert not any(map(torch.equal, first, other))


def test_episodes_are_what_playing_their_actions_gives():
    made = TABLE.episodes(16, 10, seeded(2))
    again = TABLE.play(made.states[:, 0], made.actions, made.wallpaper)
    for got, expected in zip(again, made, strict=True):
        torch.testing.assert_close(got, expected)
    assert made.frames.shape == (16, 11, 24, 24)
    assert made.frames.min() >= 0
    assert made.frames.max() <= 1
    assert made.actions.norm(dim=-1).max() <= TABLE.reach * (1 + 1e-6)


def test_rows_are_independent_of_each_other():
    made = TABLE.episodes(6, 5, seeded(4))
    alone = TABLE.play(made.states[2:3, 0], made.actions[2:3], made.wallpaper[2:3])
    assert torch.equal(alone.states[0], made.states[2])


def test_discs_are_drawn_where_they_are_with_x_to_the_right():
    frame = TABLE.draw(torch.tensor([[[18.5, 5.5, 6.5, 16.5]]]), torch.full((1, 24, 24), 0.5))[0, 0]
    assert frame[5, 18] == pytest.approx(0.95)
    assert frame[16, 6] == pytest.approx(0.05)
    assert frame[20, 20] == 0.5
    area = ((frame - 0.5) / 0.45).clamp_min(0).sum()
    assert float(area) == pytest.approx(torch.pi * TABLE.robot**2, rel=0.06)


@pytest.mark.parametrize("radius", [TABLE.robot, TABLE.puck])
def test_the_centre_of_what_is_drawn_is_the_centre_of_the_disc(radius):
    at = radius + (24 - 2 * radius) * torch.rand(64, 1, 2, generator=seeded(6))
    disc = TABLE._disc(at, radius)[:, 0]
    grid = torch.arange(24) + 0.5
    centre = torch.stack([disc.sum(1) @ grid, disc.sum(2) @ grid], -1) / disc.sum((1, 2))[:, None]
    torch.testing.assert_close(centre, at[:, 0], atol=0.05, rtol=0)
