"""Planning by gradient: follow the slope of the cost through the model, from several places at once.

A planner by samples asks the model what plans cost, a planner by gradient asks it how to make them cheaper. It needs a model and a
cost that can be differentiated, and it is drawn to what the model has wrong.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from wm_core.planning.search import Bound, Cost, Imagines, Round, best_of, counts, first_mean, imagining, scattered

DECAY = (0.9, 0.999)  # of Adam's two running means (Kingma & Ba, 2015)


@dataclass(frozen=True)
class GradientPlanner:
    """Adam on the actions of several plans, which are put back within the bound after every step. The best plan seen is kept.

    All numbers of an action share one step size. Adam has one for each, and would lead a plan that presses against a round bound
    to a diagonal: there a step of one size in each number is undone by the bound, wherever the slope points.

    Attributes:
        horizon: actions in a plan.
        samples: plans that are improved side by side. The first is the start of the search, the others lie around it.
        iterations: steps; each costs a rollout forward and back, about three rollouts.
        spread: standard deviation of the plans around the start, in the actions' own unit.
        rate: Adam's step in that unit; it falls to 0 in a straight line.

    Raises:
        ValueError: a count is below 1.
    """

    horizon: int = 4
    samples: int = 16
    iterations: int = 40
    spread: float = 1.0
    rate: float = 0.1

    def __post_init__(self):
        counts(self, "horizon", "samples", "iterations")

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
        """The cheapest plan that was met, for each episode. For the arguments see `Planner.plan`.

        Raises:
            ValueError: no gradient comes from the cost to the actions.
        """
        with torch.no_grad():
            mean = first_mean(z, self.horizon, action_dim, start, bound)
            actions = bound(scattered(mean, self.spread, self.samples, generator))
            actions[:, 0] = mean
        imagine = imagining(model, z.detach(), self.samples)
        best, least = mean, torch.full_like(mean[:, :1, 0], torch.inf)
        slope, square = torch.zeros_like(actions), torch.zeros_like(actions[..., :1])
        for k in range(self.iterations + 1):  # the last only looks
            costs, gradient = _downhill(imagine, cost, actions, last=k == self.iterations)
            with torch.no_grad():
                low, which, plan = best_of(costs, actions, 1)
                best, least = torch.where((low < least)[..., None], plan[:, 0], best), torch.fmin(low, least)
                if record is not None:
                    weights = torch.zeros_like(costs).scatter_(1, which, 1.0)
                    record.append(Round(actions, costs, actions.mean(1), actions.std(1, correction=0), weights))
                if gradient is None:
                    return best
                slope = torch.lerp(gradient, slope, DECAY[0])
                square = torch.lerp(gradient.square().mean(-1, keepdim=True), square, DECAY[1])
                size = (square / (1 - DECAY[1] ** (k + 1))).sqrt() + 1e-8
                rate = self.rate * (1 - k / self.iterations) / (1 - DECAY[0] ** (k + 1))
                actions = bound(actions - rate * slope / size)


def _downhill(imagine, cost: Cost, actions: Tensor, last: bool) -> tuple[Tensor, Tensor | None]:
    """What plans cost, and the gradient of it, without one that is no number; None at the last look."""
    if last:
        with torch.no_grad():
            return cost(imagine(actions), actions), None
    with torch.enable_grad():
        asked = actions.detach().requires_grad_()
        costs = cost(imagine(asked), asked)
        if not costs.requires_grad:
            raise ValueError("cost: got one without a gradient to the actions, wanted one that can be differentiated")
        (gradient,) = torch.autograd.grad(costs.sum(), asked)
    return costs.detach(), gradient.nan_to_num(0.0, 0.0, 0.0)
