"""Two levels of one model as a planner, and what a search costs: how many transitions are imagined for a step of the world."""

from dataclasses import dataclass, field
from math import ceil
from sys import maxsize
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from wm_core.planning.costs import Along, along_path
from wm_core.planning.search import Bound, Cost, Imagines, Planner, Round, shifted, within
from wm_core.planning.subgoals import SubGoals


@runtime_checkable
class Above(Imagines, Protocol):
    """What is asked of the upper level, such as `wm_core.nets.slow_level.SlowLevel`."""

    every: int
    macro_dim: int

    def encode(self, z: Tensor) -> Tensor:
        """From latents of the level below to its own."""

    def bound(self, macros: Tensor) -> Tensor:
        """The nearest macro-actions that walks had."""


@dataclass
class TwoLevels(SubGoals):
    """Sub-goals that are latents of the upper level: one for each stretch of the low level's plan. `two_levels` makes it.

    Attributes:
        steps: steps of the world from one look to the next, by which the high plan is older then.
        stretch: steps of a macro-action.
        ahead: how many sub-goals the low level's plan has to follow.
    """

    steps: int = 1
    stretch: int = 1
    ahead: int = 1
    _walked: int = field(default=0, init=False, repr=False)

    def __post_init__(self):
        super().__post_init__()
        self.lasts = maxsize  # the high plan ages here, in steps of the world instead of searches

    def _look_far(self, z: Tensor, cost: Cost, generator: Generator) -> None:
        """As in `SubGoals`, with as many sub-goals, and without the macro-actions that have been done meanwhile."""
        if self.high_plan is None:
            self._walked = 0
        else:
            before, self._walked = self._walked, self._walked + self.steps * self.every
            done = min(self._walked // self.stretch - before // self.stretch, self.high_plan.shape[1])
            self.high_plan = shifted(self.high_plan, done)
        super()._look_far(z, cost, generator)
        self.subgoal = self.slow.rollout(z, self.high_plan[:, : self.ahead])  # (episodes, ahead, width)


def two_levels(
    above: Above, high: Planner, low: Planner, *, steps: int = 1, along: Along = "sum", looks: int = 1
) -> TwoLevels:
    """A planner whose sub-goals are latents of the upper level.

    Each stretch of the low level's plan has a sub-goal of its own, the last one lasts to its end. The plan is good if its latents, as
    the upper level encodes them, come near the sub-goal of their stretch. What the planner is told to make cheap is asked about latents
    of the upper level, so a goal has to be encoded by both.

    Args:
        above: the upper level. Macro-actions keep to its bound.
        high: searches over macro-actions, in their standardised numbers, so with a spread of about 1.
        low: searches over actions, at least ``steps`` of them; a horizon of ``above.every`` has one sub-goal.
        steps: ``every`` of `drive`: steps of the world from one look to the next.
        along: where the low plan has to be near its sub-goals: all along, or at its end.
        looks: how many low searches there are to each high one.

    Raises:
        ValueError: the high level looks less far ahead than the low one.
    """
    ahead = ceil(low.horizon / above.every)
    if ahead > high.horizon:
        raise ValueError(f"high: got {high.horizon} macro-actions, wanted {ahead} or more for {low.horizon} actions")

    def toward(subgoals: Float[Tensor, "episodes ahead width"]) -> Cost:
        stage = (torch.arange(low.horizon, device=subgoals.device) // above.every).clamp_max(ahead - 1)
        wanted = subgoals[:, None, stage]  # (episodes, 1, horizon, width)
        return along_path(lambda path: (above.encode(path) - wanted[:, :, -path.shape[2] :]).square().sum(-1), along)

    planner = TwoLevels(high, low, above, above.bound, above.macro_dim, toward, above.encode, looks)
    planner.steps, planner.stretch, planner.ahead = steps, above.every, ahead
    return planner


class Held:
    """A slow clock made of a fast one: a macro-action is one action, held for a tick. It foresees as well as the fast one does.

    So it says what a second clock is worth where nothing is lost by learning it. Each of its predictions costs the fast model a whole
    tick of its own, but counts as one, as that of a learned slow level would.

    Args:
        model: the fast one, such as the true rules.
        reach: length of the longest action.
        every: steps to a tick.
    """

    macro_dim = 2

    def __init__(self, model: Imagines, reach: float, every: int):
        self.model, self.every, self.bound = model, every, within(reach)

    def rollout(
        self, z: Float[Tensor, "batch *latent"], macros: Float[Tensor, "batch ticks 2"]
    ) -> Float[Tensor, "batch ticks *latent"]:
        """The fast model's latents at the end of each tick."""
        return self.model.rollout(z, macros.repeat_interleave(self.every, 1))[:, self.every - 1 :: self.every]

    def encode(self, z: Tensor) -> Tensor:
        """Both levels share their latents."""
        return z


@dataclass
class SlowAlone:
    """A slow clock that needs no other: its macro-actions are held actions, and are done as they are.

    Attributes:
        search: over macro-actions.
        above: what they lead to.
    """

    search: Planner
    above: Held

    def plan(
        self,
        model: Imagines,
        z: Float[Tensor, "episodes *latent"],
        cost: Cost,
        *,
        bound: Bound,
        generator: Generator,
        start: Float[Tensor, "episodes steps 2"] | None = None,
        action_dim: int = 2,
        record: list[Round] | None = None,
    ) -> Float[Tensor, "episodes steps 2"]:
        """The plan's actions, each macro-action a tick long. ``cost`` is asked about ends of ticks; ``model`` is not asked."""
        rest = None if start is None else start.unflatten(1, (-1, self.above.every)).mean(2)
        macros = self.search.plan(
            self.above,
            z,
            cost,
            bound=self.above.bound,
            generator=generator,
            start=rest,
            action_dim=action_dim,
            record=record,
        )
        return bound(macros.repeat_interleave(self.above.every, 1))


def imagined_transitions(planner: Planner, model: Imagines | None = None, every: int = 1) -> float:
    """How many transitions are imagined for each step of the world, on the average.

    Each of a planner's rounds imagines each of its samples to the horizon. A prediction of a slow level counts as one, as one of a
    fast level does.

    Args:
        planner: one with ``horizon``, ``samples`` and ``iterations``, or `SubGoals` of two such, or `SlowAlone` of one.
        model: the one it plans with, if it has ``transitions``, the predictions that a horizon takes it; else one a step.
        every: steps from one look of `drive` to the next.

    Raises:
        ValueError: ``every`` is below 1.
    """
    if every < 1:
        raise ValueError(f"every: got {every}, wanted at least 1")
    if isinstance(planner, SubGoals):
        low, high = imagined_transitions(planner.low, model, every), imagined_transitions(planner.high)
        return low + high / (planner.every * every)
    if isinstance(planner, SlowAlone):
        return imagined_transitions(planner.search, every=every)
    ahead = getattr(model, "transitions", int)(planner.horizon)
    return ahead * planner.samples * planner.iterations / every
