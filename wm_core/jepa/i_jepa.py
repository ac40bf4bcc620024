"""I-JEPA: from the visible part of an image, predict the features of the hidden part (Assran et al., 2023)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wm_core.nets.ema import ema_decay, slow_copy, update_ema
from wm_core.nets.vit import TokenPredictor, ViT, take
from wm_core.objectives.masking import Masks
from wm_core.objectives.prediction import Distance, feature_prediction, layer_normed


class IJEPA(nn.Module):
    """A context encoder, a slow copy of it that makes the targets, and a narrow predictor.

    Args:
        encoder: sees the context. A ViT-H/14 in the paper.
        predictor: sees the context's features and the places of the targets.
        decay: of the slow copy, at the start and at the end of training; the paper's.
        slow: False makes the encoder its own target *with* gradient, which collapses. For showing that it does.
    """

    def __init__(
        self, encoder: ViT, predictor: TokenPredictor, decay: tuple[float, float] = (0.996, 1.0), slow: bool = True
    ):
        super().__init__()
        self.encoder, self.predictor, self.decay = encoder, predictor, decay
        self.target = slow_copy(encoder) if slow else encoder

    def targets(self, images: Float[Tensor, "batch channels size size"]) -> Float[Tensor, "batch tokens dim"]:
        """Layer-normed features of every patch, each made from the *whole* image."""
        if self.target is self.encoder:
            return layer_normed(self.encoder(images))
        with torch.no_grad():
            return layer_normed(self.target(images))

    def forward(
        self, images: Float[Tensor, "batch channels size size"], masks: Masks
    ) -> Float[Tensor, "batch blocks asked dim"]:
        """The features expected at the hidden places, each block predicted for itself."""
        count, blocks, _ = masks.ask.shape
        seen = self.encoder(images, masks.keep)  # (batch, kept, dim)
        again = [x.repeat_interleave(blocks, 0) for x in (seen, masks.keep)]
        return self.predictor(*again, masks.ask.flatten(0, 1)).unflatten(0, (count, blocks))

    def follow(self, share: float) -> None:
        """Move the slow copy a little towards the encoder; ``share`` of the training is done. For `fit`'s ``after_step``."""
        if self.target is not self.encoder:
            update_ema(self.target, self.encoder, ema_decay(share, *self.decay))


def i_jepa_loss(
    model: IJEPA, images: Float[Tensor, "batch channels size size"], masks: Masks, kind: Distance = "smooth_l1"
) -> dict[str, Tensor]:
    """The distance of predicted from target features, mean over blocks, patches and numbers (equation 1 of the paper has the
    squared distance; its code the smooth absolute one)."""
    predicted = model(images, masks)
    wanted = take(model.targets(images), masks.ask.flatten(1)).view_as(predicted)
    return {"prediction": feature_prediction(predicted, wanted, kind)}
