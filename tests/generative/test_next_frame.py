"""Drawing the next frame: of everything, from everything, and without what cannot be foreseen."""

import torch

from wm_core.generative.mae import MAE, normed_patches
from wm_core.generative.next_frame import next_frame_loss
from wm_core.nets.vit import TokenPredictor, ViT


def net():
    torch.manual_seed(0)
    encoder = ViT(dim=32, depth=1)
    return MAE(encoder, TokenPredictor(encoder, 32, 1, out=48))


def test_the_loss_is_that_of_all_patches_of_the_later_frame():
    model, now, later = net(), torch.rand(3, 3, 24, 24), torch.rand(3, 3, 24, 24)
    places = torch.arange(36).expand(3, -1)
    drawn = model.decoder(model.encoder(now, places), places, places)
    expected = (drawn - normed_patches(model.encoder, later)).square().mean()
    torch.testing.assert_close(next_frame_loss(model, now, later)["next frame"], expected)


def test_what_cannot_be_foreseen_is_left_out():
    """Trained on a still picture under fresh noise, it draws the picture better than any noisy frame shows it."""
    generator = torch.Generator().manual_seed(0)
    picture = torch.rand(1, 3, 4, 4, generator=generator).tile(1, 1, 6, 6)
    model = net()
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(100):
        now, later = (picture + 0.2 * torch.randn(2, 16, 3, 24, 24, generator=generator)).unbind(0)
        loss = next_frame_loss(model, now, later)["next frame"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    places = torch.arange(36).expand(1, -1)
    noisy = picture + 0.2 * torch.randn(1, 3, 24, 24, generator=generator)
    clean = normed_patches(model.encoder, picture)
    drawn = model.decoder(model.encoder(noisy), places, places)

    def error(values):
        return (values - clean).square().mean()

    assert error(drawn) < 0.5 * error(normed_patches(model.encoder, noisy))
