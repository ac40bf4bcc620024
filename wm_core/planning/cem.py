"""The cross-entropy method: draw plans, keep the best, draw again around them (Rubinstein, 1999).

As V-JEPA 2-AC plans (Assran et al., 2025, and its published code), for many episodes at once.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from wm_core.planning.search import (
    Bound,
    Cost,
    Imagines,
    Round,
    best_of,
    counts,
    first_mean,
    fitted,
    imagining,
    scattered,
)


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
        momentum: how much of the old mean each refit keeps (0.15).
        momentum_std: how much of the old deviation (0.75).
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
    momentum_std: float = 0.1
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
        action_dim: int = 2,
        record: list[Round] | None = None,
    ) -> Float[Tensor, "episodes horizon action"]:
        """The plan for each episode: the last mean. For the arguments see `Planner.plan`."""
        mean = first_mean(z, self.horizon, action_dim, start, bound)
        std, imagine = torch.full_like(mean, self.spread), imagining(model, z, self.samples)
        for _ in range(self.iterations):
            actions = bound(scattered(mean, std, self.samples, generator, self.smooth))
            actions[:, 0] = mean  # the best guess so far is rated too
            costs = cost(imagine(actions), actions)  # (episodes, samples)
            low, which, elites = best_of(costs, actions, self.elites)  # (episodes, elites, horizon, action)
            weights = self.weigh(low)
            if record is not None:
                record.append(Round(actions, costs, mean, std, torch.zeros_like(costs).scatter_(1, which, weights)))
            centre, width = fitted(weights, elites)
            mean = bound(centre.lerp(mean, self.momentum))
            std = width.lerp(std, self.momentum_std).clamp_min(self.floor)
        return self.chosen(mean, weights, elites, generator)

    def weigh(self, low: Float[Tensor, "episodes elites"]) -> Float[Tensor, "episodes elites"]:
        """How much each elite counts, by its cost: here all alike."""
        return torch.full_like(low, 1 / self.elites)

    def chosen(self, mean: Tensor, weights: Tensor, elites: Tensor, generator: torch.Generator) -> Tensor:
        """What a search returns of its last round: here the mean."""
        return mean
