"""BYOL (Grill et al., 2020): each view predicts what a slow copy of the network makes of the others."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import normalize

from wm_core.jepa.le_jepa import LeJEPA, projector
from wm_core.nets.ema import ema_decay, slow_copy, update_ema


class BYOL(LeJEPA):
    """LeJEPA's encoder and projector, with a predictor on top and a teacher that follows slowly.

    Nothing in the loss forbids a constant embedding. That training does not end there rests on the predictor, the
    stop-gradient and the teacher together, and is seen rather than proved.

    Args:
        encoder, features, dim, hidden: see `LeJEPA`.
    """

    def __init__(self, encoder: nn.Module, features: int, dim: int = 16, hidden: int = 128):
        super().__init__(encoder, features, dim, hidden)
        self.predict = projector(dim, hidden, dim)
        self.teacher = slow_copy(nn.Sequential(self.encoder, self.project))

    def follow(self, share: float, start: float = 0.9) -> None:
        """Move the teacher after a step; ``share`` of the training is done. For `fit`'s ``after_step``.

        The paper's decay rises from 0.996 to 1 over hundreds of thousands of steps; ours starts lower for hundreds.
        """
        update_ema(self.teacher, nn.Sequential(self.encoder, self.project), ema_decay(share, start))


def byol_loss(model: BYOL, views: Float[Tensor, "batch views ..."]) -> dict[str, Tensor]:
    """2 - 2 cos of the angle between a view's prediction and the teacher's embedding of another view, mean over pairs."""
    count = views.shape[1]
    z = model(views)
    guess = normalize(model.predict(z.flatten(0, 1)).unflatten(0, z.shape[:2]), dim=-1)
    with torch.no_grad():
        target = normalize(model.teacher(views.flatten(0, 1)).unflatten(0, z.shape[:2]), dim=-1)
    cosine = guess @ target.mT  # (batch, views, views)
    others = cosine.sum((1, 2)) - cosine.diagonal(dim1=1, dim2=2).sum(1)
    return {"prediction": 2 - 2 * others.mean() / (count * (count - 1))}
