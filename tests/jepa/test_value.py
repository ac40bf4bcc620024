"""Costs-to-go: goals in hindsight, what a cost can and cannot say, and a grid with a wall on which the shortest way is known."""

import math

import pytest
import torch

from wm_core.artefacts import export_onnx
from wm_core.jepa.value import CostLearner, CostMetric, CostToGo, Mix, Steps, cost_loss, learn_cost, sample_goals
from wm_core.training import History


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def numbered(episodes=6, time=9):
    """Latents that say which walk and which moment they are of."""
    walk, moment = torch.meshgrid(torch.arange(episodes), torch.arange(time), indexing="ij")
    return torch.stack([walk, moment], -1).float()


def parts(goals):
    (walk, first), (other, when) = goals.z.T, goals.goal.T
    return walk, first, other, when


def test_a_piece_lies_in_one_walk_and_has_the_steps_it_says():
    goals = sample_goals(numbered(), 2000, generator(), longest=8)
    assert torch.equal(goals.after[:, 0], goals.z[:, 0])
    assert torch.equal(goals.after[:, 1] - goals.z[:, 1], goals.steps)
    assert goals.steps.max() == 8
    assert (goals.after[:, 1] <= 8).all()


def test_done_is_said_exactly_where_a_piece_ends_at_its_goal():
    goals = sample_goals(numbered(), 2000, generator())
    assert torch.equal(goals.done, (goals.after == goals.goal).all(1))
    assert 0.1 < goals.done.float().mean() < 0.9


def test_no_piece_passes_its_goal():
    walk, first, other, when = parts(goals := sample_goals(numbered(), 4000, generator(), Mix(0.0, 0.0, 1.0)))
    ahead = (walk == other) & (when >= first)
    assert ahead.sum() > 200
    assert (goals.steps[ahead] <= (when - first)[ahead]).all()
    assert ((walk == other) & (when < first)).sum() > 200  # and goals of the past are asked for too


def test_each_kind_of_goal_comes_from_where_it_should():
    near = sample_goals(numbered(), 500, generator(), Mix(1.0, 0.0, 0.0), longest=4)
    assert near.done.all()
    walk, first, other, when = parts(sample_goals(numbered(), 500, generator(), Mix(0.0, 1.0, 0.0)))
    assert torch.equal(walk, other)
    assert (when > first).all()
    walk, first, other, when = parts(sample_goals(numbered(), 2000, generator(), Mix(0.0, 0.0, 1.0)))
    assert (walk == other).float().mean() < 0.3  # one in six
    assert set(when.tolist()) == set(range(9))


def test_one_step_pieces_are_the_papers_update():
    goals = sample_goals(numbered(), 500, generator(), longest=1)
    assert set(goals.steps.tolist()) <= {0.0, 1.0}
    assert (goals.steps == 0).sum() == (goals.z == goals.goal).all(1).sum()


def test_goals_stay_in_the_world_of_their_walk():
    group = torch.tensor([4, 9, 4, 9, 4, 7])
    walk, _, other, _ = parts(sample_goals(numbered(), 3000, generator(), Mix(0.0, 0.0, 1.0), group=group))
    assert torch.equal(group[walk.long()], group[other.long()])
    pairs = set(zip(walk.tolist(), other.tolist(), strict=True))
    assert len(pairs) == 3 * 3 + 2 * 2 + 1  # every pair within a group
    walk, _, other, _ = parts(sample_goals(numbered(), 500, generator(), group=torch.arange(6)))
    assert torch.equal(walk, other)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"longest": 0}, "longest: got 0, wanted at least 1"),
        ({"latents": numbered(time=1)}, "latents: got walks of 1 moments, wanted at least 2"),
    ],
)
def test_goals_that_cannot_be_drawn_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        sample_goals(**{"latents": numbered(), "size": 4, "generator": generator()} | settings)


