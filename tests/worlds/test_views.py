"""Views: crops show what their boxes say, and only what was asked for is changed."""

import pytest
import torch

from wm_core.worlds.shapes import Shapes
from wm_core.worlds.views import crops, cut, in_view, recolour, views

SCENES = Shapes(texture=0.0, radii=(0.1, 0.1)).draw(64, torch.Generator().manual_seed(0))


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def test_as_many_views_as_asked_for_in_the_sizes_asked_for():
    large, small, boxes = views(SCENES.images, seeded(0), 2, 5, size=20, local_size=10)
    assert large.shape == (64, 2, 3, 20, 20)
    assert small.shape == (64, 5, 3, 10, 10)
    assert boxes.shape == (64, 7, 4)
    plain = views(SCENES.images, seeded(0))
    assert plain.large.shape == (64, 2, 3, 24, 24)
    assert plain.small.shape == (64, 0, 3, 12, 12)


def test_the_same_seed_gives_the_same_views_and_each_view_is_another():
    first, again = (views(SCENES.images, seeded(2), 2, 1, jitter=0.3) for _ in range(2))
    assert all(map(torch.equal, first, again))
    assert not torch.equal(first.large[:, 0], first.large[:, 1])


def test_boxes_lie_in_the_picture_and_have_the_area_and_shape_asked_for():
    boxes = crops(4000, 2, seeded(0), (0.2, 0.5), (0.8, 1.25))
    assert boxes[..., :2].min() >= 0
    assert (boxes[..., :2] + boxes[..., 2:]).max() <= 1 + 1e-6
    area, aspect = boxes[..., 2] * boxes[..., 3], boxes[..., 2] / boxes[..., 3]
    torch.testing.assert_close(torch.stack([area.min(), area.max()]), torch.tensor([0.2, 0.5]), atol=2e-3, rtol=0)
    torch.testing.assert_close(torch.stack([aspect.min(), aspect.max()]), torch.tensor([0.8, 1.25]), atol=2e-3, rtol=0)


def test_the_whole_picture_as_a_box_is_the_picture():
    whole = torch.tensor([0.0, 0.0, 1.0, 1.0]).expand(64, 1, 4)
    torch.testing.assert_close(cut(SCENES.images, whole, 24)[:, 0], SCENES.images, atol=1e-5, rtol=0)


def test_a_box_on_pixel_borders_shows_just_those_pixels_of_its_own_picture():
    box = torch.tensor([6.0, 3.0, 12.0, 12.0]).div(24).expand(64, 1, 4)
    torch.testing.assert_close(cut(SCENES.images, box, 12)[:, 0], SCENES.images[:, :, 3:15, 6:18], atol=1e-5, rtol=0)


def test_a_shape_goes_where_its_box_takes_it():
    large, _, boxes = views(SCENES.images, seeded(0), 3, flip=True)
    where = in_view(SCENES.position, boxes)
    contrast = (large - 0.35).abs().sum(2)
    pixel = (torch.arange(24) + 0.5) / 24
    found = (
        torch.stack([(contrast.sum(2) * pixel).sum(-1), (contrast.sum(3) * pixel).sum(-1)], -1)
        / contrast.sum((2, 3))[..., None]
    )
    inside = ((where > 0.3) & (where < 0.7)).all(-1)
    assert inside.sum() > 40
    assert (found - where)[inside].abs().max() < 0.02


def test_flips_are_off_until_asked_for_and_then_half():
    assert (views(SCENES.images, seeded(0)).boxes[..., 2] > 0).all()
    flipped = views(SCENES.images, seeded(0), 8, flip=True).boxes[..., 2] < 0
    assert 0.4 < flipped.float().mean() < 0.6


def test_without_jitter_colours_stay():
    flat = torch.rand(64, 3, 1, 1, generator=seeded(0)).expand(64, 3, 24, 24)
    torch.testing.assert_close(views(flat, seeded(0), 2).large, flat[:, None].expand(-1, 2, -1, -1, -1))
    assert (views(flat, seeded(0), 2, jitter=0.2).large - flat[:, None]).abs().mean() > 0.01


def test_no_jitter_at_all_is_the_identity_and_a_turn_of_hue_keeps_grey():
    images = SCENES.images[:, None]
    torch.testing.assert_close(recolour(images, seeded(0), 0.0, 0.0), images, atol=1e-5, rtol=0)
    grey = torch.rand(64, 1, 1, 8, 8, generator=seeded(0)).expand(-1, -1, 3, -1, -1)
    torch.testing.assert_close(recolour(grey, seeded(0), 0.0, 0.5), grey, atol=1e-5, rtol=0)
    assert (recolour(images, seeded(0), 0.0, 0.3) - images).abs().amax() > 0.3


def test_a_third_of_a_turn_of_hue_takes_red_to_green():
    red = torch.tensor([1.0, 0.0, 0.0]).view(1, 1, 3, 1, 1).expand(4000, 1, 3, 1, 1)
    turned = recolour(red, seeded(0), 0.0, 1 / 3).flatten(1)  # turns spread evenly over ± a third
    greenest, bluest = turned[turned[:, 1].argmax()], turned[turned[:, 2].argmax()]
    torch.testing.assert_close(greenest, torch.tensor([0.0, 1.0, 0.0]), atol=0.01, rtol=0)
    torch.testing.assert_close(bluest, torch.tensor([0.0, 0.0, 1.0]), atol=0.01, rtol=0)


def test_jitter_changes_brightness_by_no_more_than_asked():
    grey = torch.full((4000, 1, 3, 2, 2), 0.5)
    bright = recolour(grey, seeded(0), 0.4)[:, 0, 0, 0, 0]
    assert float(bright.min()) == pytest.approx(0.3, abs=0.005)
    assert float(bright.max()) == pytest.approx(0.7, abs=0.005)


@pytest.mark.parametrize("scale", [(0.0, 0.5), (0.5, 0.2), (0.5, 1.5)])
def test_a_share_of_the_area_that_cannot_be_is_refused(scale):
    with pytest.raises(ValueError, match="scale"):
        views(SCENES.images, seeded(0), scale=scale)
