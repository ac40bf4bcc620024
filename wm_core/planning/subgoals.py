"""Planning on two levels: a slow model says where to be soon, and a fast one how to get there (Zhang et al., 2026).

The high level searches over *macro-actions*, each of which stands for several actions, with a model of its own. The first latent
that it imagines on its best plan is the sub-goal of the low level. Neither needs to look far: the high level takes few long
steps, the low level few short ones.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from wm_core.planning.costs import squared_to_goal
from wm_core.planning.search import Bound, Cost, Imagines, Planner, Round, shifted


@dataclass
class SubGoals:
    """Two planners and the slow model of the upper one; ``plan`` is that of any planner, so `drive` runs it.

    A search begins anew where ``start`` is None, as at the first look of `drive`; between looks the sub-goal is kept here.

    Attributes:
        high: searches over macro-actions with ``slow``, for what `plan` is told to make cheap.
        low: searches over actions with the model that `plan` is given, for the sub-goal.
        slow: the high level's model: its ``rollout`` takes latents and macro-actions to the latents after each macro-action.
        bound: what macro-actions are allowed.
        macro_dim: numbers in a macro-action (8 in the paper's maze; ours are often displacements, which have 2).
        toward: from a sub-goal to the low level's cost (the paper's is a distance between latents too).
        lift: from what the low level sees to the slow model's latent. In the paper both levels share one space.
        every: low searches to each high one. At 1, each look is one search of each level.
        lasts: low searches that a macro-action lasts, after which the high plan's first one is taken as done.

    Raises:
        ValueError: a count is below 1.
    """

    high: Planner
    low: Planner
    slow: Imagines
    bound: Bound
    macro_dim: int = 2
    toward: Callable[[Tensor], Cost] = squared_to_goal
    lift: Callable[[Tensor], Tensor] = lambda z: z
    every: int = 1
    lasts: int = 1
    high_plan: Tensor | None = field(default=None, init=False, repr=False)
    subgoal: Tensor | None = field(default=None, init=False, repr=False)
    _searches: int = field(default=0, init=False, repr=False)

    def __post_init__(self):
        for name in ("macro_dim", "every", "lasts"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: got {getattr(self, name)}, wanted at least 1")

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
        """The low level's plan towards the sub-goal. For the arguments see `Planner.plan`.

        ``cost`` is asked about the slow model's latents and macro-actions. ``record`` takes the low level's iterations;
        `subgoal` and `high_plan` are here to be looked at.
        """
        if start is None:
            self.high_plan, self._searches = None, 0
        if self._searches % self.every == 0:
            self._look_far(self.lift(z), cost, generator)
        self._searches += 1
        return self.low.plan(
            model, z, self.toward(self.subgoal), bound=bound, generator=generator, start=start, action_dim=action_dim,
            record=record,
        )  # fmt: skip

    def _look_far(self, z: Tensor, cost: Cost, generator: torch.Generator) -> None:
        """Search on the high level, from what is left of its last plan, and take the first latent it leads to as sub-goal."""
        rest = self.high_plan
        if rest is not None:
            done = self._searches // self.lasts - (self._searches - self.every) // self.lasts
            rest = shifted(rest, done) if done else rest
        self.high_plan = self.high.plan(
            self.slow, z, cost, bound=self.bound, generator=generator, start=rest, action_dim=self.macro_dim
        )
        self.subgoal = self.slow.rollout(z, self.high_plan[:, :1])[:, 0]
