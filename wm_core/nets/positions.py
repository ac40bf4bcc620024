"""Where a token is: fixed sine-cosine positions, and rotations by position, for images and clips."""

import torch
from jaxtyping import Float
from torch import Tensor


def coordinates(grid: tuple[int, ...]) -> Float[Tensor, "tokens axes"]:
    """The place of each token on its grid, in token units, the last axis fastest: (rows, columns) or (times, rows, columns)."""
    axes = torch.meshgrid(*(torch.arange(float(length)) for length in grid), indexing="ij")
    return torch.stack([axis.flatten() for axis in axes], -1)


def sincos_positions(grid: tuple[int, ...], dim: int, base: float = 10_000.0) -> Float[Tensor, "tokens dim"]:
    """A fixed vector for each place: sines and cosines of each coordinate at frequencies from 1 down to 1 / ``base``.

    Args:
        grid: tokens along each axis.
        dim: width of the vector; each axis gets an equal even share, and what is left over stays 0.
        base: ratio of the highest to the lowest frequency (10,000 in Vaswani et al., 2017, and in every ViT of the family).

    Raises:
        ValueError: less than two numbers for an axis.
    """
    share = dim // len(grid) // 2  # frequencies for each axis
    if share < 1:
        raise ValueError(f"dim: got {dim} for {len(grid)} axes, wanted at least {2 * len(grid)}")
    frequency = base ** -(torch.arange(share) / share)
    angle = coordinates(grid)[:, :, None] * frequency  # (tokens, axes, share)
    waves = torch.cat([angle.sin(), angle.cos()], -1).flatten(1)
    return torch.nn.functional.pad(waves, (0, dim - waves.shape[1]))


def rotary_angles(grid: tuple[int, ...], head_dim: int, base: float = 10_000.0) -> Float[Tensor, "tokens half 2"]:
    """Cosine and sine of the angles by which `rotate` turns the pairs of a head, shared out among the axes of the grid.

    V-JEPA 2 rotates by time, row and column in this way. Pairs left over when the axes share ``head_dim / 2`` are not turned.

    Args:
        grid: tokens along each axis.
        head_dim: width of one attention head, an even number.
        base: ratio of the highest to the lowest frequency.

    Raises:
        ValueError: ``head_dim`` is odd, or gives less than one pair to an axis.
    """
    share = head_dim // 2 // len(grid)
    if head_dim % 2 or share < 1:
        raise ValueError(
            f"head_dim: got {head_dim} for {len(grid)} axes, wanted an even number, at least {2 * len(grid)}"
        )
    frequency = base ** -(torch.arange(share) / share)
    angle = (coordinates(grid)[:, :, None] * frequency).flatten(1)  # (tokens, axes * share)
    angle = torch.nn.functional.pad(angle, (0, head_dim // 2 - angle.shape[1]))
    return torch.stack([angle.cos(), angle.sin()], -1)
