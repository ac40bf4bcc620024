"""Model predictive path integral control, MPPI: every plan counts, the better the more (Williams et al., 2017).

Two planners bear the name. `MPPI` is that of the paper: the noise that was added to a plan is averaged with soft weights, and the
spread of the noise is given. `EliteMPPI` is what TD-MPC (Hansen et al., 2022) and EB-JEPA (Terver et al., 2026) call MPPI: a
cross-entropy method whose elites count by soft weights, and whose spread is fitted to them.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from wm_core.planning.cem import CEM
from wm_core.planning.search import Bound, Cost, Imagines, Round, counts, first_mean, imagining, scattered


def soft_weights(
    costs: Float[Tensor, "episodes samples"], temperature: Float[Tensor, "episodes 1"] | float
) -> Float[Tensor, "episodes samples"]:
    """exp(-(S - min S) / λ), divided by its sum: the best plan counts most, and a constant added to all costs changes nothing.

    As λ falls to 0 all weight goes to the best, and as it grows all count alike. A plan whose cost is infinite or no number
    counts for nothing, unless all are so.
    """
    below = costs.amin(-1, keepdim=True) - costs
    if not math.isfinite(float(below.sum())):  # some cost is not
        costs = costs.nan_to_num(nan=torch.inf, posinf=torch.inf)
        below = (costs.amin(-1, keepdim=True) - costs).nan_to_num(nan=0.0, neginf=-torch.inf)
    return torch.softmax(below / temperature, -1)


def whitened(plans: Float[Tensor, "*batch horizon action"], smooth: float) -> Float[Tensor, "*batch horizon action"]:
    """What independent noise would have to be for `scattered` to make these plans of it: uᵀ Σ⁻¹ ε is a sum of products of such."""
    if smooth == 0:
        return plans
    later = (plans[..., 1:, :] - smooth * plans[..., :-1, :]) / (1 - smooth**2) ** 0.5
    return torch.cat([plans[..., :1, :], later], -2)


def spread_of(costs: Float[Tensor, "episodes samples"]) -> Float[Tensor, "episodes 1"]:
    """The standard deviation of each episode's finite costs, and never quite 0."""
    spread = costs.std(-1, correction=0, keepdim=True)
    if not math.isfinite(float(spread.sum())):  # some cost is not
        finite = costs.isfinite()
        number = finite.sum(-1, keepdim=True).clamp_min(1)
        mean = costs.where(finite, 0).sum(-1, keepdim=True) / number
        spread = ((costs - mean).where(finite, 0).square().sum(-1, keepdim=True) / number).sqrt()
    return spread.clamp_min(1e-20)  # less, times a temperature, is flushed to 0 on some devices


