"""Two rooms and a door: the world in which latent planners are compared.

A dot, seen from above, in a square with a wall across it and one door in the wall (Sobal et al., 2022 and 2025; Terver et al.,
2026). An action is a step of at most 2.45 pixels. What makes it hard is that two places on the two sides of the wall look
alike and are far apart. Positions are (x, y) in pixels, x to the right and y down; pixel (i, j) covers half a pixel around it.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from wm_core.worlds.rooms import Episodes as Episodes
from wm_core.worlds.rooms import Rooms


class Layout(NamedTuple):
    """Where the walls of n worlds are.

    Attributes:
        wall_x: (n,) the middle of the wall, in pixels.
        door_y: (n,) the middle of the door.
    """

    wall_x: Tensor
    door_y: Tensor


@dataclass(frozen=True)
class TwoRooms(Rooms):
    """The world, and the policy that gathers data in it. Its attributes are those of `rooms.Rooms`; ``fixed`` is one layout for
    all, with the wall at x = 32 and the door at y = 10."""

    def layouts(self, n: int, generator: Generator) -> Layout:
        """The one layout n times, or n with the wall at x in 20..44 and the door at y in 10..54, whole pixels."""
        if self.fixed:
            return Layout(torch.full((n,), 32.0), torch.full((n,), 10.0))
        wall_x = torch.randint(20, 45, (n,), generator=generator).float()
        return Layout(wall_x, torch.randint(10, 55, (n,), generator=generator).float())

    def inner(self, layout: Layout) -> Float[Tensor, "n 2 4"]:
        """The wall above the door, and below it."""
        left, right = layout.wall_x - self.thick / 2, layout.wall_x + self.thick / 2
        top, bottom = layout.door_y - self.door, layout.door_y + self.door
        far = torch.full_like(left, 1e3)
        return torch.stack([torch.stack([left, -far, right, top], -1), torch.stack([left, bottom, right, far], -1)], 1)

    def boxes(self, layout: Layout) -> Float[Tensor, "n 2 4"]:
        """The left room, and the right one."""
        left, right = layout.wall_x - self.thick / 2, layout.wall_x + self.thick / 2
        low, high = torch.full_like(left, self.low), torch.full_like(left, self.high)
        return torch.stack([torch.stack([low, low, left, high], -1), torch.stack([right, low, high, high], -1)], 1)

    def room(self, layout: Layout, positions: Float[Tensor, "n *time state"]) -> Int[Tensor, "n *time"]:
        """0 left of the middle of the wall, 1 right of it."""
        wall_x = layout.wall_x.view(-1, *(1,) * (positions.ndim - 2))
        return (positions[..., 0] > wall_x).long()

    def doorway(
        self, layout: Layout, here: Float[Tensor, "n 2"], generator: Generator
    ) -> tuple[Float[Tensor, "n 2"], Float[Tensor, "n 2"]]:
        """The places at a margin before the door and behind it, seen from where the dot is."""
        side = 1 - 2 * self.room(layout, here)  # 1 in the left room
        away = torch.stack([side * (self.thick / 2 + self.margin), torch.zeros_like(layout.wall_x)], -1)
        inside = torch.stack([layout.wall_x, layout.door_y], -1)  # the middle of the door
        return inside - away, inside + away
