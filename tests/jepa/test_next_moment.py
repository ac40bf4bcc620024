"""What is expected of a moment comes from earlier ones alone, and surprise is how wrong that was."""

import pytest
import torch

from wm_core.jepa.next_moment import NextMoment, next_moment_loss, surprise
from wm_core.nets.vit import ViT
from wm_core.objectives.prediction import layer_normed

KINDS = ("features", "frozen features", "pixels")


@pytest.fixture
def clips():
    return torch.rand(3, 8, 3, 24, 24, generator=torch.Generator().manual_seed(1))


def build(wanted="features"):
    torch.manual_seed(0)
    return NextMoment(ViT(patch=8, frames=2, dim=32, depth=1), moments=4, dim=32, depth=2, heads=2, wanted=wanted)


@pytest.mark.parametrize("wanted", KINDS)
def test_every_moment_but_the_first_is_expected_and_comes(clips, wanted):
    expected, actual = build(wanted)(clips)
    width = 2 * 3 * 8 * 8 if wanted == "pixels" else 32
    assert expected.shape == actual.shape == (3, 3, 9, width)
    assert surprise(build(wanted), clips).shape == (3, 3, 9)


@pytest.mark.parametrize("wanted", KINDS)
@pytest.mark.parametrize("frame", [2, 5, 7])
def test_an_expectation_knows_nothing_of_its_own_moment_or_of_later_ones(clips, wanted, frame):
    other = torch.cat([clips[:, :frame], 1 - clips[:, frame:]], 1)
    one, two = build(wanted)(clips)[0], build(wanted)(other)[0]
    changed = frame // 2  # the moment of that frame; the expectation of moment m stands at m - 1
    torch.testing.assert_close(one[:, :changed], two[:, :changed])
    if changed < 3:
        assert (one[:, changed:] - two[:, changed:]).abs().amax((0, 2, 3)).min() > 1e-4


def test_clips_that_begin_alike_surprise_alike_until_they_part(clips):
    net, other = build(), clips.clone()
    other[:, 5] = 1 - other[:, 5]
    one, two = surprise(net, clips), surprise(net, other)
    torch.testing.assert_close(one[:, :1], two[:, :1])
    assert (one[:, 1] - two[:, 1]).abs().min() > 1e-4


def test_an_expectation_sees_all_earlier_moments_and_not_the_last_alone(clips):
    net, other = build(), clips.clone()
    other[:, 0] = 1 - other[:, 0]
    assert (net.expect(clips)[:, 2] - net.expect(other)[:, 2]).abs().max() > 1e-4


def test_features_wanted_are_the_slow_copys_layer_normed_and_out_of_reach_of_gradients(clips):
    net = build()
    with torch.no_grad():
        net.encoder.embed.bias += 1
        own = layer_normed(net.target(clips[:, 2:4]))
    targets = net.targets(clips)
    assert not targets.requires_grad
    torch.testing.assert_close(targets[:, 1], own)


def test_the_pixels_wanted_of_a_moment_are_those_of_its_patches(clips):
    targets = build("pixels").targets(clips)  # the last of nine places is the corner at the lower right
    torch.testing.assert_close(targets[:, 1, 8].sort(-1).values, clips[:, 2:4, :, 16:, 16:].flatten(1).sort(-1).values)


@pytest.mark.parametrize("wanted", KINDS)
def test_one_who_expects_no_change_is_not_surprised_by_a_still_clip(clips, wanted):
    still = clips[:, :1].expand(-1, 8, -1, -1, -1)
    assert surprise(build(wanted), still, copying=True).abs().max() < 1e-6
    assert surprise(build(wanted), clips, copying=True).min() > 1e-3


def test_no_change_of_pixels_means_the_last_frame_seen():
    clip = torch.arange(8.0).view(1, 8, 1, 1, 1).expand(1, 8, 3, 24, 24)
    net = build("pixels")
    expected = net.stay(net.targets(clip))
    assert expected[0, :, 0].unique(dim=1).flatten().tolist() == [1.0, 3.0, 5.0]


def test_the_loss_is_the_mean_surprise_with_its_gradient_in_encoder_and_predictor_alone(clips):
    net = build()
    loss = next_moment_loss(net, clips)["prediction"]
    torch.testing.assert_close(loss.detach(), surprise(net, clips).mean())
    loss.backward()
    for weight in (net.encoder.embed.weight, net.change.weight):
        assert weight.grad.abs().sum() > 0
    assert all(weight.grad is None for weight in net.target.parameters())


@pytest.mark.parametrize(("wanted", "moves"), [("features", 0.01), ("frozen features", 0.0)])
def test_the_slow_copy_follows_and_the_frozen_one_stays(wanted, moves):
    net = build(wanted)
    before = net.target.embed.bias.clone()
    with torch.no_grad():
        net.encoder.embed.bias += 1
    net.follow(0.0)
    torch.testing.assert_close(net.target.embed.bias - before, torch.full_like(before, moves))


def test_the_error_is_absolute_unless_asked_otherwise():
    half = torch.tensor([0.5])
    assert build().off(half, 0 * half) == 0.5
    assert NextMoment(ViT(patch=8, frames=2, dim=32, depth=1), kind="l2").off(half, 0 * half) == 0.25


def test_an_encoder_of_longer_clips_is_refused():
    with pytest.raises(ValueError, match="one tubelet"):
        NextMoment(ViT(patch=8, frames=4, dim=32, depth=1))
