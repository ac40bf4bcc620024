"""Prediction errors."""

from typing import Literal

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

Distance = Literal["l1", "l2", "smooth_l1"]


def latent_prediction(imagined: Float[Tensor, "*shape"], actual: Float[Tensor, "*shape"]) -> Float[Tensor, ""]:
    """The mean squared difference between imagined and actual latents. Gradients flow into both, as in PLDM."""
    return (imagined - actual).square().mean()


def pixel_prediction(
    drawn: Float[Tensor, "batch time h w"], frames: Float[Tensor, "batch time h w"], motion_weight: float = 0.0
) -> Float[Tensor, ""]:
    """The mean squared difference between drawn and actual pixels.

    Args:
        drawn, frames: clips of the same moments.
        motion_weight: extra weight of a pixel per unit by which it differs from its own mean over the clip. A small
            moving thing fills few pixels; without this its loss drowns in the background's.
    """
    moving = (frames - frames.mean(1, keepdim=True)).abs()
    return ((drawn - frames).square() * (1 + motion_weight * moving)).mean()


def layer_normed(features: Float[Tensor, "*tokens dim"]) -> Float[Tensor, "*tokens dim"]:
    """Each token's features brought to mean 0 and standard deviation 1, without weights. What the JEPAs predict is normed so."""
    return F.layer_norm(features, features.shape[-1:])


def feature_prediction(
    predicted: Float[Tensor, "*tokens dim"],
    target: Float[Tensor, "*tokens dim"],
    kind: Distance = "l1",
    reduction: Literal["mean", "none"] = "mean",
) -> Float[Tensor, "*result"]:
    """How far predicted features are from those of the target encoder, mean over all numbers.

    Args:
        predicted: by the predictor.
        target: layer-normed, and detached by whoever made them, if they are to be.
        kind: ``l1`` as in V-JEPA and V-JEPA 2, whose best guess is the conditional median; ``l2`` as in I-JEPA's paper,
            whose best guess is the mean; ``smooth_l1`` as in I-JEPA's code: squared (and halved) up to 1, absolute beyond.
        reduction: ``none`` gives each number's own error.
    """
    losses = {"l1": F.l1_loss, "l2": F.mse_loss, "smooth_l1": F.smooth_l1_loss}
    return losses[kind](predicted, target, reduction=reduction)
