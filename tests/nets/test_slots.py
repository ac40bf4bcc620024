"""Slots compete for places, see them from where they are, and are drawn there one by one."""

import pytest
import torch

from wm_core.nets.slots import SlotAttention, SlotAutoencoder, Slots, grid, reconstruction


def seeded(seed):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def attention():
    torch.manual_seed(0)
    return SlotAttention(features=6, dim=8)


@pytest.fixture
def net():
    torch.manual_seed(0)
    return SlotAutoencoder(size=8, dim=8, width=12)


@pytest.fixture
def scene():
    features = torch.randn(2, 16, 6, generator=seeded(1))
    slots = Slots(torch.randn(2, 3, 8, generator=seeded(2)), torch.randn(2, 3, 2, generator=seeded(3)))
    return features, grid(4), slots


def test_at_each_place_what_one_slot_takes_the_others_lose(attention, scene):
    features, places, slots = scene
    attention.iterations, slots = 1, Slots(slots.what, slots.where / 5)  # near each other
    _, share = attention(features, places, slots)
    assert share.shape == (2, 3, 16)
    left = 1 - share.sum(1)
    assert left.amin() > 0  # for nobody
    _, fewer = attention(features, places, Slots(*(part[:, :2] for part in slots)))
    odds = share[:, :2] / left[:, None]  # a slot that goes leaves the odds of the others, and of nobody, as they were
    torch.testing.assert_close(fewer / (1 - fewer.sum(1, keepdim=True)), odds, rtol=1e-4, atol=1e-5)
    assert (fewer >= share[:, :2]).all()
    assert (fewer > share[:, :2] + 1e-3).any()


def test_a_slot_that_knows_nothing_takes_what_is_near():
    torch.manual_seed(0)
    attention = SlotAttention(features=6, dim=8, iterations=1)
    with torch.no_grad():
        attention.key.weight.zero_()
    slots = Slots(torch.zeros(1, 2, 8), torch.tensor([[[-0.75, -0.75], [0.25, 0.75]]]))
    found, share = attention(torch.randn(1, 64, 6), grid(8), slots, hinted=True)
    torch.testing.assert_close(found.where, slots.where, atol=0.1, rtol=0)
    nearest = (grid(8) - slots.where[0, :, None]).square().sum(-1).argmin(1)
    assert share[0].argmax(1).equal(nearest)


def test_a_slot_is_at_the_middle_of_what_it_took(attention, scene):
    slots, share = attention(*scene)
    middle = (share @ grid(4)) / share.sum(-1, keepdim=True)
    torch.testing.assert_close(slots.where, middle, atol=1e-5, rtol=0)


def test_places_have_no_order_and_slots_keep_theirs(attention, scene):
    features, places, slots = scene
    found, share = attention(features, places, slots)
    again, _ = attention(features.flip(1), places.flip(0), slots)
    turned, others = attention(features, places, Slots(*(part[:, [2, 0, 1]] for part in slots)))
    for part in range(2):
        torch.testing.assert_close(again[part], found[part], atol=1e-5, rtol=0)
        torch.testing.assert_close(turned[part], found[part][:, [2, 0, 1]], atol=1e-5, rtol=0)
    torch.testing.assert_close(others, share[:, [2, 0, 1]], atol=1e-5, rtol=0)


def test_only_the_distance_from_a_slot_counts_and_not_the_place_in_the_picture(attention, scene):
    features, places, slots = scene
    shift = torch.tensor([0.3, -0.2])
    found, share = attention(features, places, slots)
    moved, same = attention(features, places + shift, Slots(slots.what, slots.where + shift))
    torch.testing.assert_close(same, share, atol=1e-5, rtol=0)
    torch.testing.assert_close(moved.what, found.what, atol=1e-5, rtol=0)
    torch.testing.assert_close(moved.where, found.where + shift, atol=1e-5, rtol=0)


def test_the_frame_is_the_sum_of_the_slots_drawings_and_of_the_ground_under_masks_that_sum_to_1(net):
    net = net.double()
    slots = Slots(torch.randn(2, 3, 8, generator=seeded(1)), torch.rand(2, 3, 2, generator=seeded(2)) - 0.5)
    slots = Slots(*(part.double() for part in slots))
    with torch.no_grad():
        net.ground.copy_(torch.tensor([0.1, 0.2, 0.3]))
    frame, masks = net.decode(slots)
    assert frame.shape == (2, 3, 8, 8)
    ground, rest = net.ground[:, None, None], 1 - masks.sum(1, keepdim=True)
    assert rest.amin() >= 0
    whole = rest * ground
    for k in range(3):
        single, mask = net.decode(Slots(*(part[:, [k]] for part in slots)))
        drawing = (single - (1 - mask) * ground) / mask.clamp_min(1e-9)  # of this slot alone
        whole = whole + masks[:, [k]] * drawing
    torch.testing.assert_close(frame, whole, atol=1e-5, rtol=0)


def test_a_slot_that_moves_takes_its_drawing_along(net):
    what, pixel = torch.randn(1, 2, 8, generator=seeded(1)), 2 / 8
    frame, _ = net.decode(Slots(what, torch.zeros(1, 2, 2)))
    moved, _ = net.decode(Slots(what, torch.tensor([pixel, 2 * pixel]).expand(1, 2, 2)))
    torch.testing.assert_close(moved[..., 2:, 1:], frame[..., :-2, :-1], atol=1e-4, rtol=0)


def test_a_frames_slots_depend_on_the_past_and_not_on_what_follows(net):
    film, hints = torch.rand(2, 3, 3, 8, 8, generator=seeded(1)), torch.zeros(2, 2, 2)
    slots, changed = net.encode(film, hints), film.clone()
    assert slots.what.shape == (2, 3, 2, 8)
    assert slots.where.shape == (2, 3, 2, 2)
    changed[:, 1] = 0.5
    other = net.encode(changed, hints)
    assert other.what[:, 0].equal(slots.what[:, 0])
    assert not other.what[:, 1].equal(slots.what[:, 1])
    assert not other.what[:, 2].equal(slots.what[:, 2])


def test_two_objects_with_one_hint_cannot_be_told_apart_and_two_hints_can(net):
    film = torch.rand(1, 1, 3, 8, 8, generator=seeded(1))
    same = net.encode(film, torch.zeros(1, 2, 2)).what[0, 0]
    apart = net.encode(film, torch.tensor([[[-0.5, 0.0], [0.5, 0.0]]])).what[0, 0]
    torch.testing.assert_close(same[0], same[1])
    assert (apart[0] - apart[1]).abs().max() > 1e-4


def test_the_loss_is_the_mean_square_of_the_frames(net):
    film, hints = torch.rand(2, 3, 3, 8, 8, generator=seeded(1)), torch.zeros(2, 2, 2)
    drawn = torch.stack([net.decode(Slots(*(p[:, t] for p in net.encode(film, hints))))[0] for t in range(3)], 1)
    torch.testing.assert_close(reconstruction(net, film, hints)["reconstruction"], (drawn - film).square().mean())


def test_the_grid_goes_right_first_and_then_down():
    assert grid(2).tolist() == [[-0.5, -0.5], [0.5, -0.5], [-0.5, 0.5], [0.5, 0.5]]
