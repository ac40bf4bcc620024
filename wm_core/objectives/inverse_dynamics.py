"""Telling the action from what changed."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


def inverse_dynamics(
    head: nn.Module,
    before: Float[Tensor, "*batch dim"],
    after: Float[Tensor, "*batch dim"],
    action: Float[Tensor, "*batch action"],
) -> Float[Tensor, ""]:
    """The mean squared error of the action that ``head`` reads off the latents before and after it."""
    return (head(torch.cat([before, after], -1)) - action).square().mean()
