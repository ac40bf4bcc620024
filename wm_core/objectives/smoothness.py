"""Latents along a walk: that they move little from step to step, and yet do move (PLDM, Sobal et al., 2025)."""

from jaxtyping import Float
from torch import Tensor


def time_smoothness(z: Float[Tensor, "batch time dim"]) -> Float[Tensor, ""]:
    """The mean squared change from one moment to the next: mean over batch, time and dimensions of (z_t - z_{t+1})².

    PLDM's paper sums over the dimensions, its code takes the mean, as here; its weight for Two Rooms is 0.742.
    """
    return (z[:, 1:] - z[:, :-1]).square().mean()


def temporal_variance_hinge(
    z: Float[Tensor, "batch time dim"], target: float = 1.0, eps: float = 1e-4
) -> Float[Tensor, ""]:
    """How far each dimension's standard deviation along a walk falls short of ``target``; 0 where it does not.

    Mean over batch and dimensions of max(0, target - sqrt(Var_t + eps)). The variance term of VICReg asks that different walks
    differ; this one asks that a walk does not stand still in latent space. PLDM's weight for Two Rooms is 0.245.
    """
    std = (z.var(1) + eps).sqrt()
    return (target - std).relu().mean()
