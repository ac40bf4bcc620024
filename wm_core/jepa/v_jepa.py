"""V-JEPA: from the visible part of a clip, predict the features of tubes hidden through all time (Bardes et al., 2024)."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wm_core.nets.ema import ema_decay, slow_copy, update_ema
from wm_core.nets.vit import TokenPredictor, ViT, take
from wm_core.objectives.masking import Masks
from wm_core.objectives.prediction import Distance, feature_prediction, layer_normed


class VJEPA(nn.Module):
    """An encoder of the visible tubelets, a slow copy of it that makes the targets, and a narrow predictor.

    Args:
        encoder: of clips (``frames`` set). A ViT-L or ViT-H in the paper.
        predictor: sees the context's features and the places of the hidden ones.
        decay: of the slow copy, at the start and at the end (0.998 and 1 in the paper, over 90,000 steps).
        slow: False makes the encoder its own target *with* gradient, which collapses. For showing that it does.
    """

    def __init__(
        self, encoder: ViT, predictor: TokenPredictor, decay: tuple[float, float] = (0.996, 1.0), slow: bool = True
    ):
        super().__init__()
        self.encoder, self.predictor, self.decay = encoder, predictor, decay
        self.target = slow_copy(encoder) if slow else encoder

    def targets(self, clips: Float[Tensor, "batch time channels size size"]) -> Float[Tensor, "batch tokens dim"]:
        """Layer-normed features of every tubelet, each made from the whole clip."""
        if self.target is self.encoder:
            return layer_normed(self.encoder(clips))
        with torch.no_grad():
            return layer_normed(self.target(clips))

    def forward(
        self, clips: Float[Tensor, "batch time channels size size"], masks: Masks
    ) -> Float[Tensor, "batch asked dim"]:
        """The features expected at the hidden places, all in one go."""
        return self.predictor(self.encoder(clips, masks.keep), masks.keep, masks.ask.flatten(1))

    def follow(self, share: float) -> None:
        """Move the slow copy a little towards the encoder; ``share`` of the training is done. For `fit`'s ``after_step``."""
        if self.target is not self.encoder:
            update_ema(self.target, self.encoder, ema_decay(share, *self.decay))


def v_jepa_loss(
    model: VJEPA,
    clips: Float[Tensor, "batch time channels size size"],
    masks: Sequence[Masks],
    kind: Distance = "l1",
) -> dict[str, Tensor]:
    """The mean absolute distance of predicted from target features, mean over the kinds of mask.

    The targets are computed once and serve every mask, since the target encoder sees the whole clip anyway.
    """
    targets = model.targets(clips)
    losses = [feature_prediction(model(clips, each), take(targets, each.ask.flatten(1)), kind) for each in masks]
    return {"prediction": torch.stack(losses).mean()}
