"""Causal-JEPA: what is hidden stays hidden, slots are a set, and the loss and the influence are what they are said to be."""

import pytest
import torch

from wm_core.jepa.causal_jepa import (
    CausalJEPA,
    causal_jepa_loss,
    hide_objects,
    hide_tokens,
    influence,
    whole_past,
)

BATCH, HISTORY, FUTURE, SLOTS, WIDTH = 3, 4, 2, 4, 5


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def net(**settings):
    torch.manual_seed(0)
    return CausalJEPA(WIDTH, HISTORY, FUTURE, dim=16, depth=2, heads=2, **settings)


@pytest.fixture
def model():
    return net()


@pytest.fixture
def slots():
    return torch.randn(BATCH, HISTORY + FUTURE, SLOTS, WIDTH, generator=seeded(1))


def only(*objects):
    """These objects hidden, in every sample."""
    chosen = torch.zeros(BATCH, SLOTS, dtype=torch.bool)
    chosen[:, list(objects)] = True
    return whole_past(chosen, HISTORY)


NOTHING = only()


def test_a_hidden_objects_later_history_is_not_looked_at(model, slots):
    other = slots.clone()
    other[:, 1:HISTORY, 2] += 1
    assert model(slots[:, :HISTORY], only(2)).equal(model(other[:, :HISTORY], only(2)))
    assert not model(slots[:, :HISTORY], only(1)).equal(model(other[:, :HISTORY], only(1)))


def test_a_hidden_objects_first_frame_is_its_anchor_and_is_looked_at(model, slots):
    other = slots.clone()
    other[:, 0, 2] += 1
    change = model(slots[:, :HISTORY], only(2)) - model(other[:, :HISTORY], only(2))
    assert (change[:, 1:, 2] + 1).abs().amin() > 1e-4  # more than the shift that every change of it makes
    everything = torch.ones(BATCH, HISTORY, SLOTS, dtype=torch.bool)  # the first frame cannot be hidden
    assert model(slots[:, :HISTORY], everything).equal(model(slots[:, :HISTORY], only(*range(SLOTS))))


def test_slots_are_a_set(model, slots):
    order = torch.tensor([2, 0, 3, 1])
    hidden = hide_tokens(BATCH, HISTORY, SLOTS, 0.5, seeded(2))
    straight = model(slots[:, :HISTORY], hidden)[:, :, order]
    torch.testing.assert_close(model(slots[:, :HISTORY, order], hidden[:, :, order]), straight, atol=1e-5, rtol=0)


def test_time_has_an_order(model, slots):
    backwards = slots[:, :HISTORY].flip(1)
    assert (model(slots[:, :HISTORY], NOTHING) - model(backwards, NOTHING)).abs().max() > 1e-3


def test_a_token_in_the_past_may_look_ahead(model, slots):
    other = slots.clone()
    other[:, HISTORY - 1, 0] += 1
    change = model(slots[:, :HISTORY], only(2)) - model(other[:, :HISTORY], only(2))
    assert change[:, 1, 2].abs().amin() > 0


def test_alone_nobody_else_matters(slots):
    single = net(alone=True)
    other = slots.clone()
    other[:, :, 0] += 1
    apart = single(slots[:, :HISTORY], only(2)) - single(other[:, :HISTORY], only(2))
    assert apart[:, :, 1:].abs().max() == 0
    assert apart[:, :, 0].abs().max() > 0


def test_alone_is_the_same_network_for_one_object(slots):
    one = slots[:, :HISTORY, :1]
    together, apart = (net(alone=alone)(one, NOTHING[:, :, :1]) for alone in (False, True))
    torch.testing.assert_close(together, apart, atol=1e-5, rtol=0)


