"""Bodies in the plane that pull and push each other in pairs: springs, gravity, charges. Energy and both momenta are known.

A state is (..., n, 4): position and momentum (x, y, px, py) of n bodies. A body of mass 0 is not there: it exerts no force and
feels none, so that systems with different numbers of bodies share a batch. Time is in seconds, lengths in units of a spring
at rest.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

State = Float[Tensor, "*batch n 4"]
Places = Float[Tensor, "*batch n xy"]


class Bodies(NamedTuple):
    """What a body is, whatever it does.

    Attributes:
        mass: (..., n), above 0; 0 where there is no body.
        charge: (..., n), of either sign. Only the law *charges* asks for it.
    """

    mass: Tensor
    charge: Tensor


def pairs(n: int, device: torch.device | None = None) -> Int[Tensor, "2 pairs"]:
    """Every unordered pair i < j once."""
    return torch.triu_indices(n, n, 1, device=device)


def paired(pulls: Float[Tensor, "*batch pairs 2"], n: int) -> Places:
    """The force on each body, from one force for each pair: what acts on i acts on j with the sign turned round.

    Args:
        pulls: the force on the first body of each of `pairs`.
        n: how many bodies.
    """
    i, j = pairs(n, pulls.device)
    still = pulls.new_zeros(*pulls.shape[:-2], n, 2)
    return still.index_add(-2, i, pulls).index_add(-2, j, -pulls)


@dataclass(frozen=True)
class Particles:
    """The world: how two bodies act on each other, and what acts from outside.

    Attributes:
        law: *springs* join every pair; *gravity* pulls with the product of the masses; *charges* repel or attract with the
            product of the charges.
        strength: the springs' stiffness, or the constant before the inverse square.
        rest: length of a spring at rest, softened as below.
        softening: two bodies act on each other as at the distance sqrt(r² + softening²), so that no encounter is violent without
            bound, and none has a direction that jumps.
        box: half the side of a square of soft walls around the middle; None for free space. Walls act from outside.
        wall: stiffness of a wall.
        friction: a body loses ``friction * p`` each second to the ground. It is in ``field`` alone: a leapfrog step has no place for it.
    """

    law: str = "springs"
    strength: float = 1.0
    rest: float = 1.0
    softening: float = 0.4
    box: float | None = None
    wall: float = 20.0
    friction: float = 0.0

    def __post_init__(self):
        if self.law not in ("springs", "gravity", "charges"):
            raise ValueError(f"law: got {self.law!r}, wanted 'springs', 'gravity' or 'charges'")

    def inside(self, q: Places, bodies: Bodies) -> Places:
        """The bodies' forces on each other. They sum to zero: each pair is computed once and counted with both signs."""
        apart, distance, first, second = self._pairs(q, bodies)
        if self.law == "springs":
            pull = self.strength * (1 - self.rest / distance)
        else:
            size = self.strength * distance**-3
            pull = size * (first.mass * second.mass if self.law == "gravity" else -first.charge * second.charge)
        there = (first.mass > 0) & (second.mass > 0)
        return paired(torch.where(there, pull, 0)[..., None] * apart, q.shape[-2])

    def outside(self, q: Places, bodies: Bodies) -> Places:
        """The walls' forces: none within the box, and beyond it as a spring's."""
        if self.box is None:
            return torch.zeros_like(q)
        beyond = q.sign() * (q.abs() - self.box).clamp(min=0)
        return -self.wall * beyond * (bodies.mass > 0)[..., None]

    def force(self, q: Places, bodies: Bodies) -> Places:
        """What acts on each body, inside and outside together."""
        return self.inside(q, bodies) + self.outside(q, bodies)

    def energy(self, x: State, bodies: Bodies) -> Float[Tensor, "*batch"]:
        """Kinetic energy, that of every pair, and that of the walls."""
        q, p = x.chunk(2, -1)
        _, distance, first, second = self._pairs(q, bodies)
        there = (first.mass > 0) & (second.mass > 0)
        if self.law == "springs":
            each = 0.5 * self.strength * (distance - self.rest).square()
        else:
            size = self.strength / distance
            each = size * (-first.mass * second.mass if self.law == "gravity" else first.charge * second.charge)
        moving = p.square().sum(-1) / (2 * torch.where(bodies.mass > 0, bodies.mass, 1))
        energy = moving.sum(-1) + torch.where(there, each, 0).sum(-1)
        if self.box is not None:
            energy = energy + 0.5 * self.wall * (q.abs() - self.box).clamp(min=0).square().sum((-1, -2))
        return energy

    def start(
        self, batch: int, n: int, generator: torch.Generator, speed: float = 0.5, drift: float = 0.0
    ) -> tuple[State, Bodies]:
        """Random bodies at random places, with the centre of mass at the origin and, without a drift, at rest.

        Masses are even between 0.5 and 2, charges are ±1, places lie within a disc whose area grows with n, and no two are nearer
        than 0.3. Float64.

        Args:
            speed: standard deviation of each velocity along each axis.
            drift: that of a velocity that all bodies of a system have in common.
        """
        draw = dict(generator=generator, dtype=torch.float64)
        mass = 0.5 + 1.5 * torch.rand(batch, n, **draw)
        charge = torch.randint(0, 2, (batch, n), generator=generator).double() * 2 - 1
        q = torch.zeros(batch, n, 2, dtype=torch.float64)
        for body in range(n):
            free = torch.ones(batch, dtype=torch.bool)  # whose place is still to be drawn
            while free.any():
                angle, far = 2 * torch.pi * torch.rand(batch, **draw), (n / 3 * torch.rand(batch, **draw)).sqrt()
                place = far[:, None] * torch.stack([angle.cos(), angle.sin()], -1)
                q[free, body] = place[free]
                gap = (q[:, :body] - q[:, body : body + 1]).norm(dim=-1)
                free = (gap < 0.3).any(1)
        v = speed * torch.randn(batch, n, 2, **draw)
        share = (mass / mass.sum(1, keepdim=True))[..., None]
        q, v = q - (share * q).sum(1, keepdim=True), v - (share * v).sum(1, keepdim=True)
        if drift:
            v = v + drift * torch.randn(batch, 1, 2, **draw)
        return torch.cat([q, mass[..., None] * v], -1), Bodies(mass, charge)

    def _pairs(self, q: Tensor, bodies: Bodies) -> tuple[Tensor, Tensor, Bodies, Bodies]:
        """For every pair: the way from the first to the second, its softened length, and what each of them is."""
        if q.shape[-1] != 2 or bodies.mass.shape[-1] != q.shape[-2]:
            raise ValueError(
                f"q: got places {tuple(q.shape)} of bodies {tuple(bodies.mass.shape)}, wanted (..., n, 2) and (..., n)"
            )
        i, j = pairs(q.shape[-2], q.device)
        apart = q[..., j, :] - q[..., i, :]
        one, other = (Bodies(bodies.mass[..., end], bodies.charge[..., end]) for end in (i, j))
        there = (one.mass > 0) & (other.mass > 0)
        distance = (torch.where(there[..., None], apart, 1.0).square().sum(-1) + self.softening**2).sqrt()
        return apart, distance, one, other


def momentum(x: State) -> Float[Tensor, "*batch 2"]:
    """The momentum of all bodies together."""
    return x[..., 2:].sum(-2)


def angular_momentum(x: State) -> Float[Tensor, "*batch"]:
    """The sum of x·py - y·px, about the origin."""
    return (x[..., 0] * x[..., 3] - x[..., 1] * x[..., 2]).sum(-1)
