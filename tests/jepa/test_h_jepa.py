"""Two levels: the terms of each, which level learns from which error, the two clocks, and plans in a world where positions add."""

import pytest
import torch

from wm_core.jepa.h_jepa import HJEPA, SlowCoefficients, h_jepa_loss, slow_loss
from wm_core.jepa.pldm import PLDM, pldm_loss, predictor_loss
from wm_core.nets.slow_level import SlowLevel
from wm_core.objectives.latent_kl import balanced_kl
from wm_core.planning.cem import CEM
from wm_core.planning.costs import squared_to_goal
from wm_core.planning.drive import drive
from wm_core.planning.levels import two_levels
from wm_core.planning.search import within
from wm_core.training import fit
from wm_core.worlds.two_rooms import TwoRooms

LOW = ("similarity", "variance", "covariance", "smoothness", "inverse", "spread")
HIGH = (*LOW, "reading", "dynamics", "representation")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def two(inject=False, **more):
    torch.manual_seed(0)
    above = SlowLevel(**{"dim": 12, "every": 3, "width": 6, "deter": 8, "stoch": 4, "hidden": 16} | more)
    return HJEPA(PLDM(dim=12, hidden=32, context=above.width if inject else 0), above)


@pytest.fixture
def walks():
    return TwoRooms().episodes(6, 6, generator())


def reached(model, terms):
    """Which parts of the model the gradient of some terms reaches."""
    model.zero_grad()
    sum(terms).backward()
    parts = {"encoder": model.encoder, "dynamics": model.dynamics, "inverse": model.inverse, "above": model.above}
    return {name for name, part in parts.items() if any(w.grad is not None and w.grad.any() for w in part.parameters())}


@pytest.mark.parametrize("inject", [False, True])
def test_each_level_has_its_five_losses_and_the_upper_one_those_of_its_beliefs(walks, inject):
    terms = h_jepa_loss(two(inject), walks.frames, walks.actions)
    assert list(terms) == [f"1 {name}" for name in LOW] + [f"2 {name}" for name in HIGH]


def test_a_term_of_weight_0_is_left_out(walks):
    model = two()
    plain = SlowCoefficients(divergence=0.0, reading=0.0)
    assert list(slow_loss(model.above, model.encode(walks.frames), walks.actions, plain)) == list(LOW)


def test_level_2s_loss_written_out_by_hand(walks):
    level, z = two().above, two().encode(walks.frames)
    terms = slow_loss(level, z, walks.actions, generator=generator(5))
    w, draw = level.encode(z[:, ::3]), generator(5)
    chunks = torch.stack([walks.actions[:, :3].flatten(1), walks.actions[:, 3:].flatten(1)], 1) / 1.5
    macros = level.summary(chunks)
    seen = level.rssm.observe(w, macros, generator=draw)
    state, foreseen = type(seen.state)(seen.state.h[:, 0], seen.state.z[:, 0]), []
    for t in range(2):
        state = level.rssm.step(state, macros[:, t], generator=draw)
        foreseen.append(level.read(state.features))
    balanced = balanced_kl(seen.posterior, seen.prior)
    expected = {
        "similarity": 2 * (torch.stack(foreseen, 1) - w[:, 1:]).square().mean(),
        "smoothness": 0.75 * w.diff(dim=1).square().mean(),
        "inverse": 2 * (level.inverse(torch.cat([w[:, :-1], w[:, 1:]], -1)) - chunks).square().mean(),
        "reading": (level.read(seen.state.features) - w).square().mean(),
        "dynamics": 0.01 * balanced["dynamics"],
        "representation": 0.01 * balanced["representation"],
    }
    for name, value in expected.items():
        torch.testing.assert_close(terms[name], value, msg=lambda text, name=name: f"{name}: {text}")


def test_level_1_learns_as_if_there_were_no_level_above(walks):
    model = two()
    alone = PLDM(dim=12, hidden=32)
    alone.load_state_dict(
        {name: weight for name, weight in model.state_dict().items() if not name.startswith("above.")}
    )
    terms, flat = h_jepa_loss(model, walks.frames, walks.actions), pldm_loss(alone, walks.frames, walks.actions)
    for name, value in flat.items():
        torch.testing.assert_close(terms[f"1 {name}"], value)
    upper = [term for name, term in terms.items() if name.startswith("2")]
    assert reached(model, upper) == {"above"}


def test_level_2_may_shape_the_encoder_if_it_is_asked_to(walks):
    model = two()
    terms = h_jepa_loss(model, walks.frames, walks.actions, through=True)
    assert reached(model, [term for name, term in terms.items() if name.startswith("2")]) == {"encoder", "above"}


