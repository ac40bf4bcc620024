"""Two rooms and a door: the world in which latent planners are compared.

A dot, seen from above, in a square with a wall across it and one door in the wall (Sobal et al., 2022 and 2025; Terver et al.,
2026). An action is a step of at most 2.45 pixels. What makes it hard is that two places on the two sides of the wall look
alike and are far apart. Positions are (x, y) in pixels, x to the right and y down; pixel (i, j) covers half a pixel around it.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from wm_core.worlds import planar


class Layout(NamedTuple):
    """Where the walls of n worlds are.

    Attributes:
        wall_x: (n,) the middle of the wall, in pixels.
        door_y: (n,) the middle of the door.
    """

    wall_x: Tensor
    door_y: Tensor


class Episodes(NamedTuple):
    """A batch of episodes of one length.

    Attributes:
        frames: (n, steps + 1, 2, size, size) images in [0, 1]: the dot, and the walls.
        actions: (n, steps, 2) in pixels.
        positions: (n, steps + 1, 2) of the dot, in pixels. No model of the book trains on it.
        layout: of the worlds.
    """

    frames: Tensor
    actions: Tensor
    positions: Tensor
    layout: Layout


@dataclass(frozen=True)
class TwoRooms:
    """The world, and the policy that gathers data in it.

    Attributes:
        fixed: one layout for all, the wall at x = 32 and the door at y = 10; else one for each episode, at random.
        size: pixels along a side.
        blob: standard deviation of the dot, in pixels.
        thick: width of the wall.
        door: half the height of the door.
        border: pixel column (and row) in which the outer wall is drawn.
        reach: the longest step; a longer one is shortened by the world and keeps its direction.
        noise: standard deviation of the nudge at a collision, in pixels.
        margin: how near to a wall an episode's start and its goal may be.
        turning: concentration κ of the von Mises distribution of a walk's turns.
        through: the share of walks that are steered through the door.
    """

    fixed: bool = False
    size: int = 65
    blob: float = 1.3
    thick: float = 3.0
    door: float = 4.0
    border: int = 4
    reach: float = 2.45
    noise: float = 0.5
    margin: float = 2.6
    turning: float = 5.0
    through: float = 0.35

    @property
    def low(self) -> float:
        """The least coordinate that is free: the inner face of the outer wall."""
        return self.border + 0.5

    @property
    def high(self) -> float:
        """The greatest coordinate that is free."""
        return self.size - 1 - self.border - 0.5

    def layouts(self, n: int, generator: Generator) -> Layout:
        """The one layout n times, or n with the wall at x in 20..44 and the door at y in 10..54, whole pixels."""
        if self.fixed:
            return Layout(torch.full((n,), 32.0), torch.full((n,), 10.0))
        wall_x = torch.randint(20, 45, (n,), generator=generator).float()
        return Layout(wall_x, torch.randint(10, 55, (n,), generator=generator).float())

    def walls(self, layout: Layout) -> Float[Tensor, "n 6 4"]:
        """The solid rectangles: the wall above and below the door, then the outer walls."""
        left, right = layout.wall_x - self.thick / 2, layout.wall_x + self.thick / 2
        top, bottom = layout.door_y - self.door, layout.door_y + self.door
        far, low, high = torch.full_like(left, 1e3), torch.full_like(left, self.low), torch.full_like(left, self.high)
        rectangles = [
            (left, -far, right, top),
            (left, bottom, right, far),
            (-far, -far, low, far),
            (high, -far, far, far),
            (-far, -far, far, low),
            (-far, high, far, far),
        ]
        return torch.stack([torch.stack(rectangle, -1) for rectangle in rectangles], 1)

    def step(
        self,
        layout: Layout,
        positions: Float[Tensor, "n 2"],
        actions: Float[Tensor, "n 2"],
        generator: Generator | None = None,
    ) -> Float[Tensor, "n 2"]:
        """The world's answer to one action each. Without a generator collisions are without noise."""
        return planar.move(self.walls(layout), positions, self.allowed(actions), self.noise, generator)

    def walk(
        self,
        layout: Layout,
        start: Float[Tensor, "n 2"],
        actions: Float[Tensor, "n steps 2"],
        generator: Generator | None = None,
    ) -> Float[Tensor, "n steps+1 2"]:
        """Where the dot is before the first action and after each."""
        walls, path = self.walls(layout), [start]
        for action in self.allowed(actions).unbind(1):
            path.append(planar.move(walls, path[-1], action, self.noise, generator))
        return torch.stack(path, 1)

    def allowed(self, actions: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 2"]:
        """Actions no longer than `reach`."""
        return actions * (self.reach / actions.norm(dim=-1, keepdim=True).clamp_min(self.reach))

    def anywhere(self, layout: Layout, generator: Generator, room: Tensor | None = None) -> Float[Tensor, "n 2"]:
        """Places at least `margin` from every wall, even over the two rooms' area.

        Args:
            layout: of the worlds.
            generator: decides.
            room: (n,) 0 for the left room, 1 for the right; drawn by area without it.
        """
        low, high = self.low + self.margin, self.high - self.margin
        left = layout.wall_x - self.thick / 2 - self.margin  # where the left room ends
        right = layout.wall_x + self.thick / 2 + self.margin
        u, y, r = (torch.rand(len(left), generator=generator).to(left) for _ in range(3))
        if room is None:
            room = r < (high - right) / (left - low + high - right)
        x = torch.where(room.bool(), right + u * (high - right), low + u * (left - low))
        return torch.stack([x, low + y * (high - low)], -1)

    def wander(
        self, layout: Layout, steps: int, generator: Generator
    ) -> tuple[Float[Tensor, "n steps 2"], Float[Tensor, "n steps+1 2"]]:
        """The walks that models learn from: actions, and the positions that they lead to.

        The first heading is even over all directions; each next one turns by a von Mises angle. Lengths are normal with mean
        1 and deviation 0.4, drawn again outside [0.2, 1.8]. A share of the walks (`through`) heads for the door from a random
        moment of the first half on, goes through it, and then wanders again.
        """
        n, walls = len(layout.wall_x), self.walls(layout)
        here = self.anywhere(layout, generator)
        heading = math.tau * torch.rand(n, generator=generator).to(here)
        turns = von_mises(self.turning, (n, steps), generator).to(here)
        lengths = truncated_normal(1.0, 0.4, 0.2, 1.8, (n, steps), generator).to(here)
        steered = (torch.rand(n, generator=generator) < self.through).to(here.device)
        begins = (steps / 2 * torch.rand(n, generator=generator)).to(here)
        side = (here[:, 0] > layout.wall_x).float() * 2 - 1  # -1 in the left room
        inside = torch.stack([layout.wall_x, layout.door_y], -1)  # the middle of the door
        past = inside + torch.stack([-side * (self.thick / 2 + self.margin), torch.zeros_like(side)], -1)
        before = inside + torch.stack([side * (self.thick / 2 + self.margin), torch.zeros_like(side)], -1)
        goal, stage = before.clone(), torch.zeros_like(side)
        actions, path = [], [here]
        for k in range(steps):
            aim = steered & (k >= begins) & (stage < 2)
            to_goal = goal - here
            ahead = torch.atan2(to_goal[:, 1], to_goal[:, 0])
            heading = torch.where(aim, ahead + 0.3 * turns[:, k], heading + turns[:, k])
            action = lengths[:, k, None] * torch.stack([heading.cos(), heading.sin()], -1)
            here = planar.move(walls, here, action, self.noise, generator)
            near = aim & ((goal - here).norm(dim=-1) < 1.8)
            stage = stage + near
            goal = torch.where((stage == 0)[:, None], before, past)
            actions.append(action)
            path.append(here)
        return torch.stack(actions, 1), torch.stack(path, 1)

    def episodes(self, n: int, steps: int, generator: Generator, whole: int = 91) -> Episodes:
        """Windows of walks: ``steps`` actions from a random moment of a walk of ``whole`` of them.

        Raises:
            ValueError: the window is longer than the walk.
        """
        if steps > whole:
            raise ValueError(f"steps: got {steps} of a walk of {whole}, wanted no more than it has")
        layout = self.layouts(n, generator)
        actions, positions = self.wander(layout, whole, generator)
        first = torch.randint(whole - steps + 1, (n, 1), generator=generator)
        window = first + torch.arange(steps + 1)  # (n, steps + 1)
        positions = positions.gather(1, window[..., None].expand(-1, -1, 2))
        actions = actions.gather(1, window[:, :-1, None].expand(-1, -1, 2))
        return Episodes(self.draw(layout, positions), actions, positions, layout)

    def draw(self, layout: Layout, positions: Float[Tensor, "n time 2"]) -> Float[Tensor, "n time 2 size size"]:
        """What the model sees: the dot in the first channel, the walls in the second."""
        n, time = positions.shape[:2]
        frames = positions.new_empty(n, time, 2, self.size, self.size)
        pixels = torch.arange(self.size, device=positions.device, dtype=positions.dtype)
        bumps = torch.exp(-0.5 * ((pixels - positions[..., None]) / self.blob) ** 2)  # (n, time, 2, size)
        torch.mul(bumps[..., 1, :, None], bumps[..., 0, None, :], out=frames[:, :, 0])
        frames[:, :, 1] = self.draw_walls(layout)[:, None]
        return frames

    def draw_walls(self, layout: Layout) -> Float[Tensor, "n size size"]:
        """The outer walls as lines of one pixel, and the wall with its door."""
        pixels = torch.arange(self.size, device=layout.wall_x.device)
        edge = (pixels == self.border) | (pixels == self.size - 1 - self.border)
        within = (pixels >= self.border) & (pixels <= self.size - 1 - self.border)
        border = (edge[:, None] & within) | (edge & within[:, None])
        column = (pixels - layout.wall_x[:, None]).abs() < self.thick / 2  # (n, size)
        row = ((pixels - layout.door_y[:, None]).abs() > self.door) & within
        return (border | row[:, :, None] & column[:, None, :]).float()

    def path_length(
        self, layout: Layout, here: Float[Tensor, "n m 2"], there: Float[Tensor, "n 2"]
    ) -> Float[Tensor, "n m"]:
        """The length of the shortest way to a goal, through the door where it is on the other side, in pixels."""
        walls = self.walls(layout)
        return planar.path_length(walls, planar.corners(walls[:, :2]), here, there)


def von_mises(kappa: float, shape: tuple[int, ...], generator: Generator) -> Tensor:
    """Angles around 0 with concentration ``kappa`` (Best & Fisher, 1979), drawn by rejection from a wrapped Cauchy."""
    tau = 1 + math.sqrt(1 + 4 * kappa**2)
    rho = (tau - math.sqrt(2 * tau)) / (2 * kappa)
    r = (1 + rho**2) / (2 * rho)
    angles, missing = torch.zeros(shape), torch.ones(shape, dtype=torch.bool)
    while missing.any():
        u, v, sign = (torch.rand(int(missing.sum()), generator=generator) for _ in range(3))
        z = torch.cos(math.pi * u)
        f = (1 + r * z) / (r + z)
        c = kappa * (r - f)
        taken = torch.log(c / v) + 1 - c >= 0
        drawn = torch.where(sign < 0.5, -1.0, 1.0) * torch.acos(f.clamp(-1, 1))
        places = missing.nonzero(as_tuple=True)
        angles[tuple(place[taken] for place in places)] = drawn[taken]
        missing[tuple(place[taken] for place in places)] = False
    return angles


def truncated_normal(
    mean: float, std: float, low: float, high: float, shape: tuple[int, ...], generator: Generator
) -> Tensor:
    """Normal numbers within bounds, through the inverse of the distribution function."""
    below, above = (torch.special.ndtr(torch.tensor((bound - mean) / std)) for bound in (low, high))
    u = below + (above - below) * torch.rand(shape, generator=generator)
    return (mean + std * torch.special.ndtri(u)).clamp(low, high)
