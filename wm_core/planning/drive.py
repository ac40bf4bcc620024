"""Look, plan, do the first actions, look again: a planner that is asked anew at every step, or at every few."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from wm_core.planning.search import Bound, Cost, Imagines, Planner, shifted


class Look(NamedTuple):
    """What was seen, meant and imagined at one look.

    Attributes:
        at: after how many steps.
        z: ``(episodes, *latent)`` what was seen.
        plan: (episodes, horizon, action) what was meant to be done.
        imagined: ``(episodes, horizon, *latent)`` what the plan was to lead to: the j-th of it is for j + 1 steps later.
    """

    at: int
    z: Tensor
    plan: Tensor
    imagined: Tensor


@torch.no_grad()
def drive(
    planner: Planner,
    model: Imagines,
    start: Float[Tensor, "episodes *state"],
    costs: Sequence[Cost],
    *,
    see: Callable[[Tensor], Tensor],
    step: Callable[[Tensor, Tensor], Tensor],
    bound: Bound,
    generator: Generator,
    steps: int = 16,
    every: int = 1,
    action_dim: int = 2,
    record: list[Look] | None = None,
) -> Float[Tensor, "episodes time *state"]:
    """The states on the way, ``(episodes, steps + 1, *state)``. Each search begins with what is left of the last plan.

    Args:
        planner: finds a plan.
        model: what it imagines with.
        start: ``(episodes, *state)`` where each episode begins.
        costs: of the sub-goals in their order. Each is pursued for its share of the steps.
        see: from states to what the model sees of them, ``(episodes, *latent)``. It is asked once a look.
        step: what the world does: states and actions to the next states.
        bound: what actions are allowed.
        generator: decides the samples of all searches.
        steps: how many actions are done.
        every: how many actions of a plan are done before the next look; no more than it has.
        action_dim: numbers in an action.
        record: a list to which every look is added, with what was imagined: one more rollout each.

    Raises:
        ValueError: there are no costs, or fewer steps than costs, or a plan is shorter than ``every``.
    """
    if not 1 <= len(costs) <= steps:
        raise ValueError(f"costs: got {len(costs)} for {steps} steps, wanted at least one and a step for each")
    if every < 1:
        raise ValueError(f"every: got {every}, wanted at least 1")
    states, plan = [start], None
    for k in range(0, steps, every):
        cost, rest = costs[k * len(costs) // steps], None if plan is None else shifted(plan, every)
        z = see(states[-1])
        plan = planner.plan(model, z, cost, bound=bound, generator=generator, start=rest, action_dim=action_dim)
        if every > plan.shape[1]:
            raise ValueError(f"every: got {every} with plans of {plan.shape[1]}, wanted no more than a plan has")
        if record is not None:
            record.append(Look(k, z, plan, model.rollout(z, plan)))
        for now in plan[:, : min(every, steps - k)].unbind(1):
            states.append(step(states[-1], now))
    return torch.stack(states, 1)
