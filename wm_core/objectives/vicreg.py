"""Keeping latents apart: the variance and covariance terms of VICReg (Bardes, Ponce & LeCun, 2022), over time steps."""

from jaxtyping import Float
from torch import Tensor

from wm_core.distributed import whole_batch


def variance_hinge(z: Float[Tensor, "batch *time dim"], target: float = 1.0, eps: float = 1e-4) -> Float[Tensor, ""]:
    """How far each dimension's standard deviation over the batch falls short of ``target``; 0 where it does not.

    Mean over dimensions and time steps of max(0, target - sqrt(Var + eps)). ``eps`` keeps the slope finite at 0.
    """
    std = (whole_batch(z).var(0) + eps).sqrt()
    return (target - std).relu().mean()


def covariance(z: Float[Tensor, "batch *time dim"]) -> Float[Tensor, ""]:
    """The mean squared covariance between different dimensions, over the batch, at each time step.

    Normalised by D (D - 1), the number of pairs, as PLDM's code does; VICReg's paper divides by D.
    """
    z = whole_batch(z)
    batch, dim = len(z), z.shape[-1]
    z = (z - z.mean(0)).reshape(batch, -1, dim).transpose(0, 1)  # (time, batch, dim)
    square = (z.mT @ z / (batch - 1)).square()  # (time, dim, dim)
    pairs = square.sum((1, 2)) - square.diagonal(dim1=1, dim2=2).sum(1)
    return (pairs / (dim * (dim - 1))).mean()
