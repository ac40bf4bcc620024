"""Two clocks as they are kept: for each seed a level 2 above the kept model of Two Rooms, and costs for both levels.

Encoder and level 1 are those of the artefact ``two_rooms_fixed``; see `two_rooms_kept`. The artefact ``h_jepa`` adds what was learned
on their latents. Weights are kept with two bytes a number, and computed with four.
"""

from pathlib import Path
from typing import NamedTuple

from torch import nn

from wm_core.artefacts import Manifest, load, published
from wm_core.jepa.h_jepa import HJEPA
from wm_core.jepa.two_rooms_kept import kept_models
from wm_core.jepa.value import CostMetric
from wm_core.metrics.reader import Reader
from wm_core.nets.slow_level import SlowLevel

DIM = 64


class Clocks(NamedTuple):
    """What one seed has learned in the fixed layout of Two Rooms.

    Attributes:
        model: both levels; level 2's latent is a sub-goal. Without ``model.above`` it is one clock.
        cost: learned ways between latents of level 1, in pixels.
        cost_above: the same between latents of level 2.
        reader: tells the dot's place, x and y in pixels, from a latent of level 1.
    """

    model: HJEPA
    cost: CostMetric
    cost_above: CostMetric
    reader: Reader


def shelf(seeds: int, slow: dict, cost: dict) -> nn.ModuleList:
    """Room for what the artefact holds of so many seeds: modules ``above``, ``cost`` and ``cost_above`` of each.

    Args:
        seeds: how many.
        slow: sizes of `SlowLevel`.
        cost: sizes of `CostMetric`.
    """
    return nn.ModuleList(
        nn.ModuleDict(
            {
                "above": SlowLevel(DIM, **slow),
                "cost": CostMetric(DIM, **cost),
                "cost_above": CostMetric(slow["width"], **cost),
            }
        )
        for _ in range(seeds)
    )


def kept_clocks(folder: str | Path | None = None) -> tuple[list[Clocks], Manifest]:
    """The two clocks of each seed, ready to use and not to be trained, and where they come from.

    Args:
        folder: of the artefact, if it is not the book's own.

    Raises:
        ArtefactError: it, or ``two_rooms_fixed``, is missing, damaged, or of another form.
    """
    artefact = load(folder or published("h_jepa"))
    config = artefact.manifest.config
    parts = artefact.into(shelf(config["seeds"], config["slow"], config["cost"])).eval().requires_grad_(False)
    rooms, _ = kept_models("two_rooms_fixed")
    found = [
        Clocks(HJEPA(room["model"], part["above"]).eval(), part["cost"], part["cost_above"], room["reader"])
        for part, room in zip(parts, rooms, strict=False)
    ]
    return found, artefact.manifest
