"""Prediction errors."""

from jaxtyping import Float
from torch import Tensor


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
