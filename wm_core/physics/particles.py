"""Moving bodies under forces, known or learned: leapfrog steps, a world model, and films to learn from."""

from typing import NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from wm_core.physics.checked import finite, transformed
from wm_core.worlds.particles import Bodies, Particles, pairs

State = Float[Tensor, "*batch n 4"]
Places = Float[Tensor, "*batch n xy"]


@runtime_checkable
class Forces(Protocol):
    """Whatever says what acts on each body: a world, or a network."""

    def force(self, q: Tensor, bodies: Bodies) -> Tensor:
        """The force on each body, (..., n, 2)."""


class System:
    """Forces, and the bodies that they act on: what the integrators of `wm_core.physics.integrators` call a system.

    Args:
        forces: a world such as `Particles`, or a network of `wm_core.physics.graph_network`.
        bodies: their masses and charges, (..., n).
    """

    def __init__(self, forces: Forces, bodies: Bodies):
        self.forces, self.bodies = forces, bodies
        self.mass = torch.where(bodies.mass > 0, bodies.mass, 1)[..., None]  # what is not there does not move

    def force(self, q: Places) -> Places:
        """What acts on each body.

        Raises:
            ValueError: the places are not (..., n, 2), hold a NaN, or two bodies are in one place: no direction leads from one to the other.
        """
        return self.forces.force(checked_places(q, self.bodies), self.bodies)

    def velocity(self, p: Places) -> Places:
        """p / m."""
        return p / self.mass

    def field(self, x: State, u: Places | None = None) -> State:
        """The time derivative of the state, under pushes ``u`` if there are any, and with the world's friction."""
        q, p = x.chunk(2, -1)
        force = self.force(q) - getattr(self.forces, "friction", 0.0) * p
        return torch.cat([self.velocity(p), force if u is None else force + u], -1)


def checked_places(q: Tensor, bodies: Bodies) -> Tensor:
    """``q`` itself, once it is known to hold the places of these bodies, all of them different."""
    n = bodies.mass.shape[-1]
    if q.ndim < 2 or q.shape[-2:] != (n, 2):
        raise ValueError(f"q: got shape {tuple(q.shape)}, wanted (..., {n}, 2) for {n} bodies")
    finite("q", q)
    if n > 1 and not transformed(q):
        i, j = pairs(n, q.device)
        there = (bodies.mass[..., i] > 0) & (bodies.mass[..., j] > 0)
        if bool(((q[..., i, :] == q[..., j, :]).all(-1) & there).any()):
            raise ValueError("q: got two bodies in one place, wanted them apart: their force has no direction there")
    return q


def fly(
    system: System,
    x: State,
    h: float,
    steps: int,
    push: Float[Tensor, "steps *batch n 2"] | None = None,
    every: int = 1,
    exact: bool = True,
) -> Float[Tensor, "time *batch n 4"]:
    """Where the bodies go by leapfrog: the start, then every ``every``-th of ``steps`` steps of ``h`` seconds.

    `simulate` with `leapfrog` does the same but for rounding. Here each force is computed once, since the one that ends a step
    begins the next, and what rounding takes away in one addition is given back in the next (`carry`).

    Args:
        push: external forces on the bodies, each held for one step.
        exact: give back what rounding takes; False to see what that is good for.

    Raises:
        ValueError: ``steps`` is not a multiple of ``every``, or there are not as many pushes as steps.
    """
    if steps % every or (push is not None and len(push) != steps):
        pushes = "none" if push is None else len(push)
        raise ValueError(
            f"steps: got {steps} with every = {every} and pushes: {pushes}; wanted a multiple, and as many pushes"
        )
    add = carry if exact else lambda total, lost, change: (total + change, lost)
    q, p = x.chunk(2, -1)
    lost_q, lost_p = torch.zeros_like(q), torch.zeros_like(p)
    force, path = system.force(q), [x]
    for k in range(steps):
        outer = 0.0 if push is None else push[k]
        p, lost_p = add(p, lost_p, h / 2 * (force + outer))
        q, lost_q = add(q, lost_q, h * system.velocity(p))
        force = system.force(q)
        p, lost_p = add(p, lost_p, h / 2 * (force + outer))
        if (k + 1) % every == 0:
            path.append(torch.cat([q, p], -1))
    return torch.stack(path)


def carry(total: Tensor, lost: Tensor, change: Tensor) -> tuple[Tensor, Tensor]:
    """``total + change``, and what rounding lost in it, to be taken into account by the next addition.

    Source: compensated summation, Kahan (1965), as Hairer, Lubich & Wanner (2006), VIII.5, use it for steps in time.
    """
    change = change + lost
    new = total + change
    return new, change - (new - total)


class ParticleModel:
    """A world model: its latent is the state of n bodies as one vector, an action the external forces on them.

    Args:
        forces: a network, or the world itself.
        bodies: masses and charges, (n,) or (..., n).
        h: seconds that an action lasts: one leapfrog step.
    """

    def __init__(self, forces: Forces, bodies: Bodies, h: float):
        self.system, self.h, self.n = System(forces, bodies), h, bodies.mass.shape[-1]

    def encode(self, x: State) -> Float[Tensor, "*batch state"]:
        """The state is observed as it is, (..., n, 4), and told as one vector."""
        return x.flatten(-2)

    def decode(self, z: Float[Tensor, "*batch state"]) -> State:
        """Each body's position and momentum."""
        return z.unflatten(-1, (self.n, 4))

    def predict(
        self, z: Float[Tensor, "*batch state"], a: Float[Tensor, "*batch force"]
    ) -> Float[Tensor, "*batch state"]:
        """The state ``h`` seconds later, the forces ``a`` (..., 2n) being held meanwhile."""
        return self.rollout(z, a[..., None, :])[..., 0, :]

    def rollout(
        self, z: Float[Tensor, "*batch state"], actions: Float[Tensor, "*batch horizon force"]
    ) -> Float[Tensor, "*batch horizon state"]:
        """The states after each action."""
        push = actions.unflatten(-1, (self.n, 2)).movedim(-3, 0)
        return fly(self.system, self.decode(z), self.h, len(push), push)[1:].flatten(-2).movedim(0, -2)


class Film(NamedTuple):
    """Moments of filmed systems.

    Attributes:
        q: (..., n, 2) places in the middle one of three frames.
        force: (..., n, 2) what must have acted there: m (q after - 2 q + q before) / h².
        bodies: mass and charge of each, (..., n).
    """

    q: Tensor
    force: Tensor
    bodies: Bodies


def film(
    world: Particles,
    batch: int,
    n: int,
    generator: torch.Generator,
    *,
    h: float,
    frames: int,
    fine: int = 8,
    drift: float = 0.0,
) -> Film:
    """Film systems of n bodies for ``frames`` frames, ``h`` seconds apart, and read off the forces.

    A leapfrog step of h with exactly these forces takes each frame to the next, so what is learned is the force as a
    film of this rate shows it.

    Args:
        fine: integrator steps between two frames.
        drift: standard deviation of the velocity of a whole system.
    """
    x, bodies = world.start(batch, n, generator, drift=drift)
    q = fly(System(world, bodies), x, h / fine, (frames + 1) * fine, every=fine)[..., :2]
    force = bodies.mass[..., None] * (q[2:] - 2 * q[1:-1] + q[:-2]) / h**2
    mass, charge = (part.expand(frames, batch, n).flatten(0, 1).float() for part in bodies)
    return Film(q[1:-1].flatten(0, 1).float(), force.flatten(0, 1).float(), Bodies(mass, charge))
