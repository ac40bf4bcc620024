"""VL-JEPA: from a picture and a question, predict the embedding of the answer instead of its words (Chen et al., 2025).

Beside it stands its rival, which is made of the same parts and writes the answer word by word.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from wm_core.nets.positions import sincos_positions
from wm_core.nets.text import PAD, TextEncoder, TokenDecoder, Words, mean_of
from wm_core.nets.transformer import Transformer, start_small
from wm_core.objectives.info_nce import info_nce


class Prompt(nn.Module):
    """Visual tokens and a question's tokens side by side, as vectors of one width. VL-JEPA and its rival both begin so.

    Args:
        encoder: of pictures, such as a `ViT`; its ``dim`` and ``grid`` say how wide the visual tokens are and how they lie. It is
            not trained and not kept here.
        words: how many the vocabulary has.
        length: of the longest question.
        dim: width of the vectors.
    """

    def __init__(self, encoder: nn.Module, words: int, length: int, dim: int):
        super().__init__()
        self.see = nn.Linear(encoder.dim, dim)
        start_small(self.see, gain=1.0)
        self.words = Words(words, dim, length)
        self.register_buffer("places", sincos_positions(encoder.grid, dim), persistent=False)

    def forward(
        self, seen: Float[Tensor, "batch tokens width"], question: Int[Tensor, "batch length"]
    ) -> tuple[Float[Tensor, "batch both dim"], Bool[Tensor, "batch both"]]:
        """The vectors, and which of them are real: all but the question's padding."""
        x = torch.cat([self.see(seen) + self.places, self.words(question)], 1)
        real = torch.cat([torch.ones_like(seen[..., 0], dtype=torch.bool), question != PAD], 1)
        return x, real


class VLJEPA(nn.Module):
    """A predictor of the answer's embedding, and the encoder of answers that makes the targets; both are trained.

    The picture's encoder is frozen and stays outside: ``seen`` are its tokens, made once with `look`. In the paper it is V-JEPA
    2's ViT-L; predictor and Y-encoder begin as pretrained language models (Llama 3.2, EmbeddingGemma), ours from nothing.

    Args:
        encoder: of pictures, for its width and grid.
        words: how many the vocabulary has.
        question, answer: tokens of the longest question and of the longest answer.
        dim, depth, heads: of the predictor.
        answer_dim, answer_depth: of the Y-encoder.
        out: width of an embedding.
    """

    def __init__(
        self,
        encoder: nn.Module,
        words: int,
        question: int,
        answer: int,
        dim: int = 64,
        depth: int = 2,
        heads: int = 2,
        answer_dim: int = 64,
        answer_depth: int = 1,
        out: int = 64,
    ):
        super().__init__()
        self.prompt = Prompt(encoder, words, question, dim)
        self.predictor = Transformer(dim, depth, heads)
        self.out = nn.Linear(dim, out)
        start_small(self.out, gain=1.0)
        self.answers = TextEncoder(words, answer, answer_dim, answer_depth, heads, out)

    def forward(
        self, seen: Float[Tensor, "batch tokens width"], question: Int[Tensor, "batch length"]
    ) -> Float[Tensor, "batch out"]:
        """The embedding expected of the answer: visual and question tokens attend to each other, and their mean is read."""
        x, real = self.prompt(seen, question)
        return self.out(mean_of(self.predictor(x, real), real))


