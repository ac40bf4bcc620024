"""A masked autoencoder draws what it was not shown, and is judged by that alone."""

import pytest
import torch

from wm_core.generative.mae import MAE, mae_loss, normed_patches
from wm_core.nets.vit import TokenPredictor, ViT
from wm_core.objectives.masking import scattered_masks, tube_masks


@pytest.fixture
def net():
    torch.manual_seed(0)
    encoder = ViT(dim=32, depth=2)
    return MAE(encoder, TokenPredictor(encoder, 16, 1, out=48))


@pytest.fixture
def images():
    return torch.rand(5, 3, 24, 24, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def masks():
    return scattered_masks(5, (6, 6), torch.Generator().manual_seed(0))


def test_a_normed_patch_has_mean_0_and_spread_1(net, images):
    values = normed_patches(net.encoder, images)
    torch.testing.assert_close(values.mean(-1), torch.zeros(5, 36), atol=1e-5, rtol=0)
    torch.testing.assert_close(values.std(-1), torch.ones(5, 36), atol=1e-3, rtol=0)


def test_a_flat_patch_stays_finite(net):
    assert normed_patches(net.encoder, torch.full((1, 3, 24, 24), 0.5)).abs().max() == 0


@pytest.mark.parametrize("normed", [True, False])
def test_only_hidden_patches_count(net, images, masks, normed):
    drawn = net(images, masks)
    wanted = normed_patches(net.encoder, images) if normed else net.encoder.patches(images)
    errors = [(drawn[i] - wanted[i, masks.ask[i, 0]]).square() for i in range(5)]
    torch.testing.assert_close(mae_loss(net, images, masks, normed)["reconstruction"], torch.stack(errors).mean())


def test_it_draws_tubelets_of_clips():
    encoder = ViT(patch=6, frames=8, dim=32, depth=1)
    net = MAE(encoder, TokenPredictor(encoder, 16, 1, out=3 * 2 * 6 * 6))
    clips = torch.rand(4, 8, 3, 24, 24, generator=torch.Generator().manual_seed(1))
    masks = tube_masks(4, (4, 4, 4), torch.Generator().manual_seed(0))
    wanted = normed_patches(encoder, clips)
    errors = [(net(clips, masks)[i] - wanted[i, masks.ask[i, 0]]).square() for i in range(4)]
    torch.testing.assert_close(mae_loss(net, clips, masks)["reconstruction"], torch.stack(errors).mean())


def test_a_drawing_knows_nothing_of_the_hidden_pixels(net, images, masks):
    hidden = torch.ones(5, 36).scatter(1, masks.keep, 0).view(5, 1, 6, 6)
    where = torch.nn.functional.interpolate(hidden, scale_factor=4)
    assert net(images, masks).equal(net(images * (1 - where) + where * torch.rand_like(images), masks))


def test_a_few_steps_draw_better_than_none(net, masks):
    smooth = torch.linspace(0, 1, 24).expand(5, 3, 24, 24) * torch.rand(5, 3, 1, 1)
    optimiser = torch.optim.Adam(net.parameters(), 3e-3)
    losses = []
    for _ in range(40):
        loss = mae_loss(net, smooth, masks, normed=False)["reconstruction"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]
