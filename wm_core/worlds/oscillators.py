"""Mechanical systems of one coordinate whose energy is known exactly: a spring, a pendulum, a bead in a bowl.

A state is (..., 2): the position q and its momentum p. Time is in seconds; the other units are such that the constants
below are plain numbers.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

State = Float[Tensor, "*batch 2"]


@dataclass(frozen=True)
class Separable:
    """A system with energy H(q, p) = p²/(2 mass) + U(q); a subclass says what U is.

    Attributes:
        mass: inertia (for a pendulum, of rotation). The default makes the kinetic energy p².
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
        """dq/dt = ∂H/∂p."""
        return p / self.mass

    def energy(self, x: State) -> Float[Tensor, "*batch"]:
        """H at the state ``x``."""
        q, p = x.unbind(-1)
        return p.square() / (2 * self.mass) + self.potential(q)

    def field(self, x: State, u: Tensor | None = None) -> State:
        """The time derivative (dq/dt, dp/dt), under an external force ``u`` (..., 1) if there is one."""
        q, p = x.chunk(2, -1)
        force = self.force(q) - self.friction * p
        return torch.cat([self.velocity(p), force if u is None else force + u], -1)


@dataclass(frozen=True)
class Spring(Separable):
    """H = p²/(2 mass) + stiffness q²/2. The defaults give H = p² + q², the spring of Greydanus et al. (2019)."""

    stiffness: float = 2.0

    def potential(self, q: Tensor) -> Tensor:
        return 0.5 * self.stiffness * q.square()

    def force(self, q: Tensor) -> Tensor:
        return -self.stiffness * q


@dataclass(frozen=True)
class Pendulum(Separable):
    """H = p²/(2 mass) + weight (1 - cos q), q in radians from hanging. The defaults are Greydanus et al.'s pendulum."""

    weight: float = 3.0

    def potential(self, q: Tensor) -> Tensor:
        return self.weight * (1 - torch.cos(q))

    def force(self, q: Tensor) -> Tensor:
        return -self.weight * torch.sin(q)


@dataclass(frozen=True)
class Bead:
    """A bead of mass 1 in a bowl y = x²/2: H = p²/(2 (1 + x²)) + gravity x²/2, with p = (1 + x²) dx/dt.

    The momentum is not proportional to the velocity, which is what makes this system instructive.
    """

    gravity: float = 3.0

    def energy(self, x: State) -> Float[Tensor, "*batch"]:
        """H at (x, p)."""
        q, p = x.unbind(-1)
        return p.square() / (2 * (1 + q * q)) + 0.5 * self.gravity * q.square()

    def field(self, x: State) -> State:
        """(dx/dt, dp/dt) at (x, p)."""
        q, p = x.unbind(-1)
        inertia = 1 + q * q
        return torch.stack([p / inertia, q * (p / inertia).square() - self.gravity * q], -1)

    def in_velocity(self, x: State) -> State:
        """The same state told as (x, dx/dt) instead of (x, p)."""
        q, p = x.unbind(-1)
        return torch.stack([q, p / (1 + q * q)], -1)

    def in_momentum(self, x: State) -> State:
        """(x, p) from (x, dx/dt)."""
        q, v = x.unbind(-1)
        return torch.stack([q, v * (1 + q * q)], -1)

    def velocity_field(self, x: State) -> State:
        """(dx/dt, d²x/dt²) at (x, dx/dt)."""
        q, v = x.unbind(-1)
        return torch.stack([v, -q * (self.gravity + v * v) / (1 + q * q)], -1)
