"""What every world of rooms promises: walls hold, seeds repeat, starts are free, and the picture shows what is there."""

import inspect
from itertools import islice

import pytest
import torch

from wm_core.worlds import planar
from wm_core.worlds.four_rooms import FourRooms
from wm_core.worlds.mazes import Mazes
from wm_core.worlds.moving_walls import MovingWalls, Patrol, SlidingDoor
from wm_core.worlds.rooms import truncated_normal, von_mises
from wm_core.worlds.two_rooms import TwoRooms

KINDS = [TwoRooms, FourRooms, Mazes, SlidingDoor, Patrol]
WORLDS = {
    f"{kind.__name__}-{'fixed' if fixed else 'random'}": kind(fixed=fixed) for kind in KINDS for fixed in (True, False)
}
every = pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
LAYERS = ("frames", "actions", "positions")


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def walls_of(world, layout, states):
    """The walls as they stand in each state: (n, time, k, 4)."""
    if isinstance(world, MovingWalls):
        return world.walls_at(layout, states[..., 2])
    walls = world.walls(layout)
    return walls[:, None].expand(-1, states.shape[1], -1, -1)


def in_a_wall(world, layout, states, by=1e-4):
    walls, place = walls_of(world, layout, states), states[..., None, :2]
    return ((place > walls[..., :2] + by) & (place < walls[..., 2:] - by)).all(-1).any(-1)


@every
@pytest.mark.parametrize("size", [2.45, 1e15])
@pytest.mark.parametrize("noisy", [True, False])
def test_the_dot_never_enters_a_wall(world, size, noisy):
    layout = world.layouts(60, seeded())
    actions = size * torch.randn(60, 50, 2, generator=seeded(1))
    actions[20:40, 10:] = actions[20:40, 10:11]  # a third presses on in one direction
    actions[40:, :, 1] = 0  # and one goes along the axes
    path = world.walk(layout, world.anywhere(layout, seeded(2)), actions, seeded(3) if noisy else None)
    assert not in_a_wall(world, layout, path).any()
    assert path.isfinite().all()
    if not noisy and not isinstance(world, MovingWalls):
        walls = walls_of(world, layout, path[:, 1:]) + 0.01 * torch.tensor([1, 1, -1, -1])
        assert planar.sees(walls, path[:, :-1], path[:, 1:]).all()


@every
def test_no_data_enter_a_wall(world):
    episodes = world.episodes(100, 91, seeded())
    assert not in_a_wall(world, episodes.layout, episodes.positions).any()


@every
def test_the_same_seed_gives_the_same_episodes_and_another_does_not(world):
    first, again, other = (world.episodes(4, 6, seeded(seed)) for seed in (3, 3, 4))
    for name in LAYERS:
        assert torch.equal(getattr(first, name), getattr(again, name))
        assert not torch.equal(getattr(first, name), getattr(other, name))
    assert all(map(torch.equal, first.layout, again.layout))


@every
def test_frames_can_be_drawn_over_old_ones(world):
    old = world.episodes(4, 6, seeded(8)).frames
    drawn = world.episodes(4, 6, seeded(3), out=old)
    assert drawn.frames is old
    assert torch.equal(old, world.episodes(4, 6, seeded(3)).frames)


@every
def test_batches_without_end_are_windows_of_walks_and_repeat_by_their_seed(world):
    """Five batches, of walks that are followed for two at a time; drawn over or not, and whole or at three moments."""

    def first(count=5, seed=3, **more):
        some = islice(world.batches(4, 6, seeded(seed), whole=20, ahead=2, **more), count)
        return [batch._replace(frames=batch.frames.clone()) for batch in some]

    plain, over, sparse = first(), first(reuse=True), first(at=(0, 4, -1))
    for batch, again, few in zip(plain, over, sparse, strict=True):
        for name in LAYERS:
            assert torch.equal(getattr(batch, name), getattr(again, name))
        assert torch.equal(few.frames, batch.frames[:, [0, 4, 6]])
        assert torch.equal(few.positions, batch.positions)
        assert torch.equal(few.actions, batch.actions)
        assert torch.equal(batch.frames, world.draw(batch.layout, batch.positions))
        assert not in_a_wall(world, batch.layout, batch.positions).any()
    places = torch.stack([batch.positions for batch in plain])
    assert len(places.flatten(1).unique(dim=0)) == 5  # no batch comes twice
    assert not torch.equal(first(1, 4)[0].positions, places[0])


@every
def test_only_the_frames_that_are_asked_for_are_drawn(world):
    whole, some = (world.episodes(4, 6, seeded(3), at=at) for at in (None, (0, 1, -1)))
    assert torch.equal(some.frames, whole.frames[:, [0, 1, 6]])
    assert torch.equal(some.positions, whole.positions)


@pytest.mark.parametrize("wrong", [7, -8])
def test_a_moment_that_a_window_does_not_have_is_refused(wrong):
    with pytest.raises(ValueError, match=f"at: got moment {wrong} of a window of 7"):
        TwoRooms().episodes(2, 6, seeded(), at=(0, wrong))


