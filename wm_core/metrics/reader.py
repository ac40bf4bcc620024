"""A small network that reads known factors off frozen latents: what they hold, in plain form or not.

A linear probe says what a latent holds in plain form (`probe.LinearProbe`). A network says what it holds at all, or nearly: what
both cannot read may still be there, in a form that a small network does not find in its few steps.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wm_core.nets.mlp import mlp
from wm_core.training import fit


class Reader(nn.Module):
    """From latents to factors in their own units, through two hidden layers. `fit_reader` makes one that has learned.

    Args:
        dim: width of the latent.
        factors: how many numbers are read.
        hidden: width of the hidden layers.
    """

    def __init__(self, dim: int, factors: int, hidden: int = 128):
        super().__init__()
        self.net = mlp(dim, hidden, hidden, factors)
        for name, width in (("z", dim), ("y", factors)):
            self.register_buffer(f"{name}_mean", torch.zeros(width))
            self.register_buffer(f"{name}_std", torch.ones(width))

    def forward(self, z: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch factors"]:
        """The factors of each latent."""
        return self.net((z - self.z_mean) / self.z_std) * self.y_std + self.y_mean


def fit_reader(
    z: Float[Tensor, "n dim"], y: Float[Tensor, "n factors"], *, steps: int = 600, hidden: int = 128, seed: int = 0
) -> Reader:
    """A reader that has learned to tell ``y`` from ``z``, by the mean squared error with all factors at spread 1.

    Latents are brought to spread 1 too. A number that hardly varies is left small (by a floor of a thousandth of the largest
    spread): what has collapsed is not to be blown up until rounding errors look like information.

    Args:
        z: latents to learn from.
        y: their factors.
        steps: of 256 latents each.
        hidden: width of the hidden layers.
        seed: decides the first weights and the order.

    Raises:
        ValueError: a factor is the same in all samples, so that there is nothing to read.
    """
    if bool((y.std(0) == 0).any()):
        raise ValueError("y: got a factor that never varies, wanted ones that differ between samples")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        reader = Reader(z.shape[1], y.shape[1], hidden)
    floor = 1e-3 * z.std(0).max().clamp_min(1e-6)
    reader.z_mean, reader.z_std = z.mean(0), z.std(0).clamp_min(floor)
    reader.y_mean, reader.y_std = y.mean(0), y.std(0)

    def batch(step: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        chosen = torch.randint(len(z), (min(256, len(z)),), generator=generator)
        return z[chosen], y[chosen]

    def loss(reader: Reader, seen: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        return {"error": ((reader(seen[0]) - seen[1]) / reader.y_std).square().mean()}

    fit(
        reader.to(z.device),
        loss,
        batch,
        steps=steps,
        learning_rate=2e-3,
        seed=seed,
        precision="float32",
        title="reader",
    )
    return reader.to(z.device).requires_grad_(False)
