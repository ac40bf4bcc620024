"""Separable networks of several ranks on several plane solutions at once, and the best that any sum of R products can do."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wm_core.physics.spinn import SPINN

Grid = Float[Tensor, "n m"]


@dataclass(frozen=True)
class Ridge:
    """exp(-ξ² / 2 a² - η² / 2 b²), where (ξ, η) are coordinates turned by an angle.

    Along the axes it is one product. Turned, it is exp of a mixed term x y, and no finite sum of products.

    Attributes:
        degrees: by how much it is turned.
        length, width: a and b.
    """

    degrees: float
    length: float = 0.8
    width: float = 0.2

    def value(self, x: Float[Tensor, " n"], y: Float[Tensor, " m"]) -> Grid:
        """The solution on the grid of x and y."""
        along, across = self._turned(x, y)
        return torch.exp(-((along / self.length) ** 2 + (across / self.width) ** 2) / 2)

    def _turned(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        angle = torch.deg2rad(torch.tensor(self.degrees, dtype=x.dtype, device=x.device))
        cos, sin = angle.cos(), angle.sin()
        return cos * x[:, None] + sin * y, cos * y - sin * x[:, None]


@dataclass(frozen=True)
class TwoWaves:
    """sin πx sin πy + sin 3πx sin 2πy: a sum of two products."""

    def value(self, x: Float[Tensor, " n"], y: Float[Tensor, " m"]) -> Grid:
        """The solution on the grid of x and y."""
        return sum(self._waves(x, y))

    def _waves(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return tuple(torch.outer(torch.sin(a * torch.pi * x), torch.sin(b * torch.pi * y)) for a, b in ((1, 1), (3, 2)))


class RankLadder(nn.Module):
    """One plane separable network for every pair of a solution and a rank, all fitted together to the values of the solutions.

    There is no equation here: what such a network cannot represent, no equation can teach it.

    Args:
        solutions: what is to be found.
        ranks: the numbers of products.
        width, layers: of the networks.
        steepness: the entry weights and biases are uniform within plus or minus this, so that bends lie all along the axis.
        seed: of the weights.
    """

    def __init__(
        self,
        solutions: Sequence,
        ranks: Sequence[int],
        width: int = 24,
        layers: int = 3,
        steepness: float = 4.0,
        seed: int = 0,
    ):
        super().__init__()
        self.solutions, self.ranks = tuple(solutions), tuple(ranks)
        members = len(self.solutions) * len(self.ranks)
        self.networks = SPINN(2 * members, max(ranks), width, layers, gated=False, seed=seed)
        generator = torch.Generator().manual_seed(seed + 1)
        with torch.no_grad():
            for entry in (self.networks.weights[0], self.networks.biases[0]):
                entry.copy_(steepness * (2 * torch.rand(entry.shape, generator=generator) - 1))
        allowed = torch.tensor([[r < rank for r in range(max(ranks))] for rank in ranks], dtype=torch.float32)
        self.register_buffer("allowed", allowed.repeat(len(self.solutions), 1))

    def factors(self, x: Float[Tensor, " n"], y: Float[Tensor, " n"]) -> Float[Tensor, "members 2 n rank"]:
        """The factors along x and along y; a member's columns beyond its rank are zero."""
        (entry, *hidden, last), (first, *between, end) = list(self.networks.weights), list(self.networks.biases)
        h = torch.tanh(torch.stack([x, y]).repeat(len(self.allowed), 1).unsqueeze(-1) * entry + first)
        for weight, bias in zip(hidden, between, strict=True):
            h = torch.tanh(h @ weight + bias)
        return (h @ last + end).unflatten(0, (-1, 2)) * self.allowed[:, None, None]

    def forward(self, x: Float[Tensor, " n"], y: Float[Tensor, " n"]) -> Float[Tensor, "solutions ranks n n"]:
        """The sums on the grid of x and y."""
        f, g = self.factors(x, y).unbind(1)
        return (f @ g.mT).unflatten(0, (len(self.solutions), len(self.ranks)))

    def draw(self, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """n points an axis, uniform on [-1, 1], and the solutions there, (solutions, n, n)."""
        x, y = (2 * torch.rand(2, n, generator=generator) - 1).unbind()
        return x, y, torch.stack([s.value(x, y) for s in self.solutions])

    def misses(self, x: Tensor, y: Tensor, values: Tensor) -> Float[Tensor, "solutions ranks"]:
        """Mean square errors as shares of the solutions' mean squares. Their sum trains every member as if it were alone."""
        values = values.unsqueeze(1)
        return (self(x, y) - values).square().mean((-2, -1)) / values.square().mean((-2, -1))

    @torch.no_grad()
    def errors(self, n: int = 64) -> Float[Tensor, "solutions ranks"]:
        """Relative L2 errors on n even points an axis."""
        x = torch.linspace(-1, 1, n, device=self.allowed.device)
        return self.misses(x, x, torch.stack([s.value(x, x) for s in self.solutions])).sqrt()


class ExportedFactors(nn.Module):
    """The factors of every member along both axes at the same points, for the browser.

    Args:
        ladder: trained.
    """

    def __init__(self, ladder: RankLadder):
        super().__init__()
        self.ladder = ladder

    def forward(self, x: Float[Tensor, " n"]) -> Float[Tensor, "members 2 n rank"]:
        return self.ladder.factors(x, x)


def best_error(values: Grid, rank: int) -> float:
    """The smallest relative L2 error that a sum of R products can have on this grid, whatever the products.

    The values on a grid are a matrix, a product of a function of x and one of y is a matrix of rank one, and the nearest matrix of rank R
    is the first R terms of the singular value decomposition (Eckart & Young, *The approximation of one matrix by another of lower rank*,
    1936).

    Raises:
        ValueError: rank is below 0.
    """
    if rank < 0:
        raise ValueError(f"rank: got {rank}, wanted at least 0")
    singular = torch.linalg.svdvals(values.double())
    return float(singular[rank:].norm() / singular.norm())
