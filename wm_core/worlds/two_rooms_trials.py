"""The trials on which planners are compared in Two Rooms: starts and goals in opposite rooms, published as a file.

The file is a list of ``{"layout": {"wall_x": …, "door_y": …}, "start": [x, y], "goal": [x, y]}``: first 100 trials in the one
fixed layout, then 100 in layouts of their own. `published_trials` draws what is in it.
"""

import json
from collections.abc import Iterable
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Bool
from torch import Tensor

from wm_core.worlds.two_rooms import Layout, TwoRooms

#: The file that comes with the library.
FILE = files("wm_core.worlds").joinpath("two_rooms_trials.json")


class Trials(NamedTuple):
    """n tasks: go from here to there.

    Attributes:
        layout: of the worlds.
        start: (n, 2) where the dot begins, in pixels.
        goal: (n, 2) where it should go, in the other room.
    """

    layout: Layout
    start: Tensor
    goal: Tensor

    def some(self, which: slice | Tensor) -> "Trials":
        """Those of a slice, of numbers or of a mask."""
        return Trials(Layout(*(part[which] for part in self.layout)), self.start[which], self.goal[which])


def draw_trials(world: TwoRooms, n: int, seed: int) -> Trials:
    """n trials: start and goal even over opposite rooms, at a margin from walls; the start's room by a coin."""
    generator = torch.Generator().manual_seed(seed)
    layout = world.layouts(n, generator)
    room = torch.randint(2, (n,), generator=generator)
    return Trials(layout, world.anywhere(layout, generator, room), world.anywhere(layout, generator, 1 - room))


def published_trials(n: int = 100) -> list[dict]:
    """What the library's file holds: n trials in the fixed layout (seed 0), then n at random (seed 1), to a 1000th of a pixel."""
    return [*to_rows(draw_trials(TwoRooms(fixed=True), n, 0)), *to_rows(draw_trials(TwoRooms(), n, 1))]


def read_trials(file: str | Path | Traversable = FILE) -> Trials:
    """The trials of a file, in its order.

    Raises:
        ValueError: the file holds no list of trials, or a trial lacks something.
    """
    rows = json.loads(Path(str(file)).read_text(encoding="utf-8"))
    try:
        layout = Layout(*(torch.tensor([float(row["layout"][name]) for row in rows]) for name in Layout._fields))
        start, goal = (
            torch.tensor([row[name] for row in rows], dtype=torch.float32).view(-1, 2) for name in ("start", "goal")
        )
    except (KeyError, TypeError, RuntimeError, ValueError) as wrong:
        wanted = 'wanted a list of {"layout": {"wall_x", "door_y"}, "start": [x, y], "goal": [x, y]}'
        raise ValueError(f"file: got {file}, which lacks or has a wrong {wrong}, {wanted}") from wrong
    if not len(rows) == len(start) == len(goal) >= 1:
        raise ValueError(
            f"file: got {file} with {len(rows)} trials, wanted at least one, and two numbers for each place"
        )
    return Trials(layout, start, goal)


def to_rows(trials: Trials) -> list[dict]:
    """The trials as a file holds them."""

    def numbers(values: Iterable[float]) -> list[float]:
        return [round(value, 3) for value in values]

    return [
        {"layout": {"wall_x": wall_x, "door_y": door_y}, "start": numbers(start), "goal": numbers(goal)}
        for wall_x, door_y, start, goal in zip(
            *(part.tolist() for part in (*trials.layout, trials.start, trials.goal)), strict=True
        )
    ]


def in_fixed_layout(trials: Trials) -> Bool[Tensor, "n"]:
    """Which trials are in the one fixed layout; the others have layouts of their own."""
    wall_x, door_y = (float(part) for part in TwoRooms(fixed=True).layouts(1, torch.Generator()))
    return (trials.layout.wall_x == wall_x) & (trials.layout.door_y == door_y)
