"""Which tokens are hidden: the block masks of I-JEPA, the tubes of V-JEPA, and scattered ones for comparison.

All samplers draw the size of a block once for a batch and its place for each sample, as the official codes do, so that every
sample keeps the same number of tokens and a batch is one tensor. None loops over samples.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Int
from torch import Generator, Tensor

#: V-JEPA's two masks: (blocks, share of a frame that each covers). Both are used in every step.
SHORT_RANGE, LONG_RANGE = (8, 0.15), (2, 0.7)


class Masks(NamedTuple):
    """Numbers of the tokens that the encoder sees, and of those that are to be predicted, in rising order."""

    keep: Int[Tensor, "batch kept"]
    ask: Int[Tensor, "batch blocks asked"]


def block_masks(
    count: int,
    grid: tuple[int, int],
    generator: Generator,
    blocks: int = 4,
    target_scale: tuple[float, float] = (0.15, 0.2),
    context_scale: tuple[float, float] = (0.85, 1.0),
    aspect: tuple[float, float] = (0.75, 1.5),
    at_least: int = 4,
) -> Masks:
    """I-JEPA's multi-block masks (Assran et al., 2023, appendix A): a large context block minus several target blocks.

    Scales are shares of the image. The defaults are the paper's, but for ``at_least``, the fewest context tokens: 10 there, on
    a grid of 14 × 14 or 16 × 16, and 4 here, on one of 6 × 6. Contexts of unequal size are thinned at random to the smallest of
    the batch. (The official code drops the last ones in reading order instead, lets no target touch the right or lower
    border, and lets the context overlap a target after twenty failed draws; none of that is in the paper, or here.)

    Raises:
        ValueError: the targets leave no sample with ``at_least`` tokens in a thousand draws.
    """
    target = _block_size(grid, target_scale, aspect, generator)
    context = _block_size(grid, context_scale, (1.0, 1.0), generator)
    asked = _blocks(count, blocks, grid, target, generator)  # (count, blocks, tokens)
    kept = _blocks(count, 1, grid, context, generator)[:, 0] & ~asked.any(1)
    for _ in range(1000):
        poor = kept.sum(1) < at_least
        if not poor.any():
            break
        asked[poor] = _blocks(int(poor.sum()), blocks, grid, target, generator)
        kept[poor] = _blocks(int(poor.sum()), 1, grid, context, generator)[:, 0] & ~asked[poor].any(1)
    else:
        raise ValueError(f"at_least: got {at_least} tokens of a {grid} grid, wanted fewer, or smaller targets")
    ask = asked.flatten(0, 1).nonzero()[:, 1].view(count, blocks, -1)
    return Masks(_thinned(kept, generator), ask)


def tube_masks(
    count: int,
    grid: tuple[int, int, int],
    generator: Generator,
    blocks: int = 8,
    scale: float = 0.15,
    aspect: tuple[float, float] = (0.75, 1.5),
) -> Masks:
    """V-JEPA's masks (Bardes et al., 2024): the union of several blocks, each hidden through all time.

    What shows at one moment cannot be copied from another, since a hidden place is hidden in every frame. The paper uses two
    kinds in each step, `SHORT_RANGE` and `LONG_RANGE`. Context and targets are thinned at random to the smallest of the batch
    (the official code drops the last ones in reading order).

    Args:
        count: samples.
        grid: tubelets along time, height and width.
        generator: decides everything.
        blocks: how many, for each sample.
        scale: the share of a frame that one block covers.
        aspect: height over width of a block.

    Raises:
        ValueError: the blocks cover some sample's frame whole in a thousand draws.
    """
    plane = grid[1:]
    size = _block_size(plane, (scale, scale), aspect, generator, whole=True)
    hidden = _blocks(count, blocks, plane, size, generator).any(1)  # (count, tokens of a frame)
    full = hidden.all(1)
    for _ in range(1000):
        if not full.any():
            break
        hidden[full] = _blocks(int(full.sum()), blocks, plane, size, generator).any(1)
        full = hidden.all(1)
    else:
        raise ValueError(
            f"scale: got {blocks} blocks of {scale}, which cover every frame whole; wanted fewer or smaller ones"
        )
    hidden_places, seen_places = _thinned(hidden, generator), _thinned(~hidden, generator)
    return Masks(_through_time(seen_places, grid), _through_time(hidden_places, grid)[:, None])


def moment_masks(
    count: int,
    grid: tuple[int, int, int],
    generator: Generator,
    blocks: int = 8,
    scale: float = 0.15,
    aspect: tuple[float, float] = (0.75, 1.5),
) -> Masks:
    """The blocks of `tube_masks` drawn anew at each moment, so that what is hidden now may show a moment later.

    For showing what the tubes are for. Arguments and errors are those of `tube_masks`.
    """
    time, height, width = grid
    single = tube_masks(count * time, (1, height, width), generator, blocks, scale, aspect)
    start = height * width * torch.arange(time)[:, None]
    keep, ask = ((places.view(count, time, -1) + start).flatten(1) for places in (single.keep, single.ask[:, 0]))
    return Masks(keep, ask[:, None])


def scattered_masks(count: int, grid: tuple[int, ...], generator: Generator, share: float = 0.75) -> Masks:
    """Tokens hidden one by one, anywhere: a masked autoencoder's mask (He et al., 2022, who hide 75 %)."""
    tokens = math.prod(grid)
    order = torch.rand(count, tokens, generator=generator).argsort(1)
    hidden = round(share * tokens)
    return Masks(order[:, hidden:].sort(1).values, order[:, None, :hidden].sort(2).values)


def _block_size(
    grid: tuple[int, int],
    scale: tuple[float, float],
    aspect: tuple[float, float],
    generator: Generator,
    whole: bool = False,
) -> tuple[int, int]:
    """Height and width of a block in tokens. Unless ``whole``, it leaves at least one row and one column."""
    share, ratio = (low + float(torch.rand((), generator=generator)) * (high - low) for low, high in (scale, aspect))
    tokens = int(math.prod(grid) * share)
    sides = round(math.sqrt(tokens * ratio)), round(math.sqrt(tokens / ratio))
    return tuple(max(1, min(side, length - (not whole))) for side, length in zip(sides, grid, strict=True))


def _blocks(
    count: int, blocks: int, grid: tuple[int, int], size: tuple[int, int], generator: Generator
) -> Bool[Tensor, "count blocks tokens"]:
    """Blocks of one size at random places, as masks over the tokens."""
    inside = []
    for length, side in zip(grid, size, strict=True):
        first = torch.randint(length - side + 1, (count, blocks, 1), generator=generator)
        at = torch.arange(length)
        inside.append((at >= first) & (at < first + side))  # (count, blocks, length)
    return (inside[0][..., :, None] & inside[1][..., None, :]).flatten(2)


def _thinned(mask: Bool[Tensor, "batch tokens"], generator: Generator) -> Int[Tensor, "batch kept"]:
    """As many of each sample's True places as the poorest sample has, chosen at random, in rising order."""
    fewest = int(mask.sum(1).min())
    lot = torch.rand(mask.shape, generator=generator) + mask
    return lot.topk(fewest, dim=1).indices.sort(1).values


def _through_time(places: Int[Tensor, "batch places"], grid: tuple[int, int, int]) -> Int[Tensor, "batch tokens"]:
    """The same places in every frame."""
    time, height, width = grid
    return (places[:, None] + height * width * torch.arange(time)[:, None]).flatten(1)
