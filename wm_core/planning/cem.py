"""The cross-entropy method: draw plans, keep the best, draw again around them (Rubinstein, 1999).

As V-JEPA 2-AC plans (Assran et al., 2025, and its published code), for many episodes at once.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from wm_core.planning.search import Bound, Cost, Imagines, Round, best_of, counts, first_mean, imagining, scattered


@dataclass(frozen=True)
class CEM:
    """A search by samples, with the settings of V-JEPA 2-AC's published demonstration beside ours.

    Attributes:
        horizon: actions in a plan (2 there).
        samples: plans an iteration (400).
        elites: how many of the best the next distribution is fitted to (10).
        iterations: how often (10).
        spread: standard deviation of each number of an action at first, in the actions' own unit (the bound there).
        floor: least standard deviation, so that a search which agreed too early can still move (0).
        momentum: how much of the old mean and deviation each refit keeps (0.15 for the mean, 0.75 for the deviation).
        smooth: correlation of the noise of one action with that of the next (0). See `scattered`.

    Raises:
        ValueError: a count is below 1, or there are more elites than samples.
    """

    horizon: int = 4
    samples: int = 128
    elites: int = 12
    iterations: int = 5
    spread: float = 1.0
    floor: float = 0.05
    momentum: float = 0.1
    smooth: float = 0.0

    def __post_init__(self):
        counts(self, "horizon", "samples", "iterations", "elites")

    @torch.no_grad()
    def plan(
        self,
        model: Imagines,
        z: Float[Tensor, "episodes *latent"],
        cost: Cost,
        *,
        bound: Bound,
        generator: torch.Generator,
        start: Float[Tensor, "episodes horizon action"] | None = None,
        action: int = 2,
        record: list[Round] | None = None,
    ) -> Float[Tensor, "episodes horizon action"]:
        """The plan for each episode: the mean of the last elites. For the arguments see `Planner.plan`."""
        mean = first_mean(z, self.horizon, action, start, bound)
        std, imagine = torch.full_like(mean, self.spread), imagining(model, z, self.samples)
        for _ in range(self.iterations):
            actions = bound(scattered(mean, std, self.samples, generator, self.smooth))
            actions[:, 0] = mean  # so that a search can only get worse by what the refit averages
            costs = cost(imagine(actions), actions)  # (episodes, samples)
            _, which, elites = best_of(costs, actions, self.elites)  # (episodes, elites, horizon, action)
            if record is not None:
                weights = torch.zeros_like(costs).scatter_(1, which, 1 / self.elites)
                record.append(Round(actions, costs, mean, std, weights))
            mean = bound(self.momentum * mean + (1 - self.momentum) * elites.mean(1))
            std = (self.momentum * std + (1 - self.momentum) * elites.std(1, correction=0)).clamp_min(self.floor)
        return mean
