"""What a trajectory does to energy."""

import torch
from jaxtyping import Float
from torch import Tensor


def worst_energy_error(energy: Float[Tensor, "time *batch"]) -> Float[Tensor, "*batch"]:
    """max over t of |H(t) - H(0)| / |H(0)|, with the TRUE energy of an imagined path, not the model's own."""
    return ((energy - energy[0]).abs() / energy[0].abs()).amax(0)


def energy_drift(energy: Float[Tensor, "time *batch"], h: float) -> Float[Tensor, "*batch"]:
    """The slope of the relative energy error over time, per second, by least squares: drift apart from oscillation."""
    error = (energy - energy[0]) / energy[0].abs()
    t = torch.arange(len(energy), dtype=energy.dtype, device=energy.device) * h
    t = t - t.mean()
    return (t.view(-1, *[1] * (error.ndim - 1)) * (error - error.mean(0))).sum(0) / t.square().sum()