@dataclass(frozen=True)
class MPPI:
    """Information-theoretic MPPI (Williams et al., 2017, algorithm 2), with its own settings for a race car beside ours.

    Plans are drawn around a nominal plan u and bounded; ε is what is left of the noise behind the bound. With S the cost plus
    ``control`` · λ Σ_t u_tᵀ Σ⁻¹ ε_t, the nominal plan moves by the mean of ε with the weights of `soft_weights`. The paper bounds
    actions inside the dynamics and averages the noise before the bound. Ours differs too in that one sample is the nominal plan
    itself, and in its defaults: no control cost, several iterations, a λ in units of the costs' spread.

    Attributes:
        horizon: actions in a plan.
        samples: plans an iteration.
        iterations: how often; the paper does one, and goes on from it at the next step.
        spread: standard deviation of the noise in each number of an action, in the actions' own unit.
        shrink: by what the spread is multiplied after each iteration (1 in the paper, whose spread is the robot's own noise).
        temperature: λ, in units of the costs' standard deviation within each iteration and episode, or as it is (0.005 in PLDM,
            in units of its own cost). Where λ is too small the best sample has all the weight, and where it is too large hardly any
            plan is preferred: `Round.effective` should stay between a few and half of the samples. With 64 samples 0.3 makes 23 of
            them count where costs are skewed, as around a nearby optimum, and 2 to 5 where they are the sum of a walk of 60 steps.
        scaled: whether it is in those units. Costs of latents have no scale of their own, and shrink as the plans improve.
        control: how much of the control cost is paid. At 1, the paper's, a search with a constant λ tends to the mean of plans
            weighted by exp(-cost / λ) and by N(0, Σ); for a quadratic cost that is the least of the cost plus (λ / 2) Σ_t u_tᵀ Σ⁻¹
            u_t. At 0 there is no pull towards 0.
        smooth: correlation of the noise of one action with that of the next (0), part of Σ. See `scattered`.

    Raises:
        ValueError: a count is below 1, or the temperature is not positive.
    """

    horizon: int = 4
    samples: int = 128
    iterations: int = 5
    spread: float = 1.0
    shrink: float = 0.9
    temperature: float = 0.3
    scaled: bool = True
    control: float = 0.0
    smooth: float = 0.0

    def __post_init__(self):
        counts(self, "horizon", "samples", "iterations")
        if self.temperature <= 0:
            raise ValueError(f"temperature: got {self.temperature}, wanted a positive number")

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
        """The nominal plan for each episode after the last iteration. For the arguments see `Planner.plan`."""
        nominal = first_mean(z, self.horizon, action_dim, start, bound)
        imagine = imagining(model, z, self.samples)
        for k in range(self.iterations):
            spread = self.spread * self.shrink**k
            actions = bound(scattered(nominal, spread, self.samples, generator, self.smooth))
            actions[:, 0] = nominal
            noise = actions - nominal[:, None]  # behind the bound, so that the mean of what was done is what is learned
            costs = cost(imagine(actions), actions)  # (episodes, samples)
            heat = self.temperature * (spread_of(costs) if self.scaled else 1.0)
            total = costs
            if self.control:
                push, pushes = whitened(nominal, self.smooth)[:, None], whitened(noise, self.smooth)
                total = costs + self.control * heat * (push * pushes).sum((2, 3)) / spread**2
            weights = soft_weights(total, heat)
            if record is not None:
                record.append(Round(actions, costs, nominal, torch.full_like(nominal, spread), weights))
            nominal = bound(nominal + (weights[:, None] @ noise.flatten(2)).view_as(nominal))
        return nominal


@dataclass(frozen=True)
class EliteMPPI(CEM):
    """The planner of TD-MPC and EB-JEPA: `CEM` with soft weights. The settings of TD-MPC (its published code) and of EB-JEPA stand
    beside ours.

    Attributes:
        horizon: actions in a plan (5; 90).
        samples: plans an iteration (512; 200).
        elites: how many of the best count (64; 20).
        iterations: how often (6; 20).
        spread: standard deviation of each number of an action at first, in the actions' own unit (2 in TD-MPC).
        floor: least standard deviation (0.05 in TD-MPC, once it is trained).
        temperature: λ, in units of the standard deviation of the elites' costs, or as it is. TD-MPC multiplies by 0.5, which
            is λ = 2 in units of its returns.
        scaled: whether it is in those units.
        momentum: how much of the old mean each refit keeps (0.1 in TD-MPC).
        momentum_std: how much of the old deviation (0).
        smooth: correlation of the noise of one action with that of the next (0). See `scattered`.
        one_elite: return one of the last elites, drawn by its weight, as both do, instead of the mean. The next
            search then begins with that elite's rest; TD-MPC's begins with the mean's.

    Raises:
        ValueError: a count is below 1, there are more elites than samples, or the temperature is not positive.
    """

    elites: int = 16
    momentum_std: float = 0.0
    temperature: float = 1.0
    scaled: bool = True
    one_elite: bool = False

    def __post_init__(self):
        super().__post_init__()
        if self.temperature <= 0:
            raise ValueError(f"temperature: got {self.temperature}, wanted a positive number")

    def weigh(self, low: Float[Tensor, "episodes elites"]) -> Float[Tensor, "episodes elites"]:
        """How much each elite counts: by `soft_weights`."""
        return soft_weights(low, self.temperature * (spread_of(low) if self.scaled else 1.0))

    def chosen(self, mean: Tensor, weights: Tensor, elites: Tensor, generator: torch.Generator) -> Tensor:
        """The mean, or one elite of the last round."""
        if not self.one_elite:
            return mean
        gumbel = -torch.rand(weights.shape, generator=generator, device=generator.device).log().neg().log().to(weights)
        drawn = (weights.log() + gumbel).argmax(-1)  # one of them, by its weight
        return elites[torch.arange(len(elites), device=elites.device), drawn]
