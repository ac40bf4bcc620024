"""Bouncing shapes: equal masses in a box, without friction, that bounce off its sides and off each other.

Shapes collide as discs of their ``radius``, whatever they look like, so the tips of a triangle may lie over a neighbour. A
bounce off a side is exact. A collision is found up to one substep late, and swaps the parts of the two velocities along the
line between the centres, as equal masses do that lose no energy; so energy and, in collisions, momentum stay to rounding.
"""

import math
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from wm_core.worlds.drawing import COLOURS, KINDS, Look, draw_hues, integers, uniform
from wm_core.worlds.film import Track, film

_TRIES = 256  # starting places drawn for each clip


class Bounces(NamedTuple):
    """Clips and what happens in them.

    Attributes:
        frames: (n, T, 3, size, size) in [0, 1].
        kind: (n, objects) index into `drawing.KINDS`: only discs, squares and triangles.
        colour: (n, objects) index into `drawing.COLOURS`.
        hue: (n, objects) in turns.
        radius: (n, objects) of the disc with the same area, in sides.
        angle: (n, objects) in radians. Nothing spins.
        position: (n, T, objects, 2) the centre (x, y), in sides, y down.
        velocity: (n, T, objects, 2) in sides per frame.
        struck: (n, T, objects) True where a shape has met another since the frame before.
        at_side: (n, T, objects) True where it has met a side of the box since then.
        texture: (n, 3, waves) weights of the background.
    """

    frames: Tensor
    kind: Tensor
    colour: Tensor
    hue: Tensor
    radius: Tensor
    angle: Tensor
    position: Tensor
    velocity: Tensor
    struck: Tensor
    at_side: Tensor
    texture: Tensor

    def take(self, index: Tensor | slice) -> "Bounces":
        """The clips at these places of the batch."""
        return Bounces(*(each[index] for each in self))


@dataclass(frozen=True)
class BouncingShapes(Look):
    """The world and how it looks; see `drawing.Look` for size, detail, texture and detail_over. The box is the picture.

    Attributes:
        frames: how many a clip has.
        radii: least and greatest radius, in sides.
        speeds: least and greatest speed at the start, in sides per frame.
        substeps: how many steps of the simulation make a frame.
    """

    frames: int = 16
    radii: tuple[float, float] = (0.1, 0.15)
    speeds: tuple[float, float] = (1 / 24, 2.4 / 24)
    substeps: int = 32

    def bounces(
        self,
        n: int,
        generator: torch.Generator,
        objects: int = 2,
        frames: int | None = None,
        device: torch.device | str | None = None,
    ) -> Bounces:
        """``n`` random clips of as many shapes, on ``device`` or else where the generator lives.

        Every shape starts apart from the others, in any direction.
        """
        if objects < 1:
            raise ValueError(f"objects is {objects}; wanted 1 or more")
        shape = (n, objects)
        kind, colour = integers(shape, generator, KINDS.index("plus")), integers(shape, generator, len(COLOURS))
        radius, heading = uniform(shape, generator, *self.radii), uniform(shape, generator, 0, 2 * math.pi)
        speed = uniform(shape, generator, *self.speeds)
        velocity = speed[..., None] * torch.stack([heading.cos(), heading.sin()], -1)
        angle, hue = uniform(shape, generator, 0, 2 * math.pi), draw_hues(colour, generator)
        factors = (kind, colour, hue, radius, angle, self._starts(radius, generator), velocity)
        factors = (each.to(device or generator.device) for each in (*factors, self.textures(n, generator)))
        kind, colour, hue, radius, angle, start, velocity, texture = factors
        time = self.frames if frames is None else frames
        position, velocity, struck, at_side = self.play(start, velocity, radius, time)
        still = (each[:, None].expand(-1, time, -1) for each in (kind, hue, radius, angle))
        track = Track(*still, position, velocity, torch.ones_like(struck))
        pictures, _ = film(self, texture, track, generator)
        return Bounces(pictures, kind, colour, hue, radius, angle, position, velocity, struck, at_side, texture)

    def play(
        self,
        position: Float[Tensor, "n objects 2"],
        velocity: Float[Tensor, "n objects 2"],
        radius: Float[Tensor, "n objects"],
        frames: int,
    ) -> tuple[
        Float[Tensor, "n {frames} objects 2"],
        Float[Tensor, "n {frames} objects 2"],
        Bool[Tensor, "n {frames} objects"],
        Bool[Tensor, "n {frames} objects"],
    ]:
        """Positions, velocities (sides per frame) and whom what has met since the last frame: another shape, or a side.

        The first frame is the start.
        """
        nobody = torch.zeros_like(radius, dtype=torch.bool)
        reel = [(position, velocity, nobody, nobody)]
        for _ in range(frames - 1):
            struck, at_side = nobody, nobody
            for _ in range(self.substeps):
                position = position + velocity / self.substeps
                position, velocity, met = _off_sides(position, velocity, radius)
                at_side = at_side | met
                velocity, met = _off_each_other(position, velocity, radius)
                struck = struck | met
            reel.append((position, velocity, struck, at_side))
        return tuple(torch.stack(each, 1) for each in zip(*reel, strict=True))

    def _starts(self, radius: Float[Tensor, "n objects"], generator: torch.Generator) -> Float[Tensor, "n objects 2"]:
        """Places in the box: for each clip the first of many draws in which nothing overlaps."""
        edge = radius[:, None, :, None]
        places = edge + (1 - 2 * edge) * uniform((len(radius), _TRIES, radius.shape[1], 2), generator)
        gaps = [_gap(places, radius[:, None], i, j) for i, j in combinations(range(radius.shape[1]), 2)]
        room = torch.stack([torch.ones_like(places[..., 0, 0]), *gaps]).amin(0)
        if not (room > 0).any(1).all():
            raise ValueError(
                f"objects is {radius.shape[1]} and radii {self.radii}; wanted fewer or smaller, to have room"
            )
        first = (room > 0).int().argmax(1)
        return places[torch.arange(len(radius), device=radius.device), first]


