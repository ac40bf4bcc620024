"""Walks that are steered: on at random, to the place before a door, to the one behind it, and on."""

import torch

from wm_core.worlds.walker import Walker

FAR = torch.tensor([[[1e3, 1e3, 1e3 + 1, 1e3 + 1]]])  # a wall that nobody meets


def wander(begins, steps=60):
    """One dot at (10, 10) that heads right, without turns, in steps of 1; its door leads from (20, 30) to (30, 30)."""
    one = torch.zeros(1)
    actions, path = Walker(FAR).wander(
        torch.tensor([[10.0, 10.0]]), one, torch.zeros(1, steps), torch.ones(1, steps), torch.tensor([begins]),
        (torch.tensor([[20.0, 30.0]]), torch.tensor([[30.0, 30.0]])), torch.zeros(steps, 1, 2),
    )  # fmt: skip
    return actions[0], path[0]


def test_a_walk_goes_straight_until_it_is_led_and_then_to_both_places_in_order():
    actions, path = wander(begins=5.0)
    torch.testing.assert_close(path[:6], torch.stack([10 + torch.arange(6.0), torch.full((6,), 10.0)], 1))
    near = [(path - torch.tensor(place)).norm(dim=-1) < 1.8 for place in ([20.0, 30.0], [30.0, 30.0])]
    first, second = (int(there.int().argmax()) for there in near)
    assert near[0].any()
    assert near[1].any()
    assert 5 < first < second
    torch.testing.assert_close(path[first] - path[5], (first - 5) * actions[5], atol=1e-3, rtol=0)  # no way about
    torch.testing.assert_close(actions[second:], actions[second - 1].expand(60 - second, -1))  # and on, as it went last
    torch.testing.assert_close(path.diff(dim=0), actions, atol=1e-5, rtol=0)


def test_a_walk_that_is_not_led_keeps_its_heading():
    actions, _ = wander(begins=float("inf"))
    torch.testing.assert_close(actions, torch.tensor([[1.0, 0.0]]).expand(60, -1))


def test_on_the_way_to_a_door_a_walk_turns_three_tenths_as_much_and_forgets_its_turns():
    """A turn of 0.9 at every step: free, it adds up; led, it is 0.27 beside the way to the door."""
    one, turns = torch.zeros(1), torch.full((1, 4), 0.9)
    for begins, wanted in ((float("inf"), [0.9, 1.8, 2.7, 3.6 - 2 * torch.pi]), (0.0, [0.27] * 4)):
        actions, _ = Walker(FAR).wander(
            torch.zeros(1, 2), one, turns, torch.full((1, 4), 1e-3), torch.tensor([begins]),
            (torch.tensor([[900.0, 0.0]]), torch.tensor([[901.0, 0.0]])), torch.zeros(4, 1, 2),
        )  # fmt: skip
        angles = torch.atan2(actions[0, :, 1], actions[0, :, 0])
        torch.testing.assert_close(angles, torch.tensor(wanted), atol=1e-4, rtol=0)