@pytest.mark.parametrize("shares", [(0.5, 0.5, 0.5), (-0.5, 0.5, 1.0)])
def test_the_kinds_of_goals_are_shares_of_one(shares):
    with pytest.raises(ValueError, match=r"mix: got .*, wanted shares that sum to 1"):
        Mix(*shares)


@pytest.mark.parametrize("gamma", [0.0, 1.0])
def test_a_discount_lies_between_zero_and_one(gamma):
    with pytest.raises(ValueError, match=r"gamma: got .*, wanted a number between 0 and 1"):
        CostToGo(2, gamma=gamma)


KINDS = {
    "to go": CostToGo,
    "metric": CostMetric,
    "one way": lambda dim, **given: CostMetric(dim, one_way=True, **given),
    "discounted": lambda dim, **given: CostMetric(dim, discounted=True, **given),
}


def made(kind, **given):
    torch.manual_seed(0)
    return KINDS[kind](3, depth=2, **given)


@pytest.mark.parametrize("kind", KINDS)
def test_a_cost_is_positive_and_broadcasts_over_goals(kind):
    cost = made(kind)
    z, goal = 5 * torch.randn(4, 6, 3), 5 * torch.randn(4, 1, 3)
    assert cost(z, goal).shape == (4, 6)
    assert (cost(z, goal) >= 0).all()
    torch.testing.assert_close(cost(z, goal)[2, 5], cost(z[2, 5], goal[2, 0]))


@pytest.mark.parametrize("kind", ["to go", "metric"])
def test_a_cost_is_the_discounted_sum_of_its_steps(kind):
    class Sure(type(made(kind))):
        def steps(self, z, goal):
            return (z - goal).norm(dim=-1)

    cost = Sure(3, gamma=0.9)
    z, goal = torch.tensor([[3.0, 4.0, 0.0], [0.0, 0.0, 2.0], [0.0, 0.0, 0.0]]), torch.zeros(1, 3)
    by_hand = [sum(0.9**k for k in range(d)) for d in (5, 2, 0)]
    torch.testing.assert_close(cost(z, goal), torch.tensor(by_hand, dtype=torch.float32))
    assert cost(1e4 * torch.ones(1, 3), goal) == pytest.approx(10.0)  # the bound


def test_what_is_exported_are_steps_and_not_the_discounted_cost():
    import onnxruntime

    cost = made("metric", gamma=0.9)
    z, goal = 5 * torch.randn(8, 3), 5 * torch.randn(1, 3)
    network = export_onnx(Steps(cost), {"z": z, "goal": goal}, ["steps"])
    session = onnxruntime.InferenceSession(network.onnx, providers=["CPUExecutionProvider"])
    (said,) = session.run(None, {"z": z.numpy(), "goal": goal.numpy()})
    with torch.no_grad():
        torch.testing.assert_close(torch.from_numpy(said), cost.steps(z, goal), rtol=1e-4, atol=1e-4)
        assert (cost.steps(z, goal) - cost(z, goal)).abs().max() > 0.1


def test_where_the_distance_is_the_discounted_cost_the_steps_undo_it():
    plain, bent = made("metric"), made("discounted")
    bent.load_state_dict(plain.state_dict())
    z, goal = 5 * torch.randn(2, 40, 3)
    torch.testing.assert_close(bent(z, goal), plain.steps(z, goal))
    back = -torch.expm1(bent.steps(z, goal) * torch.tensor(0.98).log()) / 0.02
    torch.testing.assert_close(back, bent(z, goal), rtol=1e-4, atol=1e-4)
    far = bent.steps(1e3 * z, goal).max().item()
    assert far == pytest.approx(math.log(1e-4) / math.log(0.98))  # 456: no cost says more


def test_a_metric_is_zero_at_home_even_both_ways_and_never_longer_straight():
    cost = made("metric")
    a, b, c = 3 * torch.randn(3, 200, 3)
    d = cost.steps
    assert (d(a, a) == 0).all()
    torch.testing.assert_close(d(a, b), d(b, a))
    assert (d(a, c) <= d(a, b) + d(b, c) + 2e-3).all()


