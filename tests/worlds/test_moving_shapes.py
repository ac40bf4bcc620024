"""Moving shapes: the class is the order of the frames and nothing else."""

import math

import pytest
import torch

from wm_core.worlds.drawing import Look
from wm_core.worlds.moving_shapes import MOTIONS, MovingShapes, along, orders

WORLD = MovingShapes()


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def of_every_motion(world, n=16, **settings):
    return [world.clips(n, seeded(0), motion=motion, **settings) for motion in range(len(MOTIONS))]


def in_order_of_brightness(frames):
    """Each clip's frames, sorted by a number that no two of them share."""
    key = (frames.double() * torch.linspace(0.5, 2, frames[0, 0].numel()).double().view(frames[0, 0].shape)).sum(
        (2, 3, 4)
    )
    order = key.argsort(1)
    return frames[torch.arange(len(frames))[:, None], order]


@pytest.mark.parametrize(
    "world", [WORLD, MovingShapes(detail=0.3), MovingShapes(frames=9)], ids=["clean", "noisy", "nine"]
)
def test_every_motion_shows_the_very_same_pictures_so_that_no_frame_tells_the_class(world):
    first, *others = (in_order_of_brightness(clips.frames) for clips in of_every_motion(world))
    assert all(torch.equal(first, other) for other in others)


def test_the_motions_differ_in_order():
    frames = [clips.frames for clips in of_every_motion(WORLD)]
    for one in range(4):
        for other in range(one):
            assert ((frames[one] - frames[other]).flatten(1).abs().amax(1) > 0.1).all()


def test_eight_frames_come_in_the_orders_that_are_said():
    wanted = ["01234567", "76543210", "02467531", "75310246"]
    assert ["".join(map(str, order.tolist())) for order in orders(8)] == wanted
    assert all(order.sort().values.tolist() == list(range(11)) for order in orders(11))


def test_clockwise_turns_right_on_screen_and_anticlockwise_left():
    right, left, out_right, out_left = (turn(clips.position) for clips in of_every_motion(WORLD, 64))
    assert (right > 0).all()
    assert (left < 0).all()
    assert (out_right[:, :2] > 0).all()
    assert (out_left[:, :2] < 0).all()


def turn(position):
    """The cross product of each step with the next; positive is to the right where y is down."""
    (x, y), (u, v) = position.diff(dim=1)[:, :-1].unbind(-1), position.diff(dim=1)[:, 1:].unbind(-1)
    return x * v - y * u


def test_out_and_back_takes_double_steps_but_at_the_ends():
    steady, _, out, _ = (clips.position.diff(dim=1).norm(dim=-1) for clips in of_every_motion(WORLD, 64))
    assert (steady.std(1) < 1e-5).all()
    assert (out[:, :3] > 1.8 * steady[:, :3]).all()
    torch.testing.assert_close(out[:, 3], steady[:, 3])


def test_steps_have_the_length_and_places_the_margin_asked_for():
    clips = WORLD.clips(800, seeded(1), motion=0)
    steps = clips.position.diff(dim=1).norm(dim=-1)
    assert float(steps.min()) == pytest.approx(WORLD.steps[0], rel=0.02)
    assert float(steps.max()) == pytest.approx(WORLD.steps[1], rel=0.02)
    assert clips.position.min() >= WORLD.margin - 1e-6
    assert clips.position.max() <= 1 - WORLD.margin + 1e-6


def test_positions_are_where_the_shape_is_drawn():
    world = MovingShapes(texture=0.0)
    clips = world.clips(64, seeded(0))
    contrast = (clips.frames - 0.35).abs().sum(2)
    pixel = (torch.arange(24) + 0.5) / 24
    found = torch.stack([(contrast.sum(2) * pixel).sum(-1), (contrast.sum(3) * pixel).sum(-1)], -1)
    torch.testing.assert_close(found / contrast.sum((2, 3))[..., None], clips.position, atol=0.012, rtol=0)


def test_velocity_leads_from_each_frame_to_the_next():
    clips = WORLD.clips(16, seeded(0), frames=10)
    assert clips.velocity.shape == clips.position.shape == (16, 10, 2)
    torch.testing.assert_close(clips.position[:, :-1] + clips.velocity[:, :-1], clips.position[:, 1:])
    assert torch.equal(clips.velocity[:, -1], clips.velocity[:, -2])


def test_the_arc_gives_the_places():
    clips = WORLD.clips(16, seeded(0), motion=0)
    torch.testing.assert_close(along(clips.arc, 8), clips.position)
    assert ((clips.position - clips.arc[:, None, :2]).norm(dim=-1) - clips.arc[:, None, 2]).abs().max() < 1e-6
    bend = 7 * clips.arc[:, 4] / (2 * math.pi)
    assert bend.min() > 0.2
    assert bend.max() < 0.68


def test_seeds_repeat_and_motions_are_even():
    first, again, other = (MovingShapes(detail=0.1).clips(8, seeded(seed)) for seed in (0, 0, 1))
    assert all(map(torch.equal, first, again))
    assert not torch.equal(first.frames, other.frames)
    many = WORLD.clips(2000, seeded(0), frames=4)
    assert (torch.bincount(many.motion, minlength=4) / 2000 - 0.25).abs().max() < 0.03
    cells = torch.bincount(many.motion * 4 + many.kind, minlength=16) / 2000
    assert (cells - 1 / 16).abs().max() < 0.02


def test_a_motion_may_be_given_for_each_clip():
    motion = torch.tensor([3, 0, 2])
    clips = WORLD.clips(3, seeded(0), motion=motion)
    assert torch.equal(clips.motion, motion)
    every = of_every_motion(WORLD, 3)
    assert all(torch.equal(clips.frames[i], every[m].frames[i]) for i, m in enumerate(motion))


def test_the_background_stands_still_behind_the_moving_shape():
    clips = WORLD.clips(16, seeded(0))
    empty = Look().background(clips.texture).clamp(0, 1)
    far = (torch.cartesian_prod(*[(torch.arange(24) + 0.5) / 24] * 2).flip(-1) - clips.position[:, :, None]).norm(
        dim=-1
    ) > 0.3
    apart = (clips.frames - empty).abs().amax(2).flatten(2)
    assert apart[far].max() < 1e-6
    assert apart.amax(2).min() > 0.1


def test_too_few_frames_to_go_out_and_back_are_refused():
    with pytest.raises(ValueError, match="frames is 3"):
        WORLD.clips(2, seeded(0), frames=3)
