"""I-JEPA predicts what it cannot see, of targets that saw everything."""

import pytest
import torch
import torch.nn.functional as F

from wm_core.jepa.i_jepa import IJEPA, i_jepa_loss
from wm_core.nets.vit import TokenPredictor, ViT, take
from wm_core.objectives.masking import block_masks
from wm_core.training import fit


@pytest.fixture
def images():
    return torch.rand(6, 3, 24, 24, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def masks():
    return block_masks(6, (6, 6), torch.Generator().manual_seed(0))


def model(slow=True):
    torch.manual_seed(0)
    encoder = ViT(dim=32, depth=2)
    return IJEPA(encoder, TokenPredictor(encoder, 16, 1), slow=slow)


def with_hidden_pixels_changed(images, masks):
    """Other pixels in every patch that the encoder is not shown."""
    hidden = torch.ones(len(images), 36).scatter(1, masks.keep, 0).view(-1, 1, 6, 6)
    where = F.interpolate(hidden, scale_factor=4)
    return images * (1 - where) + where * torch.rand_like(images)


def test_a_prediction_knows_nothing_of_the_hidden_pixels(images, masks):
    net, other = model(), with_hidden_pixels_changed(images, masks)
    assert net(images, masks).equal(net(other, masks))
    assert not take(net.targets(images), masks.ask[:, 0]).allclose(take(net.targets(other), masks.ask[:, 0]))


def test_a_target_is_made_from_the_whole_image(images):
    net, other = model(), images.clone()
    other[:, :, 20:, 20:] = 0.0  # the last patch
    assert (net.targets(images)[:, 0] - net.targets(other)[:, 0]).abs().max() > 1e-4


def test_each_block_is_predicted_for_itself(images, masks):
    net = model()
    together = net(images, masks)
    for block in range(4):
        alone = net(images, masks._replace(ask=masks.ask[:, [block]]))
        torch.testing.assert_close(together[:, [block]], alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", ["l1", "l2", "smooth_l1"])
def test_the_loss_is_the_mean_over_blocks_patches_and_numbers(images, masks, kind):
    net = model()
    predicted, targets = net(images, masks), net.targets(images)
    each = []
    for sample in range(6):
        for block in range(4):
            error = (predicted[sample, block] - targets[sample, masks.ask[sample, block]]).abs()
            small = 0.5 * error**2 if kind == "smooth_l1" else error
            each.append({"l1": error, "l2": error**2, "smooth_l1": torch.where(error < 1, small, error - 0.5)}[kind])
    torch.testing.assert_close(i_jepa_loss(net, images, masks, kind)["prediction"], torch.stack(each).mean())


def test_gradients_reach_encoder_and_predictor_but_not_the_slow_copy(images, masks):
    net = model()
    i_jepa_loss(net, images, masks)["prediction"].backward()
    assert all(weight.grad is not None for weight in net.encoder.parameters())
    assert all(weight.grad is not None for weight in net.predictor.parameters())
    assert all(weight.grad is None for weight in net.target.parameters())


def test_a_constant_encoder_is_a_perfect_answer(images, masks):
    """Nothing in the loss forbids collapse: constant features and a predictor that says them have loss 0."""
    net = model()
    with torch.no_grad():
        constant = torch.randn(32)
        for encoder in (net.encoder, net.target):
            encoder.transformer.norm.weight.zero_()
            encoder.transformer.norm.bias.copy_(constant)
        net.predictor.widen.weight.zero_()
        net.predictor.widen.bias.copy_(F.layer_norm(constant, (32,)))
    loss = i_jepa_loss(net, images, masks)["prediction"]
    assert loss < 1e-8
    loss.backward()
    assert max(weight.grad.abs().max() for weight in net.encoder.parameters()) < 1e-4


def test_training_moves_the_slow_copy_behind_the_encoder(images, masks):
    net = model()
    before = net.target.embed.weight.clone()
    fit(net, lambda m, b: i_jepa_loss(m, b[0], masks), lambda k, g: (images,), steps=3, learning_rate=1e-2,
        after_step=IJEPA.follow)  # fmt: skip
    moved, ahead = (net.target.embed.weight - before).norm(), (net.encoder.embed.weight - before).norm()
    assert 0 < moved < 0.1 * ahead


def test_without_a_slow_copy_gradients_flow_through_the_targets(images, masks):
    net = model(slow=False)
    assert net.targets(images).requires_grad
    assert not model().targets(images).requires_grad