@pytest.mark.parametrize(("inject", "parts"), [(False, set()), (True, {"above"})])
def test_level_1s_prediction_error_reaches_level_2_where_its_latent_is_injected(walks, inject, parts):
    model = two(inject)
    terms = h_jepa_loss(model, walks.frames, walks.actions)
    assert reached(model, [terms["1 similarity"]]) == {"encoder", "dynamics"} | parts


def test_what_is_injected_changes_with_each_tick_and_knows_no_action_that_is_still_to_come(walks):
    model, actions = two(inject=True), walks.actions.repeat(1, 2, 1)[:, :8]
    with torch.no_grad():
        z = model.encode(walks.frames[:, 0])
        told = model.told(z, actions)
        w = model.above.encode(z)
        foreseen = model.above.rollout(w, model.above.macros(actions[:, :6]))
    assert told.shape == (6, 8, 6)
    for t, wanted in enumerate([w, w, w, *[foreseen[:, 0]] * 3, *[foreseen[:, 1]] * 2]):
        torch.testing.assert_close(told[:, t], wanted)
    for t in range(8):
        other = actions.clone()
        other[:, t] += 1
        with torch.no_grad():
            one, two_ = model.rollout(z, actions), model.rollout(z, other)
        same = [bool(torch.equal(one[:, s], two_[:, s])) for s in range(8)]
        assert same == [s < t for s in range(8)]


@pytest.mark.parametrize("inject", [False, True])
def test_one_step_is_the_first_of_many(walks, inject):
    model = two(inject)
    with torch.no_grad():
        z = model.encode(walks.frames)[:, :6]
        path = model.rollout(z[:, 0], walks.actions)
        torch.testing.assert_close(model.predict(z, walks.actions)[:, 0], path[:, 0])


@pytest.mark.parametrize(("inject", "horizon", "wanted"), [(False, 7, 7), (True, 3, 3), (True, 4, 5), (True, 7, 9)])
def test_the_predictions_of_a_path_are_counted(inject, horizon, wanted, monkeypatch):
    model, calls = two(inject), []
    slow, fast = model.above.rssm, model.dynamics
    monkeypatch.setattr(slow, "prior", lambda h, prior=slow.prior: calls.append(1) or prior(h))
    fast.register_forward_pre_hook(lambda *_: calls.append(1))
    model.rollout(torch.zeros(1, 12), torch.zeros(1, horizon, 2))
    assert model.transitions(horizon) == len(calls) == wanted


def test_a_context_that_level_2_cannot_fill_is_refused():
    with pytest.raises(ValueError, match="below: got a context of 5, wanted 0 or level 2's width, 32"):
        HJEPA(PLDM(dim=12, context=5), SlowLevel(12))


# ---- an easy world: positions add, and are the latents -------------------------------------------------------------------------
class Places(HJEPA):
    """Level 1 sees positions."""

    def encode(self, frames):
        return frames


def free_walks(k, g):
    actions = torch.randn(64, 8, 2, generator=g)
    return torch.cat([torch.zeros(64, 1, 2), actions.cumsum(1) / 3], 1) + torch.randn(64, 1, 2, generator=g), actions


def trained(inject):
    """Both levels, on walks in a world without walls."""
    torch.manual_seed(0)
    above = SlowLevel(2, every=4, macro_dim=2, width=None, deter=32, stoch=8, hidden=64, action_scale=1.0)
    model = Places(PLDM(dim=2, hidden=32, depth=1, action_scale=1.0, context=2 if inject else 0), above)

    def loss(model, clip):
        low = predictor_loss(model, *clip, torch.ones(2))["similarity"]
        return {"low": low, **slow_loss(model.above, clip[0].detach(), clip[1])}

    fit(model, loss, free_walks, steps=250, learning_rate=4e-3)
    model.above.measure(free_walks(0, generator(3))[1])
    return model


@pytest.mark.slow
@pytest.mark.parametrize("inject", [False, True])
def test_both_variants_plan_in_a_world_where_positions_add(inject):
    model = trained(inject)
    start, goal = torch.tensor([[-1.5, 0.0], [1.0, 1.0]]), torch.tensor([[1.5, 1.0], [-1.5, -1.0]])
    low = CEM(4, 64, 8, 4)
    planner = CEM(6, 64, 8, 4) if inject else two_levels(model.above, CEM(2, 64, 8, 4), low, steps=2)
    path = drive(
        planner, model, start, [squared_to_goal(goal)], see=lambda at: at, step=lambda at, a: at + a / 3,
        bound=within(1.0), generator=generator(), steps=16, every=2,
    )  # fmt: skip
    assert (path[:, -1] - goal).norm(dim=-1).max() < 0.4
