"""Stochastic latents: what a model believes about a state, as a distribution to draw from and to compare."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Generator, Tensor


class Gaussian(NamedTuple):
    """Independent normal numbers, as in PlaNet (Hafner et al., 2019).

    Attributes:
        mean: (..., dim)
        std: (..., dim), above zero.
    """

    mean: Tensor
    std: Tensor

    @classmethod
    def read(cls, numbers: Float[Tensor, "*batch two_dim"], least: float = 0.1) -> "Gaussian":
        """A distribution from a network's output: means, and what becomes deviations of at least ``least`` (0.1 in PlaNet).

        Half precision ends here: two means may differ by less than it can tell apart.
        """
        numbers = numbers if numbers.dtype == torch.float64 else numbers.float()
        mean, raw = numbers.chunk(2, -1)
        return cls(mean, least + F.softplus(raw))

    def sample(self, generator: Generator | None = None) -> Float[Tensor, "*batch dim"]:
        """mean + std · noise, through which gradients flow to both."""
        noise = torch.randn(
            self.mean.shape, generator=generator, dtype=self.mean.dtype, device=_place(self.mean, generator)
        )
        return self.mean + self.std * noise.to(self.mean.device)

    def mode(self) -> Float[Tensor, "*batch dim"]:
        """The likeliest latent."""
        return self.mean

    def kl(self, other: "Gaussian") -> Float[Tensor, "*batch"]:
        """KL(self ‖ other) in nats, summed over the latent's numbers."""
        ratio = self.std / other.std
        apart = (self.mean - other.mean) / other.std
        return (0.5 * (ratio.square() + apart.square() - 1) - ratio.log()).sum(-1)

    def detach(self) -> "Gaussian":
        """The same distribution, for gradients a constant."""
        return Gaussian(self.mean.detach(), self.std.detach())


class Categorical(NamedTuple):
    """Groups of classes: a latent of 32 groups with 32 classes is 32 independent choices among 32 (Hafner et al., 2021).

    Attributes:
        log_probs: (..., groups, classes), normalised.
    """

    log_probs: Tensor

    @classmethod
    def read(cls, numbers: Float[Tensor, "*batch groups classes"], uniform: float = 0.01) -> "Categorical":
        """A distribution from a network's output, mixed with a share of the uniform one.

        DreamerV3 mixes in 1 %. No class is then impossible, so no KL is infinite.
        """
        numbers = numbers if numbers.dtype == torch.float64 else numbers.float()
        if uniform == 0:
            return cls(numbers.log_softmax(-1))
        return cls(((1 - uniform) * numbers.softmax(-1) + uniform / numbers.shape[-1]).log())

    def sample(self, generator: Generator | None = None) -> Float[Tensor, "*batch numbers"]:
        """One class of each group as a one-hot vector, all groups in a row: (..., groups · classes).

        A choice has no slope. Straight-through (Bengio et al., 2013) lends it that of the probabilities: forward the one-hot
        vector, backward as if the probabilities themselves had been passed on.
        """
        probs = self.log_probs.exp()
        rows = probs.detach().flatten(0, -2).to(_place(probs, generator))
        classes = torch.multinomial(rows, 1, generator=generator)[:, 0].view(probs.shape[:-1]).to(probs.device)
        return (F.one_hot(classes, probs.shape[-1]) + (probs - probs.detach())).flatten(-2)

    def mode(self) -> Float[Tensor, "*batch numbers"]:
        """The likeliest class of each group, as `sample` gives it but without a slope."""
        return F.one_hot(self.log_probs.argmax(-1), self.log_probs.shape[-1]).to(self.log_probs).flatten(-2)

    def kl(self, other: "Categorical") -> Float[Tensor, "*batch"]:
        """KL(self ‖ other) in nats, summed over groups."""
        return (self.log_probs.exp() * (self.log_probs - other.log_probs)).sum((-1, -2))

    def detach(self) -> "Categorical":
        """The same distribution, for gradients a constant."""
        return Categorical(self.log_probs.detach())


Belief = Gaussian | Categorical


def stack(beliefs: list[Belief], dim: int = 1) -> Belief:
    """One belief from many, along a new axis such as time."""
    return type(beliefs[0])(*(torch.stack(parts, dim) for parts in zip(*beliefs, strict=True)))


def _place(like: Tensor, generator: Generator | None) -> torch.device:
    """Where noise is drawn: with the generator, if there is one."""
    return like.device if generator is None else generator.device
