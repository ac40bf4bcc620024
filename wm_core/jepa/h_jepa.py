"""H-JEPA: two world models on top of each other, with two clocks (after LeCun, 2022, and Zhang et al., 2026).

Level 1 is a `PLDM`: it encodes pictures, and predicts every step by running its network along its own predictions. Level 2 is a
`SlowLevel`: it sees every k-th latent of level 1 and a summary of the k actions between, a learned macro-action, and foresees with a
recurrent state-space model. Each level has five losses of its own, level 2 also those of its state-space model.

Level 2 can serve level 1 in two ways, which are compared in the chapter.

* Its latent is a *sub-goal*. A search over macro-actions finds where to be one tick from now, a search over actions how to get there;
  see `wm_core.planning.levels`. The levels are two models then, and level 1 is as it would be alone.
* Its latent is *injected*. At each tick level 1 is told what level 2 foresees for this moment, from the same actions, and keeps it in
  mind for k steps. Then there is one model with two clocks, and any planner plans with it.

No gradient of level 2's losses reaches level 1, unless it is asked to. Where its latent is injected, level 1's prediction error
reaches level 2: what is foreseen there should be of use.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from wm_core.jepa.pldm import PLDM, Coefficients, latent_terms
from wm_core.nets.slow_level import SlowLevel
from wm_core.nets.world_model import WorldModel
from wm_core.objectives.inverse_dynamics import inverse_dynamics
from wm_core.objectives.latent_kl import balanced_kl
from wm_core.objectives.prediction import latent_prediction
from wm_core.objectives.smoothness import temporal_variance_hinge, time_smoothness
from wm_core.objectives.vicreg import covariance, variance_hinge


@dataclass(frozen=True)
class SlowCoefficients:
    """How much each term of level 2 counts.

    Attributes:
        similarity: of latents foreseen from the first look alone and actual ones.
        variance: over the batch.
        covariance: of different numbers over the batch.
        smoothness: in time, from tick to tick.
        inverse: the k actions read from the latents before and after them. Only what they come to can be read there.
        spread: variance along each walk, as in `Coefficients`.
        reading: of actual latents and those read from the posterior. Without it nothing says that the posterior should hold what was
            seen, and a posterior that holds nothing makes the divergence from the prior 0.
        divergence: of posterior from prior, balanced, in nats. The other terms are means over numbers, this one is a sum over them.
        free: nats at each tick for which nothing is paid (1 in DreamerV3).
    """

    similarity: float = 2.0
    variance: float = 4.0
    covariance: float = 7.0
    smoothness: float = 0.75
    inverse: float = 2.0
    spread: float = 0.25
    reading: float = 1.0
    divergence: float = 0.01
    free: float = 1.0


class HJEPA(WorldModel):
    """Both levels as one world model.

    Args:
        below: level 1. Where it takes a ``context`` as wide as level 2's latent, that latent is injected.
        above: level 2.

    Raises:
        ValueError: level 1's context is neither 0 nor as wide as level 2's latent.
    """

    def __init__(self, below: PLDM, above: SlowLevel):
        if below.context not in (0, above.width):
            raise ValueError(f"below: got a context of {below.context}, wanted 0 or level 2's width, {above.width}")
        super().__init__(below.encoder, below.dynamics)
        self.inverse, self.step_scale, self.context = below.inverse, below.step_scale, below.context
        self.above = above

    def encode(self, frames: Float[Tensor, "*batch channels size size"]) -> Float[Tensor, "*batch dim"]:
        """Level 1's latent; `SlowLevel.encode` makes level 2's of it."""
        return self.encoder(frames)

    def predict(self, z: Float[Tensor, "*batch dim"], a: Float[Tensor, "*batch action"]) -> Float[Tensor, "*batch dim"]:
        """One step ahead. Where level 2's latent is injected, its clock ticks at ``z``."""
        ahead = self.rollout(z.reshape(-1, z.shape[-1]), a.reshape(-1, 1, a.shape[-1]))
        return ahead.reshape(z.shape)

    def rollout(
        self, z: Float[Tensor, "batch dim"], actions: Float[Tensor, "batch horizon action"]
    ) -> Float[Tensor, "batch horizon dim"]:
        """Level 1's latents after each action; level 2, if it is injected, runs along at its own pace."""
        if self.context:
            actions = torch.cat([actions, self.told(z, actions) * self.dynamics.action_scale], -1)
        return super().rollout(z, actions)

    def told(
        self, z: Float[Tensor, "batch dim"], actions: Float[Tensor, "batch horizon action"]
    ) -> Float[Tensor, "batch horizon width"]:
        """What level 2 injects at each step: its latent of the last tick, foreseen from ``z`` and the actions before that tick."""
        w, k = self.above.encode(z), self.above.every
        ticks, heard = (actions.shape[1] - 1) // k, [w[:, None]]
        if ticks:
            heard.append(self.above.foresee(w, self.above.codes(actions[:, : ticks * k])))
        return torch.cat(heard, 1).repeat_interleave(k, 1)[:, : actions.shape[1]]

    def transitions(self, horizon: int) -> int:
        """How many predictions one imagined path takes: those of level 1, and level 2's where it is injected."""
        return horizon + ((horizon - 1) // self.above.every if self.context else 0)


def h_jepa_loss(
    model: HJEPA,
    frames: Float[Tensor, "batch time channels size size"],
    actions: Float[Tensor, "batch time-1 2"],
    below: Coefficients | None = None,
    above: SlowCoefficients | None = None,
    through: bool = False,
) -> dict[str, Tensor]:
    """The weighted terms of both levels, named ``1 similarity``, …, ``2 similarity``, …; a term of weight 0 is left out.

    Args:
        model: both levels.
        frames: of walks of a whole number of ticks.
        actions: between them.
        below, above: how much each term counts; the defaults of each without it.
        through: whether level 2's losses may shape level 1's encoder. Without it level 1 learns the same with and without a level
            above it, unless that one is injected.
    """
    z = model.encode(frames)
    one = latent_terms(model, z, actions, below or Coefficients())
    two = slow_loss(model.above, z if through else z.detach(), actions, above or SlowCoefficients())
    return {f"1 {name}": term for name, term in one.items()} | {f"2 {name}": term for name, term in two.items()}


def slow_loss(
    level: SlowLevel,
    z: Float[Tensor, "batch time dim"],
    actions: Float[Tensor, "batch time-1 action"],
    coefficients: SlowCoefficients = SlowCoefficients(),
    generator: Generator | None = None,
) -> dict[str, Tensor]:
    """Level 2's weighted terms on latents of level 1. Only every k-th latent is read.

    Train it with ``precision="float32"``, for the reason given in `pldm_loss`.

    Raises:
        ValueError: the steps are no whole number of ticks.
    """
    w = level.encode(z[:, :: level.every])  # (batch, ticks + 1, width)
    seen, foreseen = level.watch(w, level.codes(actions), generator)
    terms = {
        "similarity": lambda: latent_prediction(foreseen, w[:, 1:]),
        "variance": lambda: variance_hinge(w),
        "covariance": lambda: covariance(w),
        "smoothness": lambda: time_smoothness(w),
        "inverse": lambda: inverse_dynamics(level.inverse, w[:, :-1], w[:, 1:], level.stretches(actions)),
        "spread": lambda: temporal_variance_hinge(w),
        "reading": lambda: latent_prediction(level.read(seen.state.features), w),
    }
    found = {name: getattr(coefficients, name) * term() for name, term in terms.items() if getattr(coefficients, name)}
    if coefficients.divergence:
        divergence = balanced_kl(seen.posterior, seen.prior, free=coefficients.free)
        found |= {name: coefficients.divergence * term for name, term in divergence.items()}
    return found
