"""Look, plan, do the first action, look again: a planner that is asked anew at every step."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from wm_core.planning.cem import CEM, Bound, Cost, Imagines, shifted


@torch.no_grad()
def drive(
    planner: CEM,
    model: Imagines,
    start: Float[Tensor, "episodes *state"],
    costs: Sequence[Cost],
    *,
    see: Callable[[Tensor], Tensor],
    step: Callable[[Tensor, Tensor], Tensor],
    bound: Bound,
    generator: Generator,
    steps: int = 16,
) -> Float[Tensor, "episodes time *state"]:
    """The states on the way, ``(episodes, steps + 1, *state)``. Each search begins with what is left of the last plan.

    Args:
        planner: finds a plan.
        model: what it imagines with.
        start: ``(episodes, *state)`` where each episode begins.
        costs: of the sub-goals in their order. Each is pursued for its share of the steps.
        see: from states to what the model sees of them, ``(episodes, *latent)``.
        step: what the world does: states and actions to the next states. Only the first action of a plan is done.
        bound: what actions are allowed.
        generator: decides the samples of all searches.
        steps: how many actions are done.

    Raises:
        ValueError: there are no costs, or fewer steps than costs.
    """
    if not 1 <= len(costs) <= steps:
        raise ValueError(f"costs: got {len(costs)} for {steps} steps, wanted at least one and a step for each")
    states, plan = [start], None
    for k in range(steps):
        cost, rest = costs[k * len(costs) // steps], None if plan is None else shifted(plan)
        plan = planner.plan(model, see(states[-1]), cost, bound=bound, generator=generator, start=rest)
        states.append(step(states[-1], plan[:, 0]))
    return torch.stack(states, 1)