class TokenVLM(nn.Module):
    """The rival: the same prompt in the same transformer, which goes on to write the answer's tokens.

    Args:
        encoder, words, question, answer, dim, depth, heads: see `VLJEPA`.
    """

    def __init__(
        self, encoder: nn.Module, words: int, question: int, answer: int, dim: int = 64, depth: int = 2, heads: int = 2
    ):
        super().__init__()
        self.prompt = Prompt(encoder, words, question, dim)
        self.decoder = TokenDecoder(words, answer, dim, depth, heads)

    def forward(
        self,
        seen: Float[Tensor, "batch tokens width"],
        question: Int[Tensor, "batch length"],
        answer: Int[Tensor, "batch answer"],
    ) -> Float[Tensor, "batch answer words"]:
        """Logits for each token of an answer, from the prompt and the tokens before it."""
        x, real = self.prompt(seen, question)
        return self.decoder(x, answer, real)

    def answer(
        self, seen: Float[Tensor, "batch tokens width"], question: Int[Tensor, "batch length"]
    ) -> Int[Tensor, "batch answer"]:
        """An answer in words, the likeliest token each time."""
        with torch.no_grad():
            return self.decoder.greedy(*self.prompt(seen, question))

    @torch.no_grad()
    def sample(
        self,
        seen: Float[Tensor, "batch tokens width"],
        question: Int[Tensor, "batch length"],
        count: int,
        generator: torch.Generator,
    ) -> Int[Tensor, "batch {count} answer"]:
        """So many answers to each question, each token drawn by its probability."""
        context, real = (rows.repeat_interleave(count, 0) for rows in self.prompt(seen, question))
        return self.decoder.sample(context, real, generator=generator).unflatten(0, (-1, count))

    @torch.no_grad()
    def log_likelihood(
        self,
        seen: Float[Tensor, "batch tokens width"],
        question: Int[Tensor, "batch length"],
        offered: Int[Tensor, "batch offered answer"],
    ) -> Float[Tensor, "batch offered"]:
        """The logarithm of the probability that it would have written each of the answers offered, ends included; in nats."""
        scores = []
        for picture, words, answers in zip(seen, question, offered, strict=True):  # one at a time: the rows are many
            prompt = (rows.expand(len(answers), *rows.shape) for rows in (picture, words))
            logits = self(*prompt, answers).transpose(1, 2)
            scores.append(-F.cross_entropy(logits, answers, ignore_index=PAD, reduction="none").sum(1))
        return torch.stack(scores)


class YDecoder(nn.Module):
    """From an embedding to words, for when somebody wants to read it. It is trained afterwards and trains nothing else.

    Args:
        words, answer: see `VLJEPA`.
        out: width of an embedding.
        dim, depth, heads: of the decoder.
    """

    def __init__(self, words: int, answer: int, out: int = 64, dim: int = 64, depth: int = 1, heads: int = 2):
        super().__init__()
        self.widen = nn.Linear(out, dim)
        start_small(self.widen, gain=1.0)
        self.decoder = TokenDecoder(words, answer, dim, depth, heads)

    def forward(
        self, embedding: Float[Tensor, "batch out"], answer: Int[Tensor, "batch answer"]
    ) -> Float[Tensor, "batch answer words"]:
        """Logits for each token of an answer."""
        return self.decoder(self._context(embedding), answer)

    def answer(self, embedding: Float[Tensor, "batch out"]) -> Int[Tensor, "batch answer"]:
        """The answer in words, the likeliest token each time."""
        with torch.no_grad():
            return self.decoder.greedy(self._context(embedding))

    def _context(self, embedding: Tensor) -> Tensor:
        """One vector of length about sqrt(dim), whatever the embedding's length: only directions were trained."""
        unit = F.normalize(embedding.detach(), dim=-1) * embedding.shape[-1] ** 0.5
        return self.widen(unit)[:, None]


@torch.no_grad()
def look(
    encoder: nn.Module, images: Float[Tensor, "n channels size size"], batch: int = 512
) -> Float[Tensor, "n tokens width"]:
    """The frozen encoder's tokens, without gradient, so many pictures at a time."""
    return torch.cat([encoder(part) for part in images.split(batch)])


def vl_jepa_loss(
    model: VLJEPA,
    seen: Float[Tensor, "batch tokens width"],
    question: Int[Tensor, "batch length"],
    answer: Int[Tensor, "batch answer"],
    objective: Literal["info_nce", "l2"] = "info_nce",
    temperature: float | Float[Tensor, ""] = 0.07,
) -> dict[str, Tensor]:
    """How far the predicted embedding is from that of the answer. Gradients flow into the predictor and the Y-encoder.

    Args:
        model: makes both.
        seen, question, answer: one batch.
        objective: ``info_nce`` as in the paper. ``l2``, the mean squared distance of unit vectors, is its alignment alone (times
            twice the temperature): with a target that is trained too, one vector for everything has loss 0, and that is
            where it goes. With ``model.answers`` frozen it cannot.
        temperature: of InfoNCE.
    """
    predicted, target = model(seen, question), model.answers(answer)
    if objective == "l2":
        apart = F.normalize(predicted, dim=-1) - F.normalize(target, dim=-1)
        return {"l2": apart.square().sum(-1).mean()}
    return {"info_nce": info_nce(predicted, target, temperature)}


def token_loss(logits: Float[Tensor, "batch answer words"], answer: Int[Tensor, "batch answer"]) -> dict[str, Tensor]:
    """The mean cross-entropy of the answer's tokens, its end included and padding left out.

    Where six phrasings are equally right no network gets below log 6 nats a sentence, shared out among its tokens, however well
    it understands the picture.
    """
    return {"tokens": F.cross_entropy(logits.flatten(0, 1), answer.flatten(), ignore_index=PAD)}
