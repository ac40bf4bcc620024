"""Mazes: cells with just one way between any two of them, another maze for every episode.

The passages are a spanning tree of the grid of cells, the one of least total weight under random weights, found by Prim's
algorithm (1957) for all mazes at once.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from wm_core.worlds.rooms import Rooms


class Layout(NamedTuple):
    """Which walls stand in n mazes.

    Attributes:
        closed: (n, (cells - 1)²) the numbers of the walls between cells that stand, in rising order. Of cells × cells, first come
            the cells × (cells - 1) walls between neighbours in a row, row by row, then as many between neighbours in a column.
    """

    closed: Tensor


@dataclass(frozen=True)
class Mazes(Rooms):
    """The world, and the policy that gathers data in it. Its attributes are those of `rooms.Rooms`, and:

    Attributes:
        cells: along a side.
        seed: of the one maze for all, where ``fixed`` is true.
    """

    cells: int = 4
    seed: int = 0

    def layouts(self, n: int, generator: Generator) -> Layout:
        """The one maze n times, or n mazes."""
        if self.fixed:
            return Layout(self._draw(1, torch.Generator().manual_seed(self.seed)).expand(n, -1).contiguous())
        return Layout(self._draw(n, generator))

    def _draw(self, n: int, generator: Generator) -> Tensor:
        here, there = self._pairs().T  # the cells on the two sides of each wall
        weights = torch.rand(n, len(here), generator=generator)
        reached = torch.zeros(n, self.cells**2, dtype=torch.bool)
        reached[:, 0] = True
        standing = torch.ones_like(weights, dtype=torch.bool)
        row = torch.arange(n)
        for _ in range(self.cells**2 - 1):
            leads_out = reached[:, here] != reached[:, there]
            open_next = weights.where(leads_out, torch.inf).argmin(1)
            standing[row, open_next] = False
            reached[row, here[open_next]] = reached[row, there[open_next]] = True
        return standing.nonzero()[:, 1].view(n, -1)

    def _pairs(self) -> Tensor:
        cell = torch.arange(self.cells**2).view(self.cells, self.cells)
        level = torch.stack([cell[:, :-1], cell[:, 1:]], -1).flatten(0, 1)
        return torch.cat([level, torch.stack([cell[:-1], cell[1:]], -1).flatten(0, 1)])

    @property
    def pitch(self) -> float:
        """From the middle of a cell to that of the next, in pixels."""
        return (self.high - self.low) / self.cells

    def inner(self, layout: Layout) -> Float[Tensor, "n k 4"]:
        """The walls that stand. Each reaches through the corners at its ends."""
        first, second = self._cells().to(layout.closed.device)[self._pairs().to(layout.closed.device)].unbind(1)
        middle, between = (
            (first + second) / 2,
            (second - first) / self.pitch,
        )  # (walls, 2): (1, 0) where cells share a row
        half = torch.where(between > 0.5, self.thick / 2, self.pitch / 2 + self.thick / 2)
        return torch.cat([middle - half, middle + half], -1)[layout.closed]

    def _cells(self) -> Tensor:
        at = self.low + self.pitch * (torch.arange(self.cells) + 0.5)
        return torch.stack(torch.meshgrid(at, at, indexing="xy"), -1).flatten(0, 1)  # row by row

    def boxes(self, layout: Layout) -> Float[Tensor, "n rooms 4"]:
        """The cells, row by row."""
        half = self.pitch / 2 - self.thick / 2
        boxes = torch.cat([self._cells() - half, self._cells() + half], -1)
        return boxes.to(layout.closed.device).expand(len(layout.closed), -1, -1)

    def room(self, layout: Layout, positions: Float[Tensor, "n *time state"]) -> Int[Tensor, "n *time"]:
        """The number of the cell, row by row."""
        column, row = ((positions[..., :2] - self.low) / self.pitch).long().clamp(0, self.cells - 1).unbind(-1)
        return column + self.cells * row

    def doorway(
        self, layout: Layout, here: Float[Tensor, "n 2"], generator: Generator
    ) -> tuple[Float[Tensor, "n 2"], Float[Tensor, "n 2"]]:
        """The middle of the dot's own cell, and that of one that it is open to; each with even odds."""
        pairs, room = self._pairs().to(here.device), self.room(layout, here)[:, None]
        odds = torch.rand(len(here), len(pairs), generator=generator).to(here)
        odds = odds.scatter(1, layout.closed, -1.0)  # those that stand do not count
        odds = odds.where((pairs == room[..., None]).any(-1), -1.0)
        chosen = pairs[odds.argmax(1)]  # (n, 2)
        there = chosen.sum(1) - room[:, 0]
        cells = self._cells().to(here)
        return cells[room[:, 0]], cells[there]
