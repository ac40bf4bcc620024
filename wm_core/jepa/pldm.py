"""PLDM: a latent dynamics model that learns to plan from walks without reward (Sobal et al., 2025).

An encoder, and a predictor that is run along its own predictions from the first frame only. Gradients flow into both sides of
the prediction: no slow copy holds the encoder, the other terms of the loss do. What each keeps away:

* variance: all pictures become one latent;
* covariance: all numbers of the latent say the same;
* inverse dynamics: the latent keeps what never moves, which is easiest to predict, and forgets what does (Sobal et al., 2022);
* time smoothness: one step changes the latent as much as fifty do, and latent distance says nothing about the way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wm_core.nets.dynamics import ResidualDynamics
from wm_core.nets.encoders import ProfileEncoder
from wm_core.nets.mlp import mlp
from wm_core.nets.world_model import WorldModel
from wm_core.objectives.inverse_dynamics import inverse_dynamics
from wm_core.objectives.prediction import latent_prediction
from wm_core.objectives.sigreg import sigreg
from wm_core.objectives.smoothness import temporal_variance_hinge, time_smoothness
from wm_core.objectives.vicreg import covariance, variance_hinge


@dataclass(frozen=True)
class Coefficients:
    """How much each term counts, in the order PLDM's code for Two Rooms, EB-JEPA's, ours.

    Attributes:
        similarity: of imagined and actual latents (1, 1, 2).
        variance: over the batch (3.98, 16, 4).
        covariance: (6.92, 8, 7).
        smoothness: in time (0.742, 12, 0.75).
        inverse: inverse dynamics (1.07, 1, 2); ours on actions in units of `action_scale`, which makes it 0.9 in pixels.
        spread: variance along each walk (0.245, none, 0.25). PLDM's code has it, its paper's five terms do not.
        sigreg: 0, or the weight of SIGReg (Balestriero & LeCun, 2025) in place of variance and covariance.
    """

    similarity: float = 2.0
    variance: float = 4.0
    covariance: float = 7.0
    smoothness: float = 0.75
    inverse: float = 2.0
    spread: float = 0.25
    sigreg: float = 0.0


class PLDM(WorldModel):
    """Encoder, predictor and inverse-dynamics head.

    Args:
        size: pixels along a side of a frame.
        dim: width of the latent (512 in PLDM).
        hidden: width of the predictor's hidden layers (PLDM and EB-JEPA have a GRU of 512 numbers).
        depth: how many hidden layers the predictor has.
        action_scale: the size of a large action.
        step_scale: by how much the change of a latent in one step is enlarged for the inverse-dynamics head. One step in a room
            of fifty changes a latent of spread 1 by a few hundredths, too little to be heard beside the latent itself.
        context: further numbers that the predictor is told at each step, behind the action and in its unit; see `HJEPA`.
        encoder: another one than `ProfileEncoder`, from a picture with two channels to ``dim`` numbers.
    """

    def __init__(
        self,
        size: int = 65,
        dim: int = 64,
        hidden: int = 192,
        depth: int = 3,
        action_scale: float = 1.5,
        step_scale: float = 10.0,
        context: int = 0,
        encoder: nn.Module | None = None,
    ):
        dynamics = ResidualDynamics(dim, 2 + context, action_scale=action_scale, hidden=hidden, depth=depth)
        super().__init__(encoder or ProfileEncoder(size, dim), dynamics)
        self.inverse, self.step_scale, self.context = mlp(2 * dim, 128, 2), step_scale, context

    def encode(self, frames: Float[Tensor, "*batch channels size size"]) -> Float[Tensor, "*batch dim"]:
        """z = f(o), of pictures with a channel for the dot and one for the walls."""
        return self.encoder(frames)


def pldm_loss(
    model: PLDM,
    frames: Float[Tensor, "batch seen channels size size"],
    actions: Float[Tensor, "batch steps 2"],
    coefficients: Coefficients = Coefficients(),
    at: Sequence[int] | None = None,
) -> dict[str, Tensor]:
    """The weighted terms of one batch, by name; a term of weight 0 is left out.

    Every term is a mean over all its numbers. Variance, covariance and SIGReg are taken over the batch at each time step and
    averaged; PLDM's code takes them at the first step only.

    Train it with ``precision="float32"``: one step changes a latent by little more than bfloat16 can tell apart.

    Args:
        model: whose parts.
        frames: of windows of walks.
        actions: of the windows, all of them.
        coefficients: how much each term counts.
        at: the moments of a window that the frames show, else every one: 0 first, and a neighbour of it for the terms that
            compare neighbours. Pictures cost more than imagined steps: three of seventeen let a batch hold five times as many
            walks, and walls are told apart by walks.

    Raises:
        ValueError: ``at`` does not begin at 0, or has no two neighbours.
    """
    return latent_terms(model, model.encode(frames), actions, coefficients, at)


def latent_terms(
    model: WorldModel,
    z: Float[Tensor, "batch seen dim"],
    actions: Float[Tensor, "batch steps 2"],
    coefficients: Coefficients = Coefficients(),
    at: Sequence[int] | None = None,
) -> dict[str, Tensor]:
    """The weighted terms of `pldm_loss`, for frames that have been encoded by ``model``: a `PLDM`, or what has its parts."""
    at = list(range(z.shape[1]) if at is None else at)
    steps = [i for i, (one, other) in enumerate(pairwise(at)) if other == one + 1]
    if at[:1] != [0] or not steps:
        raise ValueError(f"at: got {at}, wanted moments from 0 on with two neighbours among them")
    before, after = z[:, steps], z[:, [i + 1 for i in steps]]
    between = actions[:, [at[i] for i in steps]] / model.dynamics.action_scale
    terms = {
        "similarity": lambda: latent_prediction(
            model.rollout(z[:, 0], actions)[:, [moment - 1 for moment in at[1:]]], z[:, 1:]
        ),
        "variance": lambda: variance_hinge(z),
        "covariance": lambda: covariance(z),
        "smoothness": lambda: time_smoothness(torch.stack([before, after], 2).flatten(0, 1)),
        "inverse": lambda: inverse_dynamics(model.inverse, before, model.step_scale * (after - before), between),
        "spread": lambda: temporal_variance_hinge(z),
        "sigreg": lambda: sigreg(z),
    }
    return {name: weight * terms[name]() for name, weight in vars(coefficients).items() if weight}


def predictor_loss(
    model: WorldModel,
    z: Float[Tensor, "batch time dim"],
    actions: Float[Tensor, "batch time-1 2"],
    scale: Float[Tensor, " dim"],
) -> dict[str, Tensor]:
    """The similarity term alone, for latents of an encoder that is no longer trained.

    With the encoder at rest its latents can be kept, and a step costs far less. What is left to learn then is where the walls
    stop the dot. Here too: ``precision="float32"``.

    Args:
        model: whose predictor.
        z: latents of walks.
        actions: between them.
        scale: standard deviation of each number of a latent, so that all count alike.
    """
    return {"similarity": latent_prediction(model.rollout(z[:, 0], actions) / scale, z[:, 1:] / scale)}
