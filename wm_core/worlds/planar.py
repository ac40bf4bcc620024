"""A point among walls: how far it gets, what it sees, and the shortest way round.

Walls are solid axis-aligned rectangles, given by two opposite corners ``(x0, y0, x1, y1)`` in pixels. A point can touch them and
never enters them. All functions are batched, and run on any device.
"""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor

#: How far from a wall's face a point is left that ran into it, in pixels: far above rounding, far below what can be seen.
GAP = 1e-3


def shortened(actions: Float[Tensor, "*batch axes"], reach: float) -> Float[Tensor, "*batch axes"]:
    """Steps no longer than ``reach``; a longer one keeps its direction. Very long ones do no harm, and one of length 0 has a slope."""
    if actions.shape[-1] == 2:
        x, y = actions.unbind(-1)
        # Unlike a sum of squares a hypotenuse bears very long ones; but the slope of one of length 0 would be 0 / 0.
        length = torch.hypot(x, y.where(y != 0, 1e-9) if actions.requires_grad else y)[..., None]
    else:
        length = actions.norm(dim=-1, keepdim=True)
    return actions * (reach / length.clamp_min(reach))


def first_hit(
    walls: Float[Tensor, "*batch k 4"], start: Float[Tensor, "*batch 2"], step: Float[Tensor, "*batch 2"]
) -> Float[Tensor, "*batch"]:
    """How much of a straight step is free until it first meets a wall: its share, above 1 where nothing is hit."""
    return _enter(walls, start, step).amin(-1)


def _enter(walls: Tensor, start: Tensor, step: Tensor) -> Tensor:
    """The share of a step at which it enters each wall ``(*batch, k)``, 2 where it does not.

    The two axes are kept apart: a reduction over two numbers is slow.
    """
    safe = torch.where(step.abs() < 1e-9, 1e-9, step)
    first, last = [], []
    for axis in (0, 1):  # at which shares the faces are reached
        here, way = start[..., None, axis], safe[..., None, axis]
        low, high = (walls[..., axis] - here) / way, (walls[..., 2 + axis] - here) / way
        first.append(torch.minimum(low, high))
        last.append(torch.maximum(low, high))
    enter = torch.maximum(*first)  # inside when inside along both axes
    through = (enter < torch.minimum(*last)) & (enter >= 0)
    return torch.where(through, enter, 2.0)


def until_wall(
    walls: Float[Tensor, "*batch k 4"], start: Float[Tensor, "*batch 2"], step: Float[Tensor, "*batch 2"]
) -> tuple[Float[Tensor, "*batch 2"], Bool[Tensor, "*batch"]]:
    """The point after a step that ends at the first wall it meets, and whether it met one."""
    share = first_hit(walls, start, step)
    hit = share <= 1
    stop = start + step * share.clamp(max=1)[..., None]
    if hit.any():
        stop[hit] = clear(walls[hit], stop[hit])
    return stop, hit


