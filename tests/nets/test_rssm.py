"""The recurrent state-space model: what its memory, its prior and its posterior may know, and two futures kept apart."""

import pytest
import torch
from torch import nn

from wm_core.nets.mlp import mlp
from wm_core.nets.rssm import RSSM, State
from wm_core.objectives.latent_kl import balanced_kl
from wm_core.planning.cem import CEM
from wm_core.planning.costs import squared_to_goal
from wm_core.planning.search import Imagines
from wm_core.training import fit

KINDS = {"gaussian": None, "categorical": 4}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(params=KINDS)
def model(request):
    torch.manual_seed(0)
    return RSSM(embed=5, action=2, deter=12, stoch=3, classes=KINDS[request.param], hidden=16)


@pytest.fixture
def clip():
    return torch.randn(4, 6, 5, generator=generator()), torch.randn(4, 5, 2, generator=generator(1))


def test_a_watched_clip_has_a_state_and_two_beliefs_at_each_moment(model, clip):
    seen = model.observe(*clip, generator=generator())
    assert seen.state.h.shape == (4, 6, 12)
    assert seen.state.z.shape == (4, 6, model.width)
    assert seen.state.features.shape == (4, 6, 12 + model.width)
    assert seen.posterior.kl(seen.prior).shape == (4, 6)


def test_a_latent_has_as_many_numbers_as_it_says():
    assert RSSM(5, stoch=3).width == 3
    assert RSSM(5, stoch=3, classes=4).width == 12


def test_the_prior_knows_the_past_and_not_the_present(model, clip):
    frames, actions = clip
    other = frames.clone()
    other[:, 3] += 1
    a, b = (model.observe(seen, actions, generator=generator()) for seen in (frames, other))
    for t in range(6):
        same = [
            bool(torch.equal(x[:, t], y[:, t])) for x, y in ((a.prior[0], b.prior[0]), (a.posterior[0], b.posterior[0]))
        ]
        assert same == [t <= 3, t < 3]


def test_an_action_is_felt_in_what_comes_after_it(model, clip):
    frames, actions = clip
    other = actions.clone()
    other[:, 2] += 1  # between moments 2 and 3
    a, b = (model.observe(frames, done, generator=generator()).state.h for done in (actions, other))
    assert torch.equal(a[:, :3], b[:, :3])
    assert (a[:, 3:] != b[:, 3:]).any(-1).all()


def test_watching_is_stepping_with_an_embedding_each_time(model, clip):
    frames, actions = clip
    seen = model.observe(frames, actions, generator=generator(7))
    draw, state = generator(7), model.start(4)
    for t in range(6):
        action = torch.zeros(4, 2) if t == 0 else actions[:, t - 1]
        state = model.step(state, action, frames[:, t], draw)
        torch.testing.assert_close(state.h, seen.state.h[:, t])
        torch.testing.assert_close(state.z, seen.state.z[:, t])


def test_imagining_is_stepping_with_closed_eyes(model, clip):
    frames, actions = clip
    state = State(*(part[:, -1] for part in model.observe(frames, actions, generator=generator()).state))
    future = model.imagine(state, actions, generator(7))
    assert future.h.shape == (4, 5, 12)
    draw = generator(7)
    for t in range(5):
        state = model.step(state, actions[:, t], generator=draw)
        torch.testing.assert_close(state.z, future.z[:, t])
    assert not torch.equal(future.z, model.imagine(state, actions, generator(8)).z)


def test_a_clip_can_be_watched_in_two_parts(model, clip):
    frames, actions = clip
    whole = model.observe(frames, actions, generator=generator(7)).state
    draw = generator(7)
    first = model.observe(frames[:, :2], actions[:, :1], generator=draw).state
    rest = model.observe(
        frames[:, 2:], actions[:, 2:], State(first.h[:, -1], first.z[:, -1]), draw, before=actions[:, 1]
    ).state
    torch.testing.assert_close(rest.h, whole.h[:, 2:])
    torch.testing.assert_close(rest.z, whole.z[:, 2:])


def test_a_planner_is_told_the_likeliest_future_and_always_the_same(model, clip):
    frames, actions = clip
    seen = model.observe(frames, actions, generator=generator()).state
    state = State(seen.h[:, -1], seen.z[:, -1])
    assert isinstance(model, Imagines)
    told = model.rollout(state.features, actions)
    assert torch.equal(told, model.rollout(state.features, actions))
    for t in range(5):
        h = model.remember(state, actions[:, t])
        state = State(h, model.prior(h).mode())
        torch.testing.assert_close(model.state(told[:, t]).h, state.h)
        torch.testing.assert_close(model.state(told[:, t]).z, state.z)


