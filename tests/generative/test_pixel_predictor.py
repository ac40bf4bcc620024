"""The pixel predictor: it sees one frame, and is compared with all."""

import pytest
import torch

from wm_core.generative.pixel_predictor import PixelPredictor, pixel_predictor_loss
from wm_core.jepa.action_jepa import ActionJEPA


@pytest.fixture
def model():
    torch.manual_seed(0)
    return PixelPredictor(action_scale=0.12)


@pytest.fixture
def film():
    generator = torch.Generator().manual_seed(0)
    return torch.rand(6, 5, 24, 24, generator=generator), 0.24 * torch.rand(6, 4, 2, generator=generator) - 0.12


@pytest.mark.parametrize("motion_weight", [0.0, 20.0])
def test_the_loss_compares_every_frame_with_what_the_first_and_the_pushes_give(model, film, motion_weight):
    frames, actions = film
    z = model.encode(frames[:, 0])
    moving = (frames - frames.mean(1, keepdim=True)).abs()
    errors = []
    for t in range(5):
        errors.append(((model.decode(z) - frames[:, t]).square() * (1 + motion_weight * moving[:, t])).mean())
        z = model.predict(z, actions[:, t]) if t < 4 else z
    loss = pixel_predictor_loss(model, frames, actions, motion_weight)
    assert list(loss) == ["pixels"]
    torch.testing.assert_close(loss["pixels"], torch.stack(errors).mean())


def test_the_later_frames_are_not_looked_at(model, film):
    frames, actions = film
    seen = []
    model.encoder.register_forward_hook(lambda module, given, z: seen.append(given[0]))
    pixel_predictor_loss(model, frames, actions)
    assert len(seen) == 1
    assert torch.equal(seen[0], frames[:, 0])


def test_a_latent_is_drawn_as_a_frame_whatever_the_leading_shape(model):
    z = torch.randn(2, 3, 16)
    drawn = model.decode(z)
    assert drawn.shape == (2, 3, 24, 24)
    torch.testing.assert_close(drawn[1, 2], model.decode(z[1, 2]))
    assert abs(drawn.mean().item() - 0.4) < 0.1  # it starts out drawing mid grey


def test_the_loss_trains_every_part(model, film):
    pixel_predictor_loss(model, *film)["pixels"].backward()
    assert all(p.grad.any() for p in model.parameters())


def test_it_has_the_encoder_and_the_dynamics_of_the_jepa():
    def shapes(part):
        return {name: p.shape for name, p in part.named_parameters()}

    ours, theirs = PixelPredictor(), ActionJEPA()
    assert shapes(ours.encoder) == shapes(theirs.encoder)
    assert shapes(ours.dynamics) == shapes(theirs.dynamics)
