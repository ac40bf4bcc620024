"""Moving shapes: the class is the order of the frames and nothing else."""

import pytest
import torch

from wm_core.worlds.drawing import Look
from wm_core.worlds.moving_shapes import MOTIONS, MovingShapes, orders

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


def test_right_is_right_on_screen_and_out_and_back_goes_twice_as_fast():
    right, left, out_right, out_left = (clips.velocity for clips in of_every_motion(WORLD, 64))
    assert (right > 0).all()
    torch.testing.assert_close(right[:, 1:], right[:, :-1])
    torch.testing.assert_close(left, -right)
    torch.testing.assert_close(out_right[:, :3], 2 * right[:, :3])
    torch.testing.assert_close(out_right[:, 4:], -2 * right[:, 4:])
    torch.testing.assert_close(out_right[:, 3], right[:, 3])
    torch.testing.assert_close(out_left, -out_right)


def test_the_velocity_leads_every_shape_from_each_frame_to_the_next_and_around():
    clips = WORLD.clips(32, seeded(0), frames=10)
    assert clips.position.shape == (32, 10, 5, 2)
    led = (clips.position[:, :-1, :, 0] + clips.velocity[:, :-1, None]) % 1
    apart = (led - clips.position[:, 1:, :, 0]).abs()
    assert torch.minimum(apart, 1 - apart).max() < 1e-5
    assert clips.position[..., 0].diff(dim=1).abs().max() > 0.5  # some do go around
    assert torch.equal(clips.position[:, 1:, :, 1], clips.position[:, :-1, :, 1])
    assert torch.equal(clips.velocity[:, -1], clips.velocity[:, -2])


def test_steps_have_the_length_asked_for():
    step = MovingShapes(shapes=1).clips(800, seeded(1), motion=0).step
    assert float(step.min()) == pytest.approx(WORLD.steps[0], rel=0.02)
    assert float(step.max()) == pytest.approx(WORLD.steps[1], rel=0.02)


def test_a_shape_is_drawn_where_its_position_says():
    clips = MovingShapes(shapes=1, texture=0.0).clips(64, seeded(0))
    contrast = (clips.frames - 0.35).abs().sum(2)
    turns = 2 * torch.pi * (torch.arange(24) + 0.5) / 24
    cos, sin = (contrast.sum(2) * turns.cos()).sum(-1), (contrast.sum(2) * turns.sin()).sum(-1)
    apart = (torch.atan2(sin, cos) / (2 * torch.pi) - clips.position[:, :, 0, 0]) % 1
    assert torch.minimum(apart, 1 - apart).max() < 0.015


def test_what_leaves_on_one_side_comes_back_on_the_other():
    whole = MovingShapes(shapes=1, texture=0.0, steps=(1 / 24, 1 / 24)).clips(32, seeded(2), motion=0).frames
    torch.testing.assert_close(whole[:, 1:], whole[:, :-1].roll(1, -1), atol=1e-4, rtol=0)


def test_seeds_repeat_and_motions_are_even():
    first, again, other = (MovingShapes(detail=0.1).clips(8, seeded(seed)) for seed in (0, 0, 1))
    assert all(map(torch.equal, first, again))
    assert not torch.equal(first.frames, other.frames)
    many = MovingShapes(shapes=1).clips(2000, seeded(0), frames=4)
    assert (torch.bincount(many.motion, minlength=4) / 2000 - 0.25).abs().max() < 0.03
    cells = torch.bincount(many.motion * 4 + many.kind[:, 0], minlength=16) / 2000
    assert (cells - 1 / 16).abs().max() < 0.02


def test_a_motion_may_be_given_for_each_clip():
    motion = torch.tensor([3, 0, 2])
    clips = WORLD.clips(3, seeded(0), motion=motion)
    assert torch.equal(clips.motion, motion)
    every = of_every_motion(WORLD, 3)
    assert all(torch.equal(clips.frames[i], every[m].frames[i]) for i, m in enumerate(motion))


def test_the_background_stands_still_behind_the_moving_shapes():
    world = MovingShapes(shapes=2)
    clips = world.clips(16, seeded(0))
    empty = Look().background(clips.texture).clamp(0, 1)
    pixels = torch.cartesian_prod(*[(torch.arange(24) + 0.5) / 24] * 2).flip(-1)
    way = (pixels - clips.position[:, :, :, None]).abs()  # (n, time, shapes, pixels, 2)
    across = torch.minimum(way[..., 0], 1 - way[..., 0])
    far = (torch.hypot(across, way[..., 1]) > 0.3).all(2)
    apart = (clips.frames - empty).abs().amax(2).flatten(2)
    assert apart[far].max() < 1e-6
    assert apart.amax(2).min() > 0.1


def test_too_few_frames_to_go_out_and_back_are_refused():
    with pytest.raises(ValueError, match="frames is 3"):
        WORLD.clips(2, seeded(0), frames=3)