def test_a_planner_can_plan_with_it(model):
    """The same plan is found twice, and it is cheaper than doing nothing."""
    start = model.start(2).features
    goal = model.rollout(start, torch.ones(2, 3, 2))[:, -1]
    cost = squared_to_goal(goal, "last")

    def plan():
        return CEM(horizon=3, samples=32, elites=4).plan(
            model, start, cost, bound=lambda a: a.clamp(-1, 1), generator=generator()
        )

    best = plan()
    assert torch.equal(best, plan())
    paid = [cost(model.rollout(start, done)[:, None], done[:, None]) for done in (best, torch.zeros_like(best))]
    assert (paid[0] < 0.5 * paid[1]).all()


def test_the_gradient_reaches_the_first_frame_from_the_last_imagined_state(model, clip):
    frames, actions = clip
    frames.requires_grad_()
    seen = model.observe(frames, actions, generator=generator()).state
    future = model.imagine(State(seen.h[:, -1], seen.z[:, -1]), actions, generator())
    future.features[:, -1].sum().backward()
    assert (frames.grad[:, 0] != 0).any(-1).all()


def test_at_first_memory_is_kept(model):
    """The gate's bias: with no input, a memory of 1 keeps well over half of itself, where an even gate would keep half."""
    h, nothing = torch.ones(1, 12), State(torch.ones(1, 12), torch.zeros(1, model.width))
    kept = model.remember(nothing, torch.zeros(1, 2)) / h
    plain = RSSM(embed=5, action=2, deter=12, stoch=3, hidden=16)
    with torch.no_grad():
        plain.memory.bias_ih[12:24] -= 1
        even = plain.remember(State(h, torch.zeros(1, 3)), torch.zeros(1, 2)) / h
    assert kept.mean() > 0.6 > even.mean() + 0.05


def falling(n, generator):
    """A ball is seen, falls behind a board, and comes out left or right by lot: what is seen of x, whether it is; the side."""
    side = 2.0 * torch.randint(2, (n,), generator=generator) - 1
    x = side[:, None] * torch.tensor([0.0, 0.0, 0.6, 1.0]) + 0.02 * torch.randn(n, 4, generator=generator)
    shown = torch.tensor([1.0, 0.0, 1.0, 1.0])
    return torch.stack([x * shown, shown.expand(n, 4)], -1), side


@pytest.mark.slow
def test_samples_of_the_prior_show_both_futures_where_a_certain_network_shows_the_middle():
    torch.manual_seed(0)
    still = torch.zeros(400, 3, 2)
    parts = {"rssm": RSSM(2, deter=32, stoch=1, classes=4, hidden=32), "draw": mlp(36, 32, 2)}

    def loss(model, clip):
        seen = model["rssm"].observe(clip, still[: len(clip)])
        drawn = 50 * (model["draw"](seen.state.features) - clip).square().sum(-1).mean()  # Gaussian, deviation 0.1
        return {"drawn": drawn, **balanced_kl(seen.posterior, seen.prior, free=0.0)}  # a coin is below one nat

    model = nn.ModuleDict(parts)
    fit(model, loss, lambda k, g: falling(64, g)[0], steps=400, learning_rate=5e-3)

    certain = nn.ModuleDict({"gru": nn.GRU(2, 32, batch_first=True), "draw": nn.Linear(32, 1)})

    def middle(clip):
        return certain["draw"](certain["gru"](clip[:, :2])[1][0])[:, 0]

    def squared(_, clip):
        return {"x": (middle(clip) - clip[:, -1, 0]).square().mean()}

    fit(certain, squared, lambda k, g: falling(64, g)[0], steps=200, learning_rate=5e-3)

    clip, side = falling(400, generator(9))
    with torch.no_grad():
        seen = model["rssm"].observe(clip[:, :2], still[:, :1], generator=generator(5)).state
        future = model["rssm"].imagine(State(seen.h[:, -1], seen.z[:, -1]), still[:, :2], generator(6))
        x = model["draw"](future.features)[:, -1, 0]
        told = model["rssm"].observe(clip, still, generator=generator(7))
        guess = middle(clip)
    assert ((x + 1).abs() < 0.3).float().mean() >= 0.3
    assert ((x - 1).abs() < 0.3).float().mean() >= 0.3
    nats = told.posterior.kl(told.prior).mean(0)
    assert 0.5 < nats[2] < 0.9  # what the side is worth: ln 2 = 0.69
    assert max(nats[0], nats[1], nats[3]) < 0.15  # and the rest was foreseen
    assert guess.abs().max() < 0.5  # neither outcome
    assert (guess - side).abs().mean() >= 0.95  # half of what lies between them, which is 2
