"""Roadmaps: edges that the model imagines, ways through a door, and a distance that learns them for rooms it has not seen."""

import math

import pytest
import torch

from wm_core.jepa.roadmap import imagined_edges, latent_unit, learn_ways, shortest_ways, ways_loss
from wm_core.jepa.value import CostMetric
from wm_core.worlds.true_model import TrueModel
from wm_core.worlds.two_rooms import TwoRooms


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def rooms():
    """Places of walks in one layout, as latents of a model that knows the rules, and the edges between them."""
    world = TwoRooms(fixed=True)
    one = world.layouts(1, generator())
    _, places = world.wander(type(one)(*(part.expand(24) for part in one)), 90, generator())
    places = places.flatten(0, 1)[torch.randperm(24 * 91, generator=generator())[:300]]

    def rules(z, actions):
        return TrueModel(world, type(one)(*(part.expand(len(z)) for part in one))).rollout(z, actions)

    return world, one, places[None], imagined_edges(rules, places[None], stride=1.8, unit=1.0)


def test_an_edge_is_as_long_as_the_way_and_none_leads_through_a_wall(rooms):
    world, one, places, edges = rooms
    true = torch.stack([world.path_length(one, places, place[None])[0] for place in places[0]], -1)
    some = edges[0].isfinite() & ~torch.eye(300, dtype=torch.bool)
    assert some.float().sum(-1).mean() > 8
    assert (edges[0] >= true - 0.5)[some].all()  # the last bit is straight, and may cut a corner
    assert (edges[0] <= true + 2 * 1.0 + 1.8)[
        some
    ].all()  # out by a tolerance, and by up to a stride of a push that goes on
    close = (places[0][:, None] - places[0]).norm(dim=-1) < 6.2
    across = (places[0][:, None, 0] > one.wall_x) != (places[0][None, :, 0] > one.wall_x)
    shut = across & close & (true > 12)
    assert shut.sum() > 20
    assert not (some & shut).any()


def test_edges_add_up_to_ways_through_the_door(rooms):
    world, one, places, edges = rooms
    ways = shortest_ways(edges)
    torch.testing.assert_close(ways, torch.minimum(ways, (ways[..., None] + ways[:, None]).amin(2)))
    true = torch.stack([world.path_length(one, places, place[None])[0] for place in places[0]], -1)
    known = ways[0].isfinite()
    assert known.float().mean() > 0.9
    ratio = (ways[0] / true.clamp_min(5))[known]
    assert 1.05 < ratio.median() < 1.3
    across = known & ((places[0][:, None, 0] > one.wall_x) != (places[0][None, :, 0] > one.wall_x))
    assert torch.corrcoef(torch.stack([ways[0][across], true[across]]))[0, 1] > 0.95


def test_what_cannot_be_undone_counts_in_one_direction():
    def downhill(z, actions):
        return z[:, None] + actions.clamp_min(0).cumsum(1)

    z = torch.tensor([[[0.0, 0.0], [2.0, 0.0]]])
    edges = imagined_edges(downhill, z, stride=1.0, unit=1.0, tolerance=0.1, both_ways=False)
    assert edges[0, 0, 1] == pytest.approx(2.0, abs=0.1)
    assert edges[0, 1, 0] == math.inf
    assert imagined_edges(downhill, z, stride=1.0, unit=1.0, tolerance=0.1)[0, 1, 0] < math.inf


def test_the_unit_is_what_a_latent_changes_in_a_pixel():
    walks = torch.randn(5, 9, 2, generator=generator()).cumsum(1)
    turned = walks @ torch.linalg.qr(torch.randn(2, 2, generator=generator())).Q
    assert latent_unit(3 * turned, walks.diff(dim=1)) == pytest.approx(3.0, rel=1e-4)


def test_ways_that_do_not_exist_ask_for_nothing():
    torch.manual_seed(0)
    cost, z = CostMetric(2), torch.randn(1, 4, 2)
    ways = torch.rand(1, 4, 4)
    ways = ways + ways.mT
    cut = ways.clone()
    cut[:, :2, 2:] = cut[:, 2:, :2] = math.inf
    apart = ways_loss(cost, z, cut)["ways"]
    off = (cost.steps(z[0, :, None], z[0, None]) - ways[0]) / (ways[0] + 5)
    torch.testing.assert_close(apart, torch.cat([off[:2, :2].flatten(), off[2:, 2:].flatten()]).square().mean())
    ways_loss(cost, z, cut)["ways"].backward()
    assert all(weight.grad.isfinite().all() for weight in cost.parameters())


def test_a_metric_learns_the_way_round_a_wall_with_several_parts(rooms):
    """Each side of the wall looks near to the other until the ways say else. Several parts find it sooner."""
    _, one, places, edges = rooms
    ways, z = shortest_ways(edges), (places - 32) / 4
    across = (places[0][:, None, 0] > one.wall_x) != (places[0][None, :, 0] > one.wall_x)
    close = across & ((places[0][:, None] - places[0]).norm(dim=-1) < 12) & (ways[0] > 40) & ways[0].isfinite()
    assert close.sum() > 50

    def said(parts):
        torch.manual_seed(0)
        cost = CostMetric(2, hidden=64, depth=3, parts=parts)
        learn_ways(cost, z, ways, steps=400, worlds=1, nodes=64, learning_rate=3e-3)
        with torch.no_grad():
            return (cost.steps(z[0, :, None], z[0]) / ways[0])[close].mean()

    assert said(8) > 0.55
    assert said(1) < said(8) - 0.08
