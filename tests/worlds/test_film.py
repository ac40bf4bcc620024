"""Film: objects and layers cover one another in their order, the background stays, and what is seen is counted."""

import math

import torch

from wm_core.worlds.drawing import Look, bar
from wm_core.worlds.film import Layer, Track, film


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def a_track(n=3, time=4, objects=(), radius=0.15):
    shape = (n, time, *objects)
    place = torch.full((*shape, 2), 0.5)
    flags = torch.ones(shape, dtype=torch.bool)
    return Track(
        flags.long() * 0, torch.zeros(shape), torch.full(shape, radius), torch.zeros(shape), place, 0 * place, flags
    )


def test_what_is_not_present_is_not_drawn_and_not_seen():
    look, track = Look(), a_track()
    present = track.present.clone()
    present[:, 2:] = False
    frames, seen = film(look, look.textures(3, seeded(0)), track._replace(present=present))
    assert torch.equal(frames[:, 0], frames[:, 1])
    assert (frames[:, 1] - frames[:, 2]).abs().max() > 0.3
    torch.testing.assert_close(seen, present.float(), atol=0.03, rtol=0)


def test_the_background_stays_and_the_detail_is_new_in_each_frame():
    look = Look(detail=0.2)
    track = a_track(n=200)._replace(present=torch.zeros(200, 4, dtype=torch.bool))  # more than one reel
    texture = look.textures(200, seeded(0))
    still, moving = film(look, texture, track)[0], film(look, texture, track, seeded(1))[0]
    assert torch.equal(still, still[:, :1].expand_as(still))
    differences = (moving - still).flatten(2)
    for t in range(1, 4):
        assert (
            abs(float(torch.corrcoef(torch.stack([differences[:, 0].flatten(), differences[:, t].flatten()]))[0, 1]))
            < 0.02
        )


def test_a_layer_hides_what_is_behind_it_and_later_objects_hide_earlier_ones():
    look, track = Look(texture=0.0), a_track(objects=(2,))
    track = track._replace(
        hue=torch.tensor([0.0, 1 / 3]).expand(3, 4, 2), radius=torch.tensor([0.2, 0.1]).expand(3, 4, 2)
    )
    left_half = bar(torch.tensor([0.0, 0.0, 0.5, 1.0]).expand(3, 4), 24)
    layer = Layer(left_half, torch.ones(3, 3, 24, 24))
    frames, seen = film(look, look.textures(3, seeded(0)), track, layers=(layer,))
    assert (frames[..., :12] == 1).all()
    red, green, _ = frames[0, 0, :, 12, 13]
    assert green > 0.9 > 0.2 > red
    torch.testing.assert_close(seen, torch.tensor([0.375, 0.5]).expand(3, 4, 2), atol=0.02, rtol=0)


def test_a_later_layer_lies_over_an_earlier_one():
    look, track = Look(), a_track()
    full = torch.ones(3, 24, 24)
    layers = tuple(Layer(full, torch.full((3, 3, 24, 24), grey)) for grey in (0.2, 0.7))
    frames, seen = film(look, look.textures(3, seeded(0)), track, layers=layers)
    assert (frames == 0.7).all()
    assert (seen == 0).all()


def test_what_leaves_the_picture_is_seen_in_part():
    look, track = Look(), a_track()
    away = track._replace(position=torch.tensor([0.0, 0.5]).expand(3, 4, 2))
    seen = film(look, look.textures(3, seeded(0)), away)[1]
    torch.testing.assert_close(seen, torch.full((3, 4), 0.5), atol=0.03, rtol=0)
    assert math.isclose(float(film(look, look.textures(3, seeded(0)), track)[1].mean()), 1, abs_tol=0.03)