def test_a_one_way_metric_may_cost_more_back_and_is_never_longer_straight():
    cost = made("one way")
    a, b, c = 3 * torch.randn(3, 200, 3)
    d = cost.steps
    up = cost.rise(b) - cost.rise(a)
    torch.testing.assert_close(d(a, b) - d(b, a), up.amax(-1).clamp_min(0) - (-up).amax(-1).clamp_min(0))
    assert (d(a, a) == 0).all()
    assert (d(a, b) - d(b, a)).abs().max() > 0.05
    assert (d(a, c) <= d(a, b) + d(b, c) + 2e-3).all()


def test_what_is_said_is_the_pieces_steps_and_the_slow_copys_rest():
    learner = CostLearner(CostToGo(2, gamma=0.9))
    with torch.no_grad():
        learner.slow.net[-1].bias += 1
    goals = sample_goals(numbered() / 5, 64, generator(), longest=4)
    rest = learner.slow(goals.after, goals.goal) * ~goals.done
    said = torch.stack(
        [sum(0.9**k for k in range(int(n))) + 0.9 ** int(n) * r for n, r in zip(goals.steps, rest, strict=True)]
    )
    error = learner.cost(goals.z, goals.goal) - said
    by_hand = 0.1 * (torch.where(error > 0, 0.7, 0.3) * error**2).mean()
    torch.testing.assert_close(cost_loss(learner, goals, 0.7)["cost"], by_hand)


def test_the_gradient_reaches_the_cost_and_not_its_slow_copy():
    learner = CostLearner(CostMetric(2, one_way=True))
    cost_loss(learner, sample_goals(numbered() / 5, 64, generator()))["cost"].backward()
    assert all(weight.grad is not None for weight in learner.cost.parameters())
    assert all(weight.grad is None for weight in learner.slow.parameters())


def test_the_slow_copy_follows():
    learner = CostLearner(CostToGo(2), decay=0.9)
    with torch.no_grad():
        learner.cost.net[0].weight += 1
    before = learner.slow.net[0].weight.clone()
    learner.follow()
    torch.testing.assert_close(learner.slow.net[0].weight - before, torch.full_like(before, 0.1))


@pytest.mark.parametrize(("given", "wanted"), [({}, "float32"), ({"precision": "auto"}, "auto")])
def test_costs_are_learned_in_full_precision_unless_told_otherwise(monkeypatch, given, wanted):
    heard = {}
    monkeypatch.setattr("wm_core.jepa.value.fit", lambda *args, **settings: heard.update(settings) or History())
    learn_cost(CostToGo(2), numbered(), steps=1, **given)
    assert heard["precision"] == wanted


# ---------------------------------------------------------------------------------- a grid with a wall and a door


def grid():
    """11 by 11 cells, a wall in column 5 with one door in row 1: neighbours (itself at a wall), distances, and places."""
    cells = [(x, y) for x in range(11) for y in range(11) if x != 5 or y == 1]
    place = {cell: k for k, cell in enumerate(cells)}
    moves = [(1, 0), (-1, 0), (0, 1), (0, -1)]
    nearby = torch.tensor([[place.get((x + a, y + b), place[x, y]) for a, b in moves] for x, y in cells])
    far = torch.full((len(cells), len(cells)), 1e3).fill_diagonal_(0)
    for _ in range(60):
        far = torch.minimum(far, 1 + far[nearby].amin(1))
    return nearby, far, torch.tensor(cells, dtype=torch.float32)


def ranks(x):
    return x.flatten().argsort().argsort().float()


def descend(cost, nearby, far, xy):
    """The share of pairs on two sides of the wall where going to the cheapest neighbour leads to the goal in 60 steps."""
    here, goal = ((xy[:, None, 0] - 5) * (xy[None, :, 0] - 5) < 0).nonzero(as_tuple=True)
    for _ in range(60):
        best = cost[nearby[here], goal[:, None]].argmin(1)
        here = torch.where(here == goal, here, nearby[here, best])
    return (here == goal).float().mean().item()