def test_frames_drawn_over_old_ones_are_in_the_same_memory_and_others_are_not():
    for reuse in (True, False):
        batches = TwoRooms().batches(2, 3, seeded(), whole=5, reuse=reuse)
        assert (next(batches).frames.data_ptr() == next(batches).frames.data_ptr()) is reuse


def test_frames_of_another_shape_are_not_drawn_over():
    world = TwoRooms()
    layout = world.layouts(2, seeded())
    draw = inspect.unwrap(type(world).draw)  # as it is outside of the tests, where annotations are not enforced
    with pytest.raises(ValueError, match=r"out: got \(2, 9, 2, 65, 65\), wanted \(2, 5, 2, 65, 65\)"):
        draw(world, layout, torch.full((2, 5, 2), 20.0), out=torch.zeros(2, 9, 2, 65, 65))


@every
def test_the_same_seed_gives_the_same_walk(world):
    layout = world.layouts(20, seeded())
    actions = 2 * torch.randn(20, 30, 2, generator=seeded(1))
    start = world.anywhere(layout, seeded(2))
    first, again, other = (world.walk(layout, start, actions, seeded(seed)) for seed in (5, 5, 6))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@every
def test_single_steps_make_the_walk(world):
    layout = world.layouts(20, seeded())
    actions = 2 * torch.randn(20, 10, 2, generator=seeded(1))
    start = world.anywhere(layout, seeded(2))
    path, generator = world.walk(layout, start, actions, seeded(3)), seeded(3)
    here = start
    for k in range(10):
        here = world.step(layout, here, actions[:, k], generator)
        torch.testing.assert_close(here, path[:, k + 1])


@every
def test_an_episode_repeats_in_the_world_itself(world):
    """Walks are followed by other code than the world's; where nothing is met, the two agree."""
    world = type(world)(fixed=world.fixed, noise=0.0)
    episodes = world.episodes(60, 91, seeded())
    again = world.walk(episodes.layout, episodes.positions[:, 0], episodes.actions)
    torch.testing.assert_close(again, episodes.positions, atol=0.02, rtol=0)


@every
@pytest.mark.parametrize("action", [[float("nan"), 0.0], [0.0, float("inf")]])
def test_an_action_that_is_no_number_is_refused(world, action):
    layout = world.layouts(1, seeded())
    with pytest.raises(ValueError, match="actions: got a number that is not finite"):
        world.step(layout, world.anywhere(layout, seeded()), torch.tensor([action]))


@every
def test_starts_are_even_over_their_rooms_and_at_a_margin_from_walls(world):
    layout = world.layouts(3000, seeded())
    states = world.anywhere(layout, seeded(1))
    walls = walls_of(world, layout, states[:, None])[:, 0]
    away = torch.maximum(walls[..., :2] - states[:, None, :2], states[:, None, :2] - walls[..., 2:])
    assert (away.clamp_min(0).norm(dim=-1) > world.margin - 1e-4).all()
    boxes = world.boxes(layout)
    for room in range(boxes.shape[1]):
        chosen = world.anywhere(layout, seeded(2), torch.full((3000,), room))
        assert (world.room(layout, chosen[:, None])[:, 0] == room).all()
        if not isinstance(world, Patrol):  # whose block is in the way
            low, high = boxes[:, room, :2] + world.margin, boxes[:, room, 2:] - world.margin
            share = (chosen[:, :2] - low) / (high - low)
            assert torch.allclose(share.mean(0), torch.tensor(0.5), atol=0.03)
            assert torch.allclose(share.var(0), torch.tensor(1 / 12), atol=0.01)


