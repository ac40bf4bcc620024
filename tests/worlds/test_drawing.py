"""Drawing shapes: areas, edges, symmetries and gradients are what geometry says."""

import math

import pytest
import torch

from wm_core.worlds.drawing import (
    COLOURS,
    HALF_WIDTH,
    KINDS,
    REACH,
    SYMMETRY,
    Look,
    angle_vector,
    bar,
    coverage,
    draw_hues,
    has_angle,
    hue_vector,
    paint,
    rgb,
)

EVERY = torch.arange(len(KINDS))


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def upright(kind=EVERY, radius=0.2, angle=0.0, size=96, place=(0.5, 0.5)):
    position = torch.tensor(place).expand(len(kind), 2)
    return coverage(kind, position, torch.full((len(kind),), radius), torch.full((len(kind),), angle), size)


@pytest.mark.parametrize("angle", [0.0, 0.3, 1.1])
def test_every_kind_covers_the_area_of_the_disc_of_its_radius(angle):
    area = upright(angle=angle).sum((1, 2)) / 96**2
    torch.testing.assert_close(area, torch.full((4,), math.pi * 0.2**2), rtol=0.01, atol=0)


def test_no_two_kinds_look_alike():
    covers = upright().flatten(1)
    assert ((covers[:, None] - covers[None]).abs().mean(-1) + torch.eye(4) > 0.01).all()


def test_a_kind_looks_the_same_after_its_share_of_a_turn_and_not_after_half_of_that():
    for kind in EVERY[1:]:
        turn = 2 * math.pi / SYMMETRY[kind]
        first, whole, half = (upright(kind[None], angle=0.4 + angle) for angle in (0, turn, turn / 2))
        torch.testing.assert_close(first, whole, atol=1e-3, rtol=0)
        assert (first - half).abs().mean() > 0.01
        vectors = [angle_vector(kind, torch.tensor(0.4 + angle)) for angle in (0, turn, turn / 2)]
        torch.testing.assert_close(vectors[0], vectors[1])
        assert (vectors[0] - vectors[2]).norm() > 1.9


def test_a_disc_has_no_angle():
    torch.testing.assert_close(upright(EVERY[:1], angle=0.0), upright(EVERY[:1], angle=0.7), atol=1e-4, rtol=0)
    assert has_angle(EVERY).tolist() == [False, True, True, True]


def test_shapes_reach_as_far_as_is_said():
    pixel = (torch.arange(96) + 0.5) / 96 - 0.5
    for kind, wide in zip(EVERY, HALF_WIDTH, strict=True):
        columns = upright(kind[None])[0].amax(0) > 0.4
        assert float(pixel[columns].abs().max()) == pytest.approx(0.2 * wide, abs=1.1 / 96)
    rows, columns = torch.meshgrid(pixel, pixel, indexing="ij")
    distance = (rows.square() + columns.square()).sqrt()
    touched = (upright() > 0.5).amax(0)
    assert distance[touched].max() <= 0.2 * REACH + 1 / 96
    assert distance[touched].max() >= 0.2 * REACH - 3 / 96


def test_a_shape_stands_where_it_was_put_with_y_down_and_the_triangle_up():
    covers = upright(place=(0.7, 0.3))
    pixel = (torch.arange(96) + 0.5) / 96
    mass = covers.sum((1, 2))
    torch.testing.assert_close((covers.sum(1) * pixel).sum(1) / mass, torch.full((4,), 0.7), atol=2e-3, rtol=0)
    torch.testing.assert_close((covers.sum(2) * pixel).sum(1) / mass, torch.full((4,), 0.3), atol=2e-3, rtol=0)
    triangle = upright(EVERY[2:3])[0].sum(1).nonzero()
    assert 48 - triangle.min() > triangle.max() - 48


def test_an_angle_turns_clockwise_on_screen():
    """The triangle's upper tip goes to the right."""
    tip = upright(EVERY[2:3], angle=0.3)[0]
    top = tip.sum(1).nonzero().min()
    assert tip[top].argmax() > 50


@pytest.mark.parametrize("kind", EVERY, ids=KINDS)
def test_edges_pass_the_gradients_of_moving_and_growing(kind):
    place = (0.45 + 0.1 * torch.rand(500, 2, generator=seeded(0))).requires_grad_()
    radius, angle = (
        torch.full((500,), 0.2).requires_grad_(),
        (6 * torch.rand(500, generator=seeded(1))).requires_grad_(),
    )
    cover = coverage(kind.expand(500), place, radius, angle, 24)
    ramp = (torch.arange(24) + 0.5) / 24
    moved, turned = torch.autograd.grad((cover * ramp).sum(), (place, angle), retain_graph=True)
    (grown,) = torch.autograd.grad(cover.sum(), radius)
    mass = math.pi * 0.2**2 * 24**2
    assert float(moved[:, 0].mean()) == pytest.approx(mass, rel=0.05)
    assert abs(float(moved[:, 1].mean())) < 0.05 * mass
    assert float(grown.mean()) == pytest.approx(2 * mass / 0.2, rel=0.05)
    assert turned.isfinite().all()


