"""Encoders: from an image to a latent vector, or to a token for each part of it."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wm_core.nets.mlp import mlp


class PatchEncoder(nn.Module):
    """Overlapping patches through one convolution, then two linear layers: a small image to a vector.

    There is no normalisation layer: one that centres each latent over the batch would hide collapse instead of showing it.

    Args:
        size: pixels along a side of the image, a multiple of 4.
        dim: width of the latent.
        channels, hidden: widths on the way.
    """

    def __init__(self, size: int, dim: int, channels: int = 8, hidden: int = 128):
        super().__init__()
        if size % 4:
            raise ValueError(f"size: got {size}, wanted a multiple of 4")
        self.patches = nn.Conv2d(1, channels, kernel_size=8, stride=4, padding=2)  # (size / 4)² patches
        self.head = mlp(channels * (size // 4) ** 2, hidden, dim)

    def features(self, frames: Float[Tensor, "*batch size size"]) -> Float[Tensor, "*batch features"]:
        """What the convolution sees, before it is squeezed into the latent."""
        flat = frames.reshape(-1, 1, *frames.shape[-2:])
        flat = 4 * (flat - 0.4)  # about mean 0 and spread 1 for images in [0, 1]
        return self.patches(flat).relu().reshape(*frames.shape[:-2], -1)

    def forward(self, frames: Float[Tensor, "*batch size size"]) -> Float[Tensor, "*batch dim"]:
        return self.head(self.features(frames))


class PatchConvEncoder(nn.Module):
    """Patches side by side, convolutions between neighbours, then two linear layers: a picture to a vector.

    Patches side by side take less time than a convolution that moves by two pixels, and the convolutions see what lies across
    the seams. There is no normalisation layer, for the reason given in `PatchEncoder`.

    Args:
        size: pixels along a side. What is left over by whole patches is cut off at the right and at the bottom.
        dim: width of the latent.
        patch: pixels along a side of a patch.
        width: channels of the patches and of the convolutions.
        hidden: width of the hidden linear layer.
        gains: by which each channel of the picture is multiplied at first. A dot fills few pixels: without a gain of its own
            it would hardly move the latent, beside the walls.
    """

    def __init__(
        self,
        size: int,
        dim: int,
        patch: int = 8,
        width: int = 32,
        hidden: int = 128,
        gains: tuple[float, ...] = (20.0, 3.0),
    ):
        super().__init__()
        self.register_buffer("gains", torch.tensor(gains)[:, None, None], persistent=False)
        self.map = nn.Sequential(
            nn.Conv2d(len(gains), width, patch, patch),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, 1, 1),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, 1, 1),
            nn.ReLU(),
        )
        self.head = mlp(width * (size // patch) ** 2, hidden, dim)

    def forward(self, frames: Float[Tensor, "*batch channels size size"]) -> Float[Tensor, "*batch dim"]:
        pictures = frames.reshape(-1, *frames.shape[-3:])
        return self.head(self.map(pictures * self.gains).flatten(1)).reshape(*frames.shape[:-3], -1)


class ProfileEncoder(nn.Module):
    """The sums of each channel along rows and along columns, then two linear layers: a picture to a vector.

    Such sums are the picture's projection profiles. A dot is a bump in two of them, an upright wall one in a third, and its door
    a dent in the fourth: four numbers of the world are linear in what the layers see. Convolutions see which wall *and* which
    door at once, a thousand pictures in our rooms, and what they make of them is hard to read. The price: pictures with the same
    sums are one to this encoder, and among several walls it cannot tell whose the door is.

    Args:
        size: pixels along a side.
        dim: width of the latent.
        hidden: width of the hidden linear layer.
        gains: as those of `PatchConvEncoder`.
    """

    def __init__(self, size: int, dim: int, hidden: int = 128, gains: tuple[float, ...] = (20.0, 3.0)):
        super().__init__()
        self.register_buffer("gains", torch.tensor(gains)[:, None] / size**0.5, persistent=False)
        self.head = mlp(2 * len(gains) * size, hidden, dim)

    def forward(self, frames: Float[Tensor, "*batch channels size size"]) -> Float[Tensor, "*batch dim"]:
        profiles = torch.cat([self.gains * frames.sum(-1), self.gains * frames.sum(-2)], -1)
        return self.head(profiles.flatten(-2))


class FrozenEncoder(nn.Module):
    """An encoder that is not trained, its latents brought to mean 0 and standard deviation 1 on sample frames."""

    def __init__(self, encoder: nn.Module, sample: Float[Tensor, "n size size"]):
        super().__init__()
        self.encoder = encoder.requires_grad_(False)
        with torch.no_grad():
            z = encoder(sample)
        self.register_buffer("mean", z.mean(0))
        self.register_buffer("std", z.std(0))

    def forward(self, frames: Float[Tensor, "*batch size size"]) -> Float[Tensor, "*batch dim"]:
        return (self.encoder(frames) - self.mean) / self.std


class ConvEncoder(nn.Module):
    """Three convolutions and the mean over places: a colour picture to a vector that hardly minds where things are.

    Args:
        width: channels of the first layer; the second has twice as many, the third four times, and so many numbers come out.
    """

    def __init__(self, width: int = 16):
        super().__init__()
        self.features = 4 * width
        self.layers = _convolutions((3, width, 4, 2), (width, 2 * width, 4, 2), (2 * width, 4 * width, 3, 1))

    def forward(self, images: Float[Tensor, "batch 3 h w"]) -> Float[Tensor, "batch features"]:
        return self.layers(4 * (images - 0.4)).mean((-1, -2))


class ConvTokens(nn.Module):
    """Three convolutions that halve the picture each time: a colour picture to a token for each square of 8 by 8 pixels.

    Args:
        size: pixels along a side, a multiple of 8.
        dim: width of a token.

    Attributes:
        grid: rows and columns of tokens.
        dim: width of a token.
    """

    def __init__(self, size: int = 24, dim: int = 64):
        super().__init__()
        if size % 8:
            raise ValueError(f"size: got {size}, wanted a multiple of 8")
        self.grid, self.dim = (size // 8, size // 8), dim
        self.layers = _convolutions((3, dim // 2, 4, 2), (dim // 2, dim, 4, 2), (dim, dim, 4, 2))

    def forward(self, images: Float[Tensor, "batch 3 h w"]) -> Float[Tensor, "batch tokens dim"]:
        return self.layers(4 * (images - 0.4)).flatten(2).mT


def _convolutions(*shapes: tuple[int, int, int, int]) -> nn.Sequential:
    """For each (channels in, channels out, kernel, stride) a convolution, a batch normalisation and a rectifier."""
    layers = []
    for before, after, kernel, stride in shapes:
        layers += [nn.Conv2d(before, after, kernel, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*layers)
