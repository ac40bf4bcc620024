"""An action-conditioned JEPA: an encoder and a latent predictor that never draws a pixel.

The recipe is that of PLDM (Sobal et al., 2025) and of EB-JEPA's third example (Terver et al., 2026) at the smallest size
that shows its parts: multi-step prediction, variance and covariance terms, and inverse dynamics.
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from wm_core.nets.dynamics import ResidualDynamics
from wm_core.nets.encoders import PatchEncoder
from wm_core.nets.mlp import mlp
from wm_core.nets.world_model import WorldModel
from wm_core.objectives.inverse_dynamics import inverse_dynamics
from wm_core.objectives.prediction import latent_prediction
from wm_core.objectives.vicreg import covariance, variance_hinge


@dataclass(frozen=True)
class Weights:
    """How much each term counts. PLDM's values for Two Rooms: 1, 3.98, 6.92, 1.07; EB-JEPA's: 1, 16, 8, 1.

    Ours are for actions scaled to order 1 and for 300 steps: inverse dynamics must win against the wallpaper quickly.
    """

    prediction: float = 3.0
    variance: float = 1.0
    covariance: float = 0.3
    inverse: float = 10.0


class ActionJEPA(WorldModel):
    """Encoder, dynamics and an inverse-dynamics head.

    Args:
        size: pixels along a side of a frame.
        dim: width of the latent.
        action_scale: the size of a large action.
    """

    def __init__(self, size: int = 24, dim: int = 16, action_scale: float = 0.12):
        super().__init__(PatchEncoder(size, dim), ResidualDynamics(dim, action_scale=action_scale))
        self.inverse = mlp(2 * dim, 64, 2)


def action_jepa_loss(
    model: ActionJEPA,
    frames: Float[Tensor, "batch time size size"],
    actions: Float[Tensor, "batch time-1 action"],
    weights: Weights = Weights(),
) -> dict[str, Tensor]:
    """The weighted terms of one batch, by name; a term of weight 0 is left out.

    The prediction starts from the first frame only and is compared with the encoding of every later one. Gradients flow
    into both sides: nothing but the other terms keeps the encoder from making prediction easy by forgetting.
    """
    z = model.encode(frames)  # (batch, time, dim)
    scaled = actions / model.dynamics.action_scale
    terms = {
        "prediction": lambda: latent_prediction(model.rollout(z[:, 0], actions), z[:, 1:]),
        "variance": lambda: variance_hinge(z),
        "covariance": lambda: covariance(z),
        "inverse": lambda: inverse_dynamics(model.inverse, z[:, :-1], z[:, 1:], scaled),
    }
    return {name: weight * terms[name]() for name, weight in vars(weights).items() if weight}
