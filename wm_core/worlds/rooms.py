"""What all worlds of rooms share: a dot, walls that it cannot pass, and walks to learn from.

A dot, seen from above, in a square. An action is a step of at most 2.45 pixels. Positions are (x, y) in pixels, x to the right
and y down; pixel (i, j) covers half a pixel around it. A world says where its walls and rooms are; the rest stands here.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from wm_core.worlds import planar
from wm_core.worlds.walker import Walker

#: Within how many pixels of its goal a dot has arrived (as EB-JEPA counts), and within how many it has hit it (as PLDM's code does: a
#: squared error, averaged over x and y, below 1). With trials at a margin of 2.6 pixels from walls that are 3 wide, no place on the
#: other side of a wall is as near as either.
ARRIVED, HIT = 4.5, 2**0.5

#: Where the walls of n worlds are: a NamedTuple of tensors (n, ...), each world's own.
Layout = tuple


class Episodes(NamedTuple):
    """A batch of episodes of one length.

    Attributes:
        frames: (n, steps + 1, 2, size, size) images in [0, 1]: the dot, and the walls. Where only some moments were asked for, of
            those.
        actions: (n, steps, 2) in pixels.
        positions: (n, steps + 1, 2) of the dot, in pixels. No model of the book trains on it. Where walls move, a third number
            is the phase of their motion.
        layout: of the worlds.
    """

    frames: Tensor
    actions: Tensor
    positions: Tensor
    layout: Layout


@dataclass(frozen=True)
class Rooms:
    """A world, and the policy that gathers data in it. A world of its own kind defines the first five methods.

    Attributes:
        fixed: one layout for all; else one for each episode, at random.
        size: pixels along a side.
        blob: standard deviation of the dot, in pixels.
        thick: width of a wall.
        door: half the width of a door.
        border: pixel column (and row) in which the outer wall is drawn.
        reach: the longest step; a longer one is shortened by the world and keeps its direction.
        noise: standard deviation of the nudge at a collision, in pixels.
        margin: how near to a wall an episode's start and its goal may be.
        turning: concentration κ of the von Mises distribution of a walk's turns.
        through: the share of walks that are steered through a door.
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

    # ---- what a world of its own kind says ---------------------------------------------------------------------------------------
    def layouts(self, n: int, generator: Generator) -> Layout:
        """Where the walls of n worlds are."""
        raise NotImplementedError

    def inner(self, layout: Layout) -> Float[Tensor, "n k 4"]:
        """The solid rectangles inside the outer wall, ``(x0, y0, x1, y1)`` in pixels. Those that end at it go on behind it."""
        raise NotImplementedError

    def boxes(self, layout: Layout) -> Float[Tensor, "n rooms 4"]:
        """The rooms as rectangles, without the doorways."""
        raise NotImplementedError

    def room(self, layout: Layout, positions: Float[Tensor, "n *time state"]) -> Int[Tensor, "n *time"]:
        """In which room each place is, a number as in `boxes`. A doorway belongs to the room that its point is nearer to."""
        raise NotImplementedError

    def doorway(
        self, layout: Layout, here: Float[Tensor, "n 2"], generator: Generator
    ) -> tuple[Float[Tensor, "n 2"], Float[Tensor, "n 2"]]:
        """A place before a door of the room that each dot is in, and the one behind the door."""
        raise NotImplementedError

    # ---- what follows ------------------------------------------------------------------------------------------------------------
    @property
    def low(self) -> float:
        """The least coordinate that is free: the inner face of the outer wall."""
        return self.border + 0.5

    @property
    def high(self) -> float:
        """The greatest coordinate that is free."""
        return self.size - 1 - self.border - 0.5

    def walls(self, layout: Layout) -> Float[Tensor, "n k 4"]:
        """All solid rectangles: those inside, then the four of the outer wall."""
        inner, far = self.inner(layout), 1e3
        outer = inner.new_tensor(
            [
                (-far, -far, self.low, far),
                (self.high, -far, far, far),
                (-far, -far, far, self.low),
                (-far, self.high, far, far),
            ]
        )
        return torch.cat([inner, outer.expand(*inner.shape[:-2], 4, 4)], -2)

    def step(
        self,
        layout: Layout,
        positions: Float[Tensor, "n state"],
        actions: Float[Tensor, "n 2"],
        generator: Generator | None = None,
    ) -> Float[Tensor, "n state"]:
        """The world's answer to one action each. Without a generator collisions are without noise.

        Raises:
            ValueError: an action is not finite.
        """
        return self.walk(layout, positions, actions[:, None], generator)[:, 1]

    def walk(
        self,
        layout: Layout,
        start: Float[Tensor, "n state"],
        actions: Float[Tensor, "n steps 2"],
        generator: Generator | None = None,
    ) -> Float[Tensor, "n steps+1 state"]:
        """Where the dot is before the first action and after each.

        Raises:
            ValueError: an action is not finite.
        """
        if not actions.isfinite().all():
            raise ValueError("actions: got a number that is not finite, wanted pixels")
        walls, path = self.walls(layout), [start]
        for action in self.allowed(actions).unbind(1):
            path.append(planar.move(walls, path[-1], action, self.noise, generator))
        return torch.stack(path, 1)

    def allowed(self, actions: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 2"]:
        """Actions no longer than `reach`."""
        return planar.shortened(actions, self.reach)

    def anywhere(self, layout: Layout, generator: Generator, room: Tensor | None = None) -> Float[Tensor, "n state"]:
        """Places at least `margin` from every wall, even over the rooms' area.

        Args:
            layout: of the worlds.
            generator: decides.
            room: (n,) the number of the room, as in `boxes`; drawn by area without it.
        """
        boxes = self.boxes(layout)
        low, high = boxes[..., :2] + self.margin, boxes[..., 2:] - self.margin  # (n, rooms, 2)
        u, v, r = (torch.rand(len(boxes), generator=generator).to(boxes) for _ in range(3))
        if room is None:
            share = (high - low).prod(-1).cumsum(-1)
            room = (r[:, None] * share[:, -1:] >= share).sum(-1).clamp(max=boxes.shape[1] - 1)
        row = torch.arange(len(boxes), device=boxes.device), room.long().to(boxes.device)
        return low[row] + torch.stack([u, v], -1) * (high[row] - low[row])

    def wander(
        self, layout: Layout, steps: int, generator: Generator
    ) -> tuple[Float[Tensor, "n steps 2"], Float[Tensor, "n steps+1 state"]]:
        """The walks that models learn from: actions, and the positions that they lead to.

        The first heading is even over all directions; each next one turns by a von Mises angle. Lengths are normal with mean
        1 and deviation 0.4, cut off at 0.2 and 1.8. A share of the walks (`through`) heads for a door of the room that it began in
        from a random moment of the first half on, goes through it, and then wanders again. One that has left that room before
        presses on against what is between it and that door.

        A walk is a chain of small steps, so it is followed on the CPU wherever the layout lives.
        """
        start = self.anywhere(layout, generator)
        n, device = len(start), start.device
        heading = math.tau * torch.rand(n, generator=generator)
        turns = von_mises(self.turning, (n, steps), generator)
        lengths = truncated_normal(1.0, 0.4, 0.2, 1.8, (n, steps), generator)
        steered = torch.rand(n, generator=generator) < self.through
        begins = torch.where(steered, steps / 2 * torch.rand(n, generator=generator), torch.inf)
        before, past = self.doorway(layout, start[:, :2], generator)
        nudges = self.noise * torch.randn(steps, n, 2, generator=generator)
        walker = self._walker(layout, start, steps)
        return tuple(
            found.to(device) for found in walker.wander(start, heading, turns, lengths, begins, (before, past), nudges)
        )

    def episodes(
        self,
        n: int,
        steps: int,
        generator: Generator,
        whole: int = 91,
        out: Tensor | None = None,
        at: Sequence[int] | None = None,
    ) -> Episodes:
        """Windows of walks: ``steps`` actions from a random moment of a walk of ``whole`` of them.

        Args:
            n: how many.
            steps: of a window.
            generator: decides.
            whole: steps of a walk.
            out: frames that are no longer needed, such as those of the batch before, to be drawn over (see `draw`).
            at: the moments of a window of which frames are drawn, such as ``(0, 1, -1)``; all without it. Actions and positions are
                always those of the whole window.

        Raises:
            ValueError: the window is longer than the walk, or has no such moment.
        """
        layout, actions, positions = self.windows(n, steps, generator, whole)
        return Episodes(self.draw(layout, moments(positions, at), out), actions, positions, layout)

    def batches(
        self,
        n: int,
        steps: int,
        generator: Generator,
        whole: int = 91,
        at: Sequence[int] | None = None,
        ahead: int = 16,
        reuse: bool = False,
    ) -> Iterator[Episodes]:
        """Windows without end, n at a time, made several times as fast as by `episodes`.

        A step of a thousand dots takes little longer than one of sixty, so walks are followed for ``ahead`` batches at once.

        Args:
            n: windows in a batch.
            steps: of a window.
            generator: decides.
            whole: steps of a walk.
            at: the moments of which frames are drawn, see `episodes`.
            ahead: how many batches' walks are followed at once; another number gives other walks.
            reuse: draw each batch's frames over those of the one before, which takes half the time. Whoever keeps a batch then
                copies it.

        Raises:
            ValueError: the window is longer than the walk, or has no such moment.
        """
        frames = None
        for k in count():
            if k % ahead == 0:
                layout, actions, positions = self.windows(n * ahead, steps, generator, whole)
                seen = moments(positions, at)
            some = slice(k % ahead * n, (k % ahead + 1) * n)
            part = type(layout)(*(each[some] for each in layout))
            frames = self.draw(part, seen[some], frames if reuse else None)
            yield Episodes(frames, actions[some], positions[some], part)

    def windows(
        self, n: int, steps: int, generator: Generator, whole: int = 91
    ) -> tuple[Layout, Float[Tensor, "n steps 2"], Float[Tensor, "n steps+1 state"]]:
        """Windows of walks that nobody has drawn: the layout, actions and positions of `episodes`.

        Raises:
            ValueError: the window is longer than the walk.
        """
        if steps > whole:
            raise ValueError(f"steps: got {steps} of a walk of {whole}, wanted no more than it has")
        layout = self.layouts(n, generator)
        actions, positions = self.wander(layout, whole, generator)
        first = torch.randint(whole - steps + 1, (n, 1), generator=generator)
        window = (first + torch.arange(steps + 1)).to(positions.device)  # (n, steps + 1)
        positions = positions.gather(1, window[..., None].expand(-1, -1, positions.shape[-1]))
        return layout, actions.gather(1, window[:, :-1, None].expand(-1, -1, 2)), positions

    def draw(
        self,
        layout: Layout,
        positions: Float[Tensor, "n time state"],
        out: Float[Tensor, "n time 2 size size"] | None = None,
    ) -> Float[Tensor, "n time 2 size size"]:
        """What the model sees: the dot in the first channel, the walls in the second.

        Args:
            layout: of the worlds.
            positions: of the dot.
            out: where to draw. Half the time of a large batch goes into memory that the system has to hand out afresh.

        Raises:
            ValueError: ``out`` has another shape than the frames.
        """
        n, time = positions.shape[:2]
        wanted = (n, time, 2, self.size, self.size)
        if out is not None and out.shape != wanted:
            raise ValueError(f"out: got {tuple(out.shape)}, wanted {wanted}")
        frames = positions.new_empty(wanted) if out is None else out
        pixels = torch.arange(self.size, device=positions.device, dtype=positions.dtype)
        bumps = torch.exp(-0.5 * ((pixels - positions[..., :2, None]) / self.blob) ** 2)  # (n, time, 2, size)
        torch.mul(bumps[..., 1, :, None], bumps[..., 0, None, :], out=frames[:, :, 0])
        frames[:, :, 1] = self._walls_seen(layout, positions)
        return frames

    def draw_walls(self, layout: Layout) -> Float[Tensor, "n size size"]:
        """The outer wall as lines of one pixel, and the walls inside it: each pixel whose middle they cover."""
        inner = self.inner(layout)
        pixels = torch.arange(self.size, device=inner.device)
        edge = (pixels == self.border) | (pixels == self.size - 1 - self.border)
        within = (pixels >= self.border) & (pixels <= self.size - 1 - self.border)
        border = (edge[:, None] & within) | (edge & within[:, None])
        covered = (pixels > inner[..., :2, None]) & (pixels < inner[..., 2:, None]) & within  # (n, k, 2, size)
        column, row = covered.float().unbind(-2)
        return (border | (row.transpose(1, 2) @ column > 0)).float()

    def path_length(
        self,
        layout: Layout,
        here: Float[Tensor, "n m state"],
        there: Float[Tensor, "n state"],
        imagined: bool = False,
    ) -> Float[Tensor, "n m"]:
        """The length of the shortest way to a goal, through doors where it needs them, in pixels.

        Args:
            layout: of the worlds.
            here: from where.
            there: the goal, in no wall.
            imagined: whether ``here`` may lie in walls, as places that a network imagines do. They are moved out first, each
                through the nearest face; those in a doorway stay.
        """
        bends = planar.corners(self.inner(layout))
        return planar.path_length(self.walls(layout), bends, here[..., :2], there[..., :2], imagined)

    # ---- what worlds whose walls move do otherwise -------------------------------------------------------------------------------
    def _walker(self, layout: Layout, start: Tensor, steps: int) -> Walker:
        return Walker(self.walls(layout))

    def _walls_seen(self, layout: Layout, positions: Tensor) -> Tensor:
        return self.draw_walls(layout)[:, None]


def moments(positions: Float[Tensor, "n time state"], at: Sequence[int] | None) -> Float[Tensor, "n some state"]:
    """The positions at some moments, or at all.

    Raises:
        ValueError: there is no such moment.
    """
    if at is None:
        return positions
    wrong = [k for k in at if not -positions.shape[1] <= k < positions.shape[1]]
    if wrong:
        raise ValueError(f"at: got moment {wrong[0]} of a window of {positions.shape[1]}, wanted one that it has")
    return positions[:, list(at)]


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
