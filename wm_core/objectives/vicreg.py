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


def vicreg(
    z: Float[Tensor, "batch views dim"], weights: tuple[float, float, float] = (25.0, 25.0, 1.0)
) -> dict[str, Tensor]:
    """VICReg's three weighted terms for views of a picture: they agree, they vary, and no two numbers say the same.

    Two views give what the authors' code gives: the mean squared difference between them, the mean of their variance terms,
    and the *sum* of their covariance terms, each divided by D. With more views all pairs must agree.

    Args:
        z: embeddings of the views.
        weights: of agreement, variance and covariance; the paper's are (25, 25, 1).
    """
    views, dim = z.shape[1:]
    apart = 2 * views / (views - 1) * (z - z.mean(1, keepdim=True)).square().mean()
    return {
        "agreement": weights[0] * apart,
        "variance": weights[1] * variance_hinge(z),
        "covariance": weights[2] * 2 * (dim - 1) * covariance(z),
    }