def test_the_centre_of_a_disc_on_a_pixel_has_finite_slopes():
    place = torch.tensor([12.5 / 24, 12.5 / 24], requires_grad=True)
    coverage(torch.tensor(0), place, torch.tensor(0.0), torch.tensor(0.0), 24).sum().backward()
    assert place.grad.isfinite().all()


def test_named_colours_have_the_screen_colours_of_their_names():
    full = rgb(torch.arange(6) / 6, saturation=1.0, value=1.0)
    wanted = {"red": (1, 0, 0), "yellow": (1, 1, 0), "green": (0, 1, 0)}
    wanted |= {"cyan": (0, 1, 1), "blue": (0, 0, 1), "magenta": (1, 0, 1)}
    torch.testing.assert_close(full, torch.tensor([wanted[name] for name in COLOURS]).float(), atol=1e-5, rtol=0)


def test_hues_stay_near_their_colour_around_the_circle():
    colour = torch.arange(6).repeat(500)
    hue = draw_hues(colour, seeded(0), 0.02)
    assert hue.min() >= 0
    assert hue.max() < 1
    apart = (hue - colour / 6 + 0.5) % 1 - 0.5
    assert 0.019 < apart.abs().max() <= 0.02 + 1e-6
    nearest = (hue_vector(hue) @ hue_vector(torch.arange(6) / 6).T).argmax(1)
    assert torch.equal(nearest, colour)


def test_paint_covers_where_it_should():
    canvas, cover = torch.full((3, 2, 2), 0.2), torch.tensor([[0.0, 1.0], [0.5, 0.0]])
    painted = paint(canvas, cover, torch.tensor([1.0, 0.0, 0.6]))
    torch.testing.assert_close(painted[:, 0, 0], canvas[:, 0, 0])
    torch.testing.assert_close(painted[:, 0, 1], torch.tensor([1.0, 0.0, 0.6]))
    torch.testing.assert_close(painted[:, 1, 0], torch.tensor([0.6, 0.1, 0.4]))


def test_a_bar_covers_its_area_to_the_fraction_of_a_pixel():
    boxes = torch.tensor([[0.11, 0.2, 0.345, 0.77], [0.5, 0.0, 0.5, 1.0], [0.0, 0.0, 1.0, 1.0]])
    covers = bar(boxes, 24)
    torch.testing.assert_close(covers.mean((1, 2)), torch.tensor([0.235 * 0.57, 0.0, 1.0]))
    assert covers[0, 0].sum() == 0
    assert covers[0, 10, 4] == 1


def test_backgrounds_vary_by_the_texture_about_a_mid_grey_and_slowly():
    look = Look(texture=0.1)
    papers = look.background(look.textures(4096, seeded(0)))[:, 0]
    assert float(papers.mean()) == pytest.approx(0.35, abs=0.01)
    assert float(papers.std(0).square().mean().sqrt()) == pytest.approx(0.1, rel=0.05)
    assert papers.diff(dim=-1).square().mean() < 0.02 * papers.var(0).mean()
    channels = papers[:, :, 12, 12].T
    assert (torch.corrcoef(channels) - torch.eye(3)).abs().max() < 0.06


def test_detail_has_the_standard_deviation_it_says_and_is_new_in_every_pixel_and_frame():
    look = Look(texture=0.0, detail=0.05)
    frames = look.background(look.textures(200, seeded(0)), seeded(1), frames=2)
    assert float(frames.std()) == pytest.approx(0.05, rel=0.02)
    for neighbour in (frames.roll(1, -1), frames.roll(1, -2), frames.roll(1, 2), frames.roll(1, 1)):
        assert abs(float(torch.corrcoef(torch.stack([frames.flatten(), neighbour.flatten()]))[0, 1])) < 0.01


def test_full_detail_throws_three_values_in_five_to_the_ends():
    look = Look(texture=0.0, detail=1.0)
    frames = look.finish(look.background(look.textures(50, seeded(0)), seeded(1)))
    assert float(((frames == 0) | (frames == 1)).float().mean()) == pytest.approx(0.62, abs=0.02)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"detail_over": "none"}, "detail_over"),
        ({"detail": -0.1}, "detail"),
        ({"texture": -1.0}, "texture"),
        ({"size": 0}, "size"),
    ],
)
def test_a_look_that_cannot_be_is_refused_by_name(settings, named):
    with pytest.raises(ValueError, match=named):
        Look(**settings)
