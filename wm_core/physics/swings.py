"""Noisy measurements of oscillators, drawn as Greydanus et al. (2019) drew theirs."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from wm_core.physics.integrators import System, rk4, simulate


class Swings(NamedTuple):
    """Measurements of several ensembles of trajectories; one member per seed.

    Attributes:
        x: (members, n, 2) measured states, with noise.
        dx: (members, n, 2) the time derivative at the true states, without noise.
    """

    x: Tensor
    dx: Tensor


@dataclass(frozen=True)
class Survey:
    """How a system is measured. The defaults are Greydanus et al.'s spring, with the half of it that they train on.

    Attributes:
        nearest, farthest: the start's distance from rest in the (q, p) plane, drawn evenly.
        points: measurements in a trajectory, evenly spaced over ``seconds``.
        trajectories: how many.
        noise: standard deviation of the noise on each coordinate of a measured state.
    """

    nearest: float = 0.1
    farthest: float = 1.0
    points: int = 30
    trajectories: int = 25
    noise: float = 0.1
    seconds: float = 3.0

    def measure(self, system: System, seeds: tuple[int, ...]) -> Swings:
        """One member of measurements per seed."""
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        x = torch.stack([starts(self.trajectories, self.nearest, self.farthest, g) for g in generators])
        between = 20  # integrator steps from one measurement to the next: truth to about 1e-9
        h = self.seconds / (self.points - 1) / between
        path = simulate(
            rk4, system, x, h, (self.points - 1) * between, every=between
        )  # (points, members, trajectories, 2)
        path = path.transpose(0, 1).flatten(1, 2)
        noise = [torch.randn(path.shape[1:], generator=g, dtype=path.dtype) for g in generators]
        return Swings((path + self.noise * torch.stack(noise)).float(), system.field(path).float())


#: The two surveys of Greydanus et al. Their pendulum is measured on a shell: never near rest.
SPRING_SURVEY = Survey()
PENDULUM_SURVEY = Survey(nearest=1.3, farthest=2.3, points=45)


def starts(n: int, nearest: float, farthest: float, generator: torch.Generator) -> Float[Tensor, "n 2"]:
    """States in random directions from rest, at distances drawn evenly; float64."""
    direction = 2 * torch.rand(n, 2, generator=generator, dtype=torch.float64) - 1
    distance = nearest + (farthest - nearest) * torch.rand(n, 1, generator=generator, dtype=torch.float64)
    return distance * direction / direction.norm(dim=1, keepdim=True)
