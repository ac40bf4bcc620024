"""V-JEPA 2-AC: learn to see from films, then learn from a few interactions what actions do (Assran et al., 2025).

Stage one trains an encoder on films without actions. Stage two freezes it and trains a predictor of its latents, given actions,
by teacher forcing and by rolling out. The loss, the order of the stages and what is frozen are the paper's; its encoder is a
vision transformer with a billion parameters, trained to fill in what is hidden (see `wm_core.jepa.v_jepa`), and ours has a
thousand and is trained to predict the next frame's latent.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from wm_core.nets.mlp import mlp
from wm_core.nets.world_model import WorldModel
from wm_core.objectives.prediction import latent_prediction
from wm_core.objectives.vicreg import covariance, variance_hinge


# ---- stage one: watching ---------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Weights:
    """How much each term of watching counts. Prediction must outweigh the others, or the latents need not follow one thing."""

    prediction: float = 5.0
    variance: float = 1.0
    covariance: float = 1.0


class Watcher(nn.Module):
    """An encoder and a network that guesses the next latent from the last two. After watching, only the encoder is kept.

    Args:
        encoder: from frames ``(batch, time, *frame)`` to latents (batch, time, dim).
        dim: width of the latent.
        hidden: width of the guesser's hidden layer.
    """

    def __init__(self, encoder: nn.Module, dim: int, hidden: int = 64):
        super().__init__()
        self.encoder = encoder
        self.change = mlp(2 * dim, hidden, dim)

    def guess(
        self, before: Float[Tensor, "*batch dim"], now: Float[Tensor, "*batch dim"]
    ) -> Float[Tensor, "*batch dim"]:
        """The latent that should follow these two."""
        return now + self.change(torch.cat([before, now], -1))


def watching_loss(
    model: Watcher,
    films: Float[Tensor, "batch time *frame"],
    weights: Weights = Weights(),
    centred: bool = True,
) -> dict[str, Tensor]:
    """The weighted terms of a batch of films: guess the next latent, and keep the latents apart *within each film*.

    Args:
        model: what is trained.
        films: at least three frames each, or what another encoder has made of them. No actions.
        weights: of the terms.
        centred: subtract each film's mean latent before variance and covariance are taken. What does not change in a film,
            such as its wallpaper, then counts for nothing. Without it they are those of VICReg.
    """
    z = model.encoder(films)  # (batch, time, dim)
    apart = (z - z.mean(1, keepdim=True) if centred else z).flatten(0, 1)  # (batch * time, dim)
    return {
        "prediction": weights.prediction * latent_prediction(model.guess(z[:, :-2], z[:, 1:-1]), z[:, 2:]),
        "variance": weights.variance * variance_hinge(apart),
        "covariance": weights.covariance * covariance(apart),
    }


# ---- stage two: acting -----------------------------------------------------------------------------------------------
class LayerNormed(nn.Module):
    """An encoder, frozen, each latent of which is layer-normed, as V-JEPA 2-AC does with the features of each token."""

    def __init__(self, encoder: nn.Module):
        super().__init__()
        self.encoder = encoder.requires_grad_(False)

    def forward(self, frames: Float[Tensor, "*batch size size"]) -> Float[Tensor, "*batch dim"]:
        z = self.encoder(frames)
        return F.layer_norm(z, z.shape[-1:])


class ActionPredictor(nn.Module):
    """From a latent and an action to the next latent: what changes is learned.

    Args:
        dim: width of the latent.
        reach: the size of a large action, so that the network sees numbers of order 1.
        hidden: widths of the hidden layers. The paper has a transformer with 24 layers of width 1024.
        layer_norm: layer-norm what is predicted, for latents that are layer-normed.
    """

    def __init__(self, dim: int, reach: float, hidden: tuple[int, ...] = (128, 128), layer_norm: bool = False):
        super().__init__()
        self.reach, self.layer_norm = reach, layer_norm
        self.change = mlp(dim + 2, *hidden, dim)

    def forward(self, z: Float[Tensor, "*batch dim"], a: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch dim"]:
        z = z + self.change(torch.cat([z, a / self.reach], -1))
        return F.layer_norm(z, z.shape[-1:]) if self.layer_norm else z


class VJEPA2AC(WorldModel):
    """A frozen encoder and an action-conditioned predictor of its latents.

    Args:
        encoder: frozen here; no gradient reaches it.
        predictor: from latents and actions to the next latents, the only part that learns from interactions.
    """

    def __init__(self, encoder: nn.Module, predictor: nn.Module):
        super().__init__(encoder.requires_grad_(False), predictor)


def teacher_forcing(
    model: WorldModel, z: Float[Tensor, "batch time dim"], actions: Float[Tensor, "batch time-1 action"]
) -> Float[Tensor, ""]:
    """One step ahead from every actual latent: the mean absolute error (Assran et al., 2025, equation 2)."""
    return (model.predict(z[:, :-1], actions) - z[:, 1:]).abs().mean()


def rollout_error(
    model: WorldModel,
    z: Float[Tensor, "batch time dim"],
    actions: Float[Tensor, "batch time-1 action"],
    steps: int = 2,
) -> Float[Tensor, ""]:
    """Several steps ahead, each prediction fed back: the mean absolute error of the last (equation 3).

    Gradients flow through the predictions that were fed back. The paper rolls out from the first frame of a clip, two steps;
    this does so from every frame that has ``steps`` actions after it.

    Raises:
        ValueError: there are fewer actions than ``steps``.
    """
    starts = actions.shape[1] - steps + 1
    if starts < 1:
        raise ValueError(f"steps: got {steps} for clips of {actions.shape[1]} actions, wanted no more than there are")
    guess = z[:, :starts]  # (batch, starts, dim)
    for k in range(steps):
        guess = model.predict(guess, actions[:, k : k + starts])
    return (guess - z[:, steps:]).abs().mean()


def acting_loss(
    model: WorldModel,
    z: Float[Tensor, "batch time dim"],
    actions: Float[Tensor, "batch time-1 action"],
    rollout: int = 4,
) -> dict[str, Tensor]:
    """Both terms of stage two with equal weights, on latents that the frozen encoder has made once and for all.

    Args:
        model: its predictor learns.
        z: latents of a clip's frames.
        actions: between them.
        rollout: steps of the second term (2 in the paper); 0 leaves it out.
    """
    terms = {"teacher forcing": teacher_forcing(model, z, actions)}
    if rollout:
        terms["rollout"] = rollout_error(model, z, actions, rollout)
    return terms
