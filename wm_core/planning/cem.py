"""The cross-entropy method: draw plans, keep the best, draw again around them (Rubinstein, 1999).

As V-JEPA 2-AC plans (Assran et al., 2025, and its published code), for many episodes at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor


@runtime_checkable
class Imagines(Protocol):
    """All that a planner asks of a world model."""

    def rollout(self, z: Tensor, actions: Tensor) -> Tensor:
        """Latents ``(batch, *latent)`` and actions (batch, horizon, action) to imagined latents ``(batch, horizon, *latent)``."""


#: From imagined latents ``(episodes, samples, horizon, *latent)`` and the actions that led there (episodes, samples, horizon,
#: action) to what each plan costs, (episodes, samples). Low is good.
Cost = Callable[[Tensor, Tensor], Tensor]

#: Moves any actions (..., action) to the nearest ones that are allowed.
Bound = Callable[[Tensor], Tensor]


class Round(NamedTuple):
    """One iteration of a search, to be looked at.

    Attributes:
        actions: (episodes, samples, horizon, action) the plans that were tried.
        costs: (episodes, samples) what they cost.
        mean, std: (episodes, horizon, action) the distribution they were drawn from.
    """

    actions: Tensor
    costs: Tensor
    mean: Tensor
    std: Tensor


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

    def __post_init__(self):
        for name in ("horizon", "samples", "elites", "iterations"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: got {getattr(self, name)}, wanted at least 1")
        if self.elites > self.samples:
            raise ValueError(f"elites: got {self.elites} of {self.samples} samples, wanted no more than there are")

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
        """The plan for each episode: the mean of the last elites.

        Args:
            model: the world model.
            z: where each episode is.
            cost: what a plan costs; it may hold a goal for each episode.
            bound: what actions are allowed. Every plan that is tried obeys it, and so does the one that is returned.
            generator: decides the samples.
            start: the first mean, such as the rest of the last plan (`shifted`); zero without it.
            action: numbers in an action.
            record: a list to which every iteration is added.
        """
        episodes = len(z)
        mean = z.new_zeros(episodes, self.horizon, action) if start is None else bound(start)
        std = torch.full_like(mean, self.spread)
        many = z.repeat_interleave(self.samples, 0)  # (episodes * samples, *latent)
        for _ in range(self.iterations):
            noise = torch.randn(episodes, self.samples, self.horizon, action, generator=generator).to(z)
            actions = bound(mean[:, None] + std[:, None] * noise)
            actions[:, 0] = mean  # so that a search can only get worse by what the refit averages
            path = model.rollout(many, actions.flatten(0, 1)).unflatten(0, (episodes, self.samples))
            costs = cost(path, actions)  # (episodes, samples)
            if record is not None:
                record.append(Round(actions, costs, mean, std))
            best = costs.topk(self.elites, largest=False).indices[..., None, None].expand(-1, -1, *mean.shape[1:])
            elites = actions.gather(1, best)  # (episodes, elites, horizon, action)
            mean = bound(self.momentum * mean + (1 - self.momentum) * elites.mean(1))
            std = (self.momentum * std + (1 - self.momentum) * elites.std(1, correction=0)).clamp_min(self.floor)
        return mean


def to_goal(goal: Float[Tensor, "episodes *latent"]) -> Cost:
    """The mean absolute difference between the last imagined latent and a goal's (Assran et al., 2025, section 3.2)."""

    def cost(path: Tensor, actions: Tensor) -> Tensor:
        return (path[:, :, -1] - goal[:, None]).abs().flatten(2).mean(-1)

    return cost


def within(reach: float) -> Bound:
    """Actions no longer than ``reach``; a longer one is shortened and keeps its direction.

    Raises:
        ValueError: ``reach`` is not positive.
    """
    if reach <= 0:
        raise ValueError(f"reach: got {reach}, wanted a positive length")

    def shorten(actions: Tensor) -> Tensor:
        return actions * (reach / actions.norm(dim=-1, keepdim=True).clamp_min(reach))

    return shorten


def within_box(limit: float) -> Bound:
    """Actions whose every number is at most ``limit`` in size, as V-JEPA 2-AC's demonstration has it.

    Raises:
        ValueError: ``limit`` is not positive.
    """
    if limit <= 0:
        raise ValueError(f"limit: got {limit}, wanted a positive length")
    return lambda actions: actions.clamp(-limit, limit)


def shifted(plan: Float[Tensor, "episodes horizon action"]) -> Float[Tensor, "episodes horizon action"]:
    """What is left of a plan once its first action is done, with a zero action behind: the start of the next search."""
    return torch.cat([plan[:, 1:], torch.zeros_like(plan[:, :1])], 1)
