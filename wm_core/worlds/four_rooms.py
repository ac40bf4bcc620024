"""Four rooms and four doors: two walls that cross, with a door in each of their four arms (Sutton, Precup & Singh, 1999).

Two rooms that touch at a corner have no door between them, so a way may need two doors, and there are two such ways.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from wm_core.worlds.rooms import Rooms


class Layout(NamedTuple):
    """Where the walls of n worlds are, in pixels.

    Attributes:
        cross: (n, 2) where the two walls cross.
        doors: (n, 4) the middles of the doors: y of the upper and of the lower one, x of the left and of the right one.
    """

    cross: Tensor
    doors: Tensor


@dataclass(frozen=True)
class FourRooms(Rooms):
    """The world, and the policy that gathers data in it. Its attributes are those of `rooms.Rooms`; ``fixed`` is one layout for
    all, with the walls through the middle and a door in the middle of each arm. Rooms are numbered row by row."""

    def layouts(self, n: int, generator: Generator) -> Layout:
        """The one layout n times, or n whose walls cross at 27..37 and whose doors are anywhere in their arms, whole pixels."""
        if self.fixed:
            middle = (self.size - 1) / 2
            arms = torch.tensor([18.0, 46.0, 18.0, 46.0])
            return Layout(torch.full((n, 2), middle), arms.expand(n, 4).contiguous())
        cross = torch.randint(27, 38, (n, 2), generator=generator).float()
        x, y = cross.unbind(-1)
        room = self.door + self.thick / 2 + 0.5  # from the middle of a door to the walls' crossing, at least
        near = torch.stack([torch.full_like(x, 10), y + room, torch.full_like(x, 10), x + room], -1)
        far = torch.stack([y - room, torch.full_like(x, 54), x - room, torch.full_like(x, 54)], -1)
        return Layout(cross, (near + torch.rand(n, 4, generator=generator) * (far - near)).round())

    def inner(self, layout: Layout) -> Float[Tensor, "n 6 4"]:
        """The upright wall from the top in three pieces, then the level one from the left."""
        up, down, left, right = layout.doors.unbind(-1)
        far = torch.full_like(up, 1e3)

        def pieces(first: Tensor, second: Tensor) -> Tensor:
            ends = [-far, first - self.door, first + self.door, second - self.door, second + self.door, far]
            return torch.stack(ends, -1).unflatten(-1, (3, 2))  # (n, 3, 2) where each begins and ends

        across = layout.cross[:, None, :, None] + self.thick / 2 * layout.cross.new_tensor([-1, 1])  # (n, 1, xy, 2)
        x, y = across.expand(-1, 3, -1, -1).unbind(2)
        upright = torch.stack([x, pieces(up, down)], -1)  # (n, 3, low or high, xy)
        level = torch.stack([pieces(left, right), y], -1)
        return torch.cat([upright, level], 1).flatten(2)

    def boxes(self, layout: Layout) -> Float[Tensor, "n 4 4"]:
        """Upper left, upper right, lower left, lower right."""
        least, most = layout.cross - self.thick / 2, layout.cross + self.thick / 2
        low, high = torch.full_like(least, self.low), torch.full_like(least, self.high)
        begin, end = torch.stack([low, most], 1), torch.stack([least, high], 1)  # (n, first or second, xy)
        rooms = [torch.stack([begin[:, i, 0], begin[:, j, 1], end[:, i, 0], end[:, j, 1]], -1) for j, i in ROOMS]
        return torch.stack(rooms, 1)

    def room(self, layout: Layout, positions: Float[Tensor, "n *time state"]) -> Int[Tensor, "n *time"]:
        """0 and 1 above, 2 and 3 below."""
        cross = layout.cross.view(-1, *(1,) * (positions.ndim - 2), 2)
        right, below = (positions[..., :2] > cross).long().unbind(-1)
        return right + 2 * below

    def doorway(
        self, layout: Layout, here: Float[Tensor, "n 2"], generator: Generator
    ) -> tuple[Float[Tensor, "n 2"], Float[Tensor, "n 2"]]:
        """One of the room's two doors, with even odds."""
        room = self.room(layout, here)
        right, below = room % 2, room // 2
        upright = (torch.rand(len(here), generator=generator) < 0.5).to(here.device)  # through the upright wall
        which = torch.where(upright, below, 2 + right)
        along = layout.doors.gather(1, which[:, None])[:, 0]
        x, y = layout.cross.unbind(-1)
        inside = torch.where(upright[:, None], torch.stack([x, along], -1), torch.stack([along, y], -1))
        sign = 1 - 2 * torch.stack([right, below], -1)  # towards the other side
        away = sign * torch.stack([upright, ~upright], -1) * (self.thick / 2 + self.margin)
        return inside - away, inside + away


#: (row, column) of each room.
ROOMS = ((0, 0), (0, 1), (1, 0), (1, 1))
