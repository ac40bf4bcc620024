"""V-JEPA predicts hidden tubes, and computes its targets once."""

import pytest
import torch

from wm_core.jepa.v_jepa import VJEPA, v_jepa_loss
from wm_core.nets.vit import TokenPredictor, ViT, take
from wm_core.objectives.masking import LONG_RANGE, SHORT_RANGE, tube_masks


@pytest.fixture
def clips():
    return torch.rand(4, 8, 3, 24, 24, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def masks():
    generator = torch.Generator().manual_seed(0)
    return [tube_masks(4, (4, 4, 4), generator, *kind) for kind in (SHORT_RANGE, LONG_RANGE)]


@pytest.fixture
def net():
    torch.manual_seed(0)
    encoder = ViT(patch=6, frames=8, dim=32, depth=2)
    return VJEPA(encoder, TokenPredictor(encoder, 16, 1))


def test_the_loss_is_the_mean_over_both_masks(net, clips, masks):
    targets = net.targets(clips)
    each = [(net(clips, mask) - take(targets, mask.ask[:, 0])).abs().mean() for mask in masks]
    torch.testing.assert_close(v_jepa_loss(net, clips, masks)["prediction"], sum(each) / 2)


def test_both_masks_share_one_pass_of_the_target_encoder(net, clips, masks):
    passes = []
    net.target.register_forward_hook(lambda *_: passes.append(1))
    v_jepa_loss(net, clips, masks)
    assert len(passes) == 1


def test_a_prediction_knows_nothing_of_the_hidden_tubes(net, clips, masks):
    hidden = torch.ones(4, 64, dtype=torch.bool).scatter(1, masks[0].keep, False).view(4, 4, 4, 4)
    where = hidden.repeat_interleave(2, 1).repeat_interleave(6, 2).repeat_interleave(6, 3)[:, :, None]
    other = torch.where(where, torch.rand_like(clips), clips)
    assert net(clips, masks[0]).equal(net(other, masks[0]))
    assert not net.targets(clips).equal(net.targets(other))


def test_without_the_slow_copy_the_targets_are_the_encoders_own_and_learn(clips):
    encoder = ViT(patch=6, frames=8, dim=32, depth=2)
    net = VJEPA(encoder, TokenPredictor(encoder, 16, 1), slow=False)
    assert net.targets(clips).requires_grad
    before = encoder.embed.weight.clone()
    net.follow(0.0)
    assert encoder.embed.weight.equal(before)


def test_targets_are_layer_normed_and_out_of_reach_of_gradients(net, clips):
    targets = net.targets(clips)
    assert not targets.requires_grad
    torch.testing.assert_close(targets.std(-1, correction=0), torch.ones(4, 64), atol=1e-2, rtol=0)


def test_the_slow_copy_follows_less_and_less(net):
    before = net.target.embed.bias.clone()
    with torch.no_grad():
        net.encoder.embed.bias += 1
    net.follow(0.0)
    first = net.target.embed.bias - before
    net.follow(1.0)  # at the end the decay is 1: the copy stands still
    torch.testing.assert_close(first, torch.full_like(first, 0.004))
    assert (net.target.embed.bias - before).equal(first)
