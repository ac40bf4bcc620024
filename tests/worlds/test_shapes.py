"""Shapes: seeds repeat, factors are independent, and an edit of one factor changes what it names and nothing else."""

import math

import pytest
import torch

from wm_core.worlds.drawing import COLOURS, KINDS
from wm_core.worlds.shapes import Scenes, Shapes

WORLD = Shapes()


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def test_the_same_seed_gives_the_same_scenes_and_another_does_not():
    first, again, other = (Shapes(detail=0.2).draw(8, seeded(seed)) for seed in (3, 3, 4))
    assert all(map(torch.equal, first, again))
    assert not torch.equal(first.images, other.images)
    assert not torch.equal(first.position, other.position)


def test_scenes_have_the_shapes_and_ranges_they_say():
    scenes = WORLD.draw(700, seeded(0))
    assert scenes.images.shape == (700, 3, 24, 24)
    assert scenes.images.dtype == torch.float32
    assert scenes.images.min() >= 0
    assert scenes.images.max() <= 1
    assert {f: tuple(getattr(scenes, f).shape) for f in ("kind", "colour", "hue", "radius", "angle", "visible")} == {
        f: (700,) for f in ("kind", "colour", "hue", "radius", "angle", "visible")
    }
    assert scenes.position.shape == (700, 2)
    assert scenes.position.min() >= WORLD.margin
    assert scenes.position.max() <= 1 - WORLD.margin
    assert scenes.radius.min() >= WORLD.radii[0]
    assert scenes.radius.max() <= WORLD.radii[1]
    assert -math.pi <= scenes.angle.min() < -math.pi + 0.1
    assert math.pi - 0.1 < scenes.angle.max() <= math.pi
    assert scenes.visible.all()


def test_factors_are_even_and_independent():
    scenes = WORLD.draw(6000, seeded(0))
    pairs = torch.bincount(scenes.kind * len(COLOURS) + scenes.colour, minlength=24) / 6000
    assert (pairs - 1 / 24).abs().max() < 0.01
    numbers = torch.stack(
        [scenes.kind, scenes.colour, scenes.radius, *scenes.position.T, scenes.angle, *scenes.texture[:, 0].T]
    )
    assert (torch.corrcoef(numbers.float()) - torch.eye(len(numbers))).abs().max() < 0.06


def test_a_scene_redrawn_from_its_factors_is_the_same_picture():
    scenes = WORLD.draw(700, seeded(0))  # more than one chunk
    assert torch.equal(WORLD.render(scenes), scenes.images)
    assert torch.equal(WORLD.render(scenes.take(slice(600, 650))), scenes.images[600:650])
    noisy = Shapes(detail=0.3)
    assert torch.equal(noisy.render(scenes, seeded(1)), noisy.render(scenes, seeded(1)))
    assert torch.equal(noisy.render(scenes), scenes.images)


def test_an_edit_of_hue_changes_colour_inside_the_shape_only():
    scenes = WORLD.draw(32, seeded(0))
    edited = WORLD.render(scenes._replace(hue=(scenes.hue + 0.5) % 1))
    inside = WORLD._covers(scenes)[:, 0] > 0
    changed = (edited - scenes.images).abs().amax(1) > 1e-3
    assert torch.equal(changed & inside, changed)
    assert changed.float().sum() > 0.9 * inside.float().sum()


def test_pictures_pass_gradients_to_every_continuous_factor():
    scenes = WORLD.draw(4, seeded(1))
    names = ("hue", "radius", "position", "angle", "texture")
    loose = {name: getattr(scenes, name).clone().requires_grad_() for name in names}
    target = torch.rand(4, 3, 24, 24, generator=seeded(0))
    (WORLD.render(scenes._replace(**loose)) - target).square().sum().backward()
    assert all(factor.grad.isfinite().all() and factor.grad.abs().max() > 0 for factor in loose.values())


