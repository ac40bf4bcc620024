"""Tasks on the robot's table: a start, one or more states to be brought about, in order, and the wallpaper of each."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from wm_core.worlds.robot import RobotTable


class Tasks(NamedTuple):
    """A batch of tasks.

    Attributes:
        start: (n, 4) where robot and puck begin, (x, y, x, y) in pixels.
        goals: (n, goals, 4) where they should be, one after the other; the last is what counts.
        wallpaper: (n, size, size) the empty tables.
    """

    start: Float[Tensor, "n 4"]
    goals: Float[Tensor, "n goals 4"]
    wallpaper: Float[Tensor, "n size size"]


def reaching(world: RobotTable, count: int, generator: Generator, far: float = 6.0) -> Tasks:
    """The robot shall be elsewhere, more than ``far`` pixels off, and the puck shall stay; one goal each."""
    start, goal = (world.anywhere(_drawn(count), generator) for _ in range(2))
    goal[:, 2:] = start[:, 2:]
    clear = (goal[:, :2] - goal[:, 2:]).norm(dim=1) > world.robot + world.puck + 0.5
    apart = (goal - start).norm(dim=1) > far
    good = _first(clear & apart, count)
    return Tasks(start[good], goal[good, None], world.wallpapers(count, generator))


def errands(world: RobotTable, count: int, generator: Generator, far: int = 6) -> Tasks:
    """The puck shall be ``far`` pixels further, straight pushed; three goals: the robot behind the puck, half-way, done.

    The robot starts more than five pixels from the place behind the puck.
    """
    start = world.anywhere(_drawn(count), generator)
    angle = 2 * math.pi * torch.rand(len(start), generator=generator)
    way = torch.stack([angle.cos(), angle.sin()], -1)
    behind = torch.cat([start[:, 2:] - (world.robot + world.puck + 0.1) * way, start[:, 2:]], 1)
    path = world.walk(behind, way[:, None].expand(-1, far, -1))  # a pixel an action
    on_table = ((behind[:, :2] - world.size / 2).abs() < world.size / 2 - world.robot).all(1)
    moved = (path[:, -1] - path[:, 0])[:, 2:].norm(dim=1) > far - 0.5  # no wall was in the way
    apart = (start - behind)[:, :2].norm(dim=1) > 5
    good = _first(on_table & moved & apart, count)
    return Tasks(start[good], path[good][:, [0, far // 2, far]], world.wallpapers(count, generator))


def _drawn(count: int) -> int:
    """How many to draw so that enough are good, also where few are asked for."""
    return 30 * count + 100


def _first(good: Tensor, count: int) -> Tensor:
    found = good.nonzero()[:count, 0]
    if len(found) < count:
        raise ValueError(f"count: got {count}, but only {len(found)} such tasks were found; is the table large enough?")
    return found
