"""The stage: what is behind an occluder is hidden, and nothing gets into a wall."""

import pytest
import torch

from wm_core.worlds.drawing import HALF_WIDTH
from wm_core.worlds.stage import SCENES, Stage

STAGE = Stage()
CLIPS = STAGE.occluded(500, torch.Generator().manual_seed(0))
HALF = torch.tensor(HALF_WIDTH)[CLIPS.track.kind] * CLIPS.track.radius


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def scene(name):
    return CLIPS.scene == list(SCENES).index(name)


def test_clips_have_the_shapes_and_range_they_say():
    assert CLIPS.frames.shape == (500, 16, 3, 24, 24)
    assert CLIPS.frames.min() >= 0
    assert CLIPS.frames.max() <= 1
    assert STAGE.occluded(3, seeded(0), frames=11).frames.shape == (3, 11, 3, 24, 24)
    assert STAGE.occluded(3, seeded(0), frames=11).seen.shape == (3, 11)


def test_scenes_come_as_often_as_is_said():
    shares = torch.bincount(CLIPS.scene, minlength=len(SCENES)) / 500
    assert (shares - torch.tensor(list(SCENES.values()))).abs().max() < 0.06


def test_occluders_and_walls_stand_in_the_scenes_of_their_names():
    occluded, walled = CLIPS.occluder.abs().sum(1) > 0, CLIPS.wall.abs().sum(1) > 0
    assert torch.equal(occluded, scene("occluder") | scene("wall behind occluder") | scene("nothing moves"))
    assert torch.equal(walled, scene("wall") | scene("wall behind occluder"))
    assert torch.equal(CLIPS.track.present[:, 0], ~scene("nothing moves"))
    assert (CLIPS.occluder[occluded][:, [0, 1]] > 1 / 24).all()
    assert (CLIPS.occluder[occluded][:, [2, 3]] < 23 / 24).all()  # so that a wall behind shows above and below


@pytest.mark.parametrize("name", ["occluder", "wall behind occluder"])
def test_every_shape_behind_an_occluder_is_seen_before_and_hidden_whole_for_a_while(name):
    seen = CLIPS.seen[scene(name)]
    assert seen.amin(1).max() < 0.01
    assert (seen[:, :8].amax(1) > 0.5).all()


def test_no_shape_is_behind_an_occluder_at_first_or_at_last():
    here = scene("occluder")
    apart = (CLIPS.track.position[..., 0] - CLIPS.occluder[:, ::2].mean(1, keepdim=True)).abs() - HALF
    wide = (CLIPS.occluder[:, 2] - CLIPS.occluder[:, 0]) / 2
    assert (apart[here][:, [0, -1]] > wide[here][:, None]).all()


def test_a_shape_seen_through_a_crossing_comes_out_on_the_far_side_unless_a_wall_is_there():
    side = (CLIPS.track.position[:, [0, -1], 0] - 0.5).sign().prod(1)
    assert (side[scene("occluder") | scene("plain")] == -1).all()
    assert (side[scene("wall") | scene("wall behind occluder")] == 1).all()


def test_no_shape_gets_into_a_wall_and_every_one_touches_it():
    walled = scene("wall") | scene("wall behind occluder")
    gap = (CLIPS.track.position[..., 0] - CLIPS.wall[:, ::2].mean(1, keepdim=True)).abs() - HALF - STAGE.thickness / 2
    assert gap[walled].min() > -1e-6
    step = CLIPS.track.velocity[walled][..., 0].abs().amax(1)
    assert (gap[walled].amin(1) <= step / 2 + 1e-6).all()


def test_a_wall_hides_no_part_of_a_shape_that_touches_it():
    free = CLIPS.frames.new_ones(())
    here = scene("wall")
    inside = here[:, None] & ((CLIPS.track.position[..., 0] - 0.5).abs() < 0.5 - HALF)
    assert (CLIPS.seen[inside] - free).abs().max() < 0.15


def test_shapes_keep_their_speed_and_only_walls_turn_them():
    moved = CLIPS.track.position.diff(dim=1)
    velocity = CLIPS.track.velocity
    assert (velocity[..., 1] == 0).all()
    turned = velocity[:, 1:, 0] != velocity[:, :-1, 0]
    torch.testing.assert_close(moved[~turned], velocity[:, :-1][~turned], atol=1e-6, rtol=0)
    assert torch.equal(turned.any(1), scene("wall") | scene("wall behind occluder"))
    assert (turned.sum(1) <= 1).all()
    torch.testing.assert_close(velocity.abs(), velocity[:, :1].abs().expand_as(velocity))


def test_shapes_come_from_both_sides_at_various_speeds_and_heights():
    right = CLIPS.track.velocity[:, 0, 0] > 0
    assert 0.45 < right.float().mean() < 0.55
    speed = CLIPS.track.velocity[:, 0, 0].abs() * 15
    assert speed.min() < 0.85
    assert speed.max() > 1.35
    plain = CLIPS.track.position[scene("plain") | scene("wall")][:, 0, 1]
    assert plain.min() < 0.25
    assert plain.max() > 0.75


def test_a_wall_has_stripes_and_an_occluder_has_none():
    pixel = (torch.arange(24) + 0.5) / 24
    for i in scene("wall behind occluder").nonzero()[:20, 0]:
        left, top, right, bottom = CLIPS.occluder[i]
        column = CLIPS.frames[i, 0, :, :, (pixel - CLIPS.wall[i, ::2].mean()).abs().argmin()]
        behind = (pixel > top + 1 / 24) & (pixel < bottom - 1 / 24)
        before = (pixel < top - 1 / 24) | (pixel > bottom + 1 / 24)
        assert column[:, behind].std(1).max() < 1e-6
        assert (column[:, before].amax(1) - column[:, before].amin(1)).min() > 0.5
        assert right - left > 0.3


def test_the_same_seed_gives_the_same_clips():
    first, again, other = (Stage(detail=0.1).occluded(8, seeded(seed)) for seed in (0, 0, 1))
    assert torch.equal(first.frames, again.frames)
    assert all(map(torch.equal, first.track, again.track))
    assert not torch.equal(first.frames, other.frames)


@pytest.mark.parametrize(("size", "frames"), [(24, 7), (16, 16)])
def test_a_stage_too_small_or_too_short_is_refused(size, frames):
    with pytest.raises(ValueError, match=f"frames is {frames} and size {size}"):
        Stage(size=size).occluded(2, seeded(0), frames=frames)
