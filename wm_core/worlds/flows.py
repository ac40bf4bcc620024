"""Flows and waves whose exact solution is known: the Taylor-Green vortex, Burgers' shock, Kovasznay's wake, a carried wave.

A point is (..., d), time first where there is time. Viscosity is kinematic (area per time) and the density is one.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class TaylorGreen:
    """A square lattice of vortices in a box of side 2π, periodic, that fades under viscosity.

    Source: Taylor & Green, *Mechanism of the production of small eddies from large ones* (1937), in two dimensions.
    """

    viscosity: float = 0.1

    def __call__(
        self, points: Float[Tensor, "*batch txy"], viscosity: Tensor | float | None = None
    ) -> Float[Tensor, "*batch 3"]:
        """Velocity (u, v) and pressure p at (t, x, y); further columns are ignored.

        u = -cos x sin y e^(-2νt), v = sin x cos y e^(-2νt), p = -(cos 2x + cos 2y)/4 e^(-4νt).
        """
        t, x, y = points[..., :3].unbind(-1)
        fade = torch.exp(-2 * (self.viscosity if viscosity is None else viscosity) * t)
        u, v = -torch.cos(x) * torch.sin(y) * fade, torch.sin(x) * torch.cos(y) * fade
        return torch.stack([u, v, -0.25 * (torch.cos(2 * x) + torch.cos(2 * y)) * fade * fade], -1)

    def energy(self, t: Tensor) -> Tensor:
        """Mean kinetic energy per unit of mass: e^(-4νt)/4."""
        return 0.25 * torch.exp(-4 * self.viscosity * t)


@dataclass(frozen=True)
class Burgers:
    """u_t + u u_x = ν u_xx for -1 ≤ x ≤ 1, u = -sin πx at first and 0 at both ends: a wave that steepens into a shock.

    The default viscosity is that of Raissi et al. (2019) and Basdevant et al. (1986).
    """

    viscosity: float = 0.01 / math.pi

    def __call__(self, points: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 1"]:
        """u at (t, x), by Cole's and Hopf's transformation and 200 nodes of Gauss and Hermite, in float64.

        Source: Basdevant et al., *Spectral and finite difference solutions of the Burgers equation* (1986), equation 6.
        """
        t, x = points.double().unbind(-1)
        nodes, weights = (part.to(t.device) for part in _gauss_hermite(200))
        y = x[..., None] - nodes * torch.sqrt(4 * self.viscosity * t.clamp_min(1e-12))[..., None]
        mass = weights * torch.exp(
            -torch.cos(math.pi * y) / (2 * math.pi * self.viscosity) - 1 / (2 * math.pi * self.viscosity)
        )
        u = -(torch.sin(math.pi * y) * mass).sum(-1) / mass.sum(-1)
        return u[..., None].to(points.dtype)


@dataclass(frozen=True)
class Kovasznay:
    """The steady flow behind a grid of rods: Kovasznay, *Laminar flow behind a two-dimensional grid* (1948)."""

    reynolds: float = 20.0

    @property
    def rate(self) -> float:
        """λ, with which the wake fades downstream."""
        return self.reynolds / 2 - math.sqrt(self.reynolds**2 / 4 + 4 * math.pi**2)

    def __call__(self, points: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 3"]:
        """u, v and p at (x, y)."""
        x, y = points.unbind(-1)
        fade, turn = torch.exp(self.rate * x), 2 * math.pi * y
        u, v = 1 - fade * torch.cos(turn), self.rate / (2 * math.pi) * fade * torch.sin(turn)
        return torch.stack([u, v, 0.5 * (1 - fade * fade)], -1)


@dataclass(frozen=True)
class CarriedWave:
    """u_t + c u_x = 0 in a periodic box of side 2π, u = sin x at first: the wave is carried along at speed c, unchanged."""

    speed: float = 10.0

    def __call__(self, points: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 1"]:
        """u at (t, x)."""
        t, x = points.unbind(-1)
        return torch.sin(x - self.speed * t)[..., None]


@cache
def _gauss_hermite(count: int) -> tuple[Tensor, Tensor]:
    nodes, weights = np.polynomial.hermite.hermgauss(count)
    return torch.from_numpy(nodes), torch.from_numpy(weights)
