"""Linear probes: what a frozen latent holds in plain form."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import one_hot


class LinearProbe:
    """A ridge regression from latents to known factors, fitted in closed form.

    Args:
        z: (n, dim) latents to fit on.
        y: (n, factors) the factors.
        ridge: penalty on the weights, relative to the latents' mean variance. It keeps a collapsed latent from being
            blown up until rounding errors look like information.

    Raises:
        ValueError: fewer samples than latent dimensions + 1.
    """

    def __init__(self, z: Float[Tensor, "n dim"], y: Float[Tensor, "n factors"], ridge: float = 1e-4):
        if len(z) <= z.shape[1]:
            raise ValueError(f"z: got {len(z)} samples of {z.shape[1]} dimensions, wanted more samples than dimensions")
        z, y = z.double(), y.double()
        self.z_mean, self.y_mean = z.mean(0), y.mean(0)
        centred = z - self.z_mean
        gram = centred.T @ centred / len(z)
        penalty = ridge * gram.diagonal().mean() + 1e-12
        self.weight = torch.linalg.solve(
            gram + penalty * torch.eye(z.shape[1], dtype=z.dtype, device=z.device),
            centred.T @ (y - self.y_mean) / len(z),
        )

    def __call__(self, z: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch factors"]:
        """Read the factors off latents."""
        return ((z.double() - self.z_mean) @ self.weight + self.y_mean).to(z.dtype)

    def as_linear(self) -> nn.Linear:
        """The probe as a frozen layer, for a network that is to be exported."""
        layer = nn.Linear(*self.weight.shape)
        layer.weight.data = self.weight.T.float()
        layer.bias.data = (self.y_mean - self.z_mean @ self.weight).float()
        return layer.requires_grad_(False)

    def r2(self, z: Float[Tensor, "n dim"], y: Float[Tensor, "n factors"]) -> float:
        """The share of the factors' variance that the probe explains on fresh samples: 1 is all, 0 or less is none."""
        residual = (y - self(z)).double().square().sum()
        return float(1 - residual / (y.double() - y.double().mean(0)).square().sum())


class LinearClassifier:
    """A linear classifier fitted in closed form: ridge regression to one-hot labels, and the largest answer wins.

    Args:
        z: (n, dim) latents to fit on.
        labels: (n,) class numbers from 0.
        classes: how many classes there are.
        ridge: see `LinearProbe`.
    """

    def __init__(self, z: Float[Tensor, "n dim"], labels: Int[Tensor, "n"], classes: int, ridge: float = 1e-4):
        self.probe = LinearProbe(z, one_hot(labels, classes).to(z.dtype), ridge)

    def __call__(self, z: Float[Tensor, "*batch dim"]) -> Int[Tensor, "*batch"]:
        """The class of each latent."""
        return self.probe(z).argmax(-1)

    def accuracy(self, z: Float[Tensor, "n dim"], labels: Int[Tensor, "n"]) -> float:
        """The share of fresh samples that it gets right."""
        return float((self(z) == labels).double().mean())


def smallest_std(z: Float[Tensor, "n dim"]) -> float:
    """The least standard deviation of any latent dimension: near 0 where a dimension has collapsed."""
    return float(z.std(0).min())


def mean_std(z: Float[Tensor, "n dim"]) -> float:
    """The latent's standard deviation averaged over dimensions: near 0 where all of it has collapsed."""
    return float(z.std(0).mean())


def absolute_deviation(z: Float[Tensor, "n *shape"]) -> float:
    """The mean distance of the numbers from their median over samples, each about its own.

    It is the least mean absolute error that guessing a constant can have, so it is the unit for errors of predictors that
    are trained with that loss; and it goes to 0 where the features collapse.
    """
    return float((z - z.median(0).values).abs().mean())


def effective_rank(z: Float[Tensor, "n dim"]) -> float:
    """exp(entropy of the normalised singular values) (Roy & Vetterli, 2007): how many directions the latents fill.

    It does not change when all latents shrink, so it does not notice collapse; read it beside the standard deviation.
    """
    values = torch.linalg.svdvals((z - z.mean(0)).double())
    share = values / values.sum()
    return float(torch.exp(-(share * share.clamp_min(1e-30).log()).sum()))
