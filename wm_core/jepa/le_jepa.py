"""LeJEPA (Balestriero & LeCun, 2025): views of a picture should agree, and embeddings should look standard normal."""

from jaxtyping import Float
from torch import Tensor, nn

from wm_core.nets.mlp import mlp
from wm_core.objectives.sigreg import sigreg


class LeJEPA(nn.Module):
    """An encoder, and a projector whose output the loss speaks of. Probes read the encoder.

    There is no teacher, no predictor and no stop-gradient. The projector is used in training only.

    Args:
        encoder: from images (batch, ...) to features (batch, features).
        features: how many numbers the encoder gives.
        dim: width of an embedding. 16 to 512 in the authors' recipes.
        hidden: width of the projector's hidden layer, batch-normalised as theirs are; they use two of 2048.
    """

    def __init__(self, encoder: nn.Module, features: int, dim: int = 16, hidden: int = 128):
        super().__init__()
        self.encoder = encoder
        self.project = projector(features, hidden, dim)

    def forward(self, views: Float[Tensor, "batch views ..."]) -> Float[Tensor, "batch views dim"]:
        """An embedding for each view of each picture."""
        return self.project(self.encoder(views.flatten(0, 1))).unflatten(0, views.shape[:2])


def le_jepa_loss(
    model: LeJEPA, views: Float[Tensor, "batch views ..."], weight: float = 0.05, slices: int = 256
) -> dict[str, Tensor]:
    """The two terms: (1 - weight) · agreement + weight · SIGReg of each view's batch of embeddings, mean over views.

    Args:
        model: embeds the views.
        views: views of each picture, all of one size.
        weight: the one weight there is. 0.05 is the paper's recommendation, 0.02 the authors' minimal example's.
        slices: see `sigreg`.
    """
    z = model(views)
    return {"agreement": (1 - weight) * agreement(z), "sigreg": weight * sigreg(z, slices)}


def agreement(z: Float[Tensor, "batch views dim"], centres: int | None = None) -> Float[Tensor, ""]:
    """How far a picture's views are from their centre: the elementwise mean of (μ_n - z_nv)².

    Args:
        z: embeddings. Gradients flow into every view and into the centre.
        centres: the centre is the mean of so many views, the first ones (the paper's global views); of all if None.
    """
    return (z - z[:, :centres].mean(1, keepdim=True)).square().mean()


def projector(features: int, hidden: int, dim: int) -> nn.Sequential:
    """A linear layer, batch normalisation, ReLU, and a linear layer that can give any scale."""
    net = mlp(features, hidden, dim)
    net.insert(1, nn.BatchNorm1d(hidden))
    return net
