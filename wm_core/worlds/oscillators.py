"""Two mechanical systems whose energy is known exactly: a mass on a spring, and a pendulum.

A state is a tensor (..., 2): the position q (spring: metres; pendulum: radians from hanging) and its momentum p. Units are
such that every constant below is a plain number; time is in seconds.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

State = Float[Tensor, "*batch 2"]


@dataclass(frozen=True)
class Oscillator:
    """A system with energy H(q, p) = p²/(2 mass) + U(q); subclasses say what U is.

    Attributes:
        mass: inertia (for the pendulum, of rotation).
        friction: p loses ``friction * p`` each second. With 0 the energy never changes.
    """

    mass: float = 0.5
    friction: float = 0.0

    def potential(self, q: Tensor) -> Tensor:
        """U(q)."""
        raise NotImplementedError

    def force(self, q: Tensor) -> Tensor:
        """-dU/dq."""
        raise NotImplementedError

    def velocity(self, p: Tensor) -> Tensor:
        """dq/dt = dH/dp = p / mass."""
        return p / self.mass

    def energy(self, x: State) -> Float[Tensor, "*batch"]:
        """H at the state ``x``."""
        q, p = x.unbind(-1)
        return p.square() / (2 * self.mass) + self.potential(q)

    def field(self, x: State, u: Tensor | float = 0.0) -> State:
        """The time derivative (dq/dt, dp/dt) under an external force ``u`` (per batch element, or one for all)."""
        q, p = x.unbind(-1)
        return torch.stack([self.velocity(p), self.force(q) - self.friction * p + u], -1)


@dataclass(frozen=True)
class Spring(Oscillator):
    """H = p²/(2 mass) + stiffness q²/2. The defaults give H = p² + q², Greydanus et al.'s spring."""

    stiffness: float = 2.0

    def potential(self, q: Tensor) -> Tensor:
        return 0.5 * self.stiffness * q.square()

    def force(self, q: Tensor) -> Tensor:
        return -self.stiffness * q


@dataclass(frozen=True)
class Pendulum(Oscillator):
    """H = p²/(2 mass) + weight (1 - cos q). The defaults give H = p² + 3 (1 - cos q), Greydanus et al.'s pendulum."""

    weight: float = 3.0

    def potential(self, q: Tensor) -> Tensor:
        return self.weight * (1 - torch.cos(q))

    def force(self, q: Tensor) -> Tensor:
        return -self.weight * torch.sin(q)