def energy(velocity: Float[Tensor, "*batch objects 2"]) -> Float[Tensor, "*batch"]:
    """Half the sum of squared speeds: the kinetic energy of equal masses of 1."""
    return 0.5 * velocity.square().sum((-1, -2))


def momentum(velocity: Float[Tensor, "*batch objects 2"]) -> Float[Tensor, "*batch 2"]:
    """The sum of the velocities."""
    return velocity.sum(-2)


def _gap(position: Tensor, radius: Tensor, i: int, j: int) -> Tensor:
    """How far the discs i and j are apart; negative where they overlap."""
    return (position[..., i, :] - position[..., j, :]).norm(dim=-1) - radius[..., i] - radius[..., j]


def _off_sides(position: Tensor, velocity: Tensor, radius: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What has gone beyond a side is mirrored in it."""
    low, high = radius[..., None], 1 - radius[..., None]
    below, above = position < low, position > high
    position = torch.where(below, 2 * low - position, torch.where(above, 2 * high - position, position))
    velocity = torch.where(below, velocity.abs(), torch.where(above, -velocity.abs(), velocity))
    return position, velocity, (below | above).any(-1)


def _off_each_other(position: Tensor, velocity: Tensor, radius: Tensor) -> tuple[Tensor, Tensor]:
    """Pairs that touch and come nearer swap their velocities along the line between their centres."""
    velocities, met = list(velocity.unbind(-2)), list(torch.zeros_like(radius, dtype=torch.bool).unbind(-1))
    for i, j in combinations(range(len(velocities)), 2):
        line = torch.nn.functional.normalize(position[..., j, :] - position[..., i, :], dim=-1)
        nearing = ((velocities[i] - velocities[j]) * line).sum(-1)
        hit = (_gap(position, radius, i, j) < 0) & (nearing > 0)
        swap = (nearing * hit)[..., None] * line
        velocities[i], velocities[j] = velocities[i] - swap, velocities[j] + swap
        met[i], met[j] = met[i] | hit, met[j] | hit
    return torch.stack(velocities, -2), torch.stack(met, -1)
