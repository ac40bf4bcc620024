"""Two levels of one model as a planner, and what a search costs: how many transitions are imagined for a step of the world."""

from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from wm_core.planning.costs import Along, along_path
from wm_core.planning.search import Cost, Imagines, Planner
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


def two_levels(above: Above, high: Planner, low: Planner, *, along: Along = "sum", looks: int = 1) -> SubGoals:
    """A planner whose sub-goals are latents of the upper level.

    The lower level's plan is good if its latents, as the upper level encodes them, come near the sub-goal. What `SubGoals.plan` is
    told to make cheap is asked about latents of the upper level, so a goal has to be encoded by both.

    Args:
        above: the upper level. Macro-actions keep to its bound.
        high: searches over macro-actions, in their standardised numbers, so with a spread of about 1.
        low: searches over actions; a horizon of ``above.every`` is what a macro-action stands for.
        along: where the lower plan has to be near the sub-goal: all along, or at its end.
        looks: how many low searches there are to each high one.
    """

    def toward(subgoal: Float[Tensor, "episodes width"]) -> Cost:
        return along_path(lambda path: (above.encode(path) - subgoal[:, None, None]).square().sum(-1), along)

    return SubGoals(high, low, above, above.bound, above.macro_dim, toward, above.encode, looks)


def imagined_transitions(planner: Planner, model: Imagines | None = None, every: int = 1) -> float:
    """How many transitions are imagined for each step of the world, on the average.

    Each of a planner's rounds imagines each of its samples to the horizon. A prediction of a slow level counts as one, as one of a
    fast level does.

    Args:
        planner: one with ``horizon``, ``samples`` and ``iterations``, or `SubGoals` of two such.
        model: the one it plans with, if it has ``transitions``, the predictions that a horizon takes it; else one a step.
        every: steps from one look of `drive` to the next.

    Raises:
        ValueError: ``every`` is below 1.
    """
    if every < 1:
        raise ValueError(f"every: got {every}, wanted at least 1")
    if isinstance(planner, SubGoals):
        return imagined_transitions(planner.low, model, every) + imagined_transitions(planner.high) / (
            planner.every * every
        )
    ahead = getattr(model, "transitions", int)(planner.horizon)
    return ahead * planner.samples * planner.iterations / every
