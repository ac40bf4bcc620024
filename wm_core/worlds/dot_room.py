"""A dot in a papered room: the smallest world with an image, an action, walls, and something that never changes.

Seen from above, a square room of side 1 holds one bright dot. An action is a push: the dot moves by it and stops at the
walls. Every episode has wallpaper of its own, a smooth pattern that stays still while the dot moves. Position runs from 0
to 1 on both axes, x to the right and y down, as pixels do.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

#: Wave vectors of the wallpaper, in half turns across the room; each gives a cosine and a sine.
WAVES = ((0, 1), (1, -1), (1, 0), (1, 1))


class Episodes(NamedTuple):
    """A batch of episodes of one length.

    Attributes:
        frames: (n, steps + 1, size, size) grey images in [0, 1].
        actions: (n, steps, 2) pushes in room sides.
        positions: (n, steps + 1, 2) the dot's centre in room sides. No model of the book trains on it.
        wallpaper: (n, size, size) the empty room.
    """

    frames: Tensor
    actions: Tensor
    positions: Tensor
    wallpaper: Tensor


@dataclass(frozen=True)
class DotRoom:
    """The world and how it looks.

    Attributes:
        size: pixels along a side.
        blob: standard deviation of the dot, in pixels.
        margin: how near to a wall the dot's centre can come, in pixels.
        reach: the largest push along each axis, in room sides.
        contrast: standard deviation of the wallpaper's grey.
    """

    size: int = 24
    blob: float = 1.5
    margin: float = 2.0
    reach: float = 0.12
    contrast: float = 0.15

    @property
    def edge(self) -> float:
        """The least and, from 1, the greatest coordinate that the dot's centre can have."""
        return self.margin / self.size

    def episodes(self, n: int, steps: int, generator: torch.Generator) -> Episodes:
        """Random rooms and random pushes.

        The pushes of an episode are a mix, in a share drawn per episode, of one constant push and of fresh ones; without
        the constant part a walk of ten steps seldom meets a wall, and a model of it never learns that walls are there.
        """
        start = self.anywhere(n, generator)
        share = torch.rand(n, 1, 1, generator=generator)
        fresh, constant = (self.reach * (2 * torch.rand(n, t, 2, generator=generator) - 1) for t in (steps, 1))
        actions = (1 - share) * fresh + share * constant
        return self.play(start, actions, self.wallpapers(n, generator))

    def play(
        self, start: Float[Tensor, "n 2"], actions: Float[Tensor, "n steps 2"], wallpaper: Float[Tensor, "n size size"]
    ) -> Episodes:
        """The episodes that follow from given starts, pushes and rooms."""
        positions = self.walk(start, actions)
        return Episodes(self.draw(positions, wallpaper), actions, positions, wallpaper)

    def anywhere(self, n: int, generator: torch.Generator) -> Float[Tensor, "n 2"]:
        """Positions drawn evenly from the room."""
        return self.edge + (1 - 2 * self.edge) * torch.rand(n, 2, generator=generator)

    def walk(self, start: Float[Tensor, "n 2"], actions: Float[Tensor, "n steps 2"]) -> Float[Tensor, "n steps+1 2"]:
        """Where the dot is before the first push and after each: it moves by the push and stops at the walls."""
        path = [start]
        for push in actions.unbind(1):
            path.append((path[-1] + push).clamp(self.edge, 1 - self.edge))
        return torch.stack(path, 1)

    def wallpapers(self, n: int, generator: torch.Generator) -> Float[Tensor, "n size size"]:
        """Empty rooms: a mid grey and a random sum of slow waves."""
        grid = self._grid()
        angles = torch.stack([math.pi * (kx * grid[None, :] + ky * grid[:, None]) for kx, ky in WAVES])
        waves = torch.cat([angles.cos(), angles.sin()])  # (8, size, size)
        weights = torch.randn(n, len(waves), generator=generator) * math.sqrt(2 / len(waves))
        return 0.35 + self.contrast * torch.einsum("nw,whv->nhv", weights, waves)

    def draw(
        self, positions: Float[Tensor, "n time 2"], wallpaper: Float[Tensor, "n size size"]
    ) -> Float[Tensor, "n time size size"]:
        """The room with the dot in it, seen from above."""
        bumps = torch.exp(
            -0.5 * ((self._grid() - positions[..., None]) * self.size / self.blob) ** 2
        )  # (n, time, 2, size)
        dot = bumps[..., 1, :, None] * bumps[..., 0, None, :]
        return (wallpaper[:, None] + dot).clamp(0, 1)

    def find_dot(self, frames: Float[Tensor, "n time size size"]) -> Float[Tensor, "n time 2"]:
        """Where the dot is in drawn frames, found from the frames alone: what is brighter than the clip's darkest.

        The room's own look is each pixel's minimum over the clip, so the dot must move in it. The dot is the centre of
        the brightness that is left, within 3 pixels of its peak.
        """
        bright = (frames - frames.amin(1, keepdim=True)).flatten(0, 1)
        peak = functional.avg_pool2d(bright[:, None], 3, 1, 1).flatten(1).argmax(1)
        pixel = torch.arange(self.size, device=frames.device)
        near_row = (pixel - (peak // self.size)[:, None]).abs() <= 3
        near_column = (pixel - (peak % self.size)[:, None]).abs() <= 3
        weight = bright.square() * near_row[:, :, None] * near_column[:, None, :]
        weight = weight / weight.sum((1, 2), keepdim=True).clamp_min(1e-9)
        grid = self._grid().to(frames)
        return torch.stack([weight.sum(1) @ grid, weight.sum(2) @ grid], -1).unflatten(0, frames.shape[:2])

    def _grid(self) -> Float[Tensor, " size"]:
        """The pixels' centres, in room sides."""
        return (torch.arange(self.size) + 0.5) / self.size
