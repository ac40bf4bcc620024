"""Walks that share their walls: several in each layout, and what a model sees along them.

A place in another layout cannot be reached, so whatever learns about ways needs walks that share a layout. `Rooms.episodes` draws a
layout for each; most of its walks stay in one room, and then no walk at all says what it costs to get to the other.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from wm_core.worlds.rooms import Layout, Rooms


class Walks(NamedTuple):
    """n walks of one length, those of one layout side by side.

    Attributes:
        actions: (n, steps, 2) in pixels.
        positions: (n, steps + 1, state) of the dot, in pixels.
        layout: of each walk.
        group: (n,) the number of its layout, on the CPU: what `jepa.value.sample_goals` asks for.
    """

    actions: Tensor
    positions: Tensor
    layout: Layout
    group: Tensor


def grouped_walks(world: Rooms, layouts: int, each: int, steps: int, generator: Generator) -> Walks:
    """Several walks in each of several layouts.

    Args:
        world: whose walks, see `Rooms.wander`.
        layouts: how many are drawn; two that are the same by chance are two groups.
        each: walks in a layout. Of eight, five in Two Rooms never leave their room.
        steps: of a walk.
        generator: decides.

    Raises:
        ValueError: no layout, or no walk in each.
    """
    for name, count in {"layouts": layouts, "each": each}.items():
        if count < 1:
            raise ValueError(f"{name}: got {count}, wanted at least 1")
    drawn = world.layouts(layouts, generator)
    layout = type(drawn)(*(part.repeat_interleave(each, 0) for part in drawn))
    actions, positions = world.wander(layout, steps, generator)
    return Walks(actions, positions, layout, torch.arange(layouts).repeat_interleave(each))


@torch.no_grad()
def seen_along(
    encode: Callable[[Tensor], Tensor],
    world: Rooms,
    layout: Layout,
    positions: Float[Tensor, "n time state"],
    at_once: int = 16,
) -> Float[Tensor, "n time dim"]:
    """What a model makes of the pictures along walks. They are drawn a few walks at a time: those of a thousand fill gigabytes.

    Args:
        encode: from frames (walks, time, 2, size, size) to latents (walks, time, dim).
        world: draws.
        layout: of each walk.
        positions: of the dot.
        at_once: walks.
    """
    found = []
    for first in range(0, len(positions), at_once):
        rows = slice(first, first + at_once)
        found.append(encode(world.draw(type(layout)(*(part[rows] for part in layout)), positions[rows])))
    return torch.cat(found)
