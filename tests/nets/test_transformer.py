"""Attention mixes what it may, and nothing else."""

import pytest
import torch

from wm_core.nets.transformer import Attention, Transformer, causal, rotate, start_small


@pytest.fixture
def tokens():
    return torch.randn(3, 7, 16, generator=torch.Generator().manual_seed(0))


def test_attention_is_the_softmax_of_scaled_products(tokens):
    attention = Attention(16, 1)
    q, k, v = attention.qkv(tokens).chunk(3, -1)
    by_hand = attention.out(torch.softmax(q @ k.mT / 16**0.5, -1) @ v)
    torch.testing.assert_close(attention(tokens), by_hand)


def test_without_positions_the_order_of_tokens_does_not_matter(tokens):
    net, order = Transformer(16, 2, 4), torch.randperm(7)
    torch.testing.assert_close(net(tokens)[:, order], net(tokens[:, order]), atol=1e-5, rtol=1e-4)


def test_hidden_tokens_change_nothing_that_is_visible(tokens):
    net = Transformer(16, 2, 4)
    visible = torch.tensor([True, False, True, True, False, True, False]).expand(3, -1)
    changed = tokens.clone()
    changed[~visible] = 100.0
    torch.testing.assert_close(net(tokens, visible)[visible], net(changed, visible)[visible])
    torch.testing.assert_close(
        net(tokens, visible)[visible], net(tokens[:, visible[0]]).flatten(0, 1), atol=1e-5, rtol=1e-4
    )


def test_visible_tokens_do_change_each_other(tokens):
    net, changed = Transformer(16, 2, 4), tokens.clone()
    changed[:, 0] += torch.randn(16)
    assert (net(tokens)[:, 1] - net(changed)[:, 1]).abs().max() > 1e-4


def test_turned_queries_and_keys_agree_by_distance_only():
    angle = torch.arange(12.0)[:, None] * torch.tensor([1.0, 0.3])
    turn = torch.stack([angle.cos(), angle.sin()], -1)
    q, k = torch.randn(2, 1, 1, 1, 4).expand(2, 1, 1, 12, 4)
    products = (rotate(q, turn) @ rotate(k, turn).mT)[0, 0]
    for distance in range(-5, 6):
        diagonal = products.diagonal(distance)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal), atol=1e-5, rtol=1e-5)
    assert products[0].std() > 1e-2


def test_a_deep_stack_starts_near_the_identity():
    torch.manual_seed(0)
    x = torch.randn(2, 5, 32)
    net = Transformer(32, 12, 4)
    before_last_norm = x
    for block in net.blocks:
        before_last_norm = block(before_last_norm)
    assert torch.cosine_similarity(before_last_norm, x, dim=-1).min() > 0.8


def test_the_spread_at_the_start_does_not_depend_on_the_width():
    for width in (32, 512):
        layer = torch.nn.Linear(width, 256)
        start_small(layer, gain=1.0)
        assert layer(torch.randn(400, width)).std().item() == pytest.approx(
            0.88, abs=0.04
        )  # a normal cut at two deviations
        assert layer.bias.abs().max() == 0


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="heads: got 3 for a width of 16"):
        Attention(16, 3)


def test_a_causal_stack_does_not_look_ahead_and_does_look_back(tokens):
    net, changed = Transformer(16, 2, 4), tokens.clone()
    changed[:, 4] = tokens[:, 4].flip(-1)  # a shift by one number would be layer-normed away
    before, after = (net(x, allowed=causal(7)) for x in (tokens, changed))
    torch.testing.assert_close(after[:, :4], before[:, :4])
    assert ((after - before)[:, 4:].abs().amax(-1) > 1e-5).all()
    torch.testing.assert_close(before[:, :4], net(tokens[:, :4], allowed=causal(4)), atol=1e-5, rtol=1e-4)


def test_tokens_given_at_once_look_at_each_other_but_not_at_what_follows(tokens):
    by_hand = torch.tensor(
        [[1, 1, 1, 0, 0], [1, 1, 1, 0, 0], [1, 1, 1, 0, 0], [1, 1, 1, 1, 0], [1, 1, 1, 1, 1]], dtype=torch.bool
    )
    assert torch.equal(causal(5, free=3), by_hand)
    assert torch.equal(causal(5), torch.ones(5, 5).tril().bool())
    net = Transformer(16, 2, 4)
    torch.testing.assert_close(net(tokens, allowed=causal(7, 3))[:, :3], net(tokens[:, :3]), atol=1e-5, rtol=1e-4)


def test_a_token_must_be_both_visible_and_allowed(tokens):
    net = Transformer(16, 2, 4)
    visible = torch.tensor([True, False, True, True, True, False, True]).expand(3, -1)
    shown = net(tokens, visible, allowed=causal(7))[visible]
    alone = net(tokens[:, visible[0]], allowed=causal(5)).flatten(0, 1)
    torch.testing.assert_close(shown, alone, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(net(tokens, allowed=torch.ones(7, 7, dtype=torch.bool)), net(tokens))
