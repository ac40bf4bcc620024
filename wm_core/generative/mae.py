"""A masked autoencoder: from the visible part of an image or a clip, draw the hidden part (He et al., 2022).

For clips this is VideoMAE (Tong et al., 2022): tubelets for patches, and masks that hide a place at every moment.
"""

from jaxtyping import Float
from torch import Tensor, nn

from wm_core.nets.vit import TokenPredictor, ViT, take
from wm_core.objectives.masking import Masks


class MAE(nn.Module):
    """An encoder of the visible patches and a decoder that draws the hidden ones.

    The decoder is the predictor of a JEPA, except that what it puts out is pixels; so both can be given the same shape.

    Args:
        encoder: sees the visible patches only.
        decoder: sees their features and the places to draw; its ``out`` is the number of values in a patch.
    """

    def __init__(self, encoder: ViT, decoder: TokenPredictor):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, images: Float[Tensor, "batch ..."], masks: Masks) -> Float[Tensor, "batch asked values"]:
        """The pixels drawn at the hidden places, normed as the targets are."""
        return self.decoder(self.encoder(images, masks.keep), masks.keep, masks.ask.flatten(1))


def normed_patches(
    encoder: ViT, images: Float[Tensor, "batch ..."], eps: float = 1e-6
) -> Float[Tensor, "batch tokens values"]:
    """The pixels of each patch with their mean taken off and divided by their standard deviation, as the paper found best.

    Args:
        encoder: whose patches.
        images: images or clips, whichever the encoder takes; values in [0, 1].
        eps: added to the variance (1e-6 in the official code), which matters where a patch is flat.
    """
    values = encoder.patches(images)
    return (values - values.mean(-1, keepdim=True)) / (values.var(-1, keepdim=True) + eps).sqrt()


def mae_loss(model: MAE, images: Float[Tensor, "batch ..."], masks: Masks, normed: bool = True) -> dict[str, Tensor]:
    """The mean squared error of the hidden patches' pixels, and of those alone.

    Args:
        model: encoder and decoder.
        images: images or clips; values in [0, 1].
        masks: `scattered_masks` in the paper, tubes in VideoMAE.
        normed: compare with `normed_patches` instead of plain pixels.
    """
    wanted = normed_patches(model.encoder, images) if normed else model.encoder.patches(images)
    return {"reconstruction": (model(images, masks) - take(wanted, masks.ask.flatten(1))).square().mean()}
