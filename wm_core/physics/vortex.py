"""The Taylor-Green vortex as a problem for a physics-informed network: at one viscosity, or at every one in a range."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wm_core.metrics.field import relative_l2
from wm_core.nets.mlp import mlp
from wm_core.physics.pinn import mean_square, navier_stokes
from wm_core.physics.taylor import Periodic
from wm_core.worlds.flows import TaylorGreen

SIDE = 2 * math.pi
Points = Float[Tensor, "n coordinates"]


@dataclass(frozen=True)
class VortexProblem:
    """Points are (t, x, y), and (t, x, y, s) for a range of viscosities, s running from -1 to 1 with the viscosity's logarithm.

    Attributes:
        low: the least viscosity.
        high: the greatest.
        duration: t runs from 0 to it.
    """

    low: float = 0.1
    high: float = 0.1
    duration: float = 1.0

    @property
    def many(self) -> bool:
        """Whether the viscosity is an input."""
        return self.high > self.low

    def network(self, width: int = 64, seed: int = 0) -> nn.Sequential:
        """Two hidden tanh layers on (t, s, sin x, sin y, cos x, cos y), so periodic in x and y, to (u, v, p)."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            features = Periodic((None, SIDE, SIDE, None) if self.many else (None, SIDE, SIDE))
            return nn.Sequential(features, mlp(features.width, width, width, 3, activation=nn.Tanh))

    def draw(self, n: int, generator: torch.Generator, t: float | None = None) -> Points:
        """Random points, all at time ``t`` if it is given."""
        points = torch.rand(n, 3 + self.many, generator=generator) * torch.tensor(
            [self.duration, SIDE, SIDE, 2.0][: 3 + self.many]
        )
        if self.many:
            points[:, 3] -= 1
        if t is not None:
            points[:, 0] = t
        return points

    def viscosity(self, points: Points) -> Tensor:
        """(n, 1), of each point."""
        if not self.many:
            return torch.full_like(points[:, :1], self.low)
        return self.low * (self.high / self.low) ** ((points[:, 3:] + 1) / 2)

    def scaled(self, viscosity: float) -> float:
        """The input s that stands for a viscosity."""
        return 2 * math.log(viscosity / self.low) / math.log(self.high / self.low) - 1

    def terms(self, net: nn.Module, inside: Points, start: Points, weight: float = 1.0) -> dict[str, Tensor]:
        """What the network is asked: Newton's law and incompressibility inside, and the flow that is known at the start."""
        momentum, mass = navier_stokes(net, inside, self.viscosity(inside))
        missed = net(start)[:, :2] - TaylorGreen()(start)[:, :2]
        return {
            "momentum": mean_square(momentum),
            "mass": mean_square(mass),
            "initial": weight * mean_square(missed),
        }

    @torch.no_grad()
    def errors(
        self, net: Callable[[Tensor], Tensor], viscosity: float | None = None, moments: int = 20, points: int = 200
    ) -> tuple[float, float]:
        """Relative L2 errors of velocity and pressure, at fresh random points and evenly spaced moments.

        The equations know the pressure up to a number that may differ from moment to moment, so each moment's mean is taken off.
        """
        at = self.draw(moments * points, torch.Generator().manual_seed(10**6))
        at[:, 0] = torch.linspace(0, self.duration, moments).repeat_interleave(points)
        viscosity = self.low if viscosity is None else viscosity
        if self.many:
            at[:, 3] = self.scaled(viscosity)
        got, truth = (out.reshape(moments, points, 3) for out in (net(at), TaylorGreen(viscosity)(at)))
        pressure = (out[..., 2] - out[..., 2].mean(1, keepdim=True) for out in (got, truth))
        return relative_l2(got[..., :2], truth[..., :2]), relative_l2(*pressure)


class ExportedVortex(nn.Module):
    """For a live figure: points (n, 4) -> the flow (n, 3) and by how much it misses the equations (n,)."""

    def __init__(self, net: nn.Module, problem: VortexProblem):
        super().__init__()
        self.net, self.problem = net, problem

    def forward(self, points: Tensor) -> tuple[Tensor, Tensor]:
        momentum, mass = navier_stokes(self.net, points, self.problem.viscosity(points))
        return self.net(points), (momentum.square().sum(1) + mass.square()).sqrt()
