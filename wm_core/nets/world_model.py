"""The interface that every world model of the book offers: encode, predict, rollout."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wm_core.nets.dynamics import ResidualDynamics, unroll


class WorldModel(nn.Module):
    """An encoder and dynamics in latent space; systems add heads and a loss.

    Args:
        encoder: from frames (..., size, size) to latents (..., dim).
        dynamics: from latents (..., dim) and actions (..., action) to the next latents.
    """

    def __init__(self, encoder: nn.Module, dynamics: nn.Module):
        super().__init__()
        self.encoder, self.dynamics = encoder, dynamics

    def encode(self, frames: Float[Tensor, "*batch size size"]) -> Float[Tensor, "*batch dim"]:
        """z = f(o)."""
        return self.encoder(frames)

    def predict(self, z: Float[Tensor, "*batch dim"], a: Float[Tensor, "*batch action"]) -> Float[Tensor, "*batch dim"]:
        """One step ahead, in latent space."""
        return self.dynamics(z, a)

    def rollout(
        self, z: Float[Tensor, "batch dim"], actions: Float[Tensor, "batch horizon action"]
    ) -> Float[Tensor, "batch horizon dim"]:
        """Many steps ahead from one latent, with closed eyes."""
        if isinstance(self.dynamics, ResidualDynamics) and not torch.is_grad_enabled():
            return self.dynamics.rollout(z, actions)
        return unroll(self.dynamics, z, actions)

    def imagining(self, z: Float[Tensor, "batch dim"]) -> Callable[[Tensor], Tensor]:
        """`rollout` from one start, to be asked again and again while the weights stay as they are."""
        own = type(self).rollout is WorldModel.rollout  # a system may imagine in another way
        if own and isinstance(self.dynamics, ResidualDynamics) and not torch.is_grad_enabled():
            return self.dynamics.imagining(z)
        return lambda actions: self.rollout(z, actions)
