"""The slow clock: what it looks at, what its macro-actions stand for, and a world that it learns to foresee."""

import pytest
import torch

from wm_core.jepa.h_jepa import slow_loss
from wm_core.nets.slow_level import SlowLevel
from wm_core.training import fit

KINDS = {"gaussian": {}, "categorical": {"classes": 4}, "shared": {"width": None}}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(params=KINDS)
def level(request):
    torch.manual_seed(0)
    return SlowLevel(
        **{"dim": 5, "every": 3, "macro_dim": 2, "width": 6, "deter": 8, "stoch": 4, "hidden": 16}
        | KINDS[request.param]
    )


@pytest.fixture
def walks():
    return torch.randn(40, 7, 5, generator=generator()), torch.randn(40, 6, 2, generator=generator(1))


def test_a_clip_gives_a_belief_a_tick_and_a_latent_for_each_macro_action(level, walks):
    z, actions = walks
    w = level.encode(z[:, ::3])
    macros = level.macros(actions)
    seen, foreseen = level.watch(w, level.codes(actions), generator())
    assert macros.shape == (40, 2, 2)
    assert w.shape == (40, 3, level.width)
    assert seen.posterior.kl(seen.prior).shape == (40, 3)
    assert foreseen.shape == level.rollout(w[:, 0], macros).shape == (40, 2, level.width)


def test_only_every_kth_latent_is_looked_at(level, walks):
    z, actions = walks
    between = z.clone()
    between[:, [1, 2, 4, 5]] += 1
    at_a_tick = z.clone()
    at_a_tick[:, 3] += 1
    said = [sum(slow_loss(level, seen, actions, generator=generator(2)).values()) for seen in (z, between, at_a_tick)]
    assert said[0] == said[1]
    assert said[0] != said[2]


def test_what_is_foreseen_depends_on_the_macro_actions_before_it_alone(level, walks):
    w, macros = level.encode(walks[0][:, 0]), level.macros(walks[1])
    other = macros.clone()
    other[:, 1] += 1
    one, two = level.rollout(w, macros), level.rollout(w, other)
    assert torch.equal(one[:, 0], two[:, 0])
    assert not torch.equal(one[:, 1], two[:, 1])
    assert torch.equal(one, level.rollout(w, macros))  # nothing is drawn


def test_a_macro_action_is_a_summary_of_its_own_stretch(level, walks):
    actions = walks[1].clone()
    actions[:, 4] += 1
    same = (level.macros(actions) == level.macros(walks[1])).all(-1).all(0)
    assert same.tolist() == [True, False]


def test_measured_macro_actions_have_mean_0_and_spread_1_and_mean_the_same(level, walks):
    z, actions = walks
    w, before = level.encode(z[:, 0]), level.macros(actions)
    unmeasured = level.rollout(w, before)
    level.measure(actions)
    macros = level.macros(actions)
    flat = macros.flatten(0, 1)
    torch.testing.assert_close(flat.mean(0), torch.zeros(2), atol=1e-4, rtol=0)
    torch.testing.assert_close(flat.T.cov(), torch.eye(2), atol=1e-3, rtol=0)
    assert not torch.allclose(before, macros, atol=0.1)
    torch.testing.assert_close(level.rollout(w, macros), unmeasured, atol=1e-4, rtol=1e-4)


def test_the_bound_lets_a_share_of_the_walks_pass_and_shortens_the_rest(level, walks):
    level.measure(walks[1], share=0.9)
    macros = level.macros(walks[1]).flatten(0, 1)
    kept = level.bound(macros)
    same = (kept - macros).norm(dim=-1) < 1e-5
    assert same.float().mean() == pytest.approx(0.9, abs=0.02)
    assert (kept.norm(dim=-1) <= level.radius * 1.0001).all()
    assert torch.cosine_similarity(kept, macros, dim=-1).min() > 0.9999
    assert torch.equal(level.bound(torch.zeros(3, 2)), torch.zeros(3, 2))


def test_before_it_is_measured_nothing_is_bounded(level):
    macros = 1e3 * torch.randn(5, 2, generator=generator())
    assert torch.equal(level.bound(macros), macros)


def test_what_was_measured_is_kept_with_the_weights(level, walks):
    level.measure(walks[1])
    kept = level.state_dict()
    assert {"centre", "stretch", "radius"} <= set(kept)
    assert kept["radius"].isfinite()


def test_steps_that_are_no_whole_number_of_ticks_are_refused(level, walks):
    with pytest.raises(ValueError, match="actions: got 5 steps, wanted a multiple of 3"):
        level.macros(walks[1][:, :5])


@pytest.mark.parametrize("wrong", ["every", "macro_dim"])
def test_a_count_below_one_is_refused(wrong):
    with pytest.raises(ValueError, match=f"{wrong}: got 0"):
        SlowLevel(5, **{wrong: 0})


@pytest.mark.slow
@pytest.mark.parametrize(("classes", "share"), [(None, 0.1), (8, 0.4)])
def test_it_learns_where_four_steps_lead_and_that_the_way_matters(classes, share):
    """A dot that walks freely: told what is done it foresees two ticks, told what another walk did it does not.

    Choices among classes say a place less finely than numbers do.
    """

    def walk(k, g):
        actions = torch.randn(128, 8, 2, generator=g)
        return torch.cat([torch.zeros(128, 1, 2), actions.cumsum(1) / 3], 1) + torch.randn(
            128, 1, 2, generator=g
        ), actions

    torch.manual_seed(0)
    level = SlowLevel(
        2, every=4, macro_dim=2, width=None, deter=32, stoch=8, classes=classes, hidden=64, action_scale=1.0
    )
    fit(level, lambda level, clip: slow_loss(level, *clip), walk, steps=250, learning_rate=4e-3)
    z, actions = walk(0, generator(9))
    with torch.no_grad():
        macros = level.macros(actions)
        told, misled = (level.rollout(z[:, 0], done) - z[:, 4::4] for done in (macros, macros.roll(1, 0)))
    stays = (z[:, :1] - z[:, 4::4]).square().mean()
    assert told.square().mean() < share * stays
    assert misled.square().mean() > stays