def test_detail_lies_behind_the_shape_or_over_everything():
    scenes = Shapes(texture=0.0).draw(64, seeded(0))
    core = (WORLD._covers(scenes)[:, 0] == 1)[:, None].expand(-1, 3, -1, -1)
    behind = Shapes(texture=0.0, detail=0.3).render(scenes, seeded(1))
    over = Shapes(texture=0.0, detail=0.3, detail_over="all").render(scenes, seeded(1))
    torch.testing.assert_close(behind[core], scenes.images[core])
    assert (over[core] - scenes.images[core]).abs().mean() > 0.1
    assert (behind[~core] - scenes.images[~core]).abs().mean() > 0.1


def test_detail_does_not_change_what_else_is_drawn():
    clean, noisy = (Shapes(detail=detail).draw(16, seeded(0)) for detail in (0.0, 0.5))
    assert all(map(torch.equal, clean[1:], noisy[1:]))


def test_several_shapes_have_factors_of_their_own_and_their_number_varies():
    world = Shapes(objects=(1, 3))
    scenes = world.draw(3000, seeded(0))
    assert scenes.position.shape == (3000, 3, 2)
    assert scenes.kind.shape == (3000, 3)
    number = scenes.visible.sum(1)
    assert (torch.bincount(number, minlength=4) / 3000 - torch.tensor([0, 1 / 3, 1 / 3, 1 / 3])).abs().max() < 0.03
    one = number == 1
    alone = Shapes().render(
        Scenes(*(each[:, 0] if name not in ("images", "texture") else each for name, each in scenes._asdict().items()))
    )
    torch.testing.assert_close(scenes.images[one], alone[one])
    assert (scenes.images[~one] - alone[~one]).abs().amax((1, 2, 3)).gt(0.05).float().mean() > 0.95


def test_later_shapes_lie_over_earlier_ones():
    world = Shapes(objects=2)
    scenes = world.draw(1, seeded(0))
    same_place = scenes._replace(
        position=torch.full((1, 2, 2), 0.5),
        radius=torch.tensor([[0.2, 0.1]]),
        hue=torch.tensor([[0.0, 1 / 3]]),
        kind=torch.zeros(1, 2).long(),
    )
    red, green, _ = world.render(same_place)[0, :, 12, 12]
    assert green > 0.9 > 0.2 > red
    torch.testing.assert_close(world.uncovered(same_place), torch.tensor([[0.75, 1.0]]), atol=0.03, rtol=0)
    swapped = same_place._replace(radius=torch.tensor([[0.1, 0.2]]))
    torch.testing.assert_close(world.uncovered(swapped), torch.tensor([[0.0, 1.0]]), atol=0.03, rtol=0)


def test_a_lone_shape_is_seen_whole_unless_the_border_cuts_it_or_it_is_not_there():
    scenes = WORLD.draw(64, seeded(0))
    corner = scenes._replace(position=torch.zeros(64, 2), kind=torch.zeros(64).long())
    middle = scenes._replace(position=torch.full((64, 2), 0.5))
    assert (WORLD.uncovered(middle) > 0.95).all()
    assert (WORLD.uncovered(corner) - 0.25).abs().max() < 0.05
    assert (WORLD.uncovered(middle._replace(visible=~middle.visible)) == 0).all()


def test_kinds_are_told_apart_by_no_channel_of_mean_brightness():
    scenes = Shapes(texture=0.0).draw(8000, seeded(0))
    means = scenes.images.mean((2, 3))
    by_kind = torch.stack([means[scenes.kind == kind].mean(0) for kind in range(len(KINDS))])
    assert (by_kind - means.mean(0)).abs().max() < 0.1 * means.std(0).min() + 0.003


@pytest.mark.parametrize("objects", [0, (0, 2), (3, 2)])
def test_an_impossible_number_of_objects_is_refused(objects):
    with pytest.raises(ValueError, match="objects"):
        Shapes(objects=objects).draw(2, seeded(0))


def test_shapes_stand_as_upright_as_is_asked():
    assert Shapes(turn=0.2).draw(300, torch.Generator().manual_seed(0)).angle.abs().max() <= 0.2
    anyhow = Shapes().draw(300, torch.Generator().manual_seed(0)).angle
    assert anyhow.min() < -3
    assert anyhow.max() > 3
