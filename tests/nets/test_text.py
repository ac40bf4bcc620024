"""Text networks: padding is nothing, nobody looks ahead, and a sentence ends where it ends."""

import math

import pytest
import torch

from wm_core.nets.text import END, PAD, START, TextEncoder, TokenDecoder, Words, mean_of
from wm_core.worlds import language


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture
def decoder():
    return TokenDecoder(20, 9, 16, 2, 2)


def sentences(n=5, length=9):
    return torch.randint(3, 20, (n, length), generator=torch.Generator().manual_seed(1))


def test_the_special_tokens_are_those_of_the_language():
    assert (PAD, START, END) == (language.PAD, language.START, language.END)


def test_padding_does_not_matter():
    encoder = TextEncoder(20, 9, 16, 2, 2, out=7)
    short = sentences(length=4)
    padded = torch.cat([short, torch.full((5, 5), PAD)], 1)
    assert encoder(short).shape == (5, 7)
    torch.testing.assert_close(encoder(padded), encoder(short), atol=1e-5, rtol=1e-4)
    with torch.no_grad():
        encoder.words.embed.weight[PAD] = 100.0
    torch.testing.assert_close(encoder(padded), encoder(short), atol=1e-5, rtol=1e-4)


def test_words_and_their_order_matter():
    encoder, tokens = TextEncoder(20, 9, 16, 2, 2), sentences()
    other = tokens.clone()
    other[:, 3] = (tokens[:, 3] - 3 + 1) % 17 + 3
    assert (encoder(tokens) - encoder(other)).norm(dim=1).min() > 1e-2
    assert (encoder(tokens) - encoder(tokens.flip(1))).norm(dim=1).min() > 1e-2


def test_a_later_token_does_not_change_an_earlier_output(decoder):
    context, tokens = torch.randn(5, 3, 16), sentences()
    other = tokens.clone()
    other[:, 4] = (tokens[:, 4] - 3 + 1) % 17 + 3
    first, second = decoder(context, tokens), decoder(context, other)
    torch.testing.assert_close(first[:, :5], second[:, :5])  # the token itself is not looked at either
    assert ((first - second)[:, 5:].abs().amax(-1) > 1e-5).all()


def test_every_token_sees_the_whole_context_that_counts(decoder):
    context, tokens = torch.randn(5, 3, 16, requires_grad=True), sentences()
    visible = torch.tensor([True, False, True]).expand(5, -1)
    (slope,) = torch.autograd.grad(decoder(context, tokens, visible)[:, 0].sum(1).square().sum(), context)
    assert (slope[:, [0, 2]].abs().amax(-1) > 0).all()
    assert (slope[:, 1] == 0).all()
    shown = decoder(context, tokens, visible)
    torch.testing.assert_close(shown, decoder(context[:, [0, 2]], tokens), atol=1e-5, rtol=1e-4)


def test_greedy_writing_takes_the_likeliest_token_given_what_it_wrote(decoder):
    context = 3 * torch.randn(8, 3, 16)
    tokens = decoder.greedy(context)
    likeliest = decoder(context, tokens).argmax(-1)
    written = tokens != PAD
    assert torch.equal(tokens[written], likeliest[written])
    assert written[:, 0].all()


def test_greedy_writing_stops_at_the_end_token_and_pads(decoder):
    class Counting(TokenDecoder):
        """Writes as many tokens as the context's number says, and then the end."""

        def forward(self, context, tokens, visible=None):
            logits = torch.zeros(*tokens.shape, 20)
            at_end = torch.arange(tokens.shape[1]) >= context[:, :1, 0]
            logits[..., 5] = 1
            logits[..., END] = 2.0 * at_end
            self.calls += 1
            return logits

    counting = Counting(20, 9, 16, 1, 2)
    counting.calls = 0
    context = torch.tensor([0.0, 2.0, 4.0])[:, None, None].expand(-1, 1, 16)
    tokens = counting.greedy(context)
    assert tokens.tolist() == [[2] + [0] * 8, [5, 5, 2] + [0] * 6, [5, 5, 5, 5, 2] + [0] * 4]
    assert counting.calls == 5
    assert counting.greedy(torch.full((1, 1, 16), 99.0)).tolist() == [[5] * 9]


def test_sampling_draws_tokens_by_their_probabilities_until_the_end(decoder):
    class Lottery(TokenDecoder):
        """Token 5 with probability 0.7 and the end with 0.3, whatever came before."""

        def forward(self, context, tokens, visible=None):
            logits = torch.full((*tokens.shape, 20), -torch.inf)
            logits[..., 5], logits[..., END] = math.log(0.7), math.log(0.3)
            return logits

    def draw(seed):
        lots = torch.Generator().manual_seed(seed)
        return Lottery(20, 9, 16, 1, 2).sample(torch.zeros(4000, 1, 16), generator=lots)

    tokens = draw(0)
    assert torch.equal(tokens, draw(0))
    assert not torch.equal(tokens, draw(1))
    for length in range(4):  # so many fives, the end, and padding
        row = torch.tensor([5] * length + [END] + [PAD] * (8 - length))
        assert (tokens == row).all(1).float().mean() == pytest.approx(0.3 * 0.7**length, abs=0.03)


def test_the_mean_is_that_of_the_real_vectors():
    x = torch.randn(2, 4, 3)
    real = torch.tensor([[True, True, False, False], [False] * 4])
    torch.testing.assert_close(mean_of(x, real), torch.stack([x[0, :2].mean(0), torch.zeros(3)]))


def test_rows_that_are_too_long_are_refused():
    with pytest.raises(ValueError, match="tokens: got rows of 5, wanted at most 4"):
        Words(10, 8, 4)(torch.zeros(1, 5, dtype=torch.long))
