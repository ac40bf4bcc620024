"""A world as its own model: it is followed as the world follows itself, and with it only the cost decides who gets through the door."""

import pytest
import torch

from wm_core.planning.cem import CEM
from wm_core.planning.costs import along_path
from wm_core.planning.drive import drive
from wm_core.planning.search import within
from wm_core.worlds.moving_walls import SlidingDoor
from wm_core.worlds.true_model import TrueModel, way_left
from wm_core.worlds.two_rooms import TwoRooms


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def each(layout, times):
    return type(layout)(*(part.repeat_interleave(times, 0) for part in layout))


@pytest.mark.parametrize("world", [TwoRooms(), TwoRooms(fixed=True), SlidingDoor()])
def test_it_imagines_what_the_world_does_without_noise(world):
    """Five worlds with forty plans each, long enough that most of them run into something."""
    layout = world.layouts(5, seeded(1))
    z = world.anywhere(layout, seeded(2)).repeat_interleave(40, 0)
    actions = 4 * torch.randn(200, 30, 2, generator=seeded(3))
    wanted = world.walk(each(layout, 40), z, actions)[:, 1:]
    model = TrueModel(world, layout)
    with torch.no_grad():
        for _ in range(2):  # what is kept for the second time does not change it
            torch.testing.assert_close(model.rollout(z, actions), wanted, atol=1e-3, rtol=0)
    free = z[:, None, :2] + world.allowed(actions).cumsum(1)
    assert ((wanted[..., :2] - free).norm(dim=-1).amax(1) > 0.1).float().mean() > 0.3


@pytest.mark.parametrize("size", [0.5, 0.0])
def test_a_gradient_flows_through_it(size):
    world = TwoRooms(fixed=True)
    actions = torch.full((1, 3, 2), size, requires_grad=True)
    path = TrueModel(world, world.layouts(1, seeded())).rollout(torch.tensor([[20.0, 40.0]]), actions)
    path[:, -1].sum().backward()
    torch.testing.assert_close(actions.grad, torch.ones(1, 3, 2))


def test_what_is_left_of_the_way_is_the_worlds_path_length():
    world = TwoRooms()
    layout = world.layouts(4, seeded(1))
    goal, path = world.anywhere(layout, seeded(2)), world.anywhere(each(layout, 15), seeded(3)).view(4, 3, 5, 2)
    wanted = world.path_length(layout, path.flatten(1, 2), goal).view(4, 3, 5)
    torch.testing.assert_close(way_left(world, layout, goal)(path), wanted)


def test_with_the_rules_known_the_way_left_leads_through_the_door_and_the_distance_does_not():
    """Twelve pairs in opposite rooms; 64 samples, eight rounds, plans of sixty steps of which every sixth is rated."""
    world, n = TwoRooms(fixed=True), 12
    layout, room = world.layouts(n, seeded()), torch.arange(n) % 2
    start, goal = world.anywhere(layout, seeded(1), room), world.anywhere(layout, seeded(2), 1 - room)
    left, there = way_left(world, layout, goal), {}
    for name, far in {
        "way": lambda path: left(path[:, :, 5::6]),
        "distance": lambda path: (path[:, :, 5::6] - goal[:, None, None]).norm(dim=-1),
    }.items():
        path = drive(
            CEM(60, 64, 8, 8, spread=2.0, floor=0.2), TrueModel(world, layout), start, [along_path(far)],
            see=lambda at: at, step=lambda at, a: world.step(layout, at, a), bound=within(world.reach),
            generator=seeded(), steps=75, every=15,
        )  # fmt: skip
        there[name] = ((path[:, -1] - goal).norm(dim=-1) < 4.5).float().mean()
    assert there["way"] >= 0.9
    assert there["distance"] <= 0.6


def test_what_is_imagined_inside_the_wall_is_not_near():
    world = TwoRooms(fixed=True)
    layout, goal = world.layouts(1, seeded()), torch.tensor([[50.0, 44.0]])
    path = torch.tensor([[30.4, 44.0], [30.6, 44.0], [32.0, 10.0]]).view(1, 1, 3, 2)
    near, far = way_left(world, layout, goal)(path), way_left(world, layout, goal, imagined=True)(path)
    assert near[0, 0, 1] < 20 < 60 < far[0, 0, 1]
    torch.testing.assert_close(far[0, 0, [0, 2]], near[0, 0, [0, 2]])
    cleared = world.path_length(layout, path[:, 0], goal, imagined=True)
    torch.testing.assert_close(cleared, far[:, 0])


def test_a_latent_with_a_gradient_is_followed_too():
    world = TwoRooms(fixed=True)
    z = torch.tensor([[20.0, 40.0]], requires_grad=True)
    model = TrueModel(world, world.layouts(1, seeded()))
    model.rollout(z, torch.ones(1, 3, 2))[:, -1].sum().backward()
    torch.testing.assert_close(z.grad, torch.ones(1, 2))
    with torch.no_grad():
        assert not model.rollout(z, torch.ones(1, 3, 2)).requires_grad


def test_an_action_that_is_no_number_is_refused():
    world = TwoRooms(fixed=True)
    with pytest.raises(ValueError, match="actions: got a number that is not finite"):
        TrueModel(world, world.layouts(1, seeded())).rollout(
            torch.tensor([[20.0, 40.0]]), torch.full((1, 2, 2), torch.nan)
        )


def test_layouts_must_share_the_plans_evenly():
    world = TwoRooms()
    with pytest.raises(ValueError, match="z: got 5 plans for 2 layouts"):
        TrueModel(world, world.layouts(2, seeded())).rollout(torch.zeros(5, 2), torch.zeros(5, 3, 2))
