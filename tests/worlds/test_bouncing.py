"""Bouncing shapes: energy and momentum are kept, nobody leaves the box, and nobody gets into another."""

from itertools import combinations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from wm_core.worlds.bouncing import BouncingShapes, energy, momentum

WORLD = BouncingShapes()


def seeded(seed):
    return torch.Generator().manual_seed(seed)


CLIPS = {objects: WORLD.bounces(100, seeded(objects), objects) for objects in (1, 2, 3)}
every_number = pytest.mark.parametrize("clips", CLIPS.values(), ids=CLIPS)


def gaps(clips):
    """(n, T, pairs) how far apart each two of them are."""
    pairs = combinations(range(clips.radius.shape[1]), 2)
    return torch.stack(
        [
            (clips.position[:, :, i] - clips.position[:, :, j]).norm(dim=-1)
            - (clips.radius[:, i] + clips.radius[:, j])[:, None]
            for i, j in pairs
        ],
        -1,
    )


@every_number
def test_energy_is_kept(clips):
    now = energy(clips.velocity)
    torch.testing.assert_close(now, now[:, :1].expand_as(now), rtol=1e-5, atol=0)


@every_number
def test_nobody_leaves_the_box(clips):
    room = torch.minimum(clips.position, 1 - clips.position).amin(-1) - clips.radius[:, None]
    assert room.min() >= -1e-6


@pytest.mark.parametrize("objects", [2, 3])
def test_nobody_overlaps_another_by_more_than_a_substep(objects):
    apart = gaps(CLIPS[objects])
    assert apart[:, 0].min() > 0
    assert apart.min() > -2 * objects * WORLD.speeds[1] / WORLD.substeps
    assert apart.min() > -0.3 / 24


@pytest.mark.parametrize("objects", [2, 3])
def test_momentum_changes_at_the_sides_only_and_collisions_do_change_velocities(objects):
    clips = CLIPS[objects]
    total = momentum(clips.velocity)
    free = ~clips.at_side.any(-1)[:, 1:]
    met = clips.struck.any(-1)[:, 1:] & free
    assert met.sum() > 20
    torch.testing.assert_close(total[:, 1:][free], total[:, :-1][free], atol=1e-6, rtol=0)
    turned = (clips.velocity[:, 1:] - clips.velocity[:, :-1]).norm(dim=-1).amax(-1)
    assert (turned[met] > 1e-6).all()


@every_number
def test_velocities_change_only_where_something_was_met_and_positions_follow_them(clips):
    met = (clips.struck | clips.at_side)[:, 1:]
    change = clips.velocity.diff(dim=1).abs().amax(-1)
    assert (change[~met] == 0).all()
    torch.testing.assert_close(clips.position.diff(dim=1)[~met], clips.velocity[:, :-1][~met], atol=1e-5, rtol=0)
    assert not clips.struck[:, 0].any()
    assert not clips.at_side[:, 0].any()


def test_one_who_is_struck_has_a_partner():
    assert set(CLIPS[2].struck.sum(-1).unique().tolist()) == {0, 2}
    assert 1 not in CLIPS[3].struck.sum(-1)
    assert not CLIPS[1].struck.any()


def test_a_head_on_collision_swaps_the_velocities_and_a_glancing_one_the_part_along_the_line():
    start = torch.tensor([[[0.3, 0.5], [0.6, 0.5]], [[0.3, 0.5], [0.5, 0.7]]])
    velocity = torch.tensor([[[0.04, 0.0], [-0.02, 0.0]], [[0.05, 0.0], [0.0, -0.01]]])
    _, after, struck, _ = WORLD.play(start, velocity, torch.full((2, 2), 0.1), 6)
    assert struck.any(1).all()
    torch.testing.assert_close(after[0, -1], velocity[0].flip(0), atol=1e-6, rtol=0)
    torch.testing.assert_close(momentum(after[1, -1]), momentum(velocity[1]), atol=1e-6, rtol=0)
    assert (after[1, -1] - velocity[1]).abs().min() > 1e-3


def test_a_side_mirrors_the_path():
    start, velocity = torch.tensor([[[0.8, 0.5]]]), torch.tensor([[[0.06, 0.01]]])
    position, after, _, at_side = WORLD.play(start, velocity, torch.full((1, 1), 0.1), 4)
    torch.testing.assert_close(position[0, :, 0, 0], torch.tensor([0.8, 0.86, 0.88, 0.82]))
    torch.testing.assert_close(after[0, -1, 0], torch.tensor([-0.06, 0.01]))
    assert at_side[0, :, 0].tolist() == [False, False, True, False]


@settings(deadline=None, max_examples=6)
@given(seed=some.integers(0, 10**6), speed=some.floats(0.01, 0.2), radius=some.floats(0.05, 0.15))
def test_laws_hold_at_other_speeds_and_sizes(seed, speed, radius):
    world = BouncingShapes(radii=(radius / 2, radius), speeds=(0.0, speed), size=4)
    clips = world.bounces(16, seeded(seed), 3, frames=8)
    now = energy(clips.velocity)
    torch.testing.assert_close(now, now[:, :1].expand_as(now), rtol=1e-5, atol=1e-12)
    assert (torch.minimum(clips.position, 1 - clips.position).amin(-1) - clips.radius[:, None]).min() >= -1e-6
    assert gaps(clips).min() > -6 * speed / world.substeps


def test_clips_have_the_shapes_and_kinds_they_say_and_repeat_with_their_seed():
    clips = CLIPS[3]
    assert clips.frames.shape == (100, 16, 3, 24, 24)
    assert clips.position.shape == clips.velocity.shape == (100, 16, 3, 2)
    assert clips.kind.unique().tolist() == [0, 1, 2]
    assert torch.equal(clips.frames, WORLD.bounces(100, seeded(3), 3).frames)
    assert WORLD.bounces(2, seeded(0), 1, frames=5).frames.shape == (2, 5, 3, 24, 24)


def test_shapes_are_drawn_where_they_are():
    clips = BouncingShapes(texture=0.0).bounces(50, seeded(0), 1)
    contrast = (clips.frames - 0.35).abs().sum(2)
    pixel = (torch.arange(24) + 0.5) / 24
    found = torch.stack([(contrast.sum(2) * pixel).sum(-1), (contrast.sum(3) * pixel).sum(-1)], -1)
    whole = (clips.kind == 0)[:, 0]
    torch.testing.assert_close(
        (found / contrast.sum((2, 3))[..., None])[whole], clips.position[whole][:, :, 0], atol=0.01, rtol=0
    )


@pytest.mark.parametrize(("objects", "radius"), [(0, 0.1), (5, 0.25)])
def test_too_few_and_too_crowded_are_refused(objects, radius):
    with pytest.raises(ValueError, match=f"objects is {objects}"):
        BouncingShapes(radii=(radius, radius)).bounces(2, seeded(0), objects)


def test_two_who_overlap_and_part_are_let_go():
    start, velocity = torch.tensor([[[0.41, 0.5], [0.59, 0.5]]]), torch.tensor([[[-0.001, 0.0], [0.002, 0.001]]])
    _, after, struck, _ = WORLD.play(start, velocity, torch.full((1, 2), 0.1), 3)
    assert not struck.any()
    torch.testing.assert_close(after[0, -1], velocity[0])
