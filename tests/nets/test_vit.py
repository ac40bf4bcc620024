"""Patches hold every pixel once, and a token that is left out might as well not exist."""

import pytest
import torch

from wm_core.nets.vit import TokenPredictor, ViT, patches, take


def some(count, of, kept, seed=0):
    """For each of ``count`` samples ``kept`` places of ``of``."""
    lot = torch.rand(count, of, generator=torch.Generator().manual_seed(seed))
    return lot.topk(kept, dim=1).indices.sort(1).values


def test_patches_hold_every_pixel_once():
    pixels = torch.arange(2 * 3 * 24 * 24.0).view(2, 3, 24, 24)
    cut = patches(pixels, (4, 4))
    assert cut.shape == (2, 36, 48)
    assert cut.flatten().sort().values.equal(pixels.flatten())
    assert cut[1, 7].view(3, 4, 4).equal(pixels[1, :, 4:8, 4:8])


def test_tubelets_hold_every_pixel_once_and_span_time():
    clip = torch.arange(8 * 3 * 12 * 12.0).view(1, 8, 3, 12, 12)
    cut = patches(clip, (2, 6, 6))
    assert cut.shape == (1, 16, 216)
    assert cut[0, 5].view(2, 3, 6, 6).equal(clip[0, 2:4, :, :6, 6:])
    assert cut.flatten().sort().values.equal(clip.flatten())


@pytest.mark.parametrize("rotary", [False, True])
def test_dropping_tokens_equals_hiding_them(rotary):
    net, images, keep = ViT(rotary=rotary), torch.rand(4, 3, 24, 24), some(4, 36, 12)
    visible = torch.zeros(4, 36, dtype=torch.bool).scatter(1, keep, True)
    torch.testing.assert_close(net(images, keep), take(net(images, visible=visible), keep), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("rotary", [False, True])
def test_what_is_hidden_cannot_be_known(rotary):
    net, images, keep = ViT(rotary=rotary), torch.rand(1, 3, 24, 24), torch.arange(18)[None]  # the upper half
    other = images.clone()
    other[:, :, 12:] = torch.rand(1, 3, 12, 24)
    assert net(images, keep).equal(net(other, keep))
    assert not net(images).equal(net(other))


@pytest.mark.parametrize("rotary", [False, True])
def test_the_place_of_a_patch_is_part_of_its_token(rotary):
    net = ViT(rotary=rotary)
    alike = torch.rand(1, 3, 4, 4).tile(1, 1, 6, 6)  # the same patch everywhere
    half_alike = alike.clone()
    half_alike[..., :12, :] = 0
    tokens = net(half_alike)[0]
    assert (tokens[30] - tokens[20]).abs().max() > 1e-4


@pytest.mark.parametrize("rotary", [False, True])
def test_a_prediction_depends_on_where_it_is_asked(rotary):
    encoder = ViT(rotary=rotary)
    predictor = TokenPredictor(encoder, rotary=rotary)
    context, keep, ask = torch.randn(2, 9, 64), some(2, 36, 9), some(2, 36, 5, seed=1)
    told = predictor(context, keep, ask)
    assert told.shape == (2, 5, 64)
    assert (told[:, 0] - told[:, 1]).abs().max() > 1e-4
    turned = predictor(context, keep, ask.flip(1)).flip(1)
    torch.testing.assert_close(told, turned, atol=1e-5, rtol=1e-4)


def test_a_predictor_ignores_context_that_does_not_count():
    encoder = ViT()
    predictor = TokenPredictor(encoder)
    context, keep, ask = torch.randn(2, 9, 64), some(2, 36, 9), some(2, 36, 5, seed=1)
    counts = torch.tensor([True] * 6 + [False] * 3).expand(2, -1)
    torch.testing.assert_close(
        predictor(context, keep, ask, counts), predictor(context[:, :6], keep[:, :6], ask), atol=1e-5, rtol=1e-4
    )


def test_asked_places_that_do_not_count_change_nothing():
    encoder = ViT()
    predictor = TokenPredictor(encoder)
    context, keep, ask = torch.randn(2, 9, 64), some(2, 36, 9), some(2, 36, 5, seed=1)
    counts = torch.tensor([True] * 9 + [True] * 3 + [False] * 2).expand(2, -1)
    torch.testing.assert_close(
        predictor(context, keep, ask, counts)[:, :3], predictor(context, keep, ask[:, :3]), atol=1e-5, rtol=1e-4
    )


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="patch: got 5 for 24"):
        ViT(patch=5)
    with pytest.raises(ValueError, match="tubelet: got 2 for 7"):
        ViT(frames=7)
    with pytest.raises(ValueError, match="wanted 5 axes"):
        patches(torch.rand(2, 3, 24, 24), (2, 4, 4))
