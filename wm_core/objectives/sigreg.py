"""SIGReg: a test of whether latents look like a standard normal cloud, as a loss (LeJEPA; Balestriero & LeCun, 2025).

A cloud is standard normal if and only if its shadow on every line is (Cramér & Wold, 1936). So SIGReg casts the latents on
random lines, puts one statistic of a one-dimensional test on each shadow, and averages. The statistics here take
projections ``(batch, *lines)`` and give one value a line; each is scaled such that its mean on normal samples does not depend on
how many there are. With several processes they speak of the whole batch.
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from wm_core.distributed import from_first, processes, whole_batch

Statistic = Callable[[Tensor], Tensor]


def epps_pulley(x: Float[Tensor, "batch *lines"], knots: int = 17, t_max: float = 3.0) -> Float[Tensor, "*lines"]:
    """Epps & Pulley (1983): N ∫ |φ̂(t) - φ(t)|² exp(-t²/2) dt, φ̂ being the samples' characteristic function.

    φ(t) = exp(-t²/2) is the standard normal's, which is real, so the real part of φ̂, the mean cosine, is held to it and
    the imaginary part, the mean sine, to zero. On normal samples the mean is 1.052 for every N; where all samples are 0 it
    is 0.402 N. The slope by one sample is never above 6, however far out the sample is.

    Args:
        x: projections.
        knots: points of the trapezoid rule on [0, t_max]; what is left of 0 mirrors it. 17, as in the authors' code.
        t_max: where the integral is cut; 3 in the authors' code, 5 in their paper. The code's knots are closer.
    """
    t, weight = quadrature(knots, t_max, x)
    angle = x[..., None] * t  # (batch, *lines, knots)
    real, imaginary = _mean(angle.cos()), _mean(angle.sin())  # (*lines, knots)
    gap = (real - (-t.square() / 2).exp()).square() + imaginary.square()
    return len(x) * processes() * (gap @ weight)


def quadrature(knots: int, t_max: float, like: Tensor) -> tuple[Float[Tensor, "knots"], Float[Tensor, "knots"]]:
    """Where to read an even integrand against exp(-t²/2), and with which weights: the trapezoid rule, doubled.

    Args:
        knots, t_max: see `epps_pulley`.
        like: gives dtype and device.
    """
    t = torch.linspace(0, t_max, knots, dtype=like.dtype, device=like.device)
    step = torch.full_like(t, 2 * t_max / (knots - 1))
    step[[0, -1]] /= 2
    return t, step * (-t.square() / 2).exp()


def cramer_von_mises(x: Float[Tensor, "batch *lines"]) -> Float[Tensor, "*lines"]:
    """N ∫ (F̂ - F)² dF, with F̂ the samples' distribution function and F the standard normal's. Mean on normal samples: 1/6."""
    x = whole_batch(x).sort(0).values
    n = len(x)
    rank = (torch.arange(n, dtype=x.dtype, device=x.device) + 0.5) / n
    gap = torch.special.ndtr(x) - rank.view(-1, *[1] * (x.ndim - 1))
    return 1 / (12 * n) + gap.square().sum(0)


def anderson_darling(x: Float[Tensor, "batch *lines"]) -> Float[Tensor, "*lines"]:
    """N ∫ (F̂ - F)² / (F (1 - F)) dF: as Cramér-von Mises, with the tails counted more. Mean on normal samples: 1."""
    x = whole_batch(x).sort(0).values
    n = len(x)
    odd = (2 * torch.arange(n, dtype=x.dtype, device=x.device) + 1).view(-1, *[1] * (x.ndim - 1))
    below, above = torch.special.log_ndtr(x), torch.special.log_ndtr(-x.flip(0))
    return -n - (odd * (below + above)).mean(0)


def moments(x: Float[Tensor, "batch *lines"]) -> Float[Tensor, "*lines"]:
    """N (mean² + (variance - 1)² / 2): only the first two moments. Mean on normal samples: about 2.

    Averaged over all directions it asks for mean 0 and covariance I, and is content with any cloud that has them; the
    paper (section 5.2) notes that this is nearly VICReg.
    """
    mean = _mean(x)
    variance = _mean((x - mean).square())
    return len(x) * processes() * (mean.square() + (variance - 1).square() / 2)


def sigreg(
    z: Float[Tensor, "batch *time dim"],
    slices: int = 256,
    statistic: Statistic = epps_pulley,
    along: Float[Tensor, "dim slices"] | None = None,
    generator: torch.Generator | None = None,
) -> Float[Tensor, ""]:
    """How far latents are from a standard normal cloud: the statistic's mean over lines, and over time steps or views.

    Half-precision latents are tested in float32: the test compares averages that are nearly equal.

    Args:
        z: the latents; the test is over the batch, for each time step or view by itself.
        slices: how many lines. 256 in the authors' minimal example, 1024 recommended in the paper, which finds 16 enough
            where the lines are new at every step.
        statistic: from projections ``(batch, *time, slices)`` to ``(*time, slices)``.
        along: the lines as unit vectors, instead of random ones.
        generator: where random lines come from; PyTorch's own if None, which `fit` seeds anew at every step.
    """
    if along is None:
        along = directions(z.shape[-1], slices, generator)
    with torch.autocast(z.device.type, enabled=False):
        z = z if z.dtype == torch.float64 else z.float()
        return statistic(z @ along.to(z)).mean()


def directions(dim: int, slices: int, generator: torch.Generator | None = None) -> Float[Tensor, "dim slices"]:
    """Unit vectors, even on the sphere, and the same in every process, or their averages could not be put together."""
    drawn = torch.randn(dim, slices, generator=generator, device=generator.device if generator else None)
    return from_first(drawn / drawn.norm(dim=0))


def gaussian_entropy(z: Float[Tensor, "batch *time dim"], eps: float = 1e-6) -> Float[Tensor, ""]:
    """The entropy in nats of a Gaussian with the latents' covariance: D/2 ln(2πe) + ½ ln det(Cov + eps I).

    It has no greatest value, and below that of eps no least one: a loss that adds it must say which sign it means and what
    stops the scale. LeJEPA does not use it.

    Args:
        z: latents; the covariance is over the batch, and the entropies of time steps or views are averaged.
        eps: keeps the logarithm finite where the latents fill no volume.
    """
    z = whole_batch(z)
    batch, dim = len(z), z.shape[-1]
    z = (z - z.mean(0)).reshape(batch, -1, dim).transpose(0, 1)  # (time, batch, dim)
    spread = z.mT @ z / (batch - 1) + eps * torch.eye(dim, dtype=z.dtype, device=z.device)
    return (dim * math.log(2 * math.pi * math.e) + torch.logdet(spread)).mean() / 2


def _mean(part: Float[Tensor, "batch *rest"]) -> Float[Tensor, "*rest"]:
    """The mean over every process's rows: only the means travel, never the rows."""
    return whole_batch(part.mean(0, keepdim=True)).mean(0)
