"""A robot on a table: seen from above, a bright disc that moves as it is told and pushes a dark puck when it meets it.

Each action is a displacement of the robot, in pixels, of bounded length. The robot stops at the walls. Where it runs into the
puck, the puck gives way along the line of centres and stays where it is left, as a heavy thing on a rough table does; a puck
that stands at a wall gives way no further and stops the robot. Every episode has wallpaper of its own. Position is in
pixels, x to the right and y down; the pixel (i, j) has its centre at (j + 0.5, i + 0.5).
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from wm_core.worlds.dot_room import DotRoom


class Episodes(NamedTuple):
    """A batch of episodes of one length.

    Attributes:
        frames: (n, steps + 1, size, size) grey images in [0, 1].
        actions: (n, steps, 2) displacements in pixels, no longer than the table's ``reach``.
        states: (n, steps + 1, 4) centres of robot and puck, (x, y, x, y) in pixels. No model of the book trains on them.
        wallpaper: (n, size, size) the empty table.
    """

    frames: Tensor
    actions: Tensor
    states: Tensor
    wallpaper: Tensor


@dataclass(frozen=True)
class RobotTable:
    """The world and how it looks.

    Attributes:
        size: pixels along a side.
        robot, puck: the radii of the two discs, in pixels.
        reach: the longest displacement, in pixels. A longer action is shortened to it.
        contrast: standard deviation of the wallpaper's grey.
        parts: how many pieces a displacement is taken in, so that a push off the middle turns the puck aside gradually.
        keen: how often the hand that makes `episodes` heads for a place behind the puck instead of any place.
    """

    size: int = 24
    robot: float = 2.0
    puck: float = 2.5
    reach: float = 2.0
    contrast: float = 0.08
    parts: int = 4
    keen: float = 0.6

    # ---- what happens ------------------------------------------------------------------------------------------------
    def step(self, states: Float[Tensor, "*batch 4"], actions: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 4"]:
        """The states after one action each."""
        piece = shorten(actions, self.reach) / self.parts
        for _ in range(self.parts):
            states = self._move(states, piece)
        return states

    def _move(self, states: Tensor, piece: Tensor) -> Tensor:
        """A small displacement: the robot goes, the puck gives way, and what cannot be is undone."""
        robot, puck = states[..., :2], states[..., 2:]
        touch = self.robot + self.puck
        gone = self._inside(robot + piece, self.robot)
        apart = puck - gone
        distance = apart.norm(dim=-1, keepdim=True)
        pushed = self._inside(gone + apart * (touch / distance.clamp_min(1e-6)), self.puck)
        pushed = torch.where(distance < touch, pushed, puck)
        free = (pushed - gone).norm(dim=-1, keepdim=True) > touch - 1e-3  # else the puck is held by a wall
        return torch.where(free, torch.cat([gone, pushed], -1), states)

    def _inside(self, at: Tensor, radius: float) -> Tensor:
        return at.clamp(radius, self.size - radius)

    def walk(self, states: Float[Tensor, "n 4"], actions: Float[Tensor, "n steps 2"]) -> Float[Tensor, "n steps+1 4"]:
        """The states before the first action and after each."""
        path = [states]
        for action in actions.unbind(1):
            path.append(self.step(path[-1], action))
        return torch.stack(path, 1)

    # ---- how it looks ------------------------------------------------------------------------------------------------
    def draw(
        self, states: Float[Tensor, "n time 4"], wallpaper: Float[Tensor, "n size size"]
    ) -> Float[Tensor, "n time size size"]:
        """The table with a dark puck and a bright robot on it; an edge pixel takes the share that is covered, nearly."""
        frames = wallpaper[:, None].clamp(0, 1)
        for at, radius, grey in ((states[..., 2:], self.puck, 0.05), (states[..., :2], self.robot, 0.95)):
            cover = self._disc(at, radius)
            frames = frames * (1 - cover) + grey * cover
        return frames

    def _disc(self, at: Tensor, radius: float) -> Tensor:
        pixel = torch.arange(self.size, device=at.device) + 0.5
        away = (pixel - at[..., None]).square()  # (n, time, 2, size)
        distance = (away[..., 1, :, None] + away[..., 0, None, :]).sqrt()
        return (radius + 0.5 - distance).clamp(0, 1)

    def wallpapers(self, n: int, generator: torch.Generator) -> Float[Tensor, "n size size"]:
        """Empty tables: a mid grey and a random sum of slow waves, as in the dot room."""
        return 0.15 + DotRoom(size=self.size, contrast=self.contrast).wallpapers(n, generator)

    # ---- episodes ----------------------------------------------------------------------------------------------------
    def anywhere(self, n: int, generator: torch.Generator) -> Float[Tensor, "n 4"]:
        """States drawn evenly from those in which the discs do not overlap."""
        drawn = torch.empty(0, 4)
        while len(drawn) < n:
            unit = torch.rand(2 * n, 4, generator=generator)
            radius = torch.tensor([self.robot, self.robot, self.puck, self.puck])
            states = radius + (self.size - 2 * radius) * unit
            clear = (states[:, :2] - states[:, 2:]).norm(dim=1) > self.robot + self.puck
            drawn = torch.cat([drawn, states[clear]])
        return drawn[:n]

    def episodes(self, n: int, steps: int, generator: torch.Generator) -> Episodes:
        """A hand that wanders: it heads for a place, now and then for another, and more often than not for one behind the puck.

        Without that it would seldom touch the puck, and a model of it would not learn what a push does.
        """
        states, actions = [self.anywhere(n, generator)], []
        target = torch.zeros(n, 2)
        for t in range(steps):
            anew = torch.rand(n, 1, generator=generator) < (0.25 if t else 1.0)
            place = self.size * torch.rand(n, 2, generator=generator)
            behind = states[-1][:, 2:] + self._unit(states[-1][:, 2:] - states[-1][:, :2]) * 4
            to_puck = torch.rand(n, 1, generator=generator) < self.keen
            target = torch.where(anew, torch.where(to_puck, behind, place), target)
            speed = self.reach * torch.rand(n, 1, generator=generator).sqrt()
            wobble = 0.5 * torch.randn(n, 2, generator=generator)
            actions.append(shorten(speed * self._unit(target - states[-1][:, :2]) + wobble, self.reach))
            states.append(self.step(states[-1], actions[-1]))
        return self._film(torch.stack(states, 1), torch.stack(actions, 1), self.wallpapers(n, generator))

    def play(
        self, start: Float[Tensor, "n 4"], actions: Float[Tensor, "n steps 2"], wallpaper: Float[Tensor, "n size size"]
    ) -> Episodes:
        """The episodes that follow from given starts, actions and tables."""
        return self._film(self.walk(start, actions), shorten(actions, self.reach), wallpaper)

    def _film(self, states: Tensor, actions: Tensor, wallpaper: Tensor) -> Episodes:
        return Episodes(self.draw(states, wallpaper), actions, states, wallpaper)

    @staticmethod
    def _unit(way: Tensor) -> Tensor:
        return way / way.norm(dim=-1, keepdim=True).clamp_min(1e-6)


def shorten(actions: Float[Tensor, "*batch 2"], reach: float) -> Float[Tensor, "*batch 2"]:
    """Actions no longer than ``reach``, their direction kept."""
    return actions * (reach / actions.norm(dim=-1, keepdim=True).clamp_min(reach))