@every
def test_the_picture_shows_the_dot_the_walls_and_nothing_else(world):
    episodes = world.episodes(8, 10, seeded())
    frames, states = episodes.frames, episodes.positions
    assert frames.shape == (8, 11, 2, 65, 65)
    assert frames.min() >= 0
    assert frames.max() <= 1
    peak = frames[:, :, 0].flatten(2).argmax(-1)
    seen = torch.stack([peak % 65, peak // 65], -1)
    assert ((seen - states[..., :2]).abs() <= 0.5 + 1e-5).all()
    pixels = torch.arange(65.0)
    grid = torch.stack(torch.meshgrid(pixels, pixels, indexing="xy"), -1).flatten(0, 1)  # as an image lies in memory
    walls = walls_of(world, episodes.layout, states)[:, :, None]
    inner = walls[..., [k for k in range(walls.shape[-2]) if not is_outer(world, k, walls.shape[-2])], :]
    drawn = frames[:, :, 1].flatten(2)
    within = ((grid > 4.5) & (grid < 59.5)).all(-1)
    well_in = ((grid[:, None] > inner[..., :2] + 0.5) & (grid[:, None] < inner[..., 2:] - 0.5)).all(-1).any(-1)
    well_out = ((grid[:, None] < inner[..., :2] - 0.5) | (grid[:, None] > inner[..., 2:] + 0.5)).any(-1).all(-1)
    assert (drawn[well_in & within] == 1).all()
    assert (drawn[well_out & within] == 0).all()
    image = frames[:, :, 1]
    for line in (image[..., 4, 4:61], image[..., 60, 4:61], image[..., 4:61, 4], image[..., 4:61, 60]):
        assert (line == 1).all()
    assert (image[..., 61:, :] == 0).all()
    assert (image[..., 4:, 61:] == 0).all()
    assert (image[..., 4:, :4] == 0).all()
    assert isinstance(world, MovingWalls) or (image[..., :4, :] == 0).all()  # where the mark of the phase runs


def is_outer(world, k, count):
    """Outer walls come after those that stand inside, and before those that move."""
    moving = 1 if isinstance(world, MovingWalls) else 0
    return count - moving - 4 <= k < count - moving


@every
def test_every_place_can_be_reached_and_a_way_is_no_shorter_than_a_straight_line(world):
    layout = world.layouts(20, seeded())
    here = torch.stack([world.anywhere(layout, seeded(k)) for k in range(30)], 1)
    there = world.anywhere(layout, seeded(99))
    length = world.path_length(layout, here, there)
    straight = (here - there[:, None])[..., :2].norm(dim=-1)
    assert length.isfinite().all()
    assert (length >= straight - 1e-3).all()
    alike = world.room(layout, here) == world.room(layout, there[:, None])
    torch.testing.assert_close(length[alike], straight[alike], atol=1e-2, rtol=0)
    torch.testing.assert_close(
        length[:, :1], world.path_length(layout, there[:, None], here[:, 0]), atol=1e-2, rtol=0
    )  # there and back


@every
def test_some_walks_go_through_a_door_and_most_of_those_that_are_steered(world):
    if isinstance(world, Patrol):
        pytest.skip("one room")
    shares = []
    for through in (0.0, 0.35, 1.0):
        some = type(world)(fixed=world.fixed, through=through)
        layout = some.layouts(500, seeded())
        rooms = some.room(layout, some.wander(layout, 91, seeded(1))[1])
        shares.append(float((rooms != rooms[:, :1]).any(1).float().mean()))
    assert shares[0] < shares[1] < shares[2]
    assert shares[2] > (0.4 if isinstance(world, SlidingDoor) else 0.8)


def test_a_window_longer_than_the_walk_is_refused():
    with pytest.raises(ValueError, match="steps: got 92"):
        TwoRooms().episodes(1, 92, seeded())


def test_turns_are_von_mises_with_concentration_five():
    """The mean cosine is a ratio of Bessel functions, I1(5) / I0(5)."""
    turns = von_mises(5.0, (200, 200), seeded())
    expected = torch.special.i1(torch.tensor(5.0)) / torch.special.i0(torch.tensor(5.0))
    assert float(turns.cos().mean()) == pytest.approx(float(expected), abs=0.003)
    assert float((2 * turns).cos().mean()) == pytest.approx(1 - 2 * float(expected) / 5, abs=0.005)  # I2 = I0 - 2/5 I1
    assert float(turns.sin().mean()) == pytest.approx(0, abs=0.01)


def test_lengths_are_normal_within_bounds():
    from scipy.stats import truncnorm

    lengths = truncated_normal(1.0, 0.4, 0.2, 1.8, (200, 200), seeded())
    known = truncnorm(-2, 2, 1.0, 0.4)
    assert lengths.min() >= 0.2
    assert lengths.max() <= 1.8
    for share in (0.05, 0.3, 0.5, 0.9):
        assert float(lengths.flatten().quantile(share)) == pytest.approx(known.ppf(share), abs=0.01)


@every
def test_walks_have_the_turns_and_the_lengths_that_are_told(world):
    layout = world.layouts(400, seeded())
    actions, _ = type(world)(fixed=world.fixed, through=0.0).wander(layout, 91, seeded(1))
    length = actions.norm(dim=-1)
    assert length.min() >= 0.2 - 1e-4
    assert length.max() <= 1.8 + 1e-4
    assert float(length.mean()) == pytest.approx(1, abs=0.01)
    cosine = (actions[:, 1:] * actions[:, :-1]).sum(-1) / (length[:, 1:] * length[:, :-1])
    assert float(cosine.mean()) == pytest.approx(0.8934, abs=0.005)  # I1(5) / I0(5)
    assert actions[:, 0].mean(0).norm() < 0.1  # first headings are even


@every
def test_what_is_made_from_a_layout_is_on_its_device(world):
    """PyTorch's ``meta`` device stands for a GPU in what needs no numbers. Generators live on the CPU."""
    layout = world.layouts(4, seeded())
    layout = type(layout)(*(part.to("meta") for part in layout))
    if isinstance(world, MovingWalls):
        start = torch.empty(4, 3, device="meta")
    else:
        start = world.anywhere(layout, seeded())
        assert world.anywhere(layout, seeded(), torch.zeros(4)).device.type == "meta"
    made = [start, world.walls(layout), world.boxes(layout), world.draw(layout, start[:, None])]
    made += [world.room(layout, start[:, None]), *world.doorway(layout, start[:, :2], seeded())]
    assert {each.device.type for each in made} == {"meta"}
