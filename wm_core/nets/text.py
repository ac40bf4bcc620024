"""Text: rows of tokens to vectors, and tokens written one after another.

A token is a number; 0 is padding, 1 starts a sentence and 2 ends it, as in `worlds.language`.
"""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from wm_core.nets.positions import sincos_positions
from wm_core.nets.transformer import Transformer, causal, start_small

PAD, START, END = 0, 1, 2


class Words(nn.Module):
    """A vector for each token: one for the word, learned, plus one for its place, fixed.

    Args:
        words: how many words the vocabulary has.
        dim: width of a vector.
        length: of the longest row.
    """

    def __init__(self, words: int, dim: int, length: int):
        super().__init__()
        self.embed = nn.Embedding(words, dim)
        nn.init.normal_(self.embed.weight, std=0.7)  # as loud as the positions
        self.register_buffer("places", sincos_positions((length,), dim), persistent=False)

    def forward(self, tokens: Int[Tensor, "batch length"]) -> Float[Tensor, "batch length dim"]:
        """The vectors.

        Raises:
            ValueError: a row is longer than the longest.
        """
        if tokens.shape[1] > len(self.places):
            raise ValueError(f"tokens: got rows of {tokens.shape[1]}, wanted at most {len(self.places)}")
        return self.embed(tokens) + self.places[: tokens.shape[1]]


class TextEncoder(nn.Module):
    """A sentence to one vector: a transformer over its tokens, the mean of the real ones, and a linear layer.

    Args:
        words, length: see `Words`.
        dim, depth, heads: of the transformer.
        out: width of the vector.
    """

    def __init__(self, words: int, length: int, dim: int = 64, depth: int = 2, heads: int = 2, out: int = 64):
        super().__init__()
        self.words = Words(words, dim, length)
        self.transformer = Transformer(dim, depth, heads)
        self.out = nn.Linear(dim, out)
        start_small(self.out, gain=1.0)

    def forward(self, tokens: Int[Tensor, "batch length"]) -> Float[Tensor, "batch out"]:
        """Embed sentences; padding changes nothing. Each needs at least one real token."""
        real = tokens != PAD
        return self.out(mean_of(self.transformer(self.words(tokens), real), real))


class TokenDecoder(nn.Module):
    """Writes tokens one after another, each from all before it and from a context of vectors that is given whole.

    The context stands in front of the sentence in one transformer: it looks at itself freely, and words look at it and back.

    Args:
        words, length: see `Words`; of the sentences that are written.
        dim, depth, heads: of the transformer.
    """

    def __init__(self, words: int, length: int, dim: int = 64, depth: int = 2, heads: int = 2):
        super().__init__()
        self.length = length
        self.words = Words(words, dim, length)
        self.transformer = Transformer(dim, depth, heads)
        self.out = nn.Linear(dim, words)
        start_small(self.out)

    def forward(
        self,
        context: Float[Tensor, "batch given dim"],
        tokens: Int[Tensor, "batch length"],
        visible: Bool[Tensor, "batch given"] | None = None,
    ) -> Float[Tensor, "batch length words"]:
        """For each place of the sentence the logits of its token, from the context and the tokens before it.

        Args:
            context: vectors as wide as the transformer.
            tokens: the sentence itself, without a start token: the one at a place is not looked at for that place.
            visible: False for vectors of the context that do not count.
        """
        before = torch.cat([torch.full_like(tokens[:, :1], START), tokens[:, :-1]], 1)
        given, all_ = context.shape[1], context.shape[1] + tokens.shape[1]
        x = torch.cat([context, self.words(before)], 1)
        if visible is not None:
            visible = torch.cat([visible, torch.ones_like(tokens, dtype=torch.bool)], 1)
        x = self.transformer(x, visible, allowed=causal(all_, given, x.device))
        return self.out(x[:, given:])

    @torch.no_grad()
    def greedy(
        self, context: Float[Tensor, "batch given dim"], visible: Bool[Tensor, "batch given"] | None = None
    ) -> Int[Tensor, "batch length"]:
        """At each place the likeliest token, until the sentence ends or is as long as it may be; padding after its end."""
        return self._write(context, visible, lambda logits: logits.argmax(-1))

    @torch.no_grad()
    def sample(
        self,
        context: Float[Tensor, "batch given dim"],
        visible: Bool[Tensor, "batch given"] | None = None,
        *,
        generator: torch.Generator,
    ) -> Int[Tensor, "batch length"]:
        """The same with tokens drawn by their probabilities. The lots are those of the generator, on its device."""

        def draw(logits: Tensor) -> Tensor:
            chances = logits.softmax(-1).to(generator.device)
            return torch.multinomial(chances, 1, generator=generator)[:, 0].to(logits.device)

        return self._write(context, visible, draw)

    def _write(self, context: Tensor, visible: Tensor | None, pick: Callable[[Tensor], Tensor]) -> Tensor:
        """Token after token; ``pick`` chooses one for each row from its logits."""
        tokens = torch.full((len(context), self.length), PAD, device=context.device)
        going = torch.ones(len(context), dtype=torch.bool, device=context.device)
        for place in range(self.length):
            logits = self(context, tokens[:, : place + 1], visible)[:, -1]
            tokens[:, place] = pick(logits).where(going, PAD)
            going = going & (tokens[:, place] != END)
            if not going.any():
                break
        return tokens


def mean_of(x: Float[Tensor, "batch length dim"], real: Bool[Tensor, "batch length"]) -> Float[Tensor, "batch dim"]:
    """The mean of the vectors that are real; 0 where none is."""
    share = real / real.sum(1, keepdim=True).clamp_min(1)
    return (x * share[..., None]).sum(1)
