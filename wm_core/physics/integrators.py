"""Five ways to take a step in time, and what each does to energy.

A step takes a system, a state x = (q, p) of shape (..., 2d) and a step h in seconds, and returns the state at t + h. A
*system* has ``field(x)``, the time derivative. A *separable* one, H = T(p) + U(q), also has ``velocity(p)`` = dT/dp and
``force(q)`` = -dU/dq; symplectic Euler, leapfrog and Yoshida's step need them.

Source: Hairer, Lubich, Wanner, *Geometric Numerical Integration* (2006), chapters I, II and VI; Yoshida (1990).
"""

from collections.abc import Callable
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor

State = Float[Tensor, "*batch 2d"]


class System(Protocol):
    """Anything with a time derivative."""

    def field(self, x: Tensor) -> Tensor: ...


class Separable(System, Protocol):
    """A system whose energy is T(p) + U(q)."""

    def velocity(self, p: Tensor) -> Tensor: ...

    def force(self, q: Tensor) -> Tensor: ...


Step = Callable[[System, Tensor, float], Tensor]


def explicit_euler(system: System, x: State, h: float) -> State:
    """Both derivatives at the old point. Order 1; not symplectic: a unit oscillator gains the factor 1 + h² a step."""
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


def rk4(system: System, x: State, h: float) -> State:
    """The classical Runge-Kutta step. Order 4, four fields a step; not symplectic."""
    k1 = system.field(x)
    k2 = system.field(x + h / 2 * k1)
    k3 = system.field(x + h / 2 * k2)
    k4 = system.field(x + h * k3)
    return x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
