"""An encoder whose latent is a list of places: a few queries look over the picture, and each says where it looked."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class PlaceEncoder(nn.Module):
    """Features of overlapping patches, attention over them, and the mean place that each query attends to.

    This is the spatial soft-argmax of robot learning (Levine et al., 2016; Finn et al., 2016). It can say where something is
    and, having nothing else to say it with, not what the rest of the picture looks like.

    The second half of the queries start as the opposite of the first, so that what one query looks away from, another looks at.

    Args:
        size: pixels along a side of the image, a multiple of ``stride``.
        places: how many queries, an even number.
        channels: features of a patch.
        patch, stride: pixels along a side of a patch, an odd number, and from one patch to the next.
        unit: pixels to one unit of the latent, whose zero is the middle of the picture.

    Raises:
        ValueError: ``stride`` does not divide ``size``, ``places`` is odd, or ``patch`` is even.
    """

    def __init__(
        self, size: int = 24, places: int = 8, channels: int = 16, patch: int = 7, stride: int = 2, unit: float = 4.0
    ):
        super().__init__()
        if size % stride:
            raise ValueError(f"stride: got {stride} for {size} pixels, wanted a divisor of the size")
        if places % 2:
            raise ValueError(f"places: got {places}, wanted an even number")
        if patch % 2 == 0:
            raise ValueError(f"patch: got {patch}, wanted an odd number")
        self.features = nn.Conv2d(1, channels, patch, stride, patch // 2)
        self.queries = nn.Linear(channels, places)
        with torch.no_grad():
            self.queries.weight[places // 2 :] = -self.queries.weight[: places // 2]
        self.register_buffer("cells", _cells(size // stride, stride / unit), persistent=False)

    def looks(self, frames: Float[Tensor, "*batch size size"]) -> Float[Tensor, "*batch places cells"]:
        """How much each query attends to each cell; sums to 1 over the cells, which go row by row."""
        images = 4 * (frames.reshape(-1, 1, *frames.shape[-2:]) - 0.5)
        features = self.features(images).relu().flatten(2).mT  # (n, cells, channels)
        return self.queries(features).mT.softmax(-1).reshape(*frames.shape[:-2], -1, len(self.cells))

    def forward(self, frames: Float[Tensor, "*batch size size"]) -> Float[Tensor, "*batch dim"]:
        """Where the queries look: x and y of the first, x and y of the second, and so on."""
        return (self.looks(frames) @ self.cells).flatten(-2)


class TokenPlaces(nn.Module):
    """The mean place that each query attends to, asked of the tokens that some other encoder makes: `PlaceEncoder`'s second half.

    Args:
        dim: width of a token.
        grid: tokens along a side of the picture; they go row by row.
        places: how many queries, an even number.
        channels: features of a token that queries ask of.
        cell: a token's side in units of the latent, whose zero is the middle of the picture.

    Raises:
        ValueError: ``places`` is odd.
    """

    def __init__(self, dim: int, grid: int = 6, places: int = 8, channels: int = 16, cell: float = 1.0):
        super().__init__()
        if places % 2:
            raise ValueError(f"places: got {places}, wanted an even number")
        self.features = nn.Linear(dim, channels)
        self.queries = nn.Linear(channels, places)
        with torch.no_grad():
            self.queries.weight[places // 2 :] = -self.queries.weight[: places // 2]
        self.register_buffer("cells", _cells(grid, cell), persistent=False)

    def forward(self, tokens: Float[Tensor, "*batch cells width"]) -> Float[Tensor, "*batch dim"]:
        """Where the queries look: x and y of the first, x and y of the second, and so on."""
        looks = self.queries(self.features(tokens).relu()).mT.softmax(-1)  # (..., places, cells)
        return (looks @ self.cells).flatten(-2)


def _cells(count: int, side: float) -> Float[Tensor, "cells 2"]:
    """(x, y) of the middle of each cell of a square grid, row by row; the grid's middle is zero."""
    middle = (torch.arange(count) + 0.5 - count / 2) * side
    down, across = torch.meshgrid(middle, middle, indexing="ij")
    return torch.stack([across, down], -1).flatten(0, 1)
