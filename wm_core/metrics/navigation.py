"""Did it get there: every reading of a trial in a world of rooms, from the same trajectory.

Papers count success in Two Rooms differently, so one trajectory is read in all their ways. PLDM (Sobal et al., 2025): nearer than
√2 pixels at any step. EB-JEPA (Terver et al., 2026): nearer than 4.5 pixels at the last step.
"""

from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from wm_core.metrics.intervals import wilson
from wm_core.worlds.rooms import ARRIVED, HIT, Layout, Rooms


@dataclass(frozen=True)
class Readings:
    """What became of n trials.

    Attributes:
        at_end: (n,) nearer than 4.5 px to the goal after the last step.
        ever: (n,) nearer than 4.5 px at some time.
        hit: (n,) nearer than √2 px at some time.
        crossed: (n,) in the goal's room after the last step.
        error: (n,) the squared distance to the goal in px², averaged over x and y, at the first time nearer than √2 px, and
            after the last step where there is none. A hit is an error below 1.
        steps: (n,) how many steps it took to come nearer than 4.5 px for the first time; NaN where that never was.
        detour: (n,) the length of the way to where that was and of the shortest way from there to the goal, over the length of the
            shortest way from start to goal. 1 is the least that is possible. NaN where it never was. Its inverse, averaged with 0
            for those that never were there, is the field's SPL (Anderson et al., 2018, arXiv:1807.06757), but for the end of the
            way: SPL counts what is walked to the last step.
        final: (n, 2) the last position.
        closest: (n, 2) the position that was nearest to the goal, as the crow flies.
    """

    at_end: Bool[Tensor, "n"]
    ever: Bool[Tensor, "n"]
    hit: Bool[Tensor, "n"]
    crossed: Bool[Tensor, "n"]
    error: Float[Tensor, "n"]
    steps: Float[Tensor, "n"]
    detour: Float[Tensor, "n"]
    final: Float[Tensor, "n 2"]
    closest: Float[Tensor, "n 2"]

    def summary(self) -> dict[str, float | int | list[float] | None]:
        """The trials together: shares with their 95 % intervals by Wilson, and means; those of steps and detour are over the
        trials that arrived. None where no trial has a number."""
        found: dict = {"count": len(self.at_end)}
        for name in ("at_end", "ever", "hit", "crossed"):
            share, low, high = wilson(int(getattr(self, name).sum()), len(self.at_end))
            found |= {name: share, f"{name}_interval": [low, high]}
        for name in ("error", "steps", "detour"):
            mean = float(getattr(self, name).nanmean())
            found[name] = None if mean != mean else mean
        return found

    def some(self, which: slice | Tensor) -> "Readings":
        """Those of a slice, of numbers or of a mask."""
        return Readings(*(getattr(self, each.name)[which] for each in fields(self)))

    def trials(self) -> list[dict[str, list[float] | int | None]]:
        """Each trial: ``{"final": [x, y], "closest": [x, y], "steps": …}``, to a 1000th of a pixel; steps are None without arrival."""
        rows = zip(self.final.tolist(), self.closest.tolist(), self.steps.tolist(), strict=True)
        return [
            {
                "final": [round(x, 3) for x in final],
                "closest": [round(x, 3) for x in closest],
                "steps": None if steps != steps else int(steps),
            }
            for final, closest, steps in rows
        ]


def read_trajectories(
    world: Rooms, layout: Layout, paths: Float[Tensor, "n moments state"], goals: Float[Tensor, "n state"]
) -> Readings:
    """All readings of n trials.

    Args:
        world: says which room a place is in, and how long the shortest way is.
        layout: of the worlds.
        paths: the positions, from the start to after the last step, in pixels. Numbers beyond x and y are not read.
        goals: where they should have gone.

    Raises:
        ValueError: a position is not finite.
    """
    if not paths.isfinite().all():
        raise ValueError("paths: got a position that is not finite, wanted pixels")
    n, row = len(paths), torch.arange(len(paths), device=paths.device)
    away = (paths - goals[:, None])[..., :2].norm(dim=-1)  # (n, moments)
    arrived, hit = away < ARRIVED, away < HIT
    last = away.shape[1] - 1
    first = torch.where(arrived.any(1), arrived.int().argmax(1), last)
    counted = torch.where(hit.any(1), hit.int().argmax(1), last)
    walked = torch.cat([away.new_zeros(n, 1), paths[..., :2].diff(dim=1).norm(dim=-1).cumsum(1)], 1)
    ways = world.path_length(
        layout, torch.stack([paths[:, 0], paths[row, first]], 1), goals
    )  # (n, from start or from there)
    never = torch.where(arrived.any(1), 0.0, torch.nan)
    return Readings(
        at_end=arrived[:, -1],
        ever=arrived.any(1),
        hit=hit.any(1),
        crossed=world.room(layout, paths[:, -1:])[:, 0] == world.room(layout, goals[:, None])[:, 0],
        error=away[row, counted].square() / 2,
        steps=first + never,
        detour=(walked[row, first] + ways[:, 1]) / ways[:, 0].clamp_min(1e-6) + never,
        final=paths[:, -1, :2],
        closest=paths[row, away.argmin(1), :2],
    )
