"""The action-conditioned JEPA: the whole loss as the chapter writes it, and what each term does."""

import pytest
import torch
from torch import nn

from wm_core.jepa.action_jepa import ActionJEPA, Weights, action_jepa_loss


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = ActionJEPA(action_scale=0.12)
    model.encoder.head[-1].weight.data *= 20  # latents that vary by 0.4 to 2.6: both sides of the hinge
    return model


@pytest.fixture
def film():
    """Frames (batch, time, size, size) and the pushes between them."""
    generator = torch.Generator().manual_seed(0)
    return torch.rand(6, 5, 24, 24, generator=generator), 0.24 * torch.rand(6, 4, 2, generator=generator) - 0.12


class Constant(nn.Module):
    """An encoder that has collapsed."""

    def forward(self, frames):
        return torch.ones(*frames.shape[:-2], 16)


def test_the_loss_is_the_weighted_sum_that_the_chapter_derives(model, film):
    frames, actions = film
    z = model.encode(frames)
    imagined, guess = [], z[:, 0]
    for t in range(4):
        guess = guess + model.dynamics.change(torch.cat([guess, actions[:, t] / 0.12], -1))
        imagined.append(guess)
    prediction = torch.stack([(imagined[t] - z[:, t + 1]).square().mean() for t in range(4)]).mean()
    variance = torch.stack([(1 - (z[:, t].var(0) + 1e-4).sqrt()).clamp(min=0).mean() for t in range(5)]).mean()
    off_diagonal = ~torch.eye(16, dtype=torch.bool)
    covariance = torch.stack([z[:, t].T.cov()[off_diagonal].square().mean() for t in range(5)]).mean()
    read = torch.stack([model.inverse(torch.cat([z[:, t], z[:, t + 1]], -1)) for t in range(4)], 1)
    inverse = (0.5 * (read - actions / 0.12).square().sum(-1)).mean()
    terms = action_jepa_loss(model, frames, actions)
    expected = {
        "prediction": 3 * prediction,
        "variance": variance,
        "covariance": 0.3 * covariance,
        "inverse": 10 * inverse,
    }
    assert list(terms) == list(expected)
    for name, value in expected.items():
        torch.testing.assert_close(terms[name], value, msg=lambda text, name=name: f"{name}: {text}")


def test_only_the_first_frame_is_looked_at(model, film):
    frames, actions = film
    z = model.encode(frames)
    path = model.rollout(z[:, 0], actions)
    assert path.shape == (6, 4, 16)
    torch.testing.assert_close(path[:, 0], model.predict(z[:, 0], actions[:, 0]))
    torch.testing.assert_close(path[:, 1], model.predict(path[:, 0], actions[:, 1]))


def test_a_term_of_weight_zero_is_left_out(model, film):
    assert set(action_jepa_loss(model, *film, Weights(variance=0.0, inverse=0.0))) == {"prediction", "covariance"}


def test_twice_the_weight_is_twice_the_term(model, film):
    once = action_jepa_loss(model, *film, Weights(1.0, 1.0, 1.0, 1.0))
    twice = action_jepa_loss(model, *film, Weights(2.0, 2.0, 2.0, 2.0))
    for name in once:
        torch.testing.assert_close(twice[name], 2 * once[name])


def test_collapse_is_predicted_perfectly_and_every_guard_but_the_covariance_objects(model, film):
    model.encoder = Constant()
    nn.init.zeros_(model.dynamics.change[-1].weight)
    nn.init.zeros_(model.dynamics.change[-1].bias)
    terms = action_jepa_loss(model, *film, Weights(1.0, 1.0, 1.0, 1.0))
    assert terms["prediction"] == 0
    assert terms["covariance"] == 0
    assert terms["variance"].item() == pytest.approx(0.99)
    assert terms["inverse"] > (film[1] / 0.12).var((0, 1), correction=0).mean()  # no head can do better than this


@pytest.mark.parametrize(
    ("term", "trained"),
    [("prediction", {"encoder", "dynamics"}), ("variance", {"encoder"}), ("covariance", {"encoder"}), ("inverse", {"encoder", "inverse"})],
)  # fmt: skip
def test_each_term_trains_its_own_parts(model, film, term, trained):
    action_jepa_loss(model, *film)[term].backward()
    moved = {
        name
        for name, part in model.named_children()
        if any(p.grad is not None and p.grad.any() for p in part.parameters())
    }
    assert moved == trained


def test_prediction_pulls_on_both_sides(model, film):
    """Gradients reach the encoder from the later frames too; nothing is detached."""
    frames = film[0].requires_grad_()
    action_jepa_loss(model, frames, film[1], Weights(1.0, 0.0, 0.0, 0.0))["prediction"].backward()
    assert frames.grad.flatten(2).any(-1).all()
