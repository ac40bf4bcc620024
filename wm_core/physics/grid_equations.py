"""Equations on a box, sampled on a grid whose axes are drawn one by one: what a separable network is trained on.

Each equation knows where its axes lie, draws points, gives the loss of a separable network, and has a solution to compare with.
Settings are those of the authors' code (Cho et al., *Separable Physics-Informed Neural Networks*, 2023), unless said otherwise.
"""

from collections.abc import Sequence
from functools import cache
from types import SimpleNamespace
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wm_core.metrics.field import relative_l2
from wm_core.physics.integrators import rk4
from wm_core.physics.spinn import Factors, combine, laplacian

Terms = dict[str, Tensor]


class Draw(NamedTuple):
    """Points for some steps of training, and what the equation says about them.

    Attributes:
        points: per axis its drawn points and then the ends of the axis, where conditions are set.
        inner: how many of them are drawn.
        source: the right side on the grid of drawn points, or None where it is zero.
        given: the solution on faces, where it is not zero.
    """

    points: list[Tensor]
    inner: int
    source: Tensor | None
    given: list[Tensor]


class GridEquation:
    """What the equations share.

    Attributes:
        low, high: where each axis begins and ends.
        ends: coordinates per axis at which a condition is set.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    ends: tuple[tuple[float, ...], ...]

    def draw(self, n: int, generator: torch.Generator, device: torch.device | str = "cpu", even: bool = True) -> Draw:
        """n points an axis: one anywhere in each of n equal parts, or all of them anywhere, as the authors' code has them.

        Raises:
            ValueError: n is below 1.
        """
        if n < 1:
            raise ValueError(f"n: got {n}, wanted at least 1")
        points = []
        for low, high, ends in zip(self.low, self.high, self.ends, strict=True):
            share = torch.rand(n, generator=generator, device=generator.device)
            if even:
                share = (torch.arange(n, device=share.device) + share) / n
            x = low + (high - low) * share
            points.append(torch.cat([x, x.new_tensor(ends)]).to(device))
        inner = [x[:n] for x in points]
        faces = [self.solution(*face) for face in self.faces_of(points, n)] if self.set_to_solution else []
        return Draw(points, n, self.source(*inner), faces)

    #: Whether the solution is not zero on the faces, so that its values are needed there.
    set_to_solution = False

    def faces_of(self, things: Sequence, n: int) -> list[list]:
        """For each axis with ends: those of this axis, and the drawn ones of the others. Works on points and on factors."""
        return [
            [x[n:] if i == axis else x[:n] for i, x in enumerate(things)] for axis, ends in enumerate(self.ends) if ends
        ]

    def faces(self, factors: Sequence[Factors], draw: Draw) -> list[Tensor]:
        """The mean squares by which a network misses what is set, one per axis with ends, each summed over the two ends."""
        missed = []
        for axis, face in zip(
            (i for i, e in enumerate(self.ends) if e),
            self.faces_of([f.value for f in factors], draw.inner),
            strict=True,
        ):
            u = combine(face)
            if draw.given:
                u = u - draw.given[len(missed)]
            missed.append(len(self.ends[axis]) * u.square().mean())
        return missed

    def source(self, *points: Tensor) -> Tensor | None:
        """The right side of the equation on the grid."""
        return None

    def solution(self, *points: Tensor) -> Tensor:
        """The solution on the grid."""
        raise NotImplementedError

    def loss(self, model: nn.Module, draw: Draw) -> Terms:
        """Named, weighted terms."""
        raise NotImplementedError

    @torch.no_grad()
    def error(self, model: nn.Module, n: int = 100) -> float:
        """Relative L2 error on n evenly spaced points an axis, ends included."""
        like = next(model.parameters())
        points = [
            torch.linspace(a, b, n, dtype=like.dtype, device=like.device)
            for a, b in zip(self.low, self.high, strict=True)
        ]
        return relative_l2(model(*points), self.solution(*points))


class Helmholtz(GridEquation):
    """Δu + u = q on [-1, 1]^d, u = 0 at the ends, solved by Π sin(a_i π x_i).

    Args:
        waves: the a_i; (4, 4, 3) in the paper.
        weight: of the boundary; 100 in the authors' code.
    """

    def __init__(self, waves: tuple[int, ...] = (4, 4, 3), weight: float = 100.0):
        self.waves, self.weight = waves, weight
        self.low, self.high, self.ends = (-1.0,) * len(waves), (1.0,) * len(waves), ((-1.0, 1.0),) * len(waves)

    def solution(self, *points: Tensor) -> Tensor:
        return combine([torch.sin(a * torch.pi * x)[:, None] for a, x in zip(self.waves, points, strict=True)])

    def source(self, *points: Tensor) -> Tensor:
        return (1 - torch.pi**2 * sum(a * a for a in self.waves)) * self.solution(*points)

    def residual(self, factors: Sequence[Factors]) -> Tensor:
        """Δu + u on the grid, without the source."""
        return laplacian(factors, (1.0,) * len(self.waves), 1.0)

    def faces(self, factors: Sequence[Factors], draw: Draw) -> list[Tensor]:
        """In three coordinates all six faces in one batched product: a small step waits for calls more than for sums."""
        if len(factors) != 3:
            return super().faces(factors, draw)
        inner, ends = torch.stack([f.value for f in factors]).tensor_split([draw.inner], 1)  # (3, n, R), (3, 2, R)
        left = (ends[:, :, None] * inner.roll(1, 0)[:, None]).flatten(1, 2)  # (3, 2 n, R)
        return list(2 * (left @ inner.roll(-1, 0).mT).square().mean((1, 2)))

    def loss(self, model: nn.Module, draw: Draw) -> Terms:
        factors = model.factors(*draw.points)
        inner = [f.at(slice(draw.inner)) for f in factors]
        residual = F.mse_loss(self.residual(inner), draw.source)
        return {"residual": residual, "boundary": self.weight * sum(self.faces(factors, draw))}


class KleinGordon(GridEquation):
    """u_tt - u_xx - u_yy + u² = q for t in [0, 10] on [-1, 1]², solved by (x + y) cos kt + x y sin kt.

    Args:
        frequency: k; 2 in the paper.
        velocity: whether u_t is set at t = 0 too. The paper sets u alone, which leaves the solution open: see the chapter.
    """

    low, high, ends = (0.0, -1.0, -1.0), (10.0, 1.0, 1.0), ((0.0,), (-1.0, 1.0), (-1.0, 1.0))
    set_to_solution = True

    def __init__(self, frequency: float = 2.0, velocity: bool = False):
        self.frequency, self.velocity = frequency, velocity

    def solution(self, t: Tensor, x: Tensor, y: Tensor) -> Tensor:
        cos, sin = torch.cos(self.frequency * t), torch.sin(self.frequency * t)
        one = torch.ones_like
        return combine([torch.stack(f, -1) for f in ((cos, cos, sin), (x, one(x), x), (one(y), y, y))])

    def source(self, t: Tensor, x: Tensor, y: Tensor) -> Tensor:
        u = self.solution(t, x, y)
        return u * u - self.frequency**2 * u

    def loss(self, model: nn.Module, draw: Draw) -> Terms:
        factors = model.factors(*draw.points)
        n = draw.inner
        inner = [f.at(slice(n)) for f in factors]
        u = combine([f.value for f in inner])
        residual = F.mse_loss(torch.addcmul(laplacian(inner, (1.0, -1.0, -1.0)), u, u), draw.source)
        start, *sides = self.faces(factors, draw)
        terms = {"residual": residual, "start": start, "boundary": sum(sides)}
        if self.velocity:
            moving = combine([factors[0].first[n:], inner[1].value, inner[2].value])[0]
            terms["velocity"] = F.mse_loss(moving, self.frequency * torch.outer(draw.points[1][:n], draw.points[2][:n]))
        return terms


class Diffusion(GridEquation):
    """u_t = α ∇·(u ∇u) for t in [0, 1] on [-1, 1]², three bumps at the start, 0 at the ends.

    It has no solution in closed form; `solution` interpolates one computed by finite differences, on the CPU in float64.

    Args:
        alpha: 0.05 in the paper.
    """

    low, high, ends = (0.0, -1.0, -1.0), (1.0, 1.0, 1.0), ((0.0,), (-1.0, 1.0), (-1.0, 1.0))

    def __init__(self, alpha: float = 0.05):
        self.alpha = alpha

    @staticmethod
    def start(x: Tensor, y: Tensor) -> Tensor:
        """u at t = 0 on the grid: three Gaussian bumps, each a product of one along x and one along y."""
        bumps = ((0.25, 0.3, 0.2, 10.0), (0.4, -0.5, -0.1, 15.0), (0.3, 0.0, -0.5, 20.0))
        along_x = torch.stack([height * torch.exp(-sharp * (x - at) ** 2) for height, at, _, sharp in bumps], -1)
        along_y = torch.stack([torch.exp(-sharp * (y - at) ** 2) for _, _, at, sharp in bumps], -1)
        return along_x @ along_y.mT

    def draw(self, n: int, generator: torch.Generator, device: torch.device | str = "cpu", even: bool = True) -> Draw:
        draw = super().draw(n, generator, device, even)
        return draw._replace(given=[self.start(*(x[:n] for x in draw.points[1:]))])

    def loss(self, model: nn.Module, draw: Draw) -> Terms:
        factors = model.factors(*draw.points)
        (t, x, y), n = [f.at(slice(draw.inner)) for f in factors], draw.inner
        left = torch.stack([t.value, t.first], 1)  # (n, 2, R): u and u_t share their other factors
        u, u_t = ((left[:, :, None] * x.value).flatten(0, 2) @ y.value.mT).view(n, 2, n, n).unbind(1)
        u_x = combine([t.value, x.first, y.value])
        u_y = combine([t.value, x.value, y.first])
        spread = laplacian([Factors(t.value, t.first, torch.zeros_like(t.value)), x, y], (0.0, 1.0, 1.0))
        residual = (u_t - self.alpha * (u_x.square() + u_y.square() + u * spread)).square().mean()
        _, *sides = self.faces_of([f.value for f in factors], n)
        first = combine([factors[0].value[n:], x.value, y.value])[0]
        return {
            "residual": residual,
            "start": F.mse_loss(first, draw.given[0]),
            "boundary": sum(2 * combine(side).square().mean() for side in sides),
        }

    def solution(self, t: Tensor, x: Tensor, y: Tensor) -> Tensor:
        field = reference_diffusion(self.alpha)  # (101, 101, 101)
        places = [
            (len(field) - 1) * (z.double().cpu() - a) / (b - a)
            for z, a, b in zip((t, x, y), self.low, self.high, strict=True)
        ]
        for axis, place in enumerate(places):  # linear between grid points, one axis after another
            floor = place.floor().clamp(0, field.shape[axis] - 2)
            share = (place - floor).view([-1 if i == axis else 1 for i in range(3)])
            low = field.index_select(axis, floor.long())
            field = torch.lerp(low, field.index_select(axis, floor.long() + 1), share)
        return field.to(x)


@cache
def reference_diffusion(alpha: float = 0.05, cells: int = 100, times: int = 100) -> Tensor:
    """The solution of `Diffusion` at (times + 1, cells + 1, cells + 1) even points: central differences, Runge-Kutta in time.

    u² / 2 is what diffuses, u_t = α Δ(u² / 2), so the scheme keeps mass. The step in time is a fifth of the limit of stability.
    """
    x = torch.linspace(-1, 1, cells + 1, dtype=torch.float64)
    u = Diffusion.start(x, x)
    u[[0, -1]], u[:, [0, -1]] = 0, 0
    h = 2 / cells
    steps = max(1, round(1 / (times * 0.1 * h * h / (alpha * float(u.max())))) + 1)

    def rate(u: Tensor) -> Tensor:
        w, out = u * u * (alpha / 2 / h**2), torch.zeros_like(u)
        out[1:-1, 1:-1] = w[2:, 1:-1] + w[:-2, 1:-1] + w[1:-1, 2:] + w[1:-1, :-2] - 4 * w[1:-1, 1:-1]
        return out

    spreading = SimpleNamespace(field=rate)
    frames, dt = [u], 1 / (times * steps)
    for _ in range(times):
        for _ in range(steps):
            u = rk4(spreading, u, dt)
        frames.append(u)
    return torch.stack(frames)


class Heat(GridEquation):
    """u_t = α Δu for t in [0, 1] on [0, 1]², 0 at the ends, solved by exp(-2 α π² t) sin πx sin πy.

    Args:
        alpha: the conductivity.
        weight: of start and boundary.
    """

    low, high, ends = (0.0,) * 3, (1.0,) * 3, ((0.0,), (0.0, 1.0), (0.0, 1.0))
    set_to_solution = True

    def __init__(self, alpha: float = 0.1, weight: float = 20.0):
        self.alpha, self.weight = alpha, weight

    def solution(self, t: Tensor, x: Tensor, y: Tensor) -> Tensor:
        along = (torch.exp(-2 * self.alpha * torch.pi**2 * t), torch.sin(torch.pi * x), torch.sin(torch.pi * y))
        return combine([f[:, None] for f in along])

    def loss(self, model: nn.Module, draw: Draw) -> Terms:
        factors = model.factors(*draw.points)
        t, x, y = (f.at(slice(draw.inner)) for f in factors)
        # u_t - α Δu: the time derivative takes the place of a second derivative along t
        residual = (
            laplacian([Factors(t.value, t.first, t.first), x, y], (1.0, -self.alpha, -self.alpha)).square().mean()
        )
        start, *sides = self.faces(factors, draw)
        return {"residual": residual, "start": self.weight * start, "boundary": self.weight * sum(sides)}
