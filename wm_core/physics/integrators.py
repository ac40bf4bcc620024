"""Six ways to take a step in time, and what each does to energy.

A step takes a system, a state x = (q, p) and a step h in seconds, and returns the state at t + h. A *system* has
``field(x)``, the time derivative. A *separable* one, with energy T(p) + U(q), also has ``velocity(p)`` = dT/dp and
``force(q)`` = -dU/dq; symplectic Euler, leapfrog and Yoshida's step need them. States are (..., 2d), positions first.

Source: Hairer, Lubich & Wanner, *Geometric Numerical Integration* (2006), chapters I, II and VI; Yoshida (1990).
"""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

State = Float[Tensor, "*batch state"]


@runtime_checkable
class System(Protocol):
    """Anything with a time derivative."""

    def field(self, x: Tensor) -> Tensor:
        """dx/dt."""


@runtime_checkable
class Separable(System, Protocol):
    """A system whose energy is T(p) + U(q)."""

    def velocity(self, p: Tensor) -> Tensor:
        """dT/dp."""

    def force(self, q: Tensor) -> Tensor:
        """-dU/dq."""


Step = Callable[..., Tensor]


def explicit_euler(system: System, x: State, h: float) -> State:
    """Both derivatives at the old point. Order 1; not symplectic: a unit oscillator's energy grows by 1 + h² a step."""
    return x + h * system.field(x)


def symplectic_euler(system: Separable, x: State, h: float) -> State:
    """First p, then q with the *new* p. Order 1, symplectic."""
    q, p = x.chunk(2, -1)
    p = p + h * system.force(q)
    q = q + h * system.velocity(p)
    return torch.cat([q, p], -1)


def leapfrog(system: Separable, x: State, h: float) -> State:
    """Half a kick, a drift, half a kick (Störmer-Verlet). Order 2, symplectic, reversible."""
    q, p = x.chunk(2, -1)
    p = p + h / 2 * system.force(q)
    q = q + h * system.velocity(p)
    p = p + h / 2 * system.force(q)
    return torch.cat([q, p], -1)


def yoshida4(system: Separable, x: State, h: float) -> State:
    """Three leapfrog steps, the middle one backwards in time, so that their errors cancel. Order 4, symplectic."""
    outer = 1 / (2 - 2 ** (1 / 3))
    for share in (outer, 1 - 2 * outer, outer):
        x = leapfrog(system, x, share * h)
    return x


def rk4(system: System, x: State, h: float) -> State:
    """The classical Runge-Kutta step. Order 4, four derivatives a step; not symplectic."""
    k1 = system.field(x)
    k2 = system.field(x + h / 2 * k1)
    k3 = system.field(x + h / 2 * k2)
    k4 = system.field(x + h * k3)
    return x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def implicit_midpoint(system: System, x: State, h: float, iterations: int = 10) -> State:
    """The derivative halfway between the old point and the new, found by fixed-point iteration.

    Order 2, and symplectic for every Hamiltonian, separable or learned, once the iteration has converged; each iteration
    gains about a factor h times the field's slope.
    """
    new = x + h * system.field(x)
    for _ in range(iterations):
        new = x + h * system.field((x + new) / 2)
    return new


#: By the names that figures show.
INTEGRATORS: dict[str, Step] = {
    "explicit Euler": explicit_euler,
    "symplectic Euler": symplectic_euler,
    "leapfrog": leapfrog,
    "Yoshida 4": yoshida4,
    "Runge-Kutta 4": rk4,
}


def simulate(
    step: Step, system: System, x: State, h: float, steps: int, every: int = 1
) -> Float[Tensor, "time *batch state"]:
    """The path from ``x``: the start, then every ``every``-th of ``steps`` steps of ``h`` seconds.

    Raises:
        ValueError: ``steps`` is not a multiple of ``every``.
    """
    if steps % every:
        raise ValueError(f"steps: got {steps}, wanted a multiple of every = {every}")
    path = [x]
    for k in range(1, steps + 1):
        x = step(system, x, h)
        if k % every == 0:
            path.append(x)
    return torch.stack(path)


def symplectic_defect(step: Step, system: System, x: Float[Tensor, "batch state"], h: float) -> Float[Tensor, " batch"]:
    """The largest entry of |JᵀΩJ - Ω| of one step at each state, J being its Jacobian: 0 for a symplectic step."""
    half = x.shape[-1] // 2
    omega = torch.zeros(2 * half, 2 * half, dtype=x.dtype, device=x.device)
    omega[:half, half:] = torch.eye(half, dtype=x.dtype)
    omega[half:, :half] = -torch.eye(half, dtype=x.dtype)
    jacobian = torch.func.vmap(torch.func.jacrev(lambda at: step(system, at, h)))(x)
    return (jacobian.mT @ omega @ jacobian - omega).abs().amax((1, 2))
