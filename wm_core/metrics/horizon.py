"""How long a prediction can be trusted."""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def prediction_horizon(error: Float[Tensor, "episodes time"], threshold: float) -> Int[Tensor, " episodes"]:
    """Steps before the error *first* reaches ``threshold``; the length of the episode where it never does.

    First passage matters in periodic motion, where a prediction that has gone wrong passes near the truth again. An error
    that is no longer a number has reached every threshold.
    """
    reached = ~(error < threshold)
    first = reached.int().argmax(1)
    return torch.where(reached.any(1), first, error.shape[1])