def clear(walls: Float[Tensor, "*batch k 4"], points: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 2"]:
    """Points moved out of walls that they touch or are in, through the nearest face, to a gap from it.

    In a corner a point is moved away from both walls. Rounding would else leave it inside one of them by a millionth of a pixel,
    and from inside a wall is no obstacle.
    """
    deep = torch.cat([points[..., None, :] - walls[..., :2], walls[..., 2:] - points[..., None, :]], -1) + GAP
    least, face = deep.min(-1)  # (*batch, k) how far to the nearest face and a gap on
    push = torch.zeros_like(deep).scatter_(-1, face[..., None], least.clamp_min(0)[..., None]).amax(-2)
    return points + push[..., 2:] - push[..., :2]


def move(
    walls: Float[Tensor, "*batch k 4"],
    start: Float[Tensor, "*batch 2"],
    step: Float[Tensor, "*batch 2"],
    noise: float = 0.0,
    generator: Generator | None = None,
) -> Float[Tensor, "*batch 2"]:
    """The point after a step: where it wanted to go, or the place where it met a wall and a random nudge from there.

    Args:
        walls: what is in the way.
        start: free points.
        step: the wish.
        noise: standard deviation of the nudge, in pixels along each axis. The nudge too ends at walls.
        generator: decides the nudges; without it there are none.
    """
    stop, hit = until_wall(walls, start, step)
    if generator is None or noise == 0:
        return stop
    nudge = noise * torch.randn(stop.shape, generator=generator).to(stop)
    if hit.any():
        stop[hit] = until_wall(walls[hit], stop[hit], nudge[hit])[0]
    return stop


def sees(
    walls: Float[Tensor, "*batch k 4"], here: Float[Tensor, "*batch 2"], there: Float[Tensor, "*batch 2"]
) -> Bool[Tensor, "*batch"]:
    """Whether the straight line between two free points is free."""
    return first_hit(walls, here, there - here) > 1


def corners(walls: Float[Tensor, "*batch k 4"]) -> Float[Tensor, "*batch 4*k 2"]:
    """The walls' corners, each moved a gap outwards: where shortest ways bend."""
    x0, y0, x1, y1 = (walls + GAP * walls.new_tensor([-1, -1, 1, 1])).unbind(-1)  # (*batch, k)
    points = torch.stack([x0, y0, x1, y0, x0, y1, x1, y1], -1)
    return points.unflatten(-1, (4, 2)).flatten(-3, -2)


def path_length(
    walls: Float[Tensor, "batch k 4"],
    bends: Float[Tensor, "batch c 2"],
    here: Float[Tensor, "batch n 2"],
    there: Float[Tensor, "batch 2"],
    imagined: bool = False,
) -> Float[Tensor, "batch n"]:
    """The length of the shortest free way from each of n points to a goal, in pixels; infinite where there is none.

    A shortest way among rectangles is straight from corner to corner, so it is found on the graph of corners that see each
    other (Lozano-Pérez & Wesley, 1979), by Floyd's algorithm.

    Args:
        walls: of each world.
        bends: the corners at which a way may bend, such as `corners`; those inside a wall do no harm.
        here: from where.
        there: one goal for each world, in no wall.
        imagined: whether ``here`` may lie in walls, as places that a network imagines do. From inside a wall no wall is an
            obstacle, so the way through it would look short; such places are moved out first (`clear`).
    """
    return path_lengths_to(walls, bends, there, imagined)(here)


def path_lengths_to(
    walls: Float[Tensor, "batch k 4"],
    bends: Float[Tensor, "batch c 2"],
    there: Float[Tensor, "batch 2"],
    imagined: bool = False,
) -> Callable[[Tensor], Tensor]:
    """`path_length` to the same goals again and again: from points (batch, n, 2) to the lengths (batch, n)."""
    points, beyond = there[:, None], torch.zeros_like(there[:, :1])
    if bends.shape[1]:
        between = _straight(walls, bends[:, :, None], bends[:, None])  # (batch, c, c)
        between = torch.maximum(between, between.mT)  # from inside a wall one sees out, but nobody sees in
        for k in range(bends.shape[1]):
            between = torch.minimum(between, between[:, :, k, None] + between[:, None, k])
        to_goal = _straight(walls, there[:, None], bends)  # (batch, c) seen from the goal, which is in no wall
        ahead = (between + to_goal[:, None]).amin(-1)  # (batch, c) from each corner, by the best way
        of_use = ahead.isfinite().any(0)  # no way leads by a corner inside a wall
        points, beyond = torch.cat([bends[:, of_use], points], 1), torch.cat([ahead[:, of_use], beyond], 1)

    def length(here: Tensor) -> Tensor:
        here = clear(walls[:, None].expand(-1, here.shape[1], -1, -1), here) if imagined else here
        return (_straight(walls, here[:, :, None], points[:, None]) + beyond[:, None]).amin(-1)

    return length


def _straight(walls: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """The distance between points that see each other, infinite between others. ``walls`` has fewer axes than the points."""
    a, b = torch.broadcast_tensors(a, b)
    walls = walls.reshape(len(walls), *(1,) * (a.ndim - 2), *walls.shape[1:])
    step = b - a
    return torch.where(_enter(walls, a, step).amin(-1) > 1, torch.hypot(*step.unbind(-1)), torch.inf)
