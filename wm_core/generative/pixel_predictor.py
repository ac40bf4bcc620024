"""A world model that learns by drawing the next frames: the pixel baseline of the latent models."""

import torch
from jaxtyping import Float
from torch import Tensor

from wm_core.nets.dynamics import ResidualDynamics
from wm_core.nets.encoders import PatchEncoder
from wm_core.nets.mlp import mlp
from wm_core.nets.world_model import WorldModel
from wm_core.objectives.prediction import pixel_prediction


class PixelPredictor(WorldModel):
    """The encoder and dynamics of `wm_core.jepa.action_jepa.ActionJEPA`, with a decoder in place of everything else.

    Args:
        size: pixels along a side of a frame.
        dim: width of the latent.
        action_scale: the size of a large action.
    """

    def __init__(self, size: int = 24, dim: int = 16, action_scale: float = 0.12):
        super().__init__(PatchEncoder(size, dim), ResidualDynamics(dim, action_scale=action_scale))
        self.size = size
        self.decoder = mlp(dim, 256, size * size)

    def decode(self, z: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch size size"]:
        """The frame that a latent stands for."""
        return self.decoder(z).unflatten(-1, (self.size, self.size)) + 0.4


def pixel_predictor_loss(
    model: PixelPredictor,
    frames: Float[Tensor, "batch time size size"],
    actions: Float[Tensor, "batch time-1 action"],
    motion_weight: float = 0.0,
) -> dict[str, Tensor]:
    """Draw the first frame and all that follow it from the first frame and the actions, and compare pixels."""
    z = model.encode(frames[:, 0])
    drawn = model.decode(torch.cat([z[:, None], model.rollout(z, actions)], 1))
    return {"pixels": pixel_prediction(drawn, frames, motion_weight)}