def wandered(n, time):
    """Walks on the grid as cells, (n, time): each move even over the four."""
    nearby, _, xy = grid()
    walk = [torch.randint(len(xy), (n,), generator=generator())]
    for k in range(time - 1):
        walk.append(nearby[walk[-1], torch.randint(4, (n,), generator=generator(k + 1))])
    return torch.stack(walk, 1)


def test_a_piece_promises_no_less_than_the_shortest_way():
    _, far, _ = grid()
    goals = sample_goals(wandered(50, 41)[..., None].float(), 4000, generator(), longest=16)
    z, after, goal = (part[:, 0].long() for part in goals[:3])
    said = goals.steps + torch.where(goals.done, 0.0, far[after, goal])
    assert (said >= far[z, goal]).all()
    assert (said == far[z, goal]).float().mean() > 0.1


def learned(tau, walks):
    """Steps between all cells of the grid, learned from walks (n, time) in the form of HILP."""
    cells = torch.eye(len(grid()[2]))
    torch.manual_seed(0)
    cost = CostMetric(len(cells), gamma=0.97, depth=1, discounted=True)
    learn_cost(
        cost, cells[walks], steps=800, expectile=tau, mix=Mix(0.2, 0.0, 0.8), size=128, learning_rate=2e-3, decay=0.95
    )
    with torch.no_grad():
        return cost.steps(cells[:, None], cells[None])


def every_move():
    """All moves of one step that there are, as walks of two moments."""
    nearby, _, _ = grid()
    return torch.stack([torch.arange(len(nearby)).repeat_interleave(4), nearby.flatten()], 1)


@pytest.mark.slow
def test_costs_of_aimless_moves_lead_round_the_wall_where_straight_lines_do_not():
    """In the form of HILP, where the distance is the discounted cost, a leaning mean finds the way and the plain mean is lost."""
    nearby, far, xy = grid()
    lean, mean = (descend(learned(tau, every_move()), nearby, far, xy) for tau in (0.9, 0.5))
    straight = descend(torch.cdist(xy, xy), nearby, far, xy)  # 0.24
    assert lean >= 0.9
    assert lean >= max(mean, straight) + 0.3


def corridor(n=18):
    """Walks up and down a corridor of n places, (200, 41), and how far its places are from each other."""
    draw = generator()
    place, way = torch.randint(n, (200,), generator=draw), torch.randint(2, (200,), generator=draw) * 2 - 1
    walk = [place]
    for _ in range(40):
        way = torch.where(torch.rand(200, generator=draw) < 0.15, -way, way)
        walk.append((walk[-1] + way).clamp(0, n - 1))
    return torch.stack(walk, 1), (torch.arange(n)[:, None] - torch.arange(n)).abs().float()


@pytest.mark.slow
def test_pieces_of_many_steps_carry_costs_far_sooner_than_those_of_one():
    """As the library learns unless told otherwise: pieces of several steps, goals of the same walk and of others."""
    walks, far = corridor()
    places, said = torch.eye(len(far)), {}
    for longest in (1, 16):
        torch.manual_seed(0)
        cost = CostMetric(len(far), gamma=0.95, depth=1, hidden=64)
        learn_cost(cost, places[walks], steps=400, longest=longest, size=128, learning_rate=2e-3)
        with torch.no_grad():
            said[longest] = cost.steps(places[:, None], places[None])
        assert torch.corrcoef(torch.stack([ranks(said[longest]), ranks(far)]))[0, 1] >= 0.95
    ends = far == far.max()
    assert said[16][ends].mean() >= 1.2 * said[1][ends].mean()
    assert 1 <= (said[16] / far)[far > 0].median() <= 1.6  # a long piece is a bound: too much, but not by far
