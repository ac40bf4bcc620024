"""PLDM: the whole loss written out by hand, what each term leaves alone, and a predictor that learns beside an encoder at rest."""

import pytest
import torch
from torch.nn.functional import relu

from wm_core.jepa.pldm import PLDM, Coefficients, pldm_loss, predictor_loss
from wm_core.objectives.sigreg import sigreg
from wm_core.training import fit
from wm_core.worlds.two_rooms import TwoRooms


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = PLDM(dim=12, hidden=32)
    model.encoder.head[-1].weight.data *= 20  # latents on both sides of the variance hinge
    return model


@pytest.fixture
def walks():
    return TwoRooms().episodes(6, 4, torch.Generator().manual_seed(0))


def test_the_loss_is_the_weighted_sum_of_its_terms(model, walks):
    frames, actions = walks.frames, walks.actions
    z = model.encode(frames)
    guess, imagined = z[:, 0], []
    for t in range(4):
        guess = guess + model.dynamics.change(torch.cat([guess, actions[:, t] / 1.5], -1))
        imagined.append(guess)
    change = z[:, 1:] - z[:, :-1]
    read = model.inverse(torch.cat([z[:, :-1], 10 * change], -1))
    elsewhere = ~torch.eye(12, dtype=torch.bool)
    expected = {
        "similarity": 2 * (torch.stack(imagined, 1) - z[:, 1:]).square().mean(),
        "variance": 4 * torch.stack([relu(1 - (z[:, t].var(0) + 1e-4).sqrt()).mean() for t in range(5)]).mean(),
        "covariance": 7 * torch.stack([z[:, t].T.cov()[elsewhere].square().mean() for t in range(5)]).mean(),
        "smoothness": 0.75 * change.square().mean(),
        "inverse": 2 * (read - actions / 1.5).square().mean(),
        "spread": 0.25 * relu(1 - (z.var(1) + 1e-4).sqrt()).mean(),
    }
    terms = pldm_loss(model, frames, actions)
    assert list(terms) == list(expected)
    for name, value in expected.items():
        torch.testing.assert_close(terms[name], value, msg=lambda text, name=name: f"{name}: {text}")


def test_frames_at_some_moments_give_the_terms_of_these_moments(model, walks):
    at = [0, 1, 3]
    z, actions = model.encode(walks.frames), walks.actions
    terms = pldm_loss(model, walks.frames[:, at], actions, at=at)
    imagined = model.rollout(z[:, 0], actions)
    torch.testing.assert_close(terms["similarity"], 2 * (imagined[:, [0, 2]] - z[:, [1, 3]]).square().mean())
    alone = pldm_loss(model, walks.frames[:, :2], actions[:, :1])
    for name in ("smoothness", "inverse"):  # these compare neighbours, and the first two are the only ones
        torch.testing.assert_close(terms[name], alone[name])


@pytest.mark.parametrize("at", [[1, 2, 3], [0, 2, 4], []])
def test_moments_without_a_beginning_or_neighbours_are_refused(model, walks, at):
    with pytest.raises(ValueError, match="at: got"):
        pldm_loss(model, walks.frames[:, at], walks.actions, at=at)


def test_sigreg_can_stand_for_variance_and_covariance(model, walks):
    weights = Coefficients(variance=0.0, covariance=0.0, sigreg=1.0)
    torch.manual_seed(1)  # decides the lines
    terms = pldm_loss(model, walks.frames, walks.actions, weights)
    torch.manual_seed(1)
    torch.testing.assert_close(terms["sigreg"], sigreg(model.encode(walks.frames)))
    assert not {"variance", "covariance"} & set(terms)


def test_the_dot_moves_an_untrained_latent_about_as_much_as_the_walls_do():
    torch.manual_seed(0)
    world, model = TwoRooms(), PLDM()
    generator = torch.Generator().manual_seed(1)
    layout = world.layouts(200, generator)
    one = type(layout)(*(part[:1].expand(200) for part in layout))
    places = world.anywhere(layout, generator)
    with torch.no_grad():
        by_dot = model.encode(world.draw(one, world.anywhere(one, generator)[:, None])).std(0).mean()
        by_walls = model.encode(world.draw(layout, places[:1].expand(200, 2)[:, None])).std(0).mean()
    assert 0.2 < by_dot / by_walls < 5


def test_the_predictor_alone_learns_and_leaves_the_encoder_as_it_is(model, walks):
    with torch.no_grad():
        z = model.encode(walks.frames)
    kept = [weight.clone() for weight in model.encoder.parameters()]
    scale = z.std((0, 1)) + 1e-3
    before = predictor_loss(model, z, walks.actions, scale)["similarity"].item()
    fit(
        model,
        lambda module, batch: predictor_loss(module, *batch, scale),
        lambda step, generator: (z, walks.actions),
        steps=60,
        learning_rate=3e-3,
    )
    assert predictor_loss(model, z, walks.actions, scale)["similarity"].item() < 0.5 * before
    for weight, old in zip(model.encoder.parameters(), kept, strict=True):
        assert torch.equal(weight, old)