def test_every_prediction_is_a_change_of_the_last_slot_that_was_shown(model, slots):
    with torch.no_grad():
        model.change.weight.zero_()
        model.change.bias.zero_()
    hidden = only(2)
    hidden[:, 2, 0] = True  # object 0 is hidden in frame 2 alone
    out = model(slots[:, :HISTORY], hidden)
    assert out[:, 1:, 2].equal(slots[:, :1, 2].expand(-1, HISTORY + FUTURE - 1, -1))
    assert out[:, 2, 0].equal(slots[:, 1, 0])
    assert out[:, HISTORY:, 0].equal(slots[:, HISTORY - 1 : HISTORY, 0].expand(-1, FUTURE, -1))
    assert out[:, :HISTORY, 1].equal(slots[:, :HISTORY, 1])


def test_the_loss_is_the_two_means_of_squares(model, slots):
    hidden = only(1, 3)
    hidden[0] = False
    guess = model(slots[:, :HISTORY], hidden)
    squares = [
        (guess[n, t, k] - slots[n, t, k]).square().mean() for n in (1, 2) for t in range(1, HISTORY) for k in (1, 3)
    ]
    terms = causal_jepa_loss(model, slots, hidden)
    torch.testing.assert_close(terms["history"], torch.stack(squares).mean())
    torch.testing.assert_close(terms["future"], (guess - slots)[:, HISTORY:].square().mean())
    assert set(causal_jepa_loss(model, slots, NOTHING)) == {"future"}


def test_no_gradient_reaches_the_targets(model, slots):
    slots = slots.requires_grad_()
    hidden = only(1)
    sum(causal_jepa_loss(model, slots, hidden).values()).backward()
    assert slots.grad[:, HISTORY:].abs().max() == 0  # the future is a target and nothing else
    assert slots.grad[:, 1:HISTORY, 1].abs().max() == 0  # and so is what is hidden
    assert slots.grad[:, 0, 1].abs().max() > 0


def test_each_draw_hides_between_least_and_most_objects_whole(model):
    for least, most in ((0, 2), (1, 3)):
        hidden = hide_objects(600, HISTORY, SLOTS, most, seeded(0), least)
        assert not hidden[:, 0].any()
        assert hidden[:, 1:].all(1).equal(hidden[:, 1:].any(1))
        counts = hidden[:, 1].sum(1).bincount(minlength=SLOTS + 1) / 600
        assert counts[least : most + 1].sum() == 1
        assert counts[least : most + 1].amin() > 0.8 / (most - least + 1)
        assert hidden[:, 1].float().mean(0).sub((least + most) / 2 / SLOTS).abs().amax() < 0.06  # nobody is preferred


def test_scattered_slots_are_hidden_in_their_share_and_never_at_first():
    hidden = hide_tokens(600, HISTORY, SLOTS, 0.3, seeded(0))
    assert not hidden[:, 0].any()
    assert float(hidden[:, 1:].float().mean()) == pytest.approx(0.3, abs=0.02)
    assert hide_tokens(600, HISTORY, SLOTS, 0.3, seeded(0)).equal(hidden)


def test_influence_is_what_small_pushes_show(model, slots):
    model, history = model.double(), slots[:, :HISTORY].double()
    target, hidden, step = torch.tensor([0, 2, 3]), only(2), 1e-5
    squares = torch.zeros(BATCH, SLOTS, dtype=torch.double)
    for frame in range(HISTORY):
        for number in range(2):
            for slot in range(SLOTS):
                push = torch.zeros_like(history)
                push[:, frame, slot, number] = step
                change = (model(history + push, hidden) - model(history - push, hidden)) / (2 * step)
                squares[:, slot] += change[torch.arange(BATCH), HISTORY:, target, :2].square().sum((1, 2))
    torch.testing.assert_close(
        influence(model, history, hidden, target, 2).double(), squares.sqrt(), rtol=1e-5, atol=1e-6
    )


def test_alone_only_ones_own_past_has_influence(slots):
    found = influence(net(alone=True), slots[:, :HISTORY], NOTHING, torch.tensor([0, 2, 3]))
    assert (found > 0).nonzero().tolist() == [[0, 0], [1, 2], [2, 3]]
