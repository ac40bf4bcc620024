"""Drawing the next frame from this one, with the parts of a masked autoencoder of which nothing is masked."""

import torch
from jaxtyping import Float
from torch import Tensor

from wm_core.generative.mae import MAE, normed_patches


def next_frame_loss(
    model: MAE,
    now: Float[Tensor, "batch channels size size"],
    later: Float[Tensor, "batch channels size size"],
) -> dict[str, Tensor]:
    """The mean squared error of all patches of the next frame, drawn from all patches of this one.

    Detail that is drawn anew in each frame cannot be foreseen, so the best drawing leaves it out (Mathieu, Couprie & LeCun,
    2016, complain of the blur); an autoencoder, which draws the frame it is shown, is paid for keeping it.

    Args:
        model: whose decoder's ``out`` is the number of values in a patch.
        now: what the encoder sees; values in [0, 1].
        later: what is to be drawn, in `normed_patches`.
    """
    places = torch.arange(model.encoder.tokens, device=now.device).expand(len(now), -1)
    drawn = model.decoder(model.encoder(now), places, places)
    return {"next frame": (drawn - normed_patches(model.encoder, later)).square().mean()}
