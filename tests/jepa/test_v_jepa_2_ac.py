"""V-JEPA 2-AC: what each stage trains, that predictions are fed back with their gradient, and what centring a film forgets."""

import pytest
import torch
from torch import nn

from wm_core.jepa.v_jepa_2_ac import (
    VJEPA2AC,
    ActionPredictor,
    LayerNormed,
    Watcher,
    Weights,
    acting_loss,
    rollout_error,
    teacher_forcing,
    watching_loss,
)
from wm_core.nets.places import PlaceEncoder


@pytest.fixture
def model():
    torch.manual_seed(0)
    return VJEPA2AC(PlaceEncoder(places=2), ActionPredictor(4, reach=2.0, hidden=(16,)))


@pytest.fixture
def clip():
    """Latents (batch, time, dim) and the actions between them."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(3, 7, 4, generator=generator), torch.randn(3, 6, 2, generator=generator)


class Adding(nn.Module):
    """Dynamics in which an action adds a learned multiple of itself."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(0.5))

    def forward(self, z, a):
        return z + self.gain * a


# ---- stage two -------------------------------------------------------------------------------------------------------
def test_rolling_out_is_predicting_again_and_again(model, clip):
    z, actions = clip
    path, at = model.rollout(z[:, 0], actions), z[:, 0]
    for k in range(6):
        at = model.predict(at, actions[:, k])
        torch.testing.assert_close(path[:, k], at)


@pytest.mark.parametrize("steps", [1, 2, 4, 6])
def test_the_rollout_error_is_that_of_rollouts_from_every_frame(model, clip, steps):
    z, actions = clip
    errors = [
        (model.rollout(z[:, i], actions[:, i : i + steps])[:, -1] - z[:, i + steps]).abs().mean()
        for i in range(7 - steps)
    ]
    torch.testing.assert_close(rollout_error(model, z, actions, steps), torch.stack(errors).mean())


def test_of_one_step_it_is_teacher_forcing(model, clip):
    torch.testing.assert_close(rollout_error(model, *clip, steps=1), teacher_forcing(model, *clip))


def test_gradients_flow_through_the_prediction_that_was_fed_back():
    """In a world where each action adds g·a, two steps from 0 end at g·(a0 + a1): the slope in g is the sum of both."""
    model = VJEPA2AC(nn.Identity(), Adding())
    z = torch.full((1, 3, 2), 10.0)
    z[:, 0] = 0.0
    actions = torch.tensor([[[3.0, 3.0], [1.0, 1.0]]])
    rollout_error(model, z, actions, steps=2).backward()
    assert model.dynamics.gain.grad == pytest.approx(-4.0)  # -1.0 if the first prediction had been detached


def test_both_terms_count_alike_and_zero_steps_leave_one_out(model, clip):
    terms = acting_loss(model, *clip, rollout=2)
    assert set(terms) == {"teacher forcing", "rollout"}
    torch.testing.assert_close(terms["rollout"], rollout_error(model, *clip, steps=2))
    assert set(acting_loss(model, *clip, rollout=0)) == {"teacher forcing"}


def test_a_rollout_longer_than_the_clip_is_refused(model, clip):
    with pytest.raises(ValueError, match="steps"):
        rollout_error(model, *clip, steps=7)


def test_the_encoder_is_frozen_and_the_predictor_learns(model):
    frames, actions = torch.rand(2, 5, 24, 24), torch.randn(2, 4, 2)
    sum(acting_loss(model, model.encode(frames), actions, rollout=2).values()).backward()
    assert all(p.grad is None and not p.requires_grad for p in model.encoder.parameters())
    assert all(p.grad is not None for p in model.dynamics.parameters())


def test_with_layer_norm_what_is_encoded_and_what_is_predicted_are_normed():
    torch.manual_seed(0)
    model = VJEPA2AC(LayerNormed(PlaceEncoder()), ActionPredictor(16, reach=2.0, layer_norm=True))
    z = model.encode(torch.rand(5, 24, 24))
    for latents in (z, model.predict(z, torch.randn(5, 2))):
        torch.testing.assert_close(latents.mean(-1), torch.zeros(5), atol=1e-5, rtol=0)
        torch.testing.assert_close(latents.std(-1, correction=0), torch.ones(5), atol=5e-2, rtol=0)


def test_actions_are_seen_in_units_of_the_reach():
    torch.manual_seed(0)
    near, far = ActionPredictor(4, reach=1.0), ActionPredictor(4, reach=3.0)
    far.load_state_dict(near.state_dict())
    z, a = torch.randn(5, 4), torch.randn(5, 2)
    torch.testing.assert_close(near(z, a), far(z, 3 * a))


# ---- stage one -------------------------------------------------------------------------------------------------------
@pytest.fixture
def watcher():
    torch.manual_seed(0)
    return Watcher(nn.Flatten(2), 4)  # its latent is the film itself: 2 × 2 pixels


def test_the_loss_is_the_weighted_sum_that_the_chapter_derives(watcher):
    films = torch.randn(6, 5, 2, 2, generator=torch.Generator().manual_seed(1))
    z = films.flatten(2)
    guesses = [z[:, t] + watcher.change(torch.cat([z[:, t - 1], z[:, t]], -1)) for t in range(1, 4)]
    centred = (z - z.mean(1, keepdim=True)).flatten(0, 1)
    off_diagonal = ~torch.eye(4, dtype=torch.bool)
    expected = {
        "prediction": 5 * torch.stack([(g - z[:, t + 2]).square().mean() for t, g in enumerate(guesses)]).mean(),
        "variance": (1 - (centred.var(0) + 1e-4).sqrt()).clamp(min=0).mean(),
        "covariance": centred.T.cov()[off_diagonal].square().mean(),
    }
    terms = watching_loss(watcher, films)
    assert list(terms) == list(expected)
    for name, value in expected.items():
        torch.testing.assert_close(terms[name], value, msg=lambda text, name=name: f"{name}: {text}")


def test_what_stays_the_same_through_a_film_counts_for_nothing(watcher):
    films = torch.randn(6, 5, 2, 2, generator=torch.Generator().manual_seed(1))
    papered = films + 3 * torch.randn(6, 1, 2, 2, generator=torch.Generator().manual_seed(2))
    for name in ("variance", "covariance"):
        plain, with_paper = watching_loss(watcher, films)[name], watching_loss(watcher, papered)[name]
        torch.testing.assert_close(plain, with_paper)
        still = watching_loss(watcher, films.mean(1, keepdim=True).expand_as(films) + papered)[name]
        torch.testing.assert_close(still, plain)
    uncentred = watching_loss(watcher, papered, centred=False)["covariance"]
    assert (uncentred - watching_loss(watcher, films, centred=False)["covariance"]).abs() > 0.1


def test_a_film_in_which_nothing_happens_cannot_satisfy_the_variance(watcher):
    still = torch.randn(6, 1, 2, 2).expand(-1, 5, -1, -1)
    assert watching_loss(watcher, still)["variance"] == pytest.approx(0.99)
    assert watching_loss(watcher, still, centred=False)["variance"] < 0.5


def test_twice_the_weight_is_twice_the_term(watcher):
    films = torch.randn(6, 5, 2, 2)
    once = watching_loss(watcher, films, Weights(1.0, 1.0, 1.0))
    twice = watching_loss(watcher, films, Weights(2.0, 2.0, 2.0))
    for name in once:
        torch.testing.assert_close(twice[name], 2 * once[name])
