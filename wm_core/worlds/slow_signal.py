"""A slow signal under fast noise: what an encoder should keep can be predicted, and what it should drop cannot."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class Pairs(NamedTuple):
    """Two moments, one step apart.

    Attributes:
        before, after: (n, observed) what is observed at the two moments.
        signal: (n, dim) the slow signal at the first; known to whoever measures, not to whoever trains.
    """

    before: Tensor
    after: Tensor
    signal: Tensor


class SlowSignal:
    """Numbers that drift, numbers that are drawn anew at every moment, and a fixed nonlinear mixture of both.

    The signal is autoregressive, s' = memory · s + sqrt(1 - memory²) · noise, with variance 1 at all times. Signal and
    noise are turned into ``observed`` numbers by an orthogonal map, squashed by tanh, and turned again.

    Args:
        signal: how many slow numbers.
        noise: how many numbers are drawn anew at each moment.
        observed: how many numbers are seen, at least ``signal + noise``.
        memory: how much of the signal is left after a step.
        loudness: the noise's standard deviation; the signal's is 1.
        seed: of the mixture.

    Raises:
        ValueError: fewer numbers are observed than there are.
    """

    def __init__(
        self,
        signal: int = 4,
        noise: int = 12,
        observed: int = 24,
        memory: float = 0.95,
        loudness: float = 1.0,
        seed: int = 0,
    ):
        if observed < signal + noise:
            raise ValueError(f"observed: got {observed}, wanted at least {signal + noise}, as many as there are to see")
        self.signal, self.noise, self.observed = signal, noise, observed
        self.memory, self.loudness = memory, loudness
        generator = torch.Generator().manual_seed(seed)
        turns = torch.linalg.qr(torch.randn(2, observed, observed, generator=generator))[0]
        self.spread = turns[0, : signal + noise] * math.sqrt(observed / (signal + noise))
        self.turn = turns[1] / 0.6  # brings the observed numbers back to about the signal's size

    def pairs(self, n: int, generator: torch.Generator) -> Pairs:
        """``n`` pairs of neighbouring moments, independent of each other."""
        signal = torch.randn(n, self.signal, generator=generator)
        fresh = torch.randn(n, self.signal, generator=generator)
        later = self.memory * signal + math.sqrt(1 - self.memory**2) * fresh
        return Pairs(self.observe(signal, generator), self.observe(later, generator), signal)

    def observe(
        self, signal: Float[Tensor, "*batch signal"], generator: torch.Generator
    ) -> Float[Tensor, "*batch observed"]:
        """What is seen of a signal, with fresh noise."""
        noise = self.loudness * torch.randn(*signal.shape[:-1], self.noise, generator=generator)
        return torch.tanh(torch.cat([signal, noise], -1) @ self.spread) @ self.turn
