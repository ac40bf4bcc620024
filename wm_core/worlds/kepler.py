"""One planet around a sun that stays put, in the plane: two invariants that everyone knows, and a third that is often forgotten.

A state is (..., 4): position (x, y) and momentum (px, py), for a planet of mass 1 and units in which the sun's pull is 1/r².
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

State = Float[Tensor, "*batch 4"]


@dataclass(frozen=True)
class Kepler:
    """H = |p|²/2 - 1/r. A circular orbit of radius 1 takes 2π."""

    def velocity(self, p: Tensor) -> Tensor:
        """dq/dt."""
        return p

    def force(self, q: Tensor) -> Tensor:
        """The pull towards the sun."""
        return -q / q.norm(dim=-1, keepdim=True) ** 3

    def field(self, x: State) -> State:
        """The time derivative of the state."""
        q, p = x.chunk(2, -1)
        return torch.cat([self.velocity(p), self.force(q)], -1)

    def energy(self, x: State) -> Float[Tensor, "*batch"]:
        """H: it alone decides the length of the ellipse and of the year."""
        q, p = x.chunk(2, -1)
        return p.square().sum(-1) / 2 - 1 / q.norm(dim=-1)

    def spin(self, x: State) -> Float[Tensor, "*batch"]:
        """Angular momentum x py - y px: together with H it decides how thin the ellipse is."""
        return x[..., 0] * x[..., 3] - x[..., 1] * x[..., 2]

    def nearest(self, x: State) -> Float[Tensor, "*batch 2"]:
        """Laplace's vector. It points to where the planet comes nearest to the sun, and is as long as the ellipse is eccentric."""
        q, p = x.chunk(2, -1)
        turned = torch.stack([p[..., 1], -p[..., 0]], -1)
        return turned * self.spin(x)[..., None] - q / q.norm(dim=-1, keepdim=True)

    def starts(
        self,
        count: int,
        generator: torch.Generator,
        eccentric: tuple[float, float] = (0.1, 0.4),
        half: tuple[float, float] = (0.8, 1.2),
    ) -> Float[Tensor, "count 4"]:
        """Planets at their nearest point, on ellipses turned at random, half of whose length and whose eccentricity are uniform in the ranges."""
        a, e, turn = torch.rand(3, count, generator=generator, dtype=torch.float64)
        a, e, turn = (
            half[0] + a * (half[1] - half[0]),
            eccentric[0] + e * (eccentric[1] - eccentric[0]),
            2 * torch.pi * turn,
        )
        r, v = a * (1 - e), ((1 + e) / (1 - e) / a).sqrt()
        return torch.stack([r * turn.cos(), r * turn.sin(), -v * turn.sin(), v * turn.cos()], -1)
