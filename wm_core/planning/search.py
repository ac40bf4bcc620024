"""What every planner here shares: what it asks of a model, what a plan costs, what it may do, and what a search leaves behind."""

import functools
from collections.abc import Callable
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from wm_core.worlds.planar import shortened


@runtime_checkable
class Imagines(Protocol):
    """All that a planner asks of a world model."""

    def rollout(self, z: Tensor, actions: Tensor) -> Tensor:
        """Latents ``(batch, *latent)`` and actions (batch, horizon, action) to imagined latents ``(batch, horizon, *latent)``.

        The samples of one episode share one start, so ``z`` may be a view in which several rows are one: it is read, not written.
        """


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
        weights: (episodes, samples) how much each counts in the next mean; they sum to 1.
    """

    actions: Tensor
    costs: Tensor
    mean: Tensor
    std: Tensor
    weights: Tensor

    @property
    def effective(self) -> Float[Tensor, " episodes"]:
        """How many samples the next mean rests on."""
        return effective_samples(self.weights)


@runtime_checkable
class Planner(Protocol):
    """What `drive` asks of a planner."""

    def plan(
        self,
        model: Imagines,
        z: Tensor,
        cost: Cost,
        *,
        bound: Bound,
        generator: Generator,
        start: Tensor | None = None,
        action_dim: int = 2,
        record: list[Round] | None = None,
    ) -> Tensor:
        """The plan for each episode, (episodes, horizon, action).

        Args:
            model: the world model.
            z: ``(episodes, *latent)`` where each episode is. It was encoded once, and so it stays.
            cost: what a plan costs; it may hold a goal for each episode.
            bound: what actions are allowed. Every plan that is tried obeys it, and so does the one that is returned.
            generator: decides the samples. One that lives on the CPU gives the same samples on every device.
            start: where the search begins, such as the rest of the last plan (`shifted`); zero without it.
            action_dim: numbers in an action.
            record: a list to which every iteration is added.
        """


# ---- the parts of a search ---------------------------------------------------------------------------------------------------
def counts(planner: object, *names: str) -> None:
    """Refuse a planner whose counts cannot be.

    Raises:
        ValueError: one of them is below 1, or there are more elites than samples.
    """
    for name in names:
        if getattr(planner, name) < 1:
            raise ValueError(f"{name}: got {getattr(planner, name)}, wanted at least 1")
    if "elites" in names and planner.elites > planner.samples:
        raise ValueError(f"elites: got {planner.elites} of {planner.samples} samples, wanted no more than there are")


def first_mean(
    z: Float[Tensor, "episodes *latent"], horizon: int, action_dim: int, start: Tensor | None, bound: Bound
) -> Float[Tensor, "episodes horizon action"]:
    """Where a search begins: its ``start`` within the bound, or zero.

    Raises:
        ValueError: ``start`` is no plan for these episodes.
    """
    wanted = (len(z), horizon, action_dim)
    if start is None:
        return z.new_zeros(wanted)
    if start.shape != wanted:
        raise ValueError(f"start: got {tuple(start.shape)}, wanted (episodes, horizon, action) = {wanted}")
    return bound(start)


def imagining(model: Imagines, z: Float[Tensor, "episodes *latent"], samples: int) -> Callable[[Tensor], Tensor]:
    """From plans (episodes, samples, horizon, action) to the latents that the model imagines of them, all starting at ``z``.

    A model may have an ``imagining(z)`` of its own, which gives its rollout from there and prepares once what every rollout needs.
    """
    many = z[:, None].expand(-1, samples, *z.shape[1:]).flatten(0, 1)  # of one episode this is no copy
    own = getattr(model, "imagining", None)
    imagine = own(many) if own else functools.partial(model.rollout, many)
    return lambda actions: imagine(actions.flatten(0, 1)).unflatten(0, (len(z), samples))


def scattered(
    mean: Float[Tensor, "episodes horizon action"],
    std: Tensor | float,
    samples: int,
    generator: Generator,
    smooth: float = 0.0,
) -> Float[Tensor, "episodes samples horizon action"]:
    """Plans drawn around a mean.

    Args:
        mean: of each episode.
        std: of each number: one number for all, or (episodes, horizon, action).
        samples: for each episode.
        generator: decides.
        smooth: correlation of the noise of one action with that of the next, from 0 to below 1. Independent noise cancels out
            over a long plan: to get anywhere, a random plan must keep its direction for a while.
    """
    shape = (len(mean), samples, *mean.shape[1:])
    noise = torch.randn(shape, generator=generator, device=generator.device).to(mean)
    if smooth:
        noise = smoothing(mean.shape[1], smooth).to(mean) @ noise
    rows = noise.flatten(2)  # a row a plan: loops over two or three numbers are slow
    rows *= std.flatten(1)[:, None] if isinstance(std, Tensor) else std
    return rows.add_(mean.flatten(1)[:, None]).view(shape)


def smoothing(horizon: int, smooth: float) -> Float[Tensor, "horizon horizon"]:
    """The triangular matrix that turns independent noise of unit variance into noise with the correlation smooth^|t - s|."""
    t = torch.arange(horizon)
    matrix = (smooth ** (t[:, None] - t).clamp_min(0)).tril()
    matrix[:, 1:] *= (1 - smooth**2) ** 0.5
    return matrix


def best_of(
    costs: Float[Tensor, "episodes samples"], actions: Float[Tensor, "episodes samples horizon action"], elites: int
) -> tuple[Float[Tensor, "episodes elites"], Tensor, Float[Tensor, "episodes elites horizon action"]]:
    """The cheapest plans: what they cost, which they are, and themselves."""
    low, which = costs.topk(elites, largest=False)
    return low, which, actions.gather(1, which[..., None, None].expand(-1, -1, *actions.shape[2:]))


def fitted(
    weights: Float[Tensor, "episodes elites"], elites: Float[Tensor, "episodes elites horizon action"]
) -> tuple[Float[Tensor, "episodes horizon action"], Float[Tensor, "episodes horizon action"]]:
    """Mean and standard deviation of plans that count by their weights, which sum to 1."""
    rows, weights, shape = elites.flatten(2), weights[:, None], (len(elites), *elites.shape[2:])
    mean = torch.bmm(weights, rows)  # (episodes, 1, numbers)
    std = torch.bmm(weights, (rows - mean).square_()).sqrt_()
    return mean.view(shape), std.view(shape)


def effective_samples(weights: Float[Tensor, "*batch samples"]) -> Float[Tensor, "*batch"]:
    """1 / Σ w²: how many samples of equal weight would average as well. From 1 to as many as there are."""
    return 1 / weights.square().sum(-1)


# ---- what is allowed ---------------------------------------------------------------------------------------------------------
def within(reach: float) -> Bound:
    """Actions no longer than ``reach``; a longer one is shortened and keeps its direction.

    Raises:
        ValueError: ``reach`` is not positive.
    """
    if reach <= 0:
        raise ValueError(f"reach: got {reach}, wanted a positive length")
    return lambda actions: shortened(actions, reach)


def within_box(limit: float) -> Bound:
    """Actions whose every number is at most ``limit`` in size, as V-JEPA 2-AC's demonstration has it.

    Raises:
        ValueError: ``limit`` is not positive.
    """
    if limit <= 0:
        raise ValueError(f"limit: got {limit}, wanted a positive length")
    return lambda actions: actions.clamp(-limit, limit)


# ---- from one search to the next ---------------------------------------------------------------------------------------------
def shifted(plan: Float[Tensor, "episodes horizon action"], done: int = 1) -> Float[Tensor, "episodes horizon action"]:
    """What is left of a plan once its first actions are done, with zero actions behind: the start of the next search."""
    return torch.cat([plan[:, done:], torch.zeros_like(plan[:, :done])], 1)
