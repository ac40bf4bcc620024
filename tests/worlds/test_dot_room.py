"""The dot room: seeds repeat, walls hold, and the dot stands where it was drawn."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from wm_core.worlds.dot_room import DotRoom

ROOM = DotRoom()


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def test_the_same_seed_gives_the_same_episodes_and_another_does_not():
    first, again, other = (ROOM.episodes(4, 6, seeded(seed)) for seed in (3, 3, 4))
    assert all(map(torch.equal, first, again))
    assert not any(map(torch.equal, first, other))


def test_an_episode_has_a_frame_more_than_pushes():
    frames, actions, positions, wallpaper = ROOM.episodes(4, 6, seeded(0))
    assert frames.shape == (4, 7, 24, 24)
    assert actions.shape == (4, 6, 2)
    assert positions.shape == (4, 7, 2)
    assert wallpaper.shape == (4, 24, 24)
    assert frames.min() >= 0
    assert frames.max() <= 1


@settings(deadline=None, max_examples=50)
@given(
    start=some.tuples(some.floats(0, 1), some.floats(0, 1)),
    pushes=some.lists(some.tuples(some.floats(-1e3, 1e3), some.floats(-1e3, 1e3)), min_size=1, max_size=8),
    margin=some.floats(0, 10),
)
def test_no_push_takes_the_dot_through_a_wall(start, pushes, margin):
    room = DotRoom(margin=margin)
    inside = room.edge + (1 - 2 * room.edge) * torch.tensor([start])
    path = room.walk(inside, torch.tensor([pushes]))
    assert path.min() >= room.edge - 1e-6
    assert path.max() <= 1 - room.edge + 1e-6


def test_the_dot_moves_by_the_push_where_no_wall_is_near():
    pushes = torch.tensor([[[0.1, 0.0], [-0.05, 0.12], [0.0, -0.1]]])
    path = ROOM.walk(torch.tensor([[0.5, 0.5]]), pushes)
    torch.testing.assert_close(path.diff(dim=1), pushes)
    assert torch.equal(path[:, 0], torch.tensor([[0.5, 0.5]]))


def test_the_dot_slides_along_a_wall():
    path = ROOM.walk(torch.tensor([[0.5, 0.5]]), torch.tensor([[[2.0, 0.1], [0.1, 0.1], [-0.1, 0.0]]]))
    wall = 1 - ROOM.edge
    torch.testing.assert_close(path[0, 1:], torch.tensor([[wall, 0.6], [wall, 0.7], [wall - 0.1, 0.7]]))


def test_starts_fill_the_room_up_to_the_walls():
    starts = ROOM.anywhere(4096, seeded(0))
    torch.testing.assert_close(starts.amin(0), torch.full((2,), ROOM.edge), atol=2e-3, rtol=0)
    torch.testing.assert_close(starts.amax(0), torch.full((2,), 1 - ROOM.edge), atol=2e-3, rtol=0)


def test_pushes_stay_within_reach_and_share_a_direction_within_an_episode():
    actions = ROOM.episodes(512, 10, seeded(0)).actions
    assert actions.abs().max() <= ROOM.reach
    constant = actions.mean(1).var(0)  # of independent pushes this would be a tenth of the variance
    assert (constant > 0.3 * actions.var((0, 1))).all()


def test_x_is_to_the_right_and_y_is_down():
    frame = ROOM.draw(torch.tensor([[[0.8125, 0.1875]]]), torch.zeros(1, 24, 24))[0, 0]
    assert divmod(int(frame.argmax()), 24) == (4, 19)  # the pixel whose centre is (19.5, 4.5) / 24
    assert frame.max() == 1
    assert frame[4, 21] == pytest.approx(float(torch.exp(torch.tensor(-0.5 * (2 / ROOM.blob) ** 2))))


def test_the_wallpaper_stays_while_the_dot_moves():
    frames, _, positions, wallpaper = ROOM.episodes(16, 8, seeded(0))
    far = (ROOM._grid() - positions[..., None]).abs() * 24 > 6 * ROOM.blob  # (n, time, 2, size)
    away = far[..., 1, :, None] | far[..., 0, None, :]
    assert away.any()
    torch.testing.assert_close(frames[away], wallpaper[:, None].expand_as(frames)[away].clamp(0, 1), atol=1e-6, rtol=0)


def test_wallpaper_varies_by_the_contrast_about_a_mid_grey():
    paper = DotRoom(contrast=0.1).wallpapers(4096, seeded(0))
    assert float(paper.mean()) == pytest.approx(0.35, abs=0.01)
    assert float(paper.std(0).square().mean().sqrt()) == pytest.approx(0.1, rel=0.05)


def clips_of_a_dot_on_its_way(room):
    episodes = room.episodes(256, 15, seeded(0))
    far = (episodes.positions.amax(1) - episodes.positions.amin(1)).amax(1) * room.size >= 8
    return episodes.frames[far], episodes.positions[far] * room.size


def test_the_dot_is_found_where_it_was_drawn_to_a_fraction_of_a_pixel():
    room = DotRoom(contrast=0.0)
    frames, drawn = clips_of_a_dot_on_its_way(room)
    assert len(frames) > 100
    error = (room.find_dot(frames) * room.size - drawn).norm(dim=-1)
    assert error.max() < 0.15
    assert error.mean() < 0.06


def test_wallpaper_hides_the_dot_by_little():
    frames, drawn = clips_of_a_dot_on_its_way(ROOM)
    error = (ROOM.find_dot(frames) * ROOM.size - drawn).norm(dim=-1)
    assert error.max() < 0.7
    assert error.mean() < 0.07


@pytest.mark.parametrize("place", [(slice(18, 21), slice(None)), (slice(None), slice(22, 24))], ids=["below", "right"])
def test_a_shimmer_far_from_the_dot_does_not_draw_the_eye(place):
    room = DotRoom(contrast=0.0)
    path = torch.stack([torch.linspace(0.2, 0.7, 8), torch.full((8,), 0.3)], -1)[None]
    frames = room.draw(path, torch.full((1, 24, 24), 0.35))
    shimmering = frames.clone()
    shimmering[(0, slice(0, 8, 2), *place)] += 0.3
    torch.testing.assert_close(room.find_dot(shimmering), room.find_dot(frames), atol=1e-3, rtol=0)
