"""Worlds whose walls move: a door that slides open and shut, and a block that patrols a room.

Their state has a third number, the phase: how much of a period has passed, from 0 up to 1. A mark in the upper margin of the
picture runs from left to right with it. During a step the walls stand; then they move, and push ahead of them or aside a dot
that they meet.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from wm_core.worlds import planar
from wm_core.worlds.rooms import Rooms
from wm_core.worlds.two_rooms import Layout, TwoRooms
from wm_core.worlds.walker import Walker


@dataclass(frozen=True)
class MovingWalls(Rooms):
    """What both worlds share. Where walls stand still is said by `inner`; shortest ways take no notice of those that move.

    Attributes:
        period: steps until the walls are again where they were.
    """

    period: int = 40

    def moving(self, layout: tuple, phase: Float[Tensor, "n *time"]) -> Float[Tensor, "n *time m 4"]:
        """The rectangles that move, where they are at a phase."""
        raise NotImplementedError

    def walls_at(self, layout: tuple, phase: Float[Tensor, "n *time"]) -> Float[Tensor, "n *time k 4"]:
        """All solid rectangles at a phase."""
        still = self.walls(layout)
        still = still.view(len(still), *(1,) * (phase.ndim - 1), *still.shape[1:])
        return torch.cat([still.expand(*phase.shape, *still.shape[-2:]), self.moving(layout, phase)], -2)

    def anywhere(self, layout: tuple, generator: Generator, room: Tensor | None = None) -> Float[Tensor, "n 3"]:
        """Places and phases, even over both; places at least `margin` from every wall, where it is at that phase."""
        states, crowded = None, torch.ones(len(layout[0]), dtype=torch.bool, device=layout[0].device)
        while crowded.any():
            places = super().anywhere(layout, generator, room)
            phase = torch.rand(len(places), generator=generator).to(places)
            drawn = torch.cat([places, phase[:, None]], -1)
            states = drawn if states is None else torch.where(crowded[:, None], drawn, states)
            block, place = self.moving(layout, states[:, 2]), states[:, None, :2]
            away = torch.maximum(block[..., :2] - place, place - block[..., 2:]).clamp_min(0).norm(dim=-1)
            crowded = (away < self.margin).any(-1)
        return states

    def walk(
        self,
        layout: tuple,
        start: Float[Tensor, "n 3"],
        actions: Float[Tensor, "n steps 2"],
        generator: Generator | None = None,
    ) -> Float[Tensor, "n steps+1 3"]:
        """The states before the first action and after each.

        Raises:
            ValueError: an action is not finite.
        """
        if not actions.isfinite().all():
            raise ValueError("actions: got a number that is not finite, wanted pixels")
        phases = self.phases(start[:, 2], actions.shape[1])
        walls, path = self.walls_at(layout, phases), [start[:, :2]]
        for k, action in enumerate(self.allowed(actions).unbind(1)):
            here = planar.move(walls[:, k], path[-1], action, self.noise, generator)
            path.append(planar.clear(walls[:, k + 1], here))
        return torch.cat([torch.stack(path, 1), phases[..., None]], -1)

    def phases(self, first: Float[Tensor, "n"], steps: int) -> Float[Tensor, "n moments"]:
        """The phase before the first of so many steps and after each."""
        phases = [first]
        for _ in range(steps):
            phases.append((phases[-1] + 1 / self.period) % 1)
        return torch.stack(phases, 1)

    def _walker(self, layout: tuple, start: Tensor, steps: int) -> Walker:
        phases = self.phases(start[:, 2], steps)
        return Walker(self.walls_at(layout, phases).transpose(0, 1), phases)

    def _walls_seen(self, layout: tuple, positions: Tensor) -> Tensor:
        phase = positions[..., 2]  # (n, time)
        pixels = torch.arange(self.size, device=phase.device, dtype=phase.dtype)
        block = self.moving(layout, phase).clamp(self.low - 0.5, self.high + 0.5)  # (n, time, m, 4)
        ends = block.unflatten(-1, (2, 2))[..., None]  # (n, time, m, low or high, xy, 1)
        cover = (
            torch.minimum(ends[..., 1, :, :], pixels + 0.5) - torch.maximum(ends[..., 0, :, :], pixels - 0.5)
        ).clamp(0, 1)
        column, row = cover.unbind(-2)
        solid = (row[..., :, None] * column[..., None, :]).amax(-3)
        bump = torch.exp(
            -0.5 * ((pixels - self.border - phase[..., None] * (self.size - 1 - 2 * self.border)) / self.blob) ** 2
        )
        seen = torch.maximum(self.draw_walls(layout)[:, None], solid)
        seen[..., 1, :] = bump  # the mark
        return seen


@dataclass(frozen=True)
class SlidingDoor(MovingWalls, TwoRooms):
    """Two rooms whose door slides shut from above and open again. For a quarter of the period it is shut."""

    def open(self, phase: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
        """The share of the door that is open: 1 from phase 0 to 1/4, 0 from 1/2 to 3/4, and a slide between them."""
        return torch.where(phase < 0.5, (2 - 4 * phase).clamp(0, 1), (4 * phase - 3).clamp(0, 1))

    def moving(self, layout: Layout, phase: Float[Tensor, "n *time"]) -> Float[Tensor, "n *time 1 4"]:
        """The panel. It comes down from the wall above the door; shut, it reaches into the wall below."""
        ahead = (-1, *(1,) * (phase.ndim - 1))
        wall_x, door_y = (number.view(ahead).expand_as(phase) for number in layout)
        opened = 2 * self.door * self.open(phase)
        end = torch.where(opened < 0.1, 1e3, door_y + self.door - opened)
        far = torch.full_like(phase, 1e3)
        return torch.stack([wall_x - self.thick / 2, -far, wall_x + self.thick / 2, end], -1)[..., None, :]


class Track(NamedTuple):
    """Where the block of n worlds goes.

    Attributes:
        y: (n,) the height on which its middle moves, in pixels.
    """

    y: Tensor


@dataclass(frozen=True)
class Patrol(MovingWalls):
    """One room, in which a square block goes from side to side and back.

    Attributes:
        block: half the length of the block's side, in pixels.
        clearance: how near it comes to the outer wall. More than nothing, so that a dot it pushes is never crushed.
    """

    block: float = 6.0
    clearance: float = 6.0

    def layouts(self, n: int, generator: Generator) -> Track:
        """The block at the height of the middle n times, or at heights 20..44, whole pixels."""
        if self.fixed:
            return Track(torch.full((n,), (self.size - 1) / 2))
        return Track(torch.randint(20, 45, (n,), generator=generator).float())

    def inner(self, layout: Track) -> Float[Tensor, "n 0 4"]:
        """No wall stands inside."""
        return layout.y.new_empty(len(layout.y), 0, 4)

    def boxes(self, layout: Track) -> Float[Tensor, "n 1 4"]:
        """The one room."""
        return layout.y.new_tensor([self.low, self.low, self.high, self.high]).expand(len(layout.y), 1, 4)

    def room(self, layout: Track, positions: Float[Tensor, "n *time state"]) -> Int[Tensor, "n *time"]:
        """0, the one room."""
        return torch.zeros_like(positions[..., 0], dtype=torch.long)

    def doorway(
        self, layout: Track, here: Float[Tensor, "n 2"], generator: Generator
    ) -> tuple[Float[Tensor, "n 2"], Float[Tensor, "n 2"]]:
        """There is no door. The places above and below the middle of the block's track, the one on the dot's side first."""
        side = torch.where(here[:, 1] < layout.y, -1.0, 1.0)
        away = torch.stack([torch.zeros_like(side), side * (self.block + self.margin)], -1)
        inside = torch.stack([torch.full_like(layout.y, (self.size - 1) / 2), layout.y], -1)
        return inside + away, inside - away

    def moving(self, layout: Track, phase: Float[Tensor, "n *time"]) -> Float[Tensor, "n *time 1 4"]:
        """The block: from the left at phase 0 to the right at 1/2, and back."""
        least, most = self.low + self.clearance + self.block, self.high - self.clearance - self.block
        x = most - (most - least) * (2 * phase - 1).abs()
        y = layout.y.view(-1, *(1,) * (phase.ndim - 1)).expand_as(phase)
        return torch.stack([x - self.block, y - self.block, x + self.block, y + self.block], -1)[..., None, :]
